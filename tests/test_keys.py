"""The key registry: what it says is what the program does."""

import pytest
from textual.binding import Binding
from textual.widget import Widget

from tui.config import ConfigError
from tui.keys import ACTIONS, help_sections, keymap, last_hints, spell
from tui.pane_registry import PANES
from tui.panes.base import pane_class
from tui.screens.deck import DeckScreen
from widgets.log.view import LogView
from widgets.table.line_table import LineTable


def test_every_action_can_be_carried_out() -> None:
    owners: dict[str, type[Widget]] = {"everywhere": DeckScreen, "acting": DeckScreen}
    owners |= {spec.scope: pane_class(spec) for spec in PANES}
    for action in ACTIONS:
        if action.scope in owners:
            assert hasattr(owners[action.scope], f"action_{action.command.partition('(')[0]}"), action.id


@pytest.mark.parametrize(("widget", "scope"), [(LineTable, "tables"), (LogView, "lines")])
def test_the_widgets_own_keys_are_the_registered_ones(widget: type[Widget], scope: str) -> None:
    declared = {
        binding.id: set(binding.key.split(",")) for binding in widget.BINDINGS if isinstance(binding, Binding)
    }
    assert declared == {action.id: set(action.keys) for action in ACTIONS if action.scope == scope}


def test_a_configured_key_takes_the_place_of_the_built_in_ones() -> None:
    keys = keymap({"quit": "f10, ctrl+x"})
    assert keys["quit"] == ("f10", "ctrl+x")
    assert ("Ctrl-P", "all") in [each[:2] for each in last_hints(keymap({"palette": "ctrl+p, f3"}))]
    assert any(("F10  Ctrl-X", "Quit") in lines for _, lines in help_sections(keys))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ({"quitt": "x"}, "ui.keys.quitt: there is no such action (did you mean quit?)"),
        ({"zzz": "x"}, "ui.keys.zzz: there is no such action (known: help,"),
        ({"quit": " , "}, 'ui.keys.quit: names no key; write for example quit = "ctrl+x"'),
        ({"sort": "q"}, "ui.keys.sort: q already means leave; give one of them another key"),
        ({"filter": "j"}, "ui.keys.filter: j already means table.down; give one of them another key"),
    ],
)
def test_a_mistaken_keymap_is_told(override: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        keymap(override)
    assert str(caught.value).startswith(message)


def test_keys_are_spelt_as_people_write_them() -> None:
    assert [spell(key) for key in ("ctrl+p", "slash", "f1", "G", "pageup")] == [
        "Ctrl-P",
        "/",
        "F1",
        "G",
        "PgUp",
    ]
