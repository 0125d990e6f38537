"""What every key does: the one registry behind bindings, the keymap, the palette, the help sheet and the README.

Plain data, without Textual, so that commands can check a configured keymap too.
"""

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec

from tui.config import ConfigError

if TYPE_CHECKING:
    from textual.binding import BindingType

Scope = Literal[
    "everywhere",
    "pipelines",
    "stages",
    "metrics",
    "tests",
    "deployments",
    "gates",
    "alarms",
    "journal",
    "acting",
    "log",
    "lines",
    "tables",
]
"""Where a key is listened to: on the whole deck, in one pane, in every table (:mod:`widgets.table.line_table`), or
in the lines of a log (:mod:`widgets.log.view`)."""


ACTING: tuple[Scope, ...] = ("pipelines", "stages", "metrics", "deployments", "gates")
"""The panes in which keys act. In a log they are those of ``less``, and only Enter leads to what can be done."""


class KeyAction(msgspec.Struct, frozen=True):
    id: str
    keys: tuple[str, ...]
    """Textual's names for keys, the first one shown in hints."""
    words: str
    scope: Scope
    hint: str = ""
    """A word or two for the bottom line; empty to leave it out there."""
    call: str = ""
    """What Textual is to run, where that is not the id itself."""

    @property
    def command(self) -> str:
        return self.call or self.id


ACTIONS: tuple[KeyAction, ...] = (
    KeyAction("help", ("question_mark", "f1"), "This help", "everywhere", "help"),
    KeyAction("pane_pipelines", ("1",), "Go to the pipelines", "everywhere", call="go('pipelines')"),
    KeyAction("pane_stages", ("2",), "Go to the stages of the run", "everywhere", call="go('stages')"),
    KeyAction("pane_metrics", ("3",), "Go to the metrics of the model", "everywhere", call="go('metrics')"),
    KeyAction("pane_tests", ("4",), "Go to the tests of the run", "everywhere", call="go('tests')"),
    KeyAction(
        "pane_deployments",
        ("5",),
        "Go to the deployments of the model",
        "everywhere",
        call="go('deployments')",
    ),
    KeyAction("pane_log", ("6",), "Go to the log opened last", "everywhere", call="go('log')"),
    KeyAction("pane_gates", ("7",), "Go to what waits for a person", "everywhere", call="go('gates')"),
    KeyAction("pane_alarms", ("8",), "Go to the alarms", "everywhere", call="go('alarms')"),
    KeyAction(
        "pane_journal", ("9", "J"), "Go to the journal: what was done", "everywhere", call="go('journal')"
    ),
    KeyAction("log", ("l",), "Log of what is under the cursor, filling the screen", "everywhere", "log"),
    KeyAction("next_pane", ("tab",), "Next pane", "everywhere", "next pane"),
    KeyAction("previous_pane", ("shift+tab",), "Previous pane", "everywhere"),
    KeyAction("fill", ("plus",), "Let this pane fill the screen, and back", "everywhere", "fill"),
    KeyAction("older_run", ("left_square_bracket",), "Older run of the pipeline", "everywhere"),
    KeyAction("newer_run", ("right_square_bracket",), "Newer run of the pipeline", "everywhere"),
    KeyAction("sources", ("i",), "Sources: health, version, requests", "everywhere", "sources"),
    KeyAction("refresh", ("ctrl+r",), "Ask again now for what is on screen", "everywhere"),
    KeyAction("copy_address", ("y",), "Copy the address under the cursor", "everywhere"),
    KeyAction("copy_url", ("Y",), "Copy the web address under the cursor", "everywhere"),
    KeyAction("redraw", ("ctrl+l",), "Draw the screen anew", "everywhere"),
    KeyAction("suspend", ("ctrl+z",), "Suspend, as in a shell", "everywhere"),
    KeyAction("palette", ("ctrl+p",), "Command palette", "everywhere"),
    KeyAction("quit", ("q", "ctrl+q", "ctrl+c"), "Quit", "everywhere", "quit"),
    KeyAction("menu", ("enter",), "All that can be done to what is under the cursor", "acting", "menu"),
    KeyAction(
        "approve",
        ("a",),
        "Approve what waits, or promote the canary",
        "acting",
        "approve",
        call="act('approve')",
    ),
    KeyAction("reject", ("x",), "Reject what waits", "acting", call="act('reject')"),
    KeyAction("roll_back", ("b",), "Roll back", "acting", call="act('rollback')"),
    KeyAction("retry", ("r",), "Run it once more", "acting", call="act('retry')"),
    KeyAction("cancel", ("c",), "Cancel it", "acting", call="act('cancel')"),
    KeyAction("trigger", ("t",), "Start the pipeline, or a retraining", "acting", call="act('trigger')"),
    KeyAction("mark", ("m",), "Mark it, or not: the next action is for all that is marked", "acting"),
    KeyAction("filter", ("slash",), "Filter as you type", "pipelines", "filter"),
    KeyAction(
        "clear_filter", ("escape",), "Clear the marks or the filter, or leave a filled screen", "everywhere"
    ),
    KeyAction("sort", ("s",), "Sort by need, by name or by time", "pipelines", "sort"),
    KeyAction("group", ("v",), "Group by nothing, source or folder", "pipelines", "group"),
    KeyAction("open_run", ("o",), "Show the run's stages", "pipelines"),
    KeyAction("next_metric", ("down", "j"), "Next metric", "metrics"),
    KeyAction("previous_metric", ("up", "k"), "Previous metric", "metrics"),
    KeyAction("one_chart", ("o",), "This metric's chart alone and large, or all", "metrics", "one/all"),
    KeyAction("cursor_left", ("left",), "Values at a time: the cursor to the left", "metrics", "values"),
    KeyAction("cursor_right", ("right",), "The cursor to the right", "metrics"),
    KeyAction("shorter_span", ("minus",), "Zoom in on the cursor: a shorter time", "metrics", "shorter"),
    KeyAction("longer_span", ("equals_sign",), "Zoom out: a longer time", "metrics"),
    KeyAction("earlier", ("less_than_sign",), "Back in time by half of what is shown", "metrics", "earlier"),
    KeyAction("later", ("greater_than_sign",), "Forward in time", "metrics"),
    KeyAction("now", ("n",), "Back to now, without the cursor", "metrics"),
    KeyAction("log_scale", ("L",), "Logarithmic scale, or not", "metrics"),
    KeyAction("method", ("W",), "How the verdict was found, in numbers, or its reasons", "metrics"),
    KeyAction("filter_tests", ("slash",), "Filter as you type", "tests", "filter", call="filter"),
    KeyAction("open_case", ("enter",), "Show all that the test said", "tests", "all of it"),
    KeyAction("copy_place", ("C",), "Copy the file and line that the trace names", "tests", "copy line"),
    KeyAction("open_deployment", ("o",), "Show the run behind it", "deployments", "run"),
    KeyAction("details", ("d",), "Into what it brought, and back", "deployments", "what it brought"),
    KeyAction("all_models", ("A",), "The environments of all models, or of this one", "deployments", "all"),
    KeyAction("shorter_window", ("minus",), "Delivery figures over a shorter time", "deployments"),
    KeyAction("longer_window", ("equals_sign",), "Delivery figures over a longer time", "deployments"),
    KeyAction("acknowledge", ("A",), "Acknowledge the alarm, or no more", "alarms", "acknowledge"),
    KeyAction(
        "propose_rollback",
        ("b",),
        "Roll back, as the alarm proposes",
        "alarms",
        "roll back",
        call="propose('rollback')",
    ),
    KeyAction(
        "propose_retrain",
        ("t",),
        "Retrain, as the alarm proposes",
        "alarms",
        "retrain",
        call="propose('trigger')",
    ),
    KeyAction("withdraw", ("w",), "Say no to what a policy is about to do for it", "alarms", "say no"),
    KeyAction("open_record", ("enter",), "All that is known of it", "journal", "details"),
    KeyAction("open_target", ("o",), "Go to what it was done to", "journal", "go there"),
    KeyAction("close_log", ("q",), "Back to where the log was opened", "log", "back"),
    KeyAction("save_log", ("s",), "Save what was read to a file", "log", "save"),
    KeyAction("log_in_pager", ("P",), "Open it in $PAGER", "log"),
    KeyAction("log_in_editor", ("V",), "Open it in $EDITOR", "log"),
    KeyAction("log.down", ("down", "j"), "Down", "lines"),
    KeyAction("log.up", ("up", "k"), "Up", "lines"),
    KeyAction("log.page_down", ("space", "pagedown", "f"), "A page down", "lines"),
    KeyAction("log.page_up", ("b", "pageup"), "A page up", "lines"),
    KeyAction("log.half_page_down", ("d",), "Half a page down", "lines"),
    KeyAction("log.half_page_up", ("u",), "Half a page up", "lines"),
    KeyAction(
        "log.first", ("g", "home"), "To the beginning, or with a number before it to that line", "lines"
    ),
    KeyAction("log.last", ("G", "end"), "To the end and follow, or to that line", "lines"),
    KeyAction("log.follow", ("F",), "To the end and follow", "lines", "follow"),
    KeyAction("log.percent", ("p", "percent_sign"), "To that percentage", "lines"),
    KeyAction("log.right", ("right",), "To the right", "lines"),
    KeyAction("log.left", ("left",), "To the left", "lines"),
    KeyAction("log.search", ("slash",), "Search as you type", "lines", "search"),
    KeyAction("log.next_match", ("n",), "Next match", "lines"),
    KeyAction("log.previous_match", ("N",), "Previous match", "lines"),
    KeyAction("log.next_error", ("e",), "Next error", "lines", "error"),
    KeyAction("log.previous_error", ("E",), "Previous error", "lines"),
    KeyAction("log.go", ("colon",), "Go to a line or a time", "lines"),
    KeyAction("log.fold", ("z",), "Fold or unfold the section", "lines", "fold"),
    KeyAction("log.fold_all", ("Z",), "Fold or unfold all sections", "lines"),
    KeyAction("log.wrap", ("w",), "Wrap long lines, or not", "lines"),
    KeyAction("log.numbers", ("number_sign",), "Line numbers on and off", "lines"),
    KeyAction("log.times", ("t",), "Times on and off", "lines"),
    KeyAction("log.select", ("v",), "Select lines, or no more", "lines"),
    KeyAction("log.copy", ("y",), "Copy the line or the selected lines", "lines"),
    KeyAction("log.cancel", ("escape",), "Select and highlight nothing", "lines"),
    KeyAction("table.up", ("up", "k"), "Up", "tables"),
    KeyAction("table.down", ("down", "j"), "Down", "tables"),
    KeyAction("table.page_up", ("pageup",), "A page up", "tables"),
    KeyAction("table.page_down", ("pagedown",), "A page down", "tables"),
    KeyAction("table.first", ("home", "g"), "To the first", "tables"),
    KeyAction("table.last", ("end", "G"), "To the last", "tables"),
    KeyAction("table.fold_or_unfold", ("space",), "Fold or unfold a group", "tables"),
    KeyAction("table.unfold", ("right",), "Unfold a group", "tables"),
    KeyAction("table.fold", ("left",), "Fold a group", "tables"),
)

_BY_ID: Mapping[str, KeyAction] = {action.id: action for action in ACTIONS}


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
            for scope in _HEARD_IN[action.scope]:
                if other := taken.get((scope, key)):
                    mine, its = (action.id, other) if action.id in overrides else (other, action.id)
                    raise ConfigError(
                        f"ui.keys.{mine}: {key} already means {its}; give one of them another key"
                    )
                taken[scope, key] = action.id
    return keys


def bindings(scope: Scope) -> "list[BindingType]":
    """Textual bindings of one scope; their ids are the action ids, for ``App.set_keymap``.

    Those of ``tables`` and ``lines`` are declared by the widgets themselves, under the same ids.
    """
    from textual.binding import Binding

    return [
        Binding(",".join(action.keys), action.command, action.words, id=action.id, show=False)
        for action in ACTIONS
        if action.scope == scope
    ]


def hints(scope: Scope, keys: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    """``(key, word)`` pairs for the bottom line while a pane of ``scope`` has the focus."""
    return [
        (spell(keys[action.id][0]), action.hint)
        for wanted in (_HINTED.get(scope, (scope, "everywhere")))
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


_HEARD_IN: Mapping[Scope, tuple[str, ...]] = {
    "everywhere": ("pipelines", "stages", "metrics", "tests", "deployments", "gates", "alarms", "journal"),
    "acting": ACTING,
    "tables": ("pipelines", "stages", "tests", "deployments", "gates", "alarms", "journal"),
    "pipelines": ("pipelines",),
    "stages": ("stages",),
    "metrics": ("metrics",),
    "tests": ("tests",),
    "deployments": ("deployments",),
    "gates": ("gates",),
    "alarms": ("alarms",),
    "journal": ("journal",),
    "log": ("log",),
    "lines": ("log",),
}
"""The panes in which a key of a scope is heard: no two actions may have the same key in one of them. In a log the keys
are those of ``less``, and what they leave is everywhere's."""

_HINTED: Mapping[Scope, tuple[Scope, ...]] = {
    "log": ("log", "lines"),
    **{scope: (scope, "acting", "everywhere") for scope in ACTING},
}

_TITLES: Mapping[Scope, str] = {
    "tables": "Moving",
    "acting": "Acting, on what is under the cursor",
    "pipelines": "In the pipelines",
    "metrics": "In the metrics",
    "tests": "In the tests",
    "deployments": "In the deployments",
    "alarms": "In the alarms",
    "journal": "In the journal",
    "log": "In a log",
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
