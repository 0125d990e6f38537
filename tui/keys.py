"""What every key does: the registry behind bindings, the keymap, the palette, the help sheet and ``docs/keys.md``.

The keys of panes stand in their lines (:mod:`tui.pane_registry`), those that act in the table of kinds of action
(:mod:`tui.domain.action_kinds`), the others here. Plain data, without Textual, so
that commands can check a configured keymap too.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, NamedTuple

from tui.config import ConfigError, Settings
from tui.domain.action_kinds import ACTION_KINDS
from tui.domain.status import Status
from tui.key_names import is_key, known_keys
from tui.pane_registry import PANES, SPECS, KeyAction

if TYPE_CHECKING:
    from textual.binding import BindingType

ACTIONS: tuple[KeyAction, ...] = (
    KeyAction("help", ("question_mark", "f1"), "This help", "keys"),
    *(
        KeyAction(f"pane_{spec.scope}", spec.go, spec.go_words, call=f"go('{spec.scope}')")
        for spec in PANES
        if spec.go
    ),
    KeyAction("log", ("l",), "Log of what is under the cursor, filling the screen", "log"),
    KeyAction("back", ("escape",), "Back one step; a notice, marks or a filter go first", "back"),
    KeyAction("leave", ("q",), "Back one step; from the pipelines: quit"),
    KeyAction("quit", ("ctrl+q", "ctrl+c"), "Quit"),
    KeyAction("next_pane", ("tab",), "Next pane"),
    KeyAction("previous_pane", ("shift+tab",), "Previous pane"),
    KeyAction("fill", ("plus",), "Let this pane fill the screen, and back"),
    KeyAction("texts", ("d",), "All texts of this row, whole"),
    KeyAction("older_run", ("left_square_bracket",), "Older run of the pipeline"),
    KeyAction("newer_run", ("right_square_bracket",), "Newer run of the pipeline"),
    KeyAction("compare", ("D",), "What changed from the deployed version of the model to its candidate"),
    KeyAction("sources", ("i",), "Sources: health, version, requests"),
    KeyAction("notices", ("exclamation_mark",), "Earlier notices"),
    KeyAction("refresh", ("ctrl+r",), "Ask again now for what is on screen"),
    KeyAction("copy_address", ("y",), "Copy the address under the cursor"),
    KeyAction("copy_url", ("Y",), "Copy the web address under the cursor"),
    KeyAction("open_url", ("O",), "Open the web page of what is under the cursor"),
    KeyAction("redraw", ("ctrl+l",), "Draw the screen anew"),
    KeyAction("suspend", ("ctrl+z",), "Suspend, as in a shell"),
    KeyAction("palette", ("ctrl+p",), "Commands; pipelines and more by name", "all"),
    KeyAction("menu", ("full_stop",), "All that can be done to what is under the cursor", "menu"),
    *(
        KeyAction(
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
    KeyAction("mark", ("m",), "Mark it, or not: the next action is for all that is marked", scope="acting"),
    *(action for spec in PANES for action in spec.actions),
    KeyAction("log.down", ("down", "j"), "Down", scope="lines"),
    KeyAction("log.up", ("up", "k"), "Up", scope="lines"),
    KeyAction("log.page_down", ("space", "pagedown", "f"), "A page down", scope="lines"),
    KeyAction("log.page_up", ("b", "pageup"), "A page up", scope="lines"),
    KeyAction("log.half_page_down", ("d",), "Half a page down", scope="lines"),
    KeyAction("log.half_page_up", ("u",), "Half a page up", scope="lines"),
    KeyAction(
        "log.first", ("g", "home"), "To the beginning, or with a number before it to that line", scope="lines"
    ),
    KeyAction("log.last", ("G", "end"), "To the end and follow, or to that line", scope="lines"),
    KeyAction("log.follow", ("F",), "To the end and follow", "follow", scope="lines"),
    KeyAction("log.percent", ("p", "percent_sign"), "To that percentage", scope="lines"),
    KeyAction("log.right", ("right",), "To the right", scope="lines"),
    KeyAction("log.left", ("left",), "To the left", scope="lines"),
    KeyAction("log.search", ("slash",), "Search as you type", "search", scope="lines"),
    KeyAction("log.next_match", ("n",), "Next match", scope="lines"),
    KeyAction("log.previous_match", ("N",), "Previous match", scope="lines"),
    KeyAction("log.next_error", ("e",), "Next error", "error", scope="lines"),
    KeyAction("log.previous_error", ("E",), "Previous error", scope="lines"),
    KeyAction("log.go", ("colon",), "Go to a line or a time", scope="lines"),
    KeyAction("log.fold", ("z",), "Fold or unfold the section", "fold", scope="lines"),
    KeyAction("log.fold_all", ("Z",), "Fold or unfold all sections", scope="lines"),
    KeyAction("log.wrap", ("w",), "Wrap long lines, or not", scope="lines"),
    KeyAction("log.numbers", ("number_sign",), "Line numbers on and off", scope="lines"),
    KeyAction("log.times", ("t",), "Times on and off", scope="lines"),
    KeyAction("log.select", ("v",), "Select lines, or no more", scope="lines"),
    KeyAction("log.copy", ("y",), "Copy the line or the selected lines", scope="lines"),
    KeyAction("log.cancel", ("escape",), "Select and highlight nothing", scope="lines"),
    KeyAction("table.up", ("up", "k"), "Up", scope="tables"),
    KeyAction("table.down", ("down", "j"), "Down", scope="tables"),
    KeyAction("table.page_up", ("pageup",), "A page up", scope="tables"),
    KeyAction("table.page_down", ("pagedown",), "A page down", scope="tables"),
    KeyAction("table.first", ("home", "g"), "To the first", scope="tables"),
    KeyAction("table.last", ("end", "G"), "To the last", scope="tables"),
    KeyAction("table.select", ("enter",), "Into it", scope="tables"),
    KeyAction("table.fold_or_unfold", ("space",), "Fold or unfold a group", scope="tables"),
    KeyAction("table.unfold", ("right",), "Unfold a group", scope="tables"),
    KeyAction("table.fold", ("left",), "Fold a group", scope="tables"),
)

_BY_ID: Mapping[str, KeyAction] = {action.id: action for action in ACTIONS}


def action_called(name: str) -> KeyAction:
    """The action of that id."""
    return _BY_ID[name]


class KeyHint(NamedTuple):
    """A key for the bottom line."""

    key: str
    words: str
    action: KeyAction


def keymap(overrides: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """The keys of every action with ``overrides`` (action id to comma-separated keys) in place.

    Raises:
        ConfigError: what :func:`key_mistakes` finds.
    """
    if mistakes := [f"ui.keys.{name}: {reason}" for name, reason in key_mistakes(overrides)]:
        raise ConfigError("\n".join(mistakes))
    return _keymap(overrides)


def ui_mistakes(settings: Settings) -> Iterator[tuple[str, str]]:
    """What is wrong with the keys of a configuration: the key of each mistake, and the reason."""
    return ((f"ui.keys.{name}", reason) for name, reason in key_mistakes(settings.ui.keys))


def key_mistakes(overrides: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """An unknown action or key, an empty value, or one key for two actions that can be meant at once."""
    for name, text in overrides.items():
        if name not in _BY_ID:
            near = difflib.get_close_matches(name, _BY_ID, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(_BY_ID)}"
            yield name, f"there is no such action ({hint})"
        elif not _split(text):
            yield name, f'names no key; write for example {name} = "ctrl+x"'
        for key in _split(text):
            if not is_key(key):
                near = difflib.get_close_matches(key, known_keys(), n=1)
                hint = f"did you mean {near[0]}?" if near else "write x, X, ?, f5, ctrl+x, pageup or the like"
                yield name, f"there is no key {key!r} ({hint})"
    keys = _keymap({name: text for name, text in overrides.items() if name in _BY_ID})
    taken: dict[tuple[str, str], str] = {}
    reported: set[tuple[str, str, str]] = set()
    for action in ACTIONS:
        for key in keys[action.id]:
            for scope in (spec.scope for spec in PANES if action.scope in spec.heard):
                if other := taken.get((scope, key)):
                    mine, other_id = (action.id, other) if action.id in overrides else (other, action.id)
                    if (mine, other_id, key) not in reported:
                        reported.add((mine, other_id, key))
                        yield mine, f"{key} already means {other_id}; give one of them another key"
                taken[scope, key] = action.id


def _keymap(overrides: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    return {
        action.id: _split(overrides[action.id]) if action.id in overrides else action.keys
        for action in ACTIONS
    }


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


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


def hints(scope: str, keys: Mapping[str, tuple[str, ...]], status: Status | None = None) -> list[KeyHint]:
    """For the bottom line while a pane of ``scope`` has the focus: what is likely first.

    Args:
        status: of what is under the cursor; None where it has none.
    """
    spec = SPECS[scope]
    likely = [
        row.action_id
        for row in ACTION_KINDS.values()
        if row.hint and (status in row.likely or not row.likely)
    ]
    wanted = [name for name in likely if name is not None and spec.acts]
    if spec.into:
        wanted.append("table.select")
    if spec.place != "list":
        wanted.append("back")
    wanted += [action.id for action in spec.actions if action.hint]
    if spec.moved_by == "lines":
        wanted += [action.id for action in ACTIONS if action.scope == "lines" and action.hint]
    else:
        wanted.append("log")
    wanted.append("menu")
    return [
        KeyHint(
            spell(keys[name][0]), spec.into if name == "table.select" else _BY_ID[name].hint, _BY_ID[name]
        )
        for name in wanted
    ]


def last_hints(keys: Mapping[str, tuple[str, ...]]) -> list[KeyHint]:
    """What leads to everything else."""
    return [KeyHint(spell(keys[name][0]), _BY_ID[name].hint, _BY_ID[name]) for name in ("help", "palette")]


def help_sections(
    keys: Mapping[str, tuple[str, ...]], first: str = ""
) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Title and ``(keys, words)`` lines of each section of the help sheet.

    Args:
        first: the scope whose keys are to come first.
    """
    for scope, title in sorted(_TITLES.items(), key=lambda item: item[0] != first):
        spec = SPECS.get(scope)
        lines = [
            ("  ".join(spell(key) for key in keys[action.id]), action.words)
            for action in ACTIONS
            if action.scope == scope
        ]
        if spec is not None and spec.into:
            lines.insert(0, ("  ".join(spell(key) for key in keys["table.select"]), spec.into_words))
        yield title, lines


_TITLES: Mapping[str, str] = {
    "tables": "Moving",
    "acting": "Acting, on what is under the cursor",
    **{
        spec.scope: spec.heading or f"In the {spec.title.lower()}"
        for spec in sorted(PANES, key=lambda spec: spec.moved_by == "lines")
        if spec.keys or spec.into
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
    "full_stop": ".",
    "exclamation_mark": "!",
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
