"""A log that grows, followed in the deck through a lost server to its end."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.deck import CTRL_R, ENTER, Deck
from tui.logs.jenkins import JenkinsParser
from tui.logs.neutral import without_styles
from tui.sandbox.process import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One for each test: they move its clock."""
    with Sandbox(clock="manual") as sandbox:
        yield sandbox


def canonical(raw: bytes) -> str:
    """What a log should look like, parsed in one piece."""
    parser = JenkinsParser()
    batches = [*parser.feed(raw), *parser.finish()]
    return "".join(without_styles(lines.text).decode() for lines in batches)


def only(deck: Deck, name: str) -> None:
    """Filter the list down to the one pipeline of that name."""
    deck.send("/")
    deck.wait_for(" of 17")
    deck.send(f"{name}")
    deck.wait_for("1 of 17")
    deck.send(ENTER)
    deck.wait_for(lambda: deck.rows()[0].startswith("❯"))


BELOW_THE_START = re.compile(r"following +(?!1-)\d+-\d+ of ")
"""There is more of the log than the screen holds, or what leads to its start would change nothing."""


def status(deck: Deck) -> str:
    """What the log says of itself below."""
    return deck.text.split("\n")[-2].strip()


def test_a_growing_log_is_followed_to_its_end(sandbox: Sandbox, config: Path, tmp_path: Path) -> None:
    saved = tmp_path / "saved.log"
    with Deck(config, size=(150, 40)) as deck:
        deck.loaded()
        only(deck, "train-resnet")
        deck.send("l")
        deck.wait_for(lambda: "following" in deck.text.split("\n")[3])
        address = deck.text.split("\n")[3].split("  ")[0].strip()
        deck.resize(150, 14)
        sandbox.control.advance(5)
        deck.wait_for(lambda: BELOW_THE_START.match(status(deck)) is not None)

        deck.send("g")
        deck.wait_for(lambda: not status(deck).startswith("following") and "Started by" in deck.text)
        sandbox.control.advance(15)
        deck.wait_for(lambda: " new" in status(deck))

        sandbox.control.fault("jenkins", "down")
        deck.wait_for("unreachable")
        sandbox.control.advance(10)
        sandbox.control.fault("jenkins", None)
        deck.refresh_until(lambda: "unreachable" not in deck.text.split("\n")[3])

        sandbox.control.advance(600)
        deck.refresh_until(lambda: "complete" in deck.text.split("\n")[3])
        deck.send("s")
        deck.wait_for(".log")
        deck.send("\x15")
        deck.wait_for(lambda: status(deck) == "save to:")
        deck.send(f"{saved}{ENTER}")
        deck.wait_for("Saved to")
    truth = sandbox.control.log(address)
    assert saved.read_text(encoding="utf-8") == canonical(truth)
    assert len(truth) > 100


def test_searching_and_folding_a_finished_log(config: Path) -> None:
    with Deck(config, size=(100, 30)) as deck:
        deck.wait_for("failing-pipeline")
        only(deck, "failing-pipeline")
        deck.send("l")
        deck.wait_for("Finished: FAILURE")
        deck.send("/")
        deck.wait_for(lambda: status(deck).startswith("/"))
        deck.send("cuda")
        deck.wait_for("1 of ")
        deck.send(ENTER)
        deck.wait_for(lambda: not status(deck).startswith("/") and "CUDA out of memory" in deck.text)
        deck.send("g")
        deck.wait_for("[Pipeline] Start of Pipeline")
        deck.send("Z")
        deck.wait_for("▸ ")
        deck.send("ZGE")
        deck.wait_for("▾ ")
        deck.send("q")
        deck.wait_for("Pipeline ")
        deck.send(CTRL_R)
        deck.send("q")
        code, _ = deck.wait_exit()
        assert code == 0
