"""Acting by keys in a real terminal on the demo's world."""

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.e2e.deck import ENTER, ESCAPE, F2, Deck
from tests.e2e.settings import write_config
from tui.sandbox.process import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """One for each test: they change it."""
    with Sandbox(clock="manual") as sandbox:
        yield sandbox


def gates(deck: Deck) -> None:
    """Go to the gates, to the one that waits for longest."""
    deck.send("7g")
    deck.wait_for(lambda: RELEASE.search(deck.text) is not None)


def test_keys_of_one_burst_go_where_the_one_before_leads(config: Path) -> None:
    with Deck(config, size=(150, 40)) as deck:
        deck.loaded()
        deck.send(f"/acrx{ENTER}")
        deck.wait_for("0 of 17")
        deck.settle()
        assert "╭" not in deck.text, "they were typed, not done"
        deck.send(ESCAPE)
        deck.wait_for(lambda: "0 of 17" not in deck.text)
        gates(deck)
        deck.send(f"ay{ENTER}y{ENTER}")
        deck.wait_for("y Go on")
        deck.settle()
        assert "y Go on" in deck.text, "what was typed before it could be read is no answer"
        deck.send("n7")
        deck.wait_for(lambda: "╭" not in deck.text)


def on_the_model(deck: Deck) -> None:
    """Select the model's release, whose canary waits, and see its deployments."""
    deck.loaded()
    deck.send(
        "gjj"
    )  # the first row is another one while one of the lists is missing, and the cursor stays on that
    deck.wait_for("❯◊ ml/fraud")
    deck.send("5")
    deck.wait_for(lambda: STABLE_BEFORE.search(deck.text) is not None)


def asked(deck: Deck, word: str) -> None:
    deck.wait_for(f"y {word}")  # it shows what can be answered when it hears


def done(deck: Deck, what: str) -> None:
    """In the journal: a notice gives way to the next one, which may come at once."""
    deck.send("9g")
    deck.refresh_until(lambda: re.search(f"{what}.* done: ", deck.text) is not None)


RELEASE = re.compile(r"❯◊ +\S[\dhm ]+ promote +ml/fraud#1851 ")
STABLE_BEFORE, STABLE_AFTER = re.compile("6499beb3 +✓ stable"), re.compile("76d0b686 +✓ stable")


def test_the_waiting_canary_is_found_inspected_and_approved(sandbox: Sandbox, config: Path) -> None:
    with Deck(config, size=(150, 40)) as deck:
        on_the_model(deck)
        gates(deck)
        deck.send("a")
        asked(deck, "Go on")
        assert "✗ DO NOT PROMOTE: WORSE: " in deck.text
        assert "─ facts · name · version ─╮" in deck.text
        deck.send(ENTER)
        deck.wait_for(lambda: "╭" not in deck.text)
        assert "3 waiting" in deck.header, "No is the default"
        deck.send("a")
        asked(deck, "Go on")
        for text in ("against it", "it does", "way back", "6499beb3 comes back"):
            assert text in deck.text
        deck.send(F2)
        deck.wait_for("F2 what decides")
        pages = ""
        while deck.text not in pages:
            pages += deck.text
            deck.send(" ")
            deck.settle()
        for text in ("6499beb3 → 76d0b686", "tests failed", "Report calibration"):
            assert text in pages
        deck.send("y")
        deck.wait_for("─ ✓ facts · name · version ─╮")
        asked(deck, "Go on")
        deck.send(f"production{ENTER}")
        asked(deck, "Yes, promote")
        deck.send(f"76d0b686{ENTER}")
        deck.wait_for(lambda: "╭" not in deck.text)
        deck.wait_for("◦ promote accepted")
        sandbox.control.advance(20)
        done(deck, "promote +gitlab:ml/fraud")
        deck.send("5")
        deck.refresh_until(lambda: STABLE_AFTER.search(deck.text) is not None)


@pytest.fixture
def strict(sandbox: Sandbox, tmp_path: Path) -> Path:
    """A config whose limit of errors the canary, which gets worse all the time, is beyond already."""
    settings = sandbox.settings()
    replace = msgspec.structs.replace
    errors = replace(settings.metrics["errors"], fail=0.8, max_age="1h")
    fraud = replace(settings.models["fraud"], metrics=("errors", "accuracy"))
    changed = replace(
        settings, models=settings.models | {"fraud": fraud}, metrics=settings.metrics | {"errors": errors}
    )
    return write_config(changed, tmp_path / "strict.toml")


def test_a_degrading_canary_is_refused_twice_and_taken_back(sandbox: Sandbox, strict: Path) -> None:
    with Deck(strict, size=(150, 40)) as deck:
        on_the_model(deck)
        deck.wait_for("✗ DO NOT PROMOTE")
        gates(deck)
        deck.send("a")
        asked(deck, "Go on")
        assert "✗ DO NOT PROMOTE: WORSE: " in deck.text
        assert "─ facts · name · version ─╮" in deck.text
        deck.send(ENTER)
        deck.wait_for(lambda: "╭" not in deck.text)
        deck.send("a")
        asked(deck, "Go on")
        for words in ("✗ DO NOT PROMOTE: WORSE: errors", "beyond the fail"):
            assert words in deck.text
        deck.send("y")
        deck.wait_for("Type production to confirm")
        asked(deck, "Go on")
        deck.send(f"production{ENTER}")
        deck.wait_for("─ ✓ facts · ✓ name · version ─╮")
        asked(deck, "Yes, promote")
        for words in ("✗ DO NOT PROMOTE: WORSE: errors", "Type 76d0b686 to promote it all the same"):
            assert words in deck.text
        deck.send(ESCAPE)
        deck.wait_for(lambda: "╭" not in deck.text)
        deck.settle()
        assert "promote" not in deck.header
        deck.send("5")
        deck.wait_for("change failures")  # above them all
        deck.send("gj")
        deck.wait_for("❯▸ production")
        deck.send("b")
        asked(deck, "Yes, roll back")
        assert "76d0b686 → 6499beb3" in deck.text
        deck.send(f"\x1b[Zthe errors{ENTER}production{ENTER}")
        deck.wait_for("» rollback")
        sandbox.control.advance(120)
        done(deck, "rollback gitlab:ml/fraud@pro")
        deck.settle()
        deck.send("d")
        deck.wait_for("the errors")
