"""What a person sees when a server is in trouble: the last picture, marked, and why."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.e2e.deck import CTRL_R, Deck
from tests.e2e.settings import write_config
from tui.sandbox.process import Sandbox

PipelineFace = Literal["jenkins", "gitlab"]
FACES: tuple[PipelineFace, ...] = ("jenkins", "gitlab")
ROWS = {"jenkins": ("deploy-model", "failing-pipeline"), "gitlab": ("ml/features/store", "ml/sandbox")}
"""Pipelines of each face that do not run."""
PIPELINES = 17
OTHER: dict[PipelineFace, PipelineFace] = {"jenkins": "gitlab", "gitlab": "jenkins"}
STALE = re.compile(r"(?<!,) ~<?\d+[smhd]\b")
"""The age of a row that is not what the server says now; ``, ~2m left`` is something else."""

REASONS = {
    "down": ("unreachable", "refuses connections; is it running, is the port right?"),
    "401": ("not logged in", "answered 401 to"),
    "403": ("not permitted", "answered 403 to"),
    "429": ("rate limited", "answered 429 to"),
    "500": ("server error", "answered 500 to"),
    "503": ("unavailable", "answered 503 to"),
    "html": ("wrong answer", "a web page instead of JSON"),
    "truncated": ("wrong answer", "is cut off or not JSON"),
    "mistyped": ("wrong answer", "is not what"),
}


@pytest.fixture(scope="module")
def shared(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deck]:
    """One deck for all tests of this file."""
    folder = tmp_path_factory.mktemp("faults")
    with Deck(write_config(sandbox.settings(), folder / "config.toml")) as deck:
        deck.loaded()
        yield deck


@pytest.fixture
def deck(shared: Deck) -> Deck:
    """The shared deck, with the list in front and all well, whatever happened to the test before."""
    shared.send("1")
    shared.refresh_until(lambda: well(shared) and len(shared.rows()) == PIPELINES)
    return shared


def in_trouble(deck: Deck, face: PipelineFace, word: str) -> bool:
    return f"✗ {face} {word}, read " in deck.header and all(
        STALE.search(deck.row(name)) for name in ROWS[face]
    )


def well(deck: Deck) -> bool:
    troubled = any(f"✗ {face}" in deck.header for face in FACES)
    return not troubled and not any(STALE.search(row) for row in deck.rows())


@pytest.mark.parametrize("face", FACES)
@pytest.mark.parametrize("kind", REASONS)
def test_a_source_in_trouble_keeps_its_picture_and_says_why(
    sandbox: Sandbox, deck: Deck, face: PipelineFace, kind: Any
) -> None:
    word, reason = REASONS[kind]
    asked = sandbox.control.requests(OTHER[face])
    sandbox.control.fault(face, kind, seconds=1)
    deck.refresh_until(lambda: in_trouble(deck, face, word))
    assert len(deck.rows()) == PIPELINES
    for name in ROWS[OTHER[face]]:
        assert deck.row(name)
        assert not STALE.search(deck.row(name)), "the other source is well"
    assert f"✗ {OTHER[face]}" not in deck.header
    deck.wait_for(lambda: sandbox.control.requests(OTHER[face]) > asked)

    sheet = deck.sources_sheet()
    assert f"trouble {word}: {face}" in sheet
    assert reason in sheet

    sandbox.control.fault(face, None)
    deck.refresh_until(lambda: well(deck))
    assert len(deck.rows()) == PIPELINES
    assert "trouble" not in deck.sources_sheet()


@pytest.mark.parametrize("face", FACES)
def test_a_pause_that_the_server_asks_for_is_kept(sandbox: Sandbox, deck: Deck, face: PipelineFace) -> None:
    pause, on_its_way = 4.0, 1.0
    begun = time.monotonic()
    sandbox.control.fault(face, "429", seconds=pause)
    deck.refresh_until(lambda: in_trouble(deck, face, "rate limited"))
    deck.watch(on_its_way)
    asked = sandbox.control.requests(face)
    while (left := begun + pause - time.monotonic()) > 0:
        deck.send(CTRL_R)
        deck.watch(min(0.3, left))
        # Counted first: what it asks after the pause is its right.
        if (now := sandbox.control.requests(face)) and time.monotonic() < begun + pause:
            assert now == asked, "it asked before the pause was over"
    sandbox.control.fault(face, None)
    deck.refresh_until(lambda: well(deck))
    assert sandbox.control.requests(face) > asked


def test_a_source_that_was_never_read_says_so_in_the_list(sandbox: Sandbox, config: Path) -> None:
    sandbox.control.fault("jenkins", "down")
    with Deck(config) as deck:
        deck.wait_for("ml/features/store")
        deck.wait_for("✗ jenkins unreachable, never read")
        deck.wait_for("jenkins: unreachable: jenkins at 127.0.0.1:")
        sandbox.control.fault("jenkins", None)
        deck.refresh_until(lambda: bool(deck.row("deploy-model")) and well(deck))
        assert "unreachable" not in deck.text


def test_metrics_that_cannot_be_read_keep_their_charts(sandbox: Sandbox, deck: Deck) -> None:
    deck.send("3")
    deck.wait_for("⠤c⠤ canary")
    sandbox.control.fault("prometheus", "503")
    deck.refresh_until(lambda: "~ unavailable" in deck.text)
    assert "⠤c⠤ canary" in deck.text
    assert well(deck)
    sandbox.control.fault("prometheus", None)
    deck.refresh_until(lambda: "~ unavailable" not in deck.text)
