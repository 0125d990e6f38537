"""The command palette: every action of the registry, and every pipeline by name."""

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.keys import ACTIONS
from tui.screens.deck import DeckScreen

_MOST_PIPELINES = 20
_WIDGETS = frozenset({"tables", "lines"})
_LEFT_OUT = frozenset({"palette", "back", "leave", "table.select"})


class DeckCommands(Provider):
    async def discover(self) -> Hits:
        for words, action in self._actions():
            yield DiscoveryHit(words, action)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for words, action in self._actions():
            if (score := matcher.match(words)) > 0:
                yield Hit(score, matcher.highlight(words), action)
        deck = self.screen
        if not isinstance(deck, DeckScreen):
            return
        found = 0
        for key in deck.pipeline_keys():
            if (score := matcher.match(key)) > 0:
                yield Hit(
                    score, matcher.highlight(key), partial(deck.reveal, key), help="Go to this pipeline"
                )
                found += 1
                if found == _MOST_PIPELINES:
                    return

    def _actions(self) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        deck = self.screen
        for action in ACTIONS:
            if action.scope not in _WIDGETS and action.id not in _LEFT_OUT and isinstance(deck, DeckScreen):
                yield action.words, partial(deck.perform, action)
