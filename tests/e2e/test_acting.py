"""Acting by keys in a real terminal on the demo's world."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.deck import ENTER, ESCAPE, Deck
from tui.sandbox.process import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One for each test: they change it."""
    with Sandbox(clock="manual") as sandbox:
        yield sandbox


@pytest.fixture(autouse=True)
def healthy() -> None:
    """Each has a sandbox of its own here."""


def gates(deck: Deck) -> None:
    deck.loaded()
    deck.send("7")
    deck.wait_for("Blocks")


def test_keys_of_one_burst_go_where_the_one_before_leads(config: Path) -> None:
    with Deck(config, size=(150, 40)) as deck:
        deck.loaded()
        deck.send(f"/acrx{ENTER}")
        deck.wait_for("0 of 16")
        deck.settle()
        assert "╭" not in deck.text, "they were typed, not done"
        deck.send(ESCAPE)
        deck.wait_for("deploy-model")
        gates(deck)
        deck.send(f"ay{ENTER}y{ENTER}")
        deck.wait_for("y Go on")
        deck.settle()
        assert "y Go on" in deck.text, "what was typed before it could be read is no answer"
        deck.send("n7")
        deck.wait_for(lambda: "╭" not in deck.text)


def test_the_waiting_canary_is_found_inspected_and_approved(sandbox: Sandbox, config: Path) -> None:
    with Deck(config, size=(150, 40)) as deck:
        gates(deck)
        deck.send("a")
        deck.wait_for("y Go on")
        deck.settle()
        for text in ("3f09dec4 → 9f21ee86", "Report calibration", "tests, ", "rolling back"):
            assert text in deck.text
        deck.send("y")
        deck.wait_for("Type production to confirm")
        deck.settle()
        deck.send(f"production{ENTER}")
        deck.wait_for("y Yes, all the same")
        deck.settle()
        deck.send("y")
        deck.wait_for(lambda: "╭" not in deck.text)
        deck.wait_for("» promote")
        sandbox.control.advance(120)
        deck.refresh_until(lambda: "gitlab:ml/fraud#1893/promote!play: done" in " ".join(deck.text.split()))
