"""The command palette: what can be done, each with its key, and what there is by parts of its name."""

from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

from tui.domain.action_kinds import ACTION_KINDS
from tui.keys import ACTIONS, spell
from tui.pane_registry import SPECS, KeyAction
from tui.screens.deck import DeckScreen

MOST = 20
"""Things of one kind that are found."""
_WIDGETS = frozenset({"tables", "lines"})
_LEFT_OUT = frozenset({"palette", "back", "leave"})
_KEY = 8
_LIKELY = {row.action_id: row.likely for row in ACTION_KINDS.values() if row.action_id}

Do = Callable[[], Awaitable[None] | None]


class Command(NamedTuple):
    """Something that the palette offers."""

    key: str
    words: str
    do: Do
    help: str = ""

    @property
    def display(self) -> Content:
        return Content.assemble((f"{self.key:<{_KEY}} ", "bold"), self.words)


class DeckCommands(Provider):
    """What is likely now comes first; by typing all is found: each word somewhere in it."""

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(command.display, command.do, text=command.words, help=command.help or None)

    async def search(self, query: str) -> Hits:
        parts = query.lower().split()
        for kind in (self._commands(), *self._things()):
            found = 0
            for command in kind:
                if all(part in command.words.lower() for part in parts):
                    found += 1
                    # The more of it was typed, the likelier it is meant.
                    score = min(1.0, len(query) / len(command.words))
                    yield Hit(
                        score, command.display, command.do, text=command.words, help=command.help or None
                    )
                    if found == MOST:
                        break

    def _commands(self) -> Iterator[Command]:
        deck = self.screen
        if not isinstance(deck, DeckScreen):
            return
        known = [action for action in ACTIONS if action.scope not in _WIDGETS and action.id not in _LEFT_OUT]
        for action in sorted(known, key=lambda action: _rank(deck, action)):
            yield Command(
                spell(deck.keys[action.id][0]),
                action.words,
                partial(deck.perform, action),
                _unlikely(deck, action),
            )
        if SPECS[deck.current].acts:
            for row in ACTION_KINDS.values():
                if row.key_words and not row.keys:
                    yield Command(
                        "",
                        row.key_words,
                        partial(deck.action_act, row.kind.value),
                        "Where the server offers it",
                    )
        for theme in sorted(deck.app.available_themes):
            words = f"Theme {theme}"
            yield Command(
                "", words, partial(deck.try_theme, theme), "Try these colours; it is said how to keep them"
            )

    def _things(self) -> Iterable[Iterator[Command]]:
        """Pipelines, runs, gates and models, a kind at a time."""
        deck = self.screen
        if not isinstance(deck, DeckScreen):
            return ()
        rows, models = list(deck.rows()), deck.runtime.settings.models
        runs = [(run, row) for row in rows for run in row.runs]
        return (
            (_goal(row.key, "pipeline", partial(deck.reveal, row.key)) for row in rows),
            (
                _goal(f"{run.address} {run.title} {row.ref}", "run", partial(deck.go_to, run.address, "run"))
                for run, row in runs
            ),
            (
                _goal(f"{gate.address} {gate.message}", "gate", partial(deck.go_to, gate.address, "gate"))
                for gate in (waiting.gate for waiting in deck.header.waiting)
            ),
            (
                _goal(f"{model.title or name} {name}", "model", partial(deck.go_to_model, name))
                for name, model in models.items()
            ),
        )


def _goal(words: str, kind: str, do: Do) -> Command:
    return Command("go to", words, do, f"Go to this {kind}")


def _rank(deck: DeckScreen, action: KeyAction) -> int:
    """What can be done to what is under the cursor, then what the pane in use does, then the rest."""
    if action.scope == "acting":
        return 0 if SPECS[deck.current].acts and not _unlikely(deck, action) else 3
    return 1 if action.scope == deck.current else 2


def _unlikely(deck: DeckScreen, action: KeyAction) -> str:
    """Why an action has probably nothing to do here; the plan has the last word."""
    likely, status = _LIKELY.get(action.id), deck.panes[deck.current].status
    if not likely or status in likely:
        return ""
    return (
        f"probably not now: what is selected is {status.value}"
        if status is not None
        else "nothing is selected"
    )
