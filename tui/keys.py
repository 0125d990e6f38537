"""What every key does: the registry behind bindings, the keymap, the palette, the help sheet and ``docs/keys.md``.

The keys of panes stand in their lines (:mod:`tui.pane_registry`), those that act in the table of kinds of action
(:mod:`tui.domain.action_kinds`), the others here. Plain data, without Textual, so
that commands can check a configured keymap too.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from tui.config import ConfigError
from tui.domain.action_kinds import ACTION_KINDS
from tui.pane_registry import PANES, SPECS, Action

if TYPE_CHECKING:
    from textual.binding import BindingType

ACTIONS: tuple[Action, ...] = (
    Action("help", ("question_mark", "f1"), "This help", "help"),
    *(Action(f"pane_{spec.scope}", spec.go, spec.go_words, call=f"go('{spec.scope}')") for spec in PANES),
    Action("log", ("l",), "Log of what is under the cursor, filling the screen", "log"),
    Action("next_pane", ("tab",), "Next pane", "next pane"),
    Action("previous_pane", ("shift+tab",), "Previous pane"),
    Action("fill", ("plus",), "Let this pane fill the screen, and back", "fill"),
    Action("older_run", ("left_square_bracket",), "Older run of the pipeline"),
    Action("newer_run", ("right_square_bracket",), "Newer run of the pipeline"),
    Action("sources", ("i",), "Sources: health, version, requests", "sources"),
    Action("refresh", ("ctrl+r",), "Ask again now for what is on screen"),
    Action("copy_address", ("y",), "Copy the address under the cursor"),
    Action("copy_url", ("Y",), "Copy the web address under the cursor"),
    Action("redraw", ("ctrl+l",), "Draw the screen anew"),
    Action("suspend", ("ctrl+z",), "Suspend, as in a shell"),
    Action("palette", ("ctrl+p",), "Command palette"),
    Action("quit", ("q", "ctrl+q", "ctrl+c"), "Quit", "quit"),
    Action("clear_filter", ("escape",), "Clear the marks or the filter, or leave a filled screen"),
    Action("menu", ("enter",), "All that can be done to what is under the cursor", "menu", scope="acting"),
    *(
        Action(
            row.action_id,
            row.keys,
            row.key_words,
            row.hint,
            call=f"act('{row.kind.value}')",
            scope="acting",
        )
        for row in ACTION_KINDS.values()
        if row.action_id is not None
    ),
    Action("mark", ("m",), "Mark it, or not: the next action is for all that is marked", scope="acting"),
    *(action for spec in PANES for action in spec.actions),
    Action("log.down", ("down", "j"), "Down", scope="lines"),
    Action("log.up", ("up", "k"), "Up", scope="lines"),
    Action("log.page_down", ("space", "pagedown", "f"), "A page down", scope="lines"),
    Action("log.page_up", ("b", "pageup"), "A page up", scope="lines"),
    Action("log.half_page_down", ("d",), "Half a page down", scope="lines"),
    Action("log.half_page_up", ("u",), "Half a page up", scope="lines"),
    Action(
        "log.first", ("g", "home"), "To the beginning, or with a number before it to that line", scope="lines"
    ),
    Action("log.last", ("G", "end"), "To the end and follow, or to that line", scope="lines"),
    Action("log.follow", ("F",), "To the end and follow", "follow", scope="lines"),
    Action("log.percent", ("p", "percent_sign"), "To that percentage", scope="lines"),
    Action("log.right", ("right",), "To the right", scope="lines"),
    Action("log.left", ("left",), "To the left", scope="lines"),
    Action("log.search", ("slash",), "Search as you type", "search", scope="lines"),
    Action("log.next_match", ("n",), "Next match", scope="lines"),
    Action("log.previous_match", ("N",), "Previous match", scope="lines"),
    Action("log.next_error", ("e",), "Next error", "error", scope="lines"),
    Action("log.previous_error", ("E",), "Previous error", scope="lines"),
    Action("log.go", ("colon",), "Go to a line or a time", scope="lines"),
    Action("log.fold", ("z",), "Fold or unfold the section", "fold", scope="lines"),
    Action("log.fold_all", ("Z",), "Fold or unfold all sections", scope="lines"),
    Action("log.wrap", ("w",), "Wrap long lines, or not", scope="lines"),
    Action("log.numbers", ("number_sign",), "Line numbers on and off", scope="lines"),
    Action("log.times", ("t",), "Times on and off", scope="lines"),
    Action("log.select", ("v",), "Select lines, or no more", scope="lines"),
    Action("log.copy", ("y",), "Copy the line or the selected lines", scope="lines"),
    Action("log.cancel", ("escape",), "Select and highlight nothing", scope="lines"),
    Action("table.up", ("up", "k"), "Up", scope="tables"),
    Action("table.down", ("down", "j"), "Down", scope="tables"),
    Action("table.page_up", ("pageup",), "A page up", scope="tables"),
    Action("table.page_down", ("pagedown",), "A page down", scope="tables"),
    Action("table.first", ("home", "g"), "To the first", scope="tables"),
    Action("table.last", ("end", "G"), "To the last", scope="tables"),
    Action("table.fold_or_unfold", ("space",), "Fold or unfold a group", scope="tables"),
    Action("table.unfold", ("right",), "Unfold a group", scope="tables"),
    Action("table.fold", ("left",), "Fold a group", scope="tables"),
)

_BY_ID: Mapping[str, Action] = {action.id: action for action in ACTIONS}


def keymap(overrides: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The keys of every action with ``overrides`` (action id to comma-separated keys) in place.

    Raises:
        ConfigError: an unknown action, an empty value, or one key for two actions that can be meant at once.
    """
    keys = {action.id: action.keys for action in ACTIONS}
    for name, text in overrides.items():
        if name not in _BY_ID:
            near = difflib.get_close_matches(name, _BY_ID, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_BY_ID)}"
            raise ConfigError(f"ui.keys.{name}: there is no such action ({hint})")
        chosen = tuple(part.strip() for part in text.split(",") if part.strip())
        if not chosen:
            raise ConfigError(f'ui.keys.{name}: names no key; write for example {name} = "ctrl+x"')
        keys[name] = chosen
    taken: dict[tuple[str, str], str] = {}
    for action in ACTIONS:
        for key in keys[action.id]:
            for scope in (spec.scope for spec in PANES if action.scope in spec.heard):
                if other := taken.get((scope, key)):
                    mine, its = (action.id, other) if action.id in overrides else (other, action.id)
                    raise ConfigError(
                        f"ui.keys.{mine}: {key} already means {its}; give one of them another key"
                    )
                taken[scope, key] = action.id
    return keys


def bindings(scope: str) -> "list[BindingType]":
    """Textual bindings of one scope; their ids are the action ids, for ``App.set_keymap``.

    Those of ``tables`` and ``lines`` are declared by the widgets themselves, under the same ids.
    """
    from textual.binding import Binding

    return [
        Binding(",".join(action.keys), action.command, action.words, id=action.id, show=False)
        for action in ACTIONS
        if action.scope == scope
    ]


def hints(scope: str, keys: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """``(key, word)`` pairs for the bottom line while a pane of ``scope`` has the focus."""
    return [
        (spell(keys[action.id][0]), action.hint)
        for wanted in SPECS[scope].heard
        for action in ACTIONS
        if action.scope == wanted and action.hint
    ]


def help_sections(keys: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Title and ``(keys, words)`` lines of each section of the help sheet."""
    for scope, title in _TITLES.items():
        yield (
            title,
            [
                ("  ".join(spell(key) for key in keys[action.id]), action.words)
                for action in ACTIONS
                if action.scope == scope
            ],
        )


_TITLES: Mapping[str, str] = {
    "tables": "Moving",
    "acting": "Acting, on what is under the cursor",
    **{
        spec.scope: spec.heading or f"In the {spec.title.lower()}"
        for spec in sorted(PANES, key=lambda spec: spec.moved_by == "lines")
        if spec.keys
    },
    "lines": "In a log, as in less",
    "everywhere": "Everywhere",
}

_SPELLING: Mapping[str, str] = {
    "question_mark": "?",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "slash": "/",
    "colon": ":",
    "number_sign": "#",
    "percent_sign": "%",
    "plus": "+",
    "minus": "-",
    "equals_sign": "=",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "escape": "Esc",
    "enter": "Enter",
    "tab": "Tab",
    "shift+tab": "Shift-Tab",
    "space": "Space",
    "up": "↑",
    "down": "↓",
    "left": "←",
    "right": "→",
    "pageup": "PgUp",
    "pagedown": "PgDn",
    "home": "Home",
    "end": "End",
}


def spell(key: str) -> str:
    """A key as people write it: ``ctrl+p`` as ``Ctrl-P``, ``slash`` as ``/``."""
    if key in _SPELLING:
        return _SPELLING[key]
    if key.startswith("ctrl+"):
        return f"Ctrl-{key.removeprefix('ctrl+').upper()}"
    return key.upper() if key[0] == "f" and key[1:].isdigit() else key
