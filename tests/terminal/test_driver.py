"""What the driver sends for a desktop notification."""

from typing import Literal

from hypothesis import given
from hypothesis import strategies as st

from tui.terminal.driver import desktop_sequence

HOSTILE = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x07\\;]P\x9c\x9d\u202e\n")))


@given(HOSTILE, st.sampled_from(["osc9", "osc777"]), st.booleans())
def test_other_peoples_text_stays_within_the_sequence(
    text: str, kind: Literal["osc9", "osc777"], tmux: bool
) -> None:
    sent = desktop_sequence(text, kind, tmux=tmux)
    if tmux:
        assert sent.startswith("\x1bPtmux;\x1b\x1b]")
        assert sent.endswith("\x07\x1b\\")
        sent = sent.removeprefix("\x1bPtmux;\x1b").removesuffix("\x1b\\")
    begin = "\x1b]9;Pipedeck: " if kind == "osc9" else "\x1b]777;notify;Pipedeck;"
    assert sent.startswith(begin)
    words = sent.removeprefix(begin)[:-1]
    assert sent.endswith("\x07")
    assert all(char.isprintable() or char == " " or ord(char) > 0x9F for char in words)
    assert "\x07" not in words
    assert kind == "osc9" or ";" not in words
    assert len(words) <= 200


def test_long_words_are_cut() -> None:
    assert len(desktop_sequence("x" * 5000, "osc9", tmux=False)) < 230
