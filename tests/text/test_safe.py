import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.logs.neutral import neutral
from tui.text.safe import clean, clean_lines, shorten


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain [red]title[/]", "plain [red]title[/]"),
        ("a\x1b[31mb\x1b]0;title\x07c", "abc"),
        ("x\x1b]52;c;ZXZpbA==\x07y", "xy"),
        ("\x9b31mred", "31mred"),
        ("\u202eevil\u2066", "evil"),
        ("⚠\ufe0f ok 失敗 ✅", "⚠ ok 失敗 ✅"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("a\x1bPq~\x1b\\b", "ab"),
        ("unterminated \x1b]0;abc", "unterminated "),
        ("lone \x1b", "lone "),
        ("two\nlines\tand a tab\r", "two lines    and a tab"),
        ("nul\x00bel\x07", "nulbel"),
        ("👩\u200d💻\ufeff", "👩💻"),
        ("a\U000e0041\U000e007fb", "ab"),
        ("pass\u00adword", "password"),
        ("\ufff9base\ufffanote\ufffb", "basenote"),
        ("a\u3164b\u115fc\u1160d\uffa0", "abcd"),
        ("a\u034f\u180e\u206a\u17b4\ufe00\U000e0100b", "ab"),
        ("e\u0301\u0302\u0303\u0304", "e\u0301\u0302\u0303\u0304"),
        ("Z\u0301\u0302\u0303\u0304\u0305\u0306a\u0e49", "Z\u0301\u0302\u0303\u0304a\u0e49"),
        ("ก" + "\u0e49" * 50, "ก" + "\u0e49" * 4),
        ("Z" + "\u0301\u200d" * 50, "Z" + "\u0301" * 4),
        ("a" + "\U0001e8d0" * 9, "a" + "\U0001e8d0" * 4),
        ("привет мир, नमस्ते", "привет мир, नमस्ते"),
    ],
)
def test_nothing_is_left_that_a_terminal_obeys(text: str, safe: str) -> None:
    assert clean(text) == safe


@given(st.text())
def test_clean_text_is_clean_and_stays_so(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in once)


def test_no_format_character_is_left_whatever_its_script() -> None:
    seen = [chr(code) for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) == "Cf"]
    assert clean("".join(seen)) == ""


def test_a_logs_line_is_made_safe_just_so() -> None:
    for first in range(0xA0, sys.maxunicode + 1, 0x800):
        chars = [chr(code) for code in range(first, min(first + 0x800, sys.maxunicode + 1))]
        text = "x".join(char for char in chars if not "\ud800" <= char <= "\udfff") + "\n"
        assert neutral(text.encode()).decode().rstrip("\n") == clean(text.rstrip("\n"))


def test_colours_between_them_do_not_let_marks_pass_in_a_log() -> None:
    style = b"\x1b[31m"
    text = b"Z" + (style + "\u0301".encode()) * 50 + b"\x1b[0m\n"
    assert neutral(text).decode().count("\u0301") == 4
    assert neutral(text).count(style) == 50


def test_shorten_says_that_something_is_missing() -> None:
    assert shorten("abcdef", 6) == "abcdef"
    assert shorten("abcdef", 5) == "abcd…"


def test_lines_stay_and_each_is_clean() -> None:
    assert clean_lines("a\r\n\tb\x1b[31m red\x1b[0m\n\n10 %\r100 %\n\n") == "a\n    b red\n\n100 %"


def test_of_a_long_text_the_middle_is_left_out_and_counted() -> None:
    text = "".join(f"{n:04}\n" for n in range(1000))
    cut = clean_lines(text, 100).splitlines()
    assert cut[0] == "0000"
    assert cut[-1] == "0999"
    assert "… 4,900 characters left out …" in cut
    assert clean_lines(text, 5000) == text.rstrip()


@given(st.text())
def test_no_line_is_unclean(text: str) -> None:
    assert all(clean(line) == line for line in clean_lines(text).split("\n"))
