"""What a query is: of which source, how it is fetched, how often, and what of its answers is kept."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias, TypeVar

from tui.config import Settings
from tui.domain.journal import Record
from tui.engine.cache.reports import ReportCache
from tui.engine.cache.runs import RunCache
from tui.engine.logs import Logs
from tui.engine.source_pool import SourcePool
from tui.engine.store import Key, Readings

T = TypeVar("T")

NEVER = math.inf
STANDING = 60.0
"""Seconds for what stands, and what is waited for; a listing with news asks sooner."""


class ReadQuery(Protocol):
    """Gives the answer to a query, read a moment ago or now.

    Raises:
        SourceError
    """

    def __call__(self, query: "Query[T]", /) -> Awaitable[T]: ...


class JournalReader(Protocol):
    def read(self, *, most: int | None = None) -> tuple[Record, ...]: ...


@dataclass(frozen=True)
class Context:
    """What queries are answered with."""

    settings: Settings
    sources: SourcePool
    store: Readings
    """What is known beside: an answer to which something of it helped that we did not read is not our own."""
    own: Readings
    """What this process has read itself."""
    reports: ReportCache
    runs: RunCache
    logs: "Logs[Any]"
    journal: JournalReader
    clock: Callable[[], float]
    read: ReadQuery
    """Another query, answered by what was read within the last minute, or now."""


class Query(Key[T], frozen=True):
    """Something that is asked again and again while somebody watches it; ``T`` is the type of the answer. Equal
    queries are the same query."""

    kept: ClassVar[int | None] = None
    """How many answers of the kind are kept while nobody watches them; None: no more than of all kinds together."""

    def source(self, settings: Settings) -> str | None:
        """The name of the source that is asked; None: none is (it is on our own disk), or the config names none."""
        return None

    async def fetch(self, context: Context) -> T:
        """The answer.

        Raises:
            SourceError
            ConfigError: a credential is not there.
        """
        raise NotImplementedError

    def wait(self, answer: T) -> float:
        """Seconds until it is worth reading again after ``answer``, for a terminal with focus; :data:`NEVER` for what
        is finished."""
        raise NotImplementedError

    async def recall(self, context: Context) -> tuple[T, float] | None:
        """What an earlier start of the program had as the answer, and when that was read; None: nothing."""
        return None

    async def keep(self, context: Context, answer: T, at: float) -> None:
        """Keep a new answer for the next start."""


AnyQuery: TypeAlias = Query[Any]
