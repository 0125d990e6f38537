"""What has been done when the first frame is on the screen: only what it shows."""

import sys
from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from tests.e2e.settings import write_config
from tests.e2e.terminal import Terminal
from tui.sandbox.process import Sandbox

WITNESS = """
import gc, json, sys
from tui import cli
from textual.app import App

display = App._display
def watched(app, screen, renderable):
    display(app, screen, renderable)
    if renderable is not None and not app._batch_count:
        App._display = display
        told = {
            "modules": sorted(sys.modules),
            "screens": [type(each).__name__ for each in app.screen_stack],
            "nodes": [type(each).__name__ for each in app.screen.walk_children()],
            "asked": len(list(app.runtime.sources)),
            "garbage": gc.isenabled(),
            "turn": sys.getswitchinterval(),
        }
        with open(sys.argv.pop(1), "w") as file:
            json.dump(told, file)
App._display = watched
sys.exit(cli.main(sys.argv[2:]))
"""


class Frame(msgspec.Struct, frozen=True):
    """What was there with the first frame."""

    modules: list[str]
    screens: list[str]
    nodes: list[str]
    asked: int
    garbage: bool
    turn: float


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Frame:
    folder = tmp_path_factory.mktemp("first")
    with Sandbox(clock="manual") as sandbox:
        config = write_config(sandbox.settings(), folder / "config.toml")
        told = folder / "told.json"
        command: list[Any] = [sys.executable, "-c", WITNESS, told, "--config", config]
        with Terminal(command) as terminal:
            terminal.wait_for("deploy-model")
            terminal.send("\x11")
            assert terminal.wait_exit()[0] == 0
    return msgspec.json.decode(told.read_bytes(), type=Frame)


def within(modules: Iterable[str], *packages: str) -> set[str]:
    return {name for name in modules if name.startswith(packages)}


def test_there_is_one_screen_with_one_pane(first: Frame) -> None:
    assert first.screens == ["DeckScreen"]
    assert [name for name in first.nodes if name.endswith("Pane")] == ["PipelinesPane"]


def test_no_source_was_made(first: Frame) -> None:
    assert first.asked == 0


def test_nobody_has_looked_for_garbage(first: Frame) -> None:
    assert not first.garbage


def test_no_thread_holds_a_key_up_for_long(first: Frame) -> None:
    assert first.turn <= 0.001


def test_what_the_other_panes_need_was_not_imported(first: Frame) -> None:
    beside = {"action_progress", "base", "filterable", "pipeline_views", "pipelines", "selectable"}
    assert within(first.modules, "tui.panes.") == {f"tui.panes.{each}" for each in beside}
    assert not within(
        first.modules,
        "tui.presenters.comparison",
        "tui.presenters.documents",
        "tui.presenters.environments",
        "tui.insight.environments",
        "widgets.chart",
        "widgets.log.",
    )


def test_no_library_of_a_source_was_imported(first: Frame) -> None:
    assert not within(first.modules, "httpx", "requests", "urllib3", "gitlab", "jenkins", "tui.sources.http")
