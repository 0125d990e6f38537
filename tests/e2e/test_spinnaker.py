"""Spinnaker by keys in a real terminal: a Jenkins stage followed, a judgment approved, a version taken back."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.e2e.deck import ENTER, Deck
from tests.e2e.settings import write_config
from tui.sandbox.process import Sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox("tour", clock="manual") as sandbox:
        yield sandbox


@pytest.fixture
def config(sandbox: Sandbox, tmp_path: Path) -> Path:
    """Of the model that Spinnaker delivers, without metrics: those are another test's."""
    settings = sandbox.settings()
    ranking = msgspec.structs.replace(settings.models["ranking"], metrics=(), requests="")
    sources = {name: settings.sources[name] for name in ("spinnaker", "jenkins")}
    only = msgspec.structs.replace(settings, sources=sources, models={"ranking": ranking}, metrics={})
    return write_config(only, tmp_path / "config.toml")


def words(deck: Deck) -> str:
    return " ".join(deck.text.split())


def on_the_delivery(deck: Deck) -> None:
    deck.send(f"1/ranking/Deploy{ENTER}")
    deck.wait_for("❯◊ ranking/Deploy")
    deck.wait_for("Manual Judgment: anybody")


def consent(deck: Deck, name: str) -> None:
    """Type the name that production asks for."""
    deck.wait_for(f"Type {name} to confirm")
    deck.wait_for("y Yes")
    deck.send(f"{name}{ENTER}")
    deck.wait_for(lambda: "╭" not in deck.text)


def test_followed_approved_and_taken_back(sandbox: Sandbox, config: Path) -> None:
    with Deck(config, size=(170, 45)) as deck:
        deck.wait_for("ranking/Deploy")
        on_the_delivery(deck)
        deck.send("2")
        deck.wait_for("◊• Manual Judgment")
        deck.send("gj")
        deck.wait_for("❯✓  └─ jenkins:ml-service")
        deck.send(ENTER)
        deck.wait_for("Checkout SCM")
        assert "jenkins:ml-service/main#" in deck.text
        on_the_delivery(deck)
        deck.send("a")
        deck.wait_for("y Go on")  # what decides is read first
        deck.send("y")
        consent(deck, "production")
        deck.wait_for(lambda: len(sandbox.control.writes("spinnaker")) == 1)
        sandbox.control.advance(20)
        deck.refresh_until(lambda: "✓ ranking/Deploy" in deck.text)
        (judged,) = sandbox.control.writes("spinnaker")
        assert (judged.method, "/stages/" in judged.path, judged.body) == (
            "PATCH",
            True,
            '{"judgmentStatus":"continue"}',
        )
        deck.send("5")
        deck.refresh_until(lambda: "2026.11.5 ✓ stable" in words(deck))
        deck.send("b")
        consent(deck, "production")
        deck.wait_for(lambda: len(sandbox.control.writes("spinnaker")) == 2)
        sandbox.control.advance(30)
        deck.refresh_until(lambda: "2026.11.4 ✓ stable" in words(deck))
        assert sandbox.control.writes("spinnaker")[1].body.startswith(
            '{"type":"manual","parameters":{"VERSION":"2026.11.4"},"correlationId":"'
        )
