"""GraphQL or REST: which of GitLab's two APIs answers a question."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tui.sources.gitlab.graphql_client import GraphQLRefused, GraphQLTooMuch

T = TypeVar("T")

REFUSED_FOR = 600.0
"""Seconds after which GraphQL is tried again where it was refused."""


class Fallback:
    """GraphQL where it is understood, else REST."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._refused: dict[tuple[str, str], tuple[float, str]] = {}
        """By question and what it is about, when and why."""

    async def ask(
        self,
        question: str,
        graphql: Callable[[], Awaitable[T]],
        rest: Callable[[], Awaitable[T]],
        about: str = "",
    ) -> T:
        """What ``graphql`` gives, or ``rest`` where that is refused.

        A refusal is remembered for :data:`REFUSED_FOR` seconds, and for what is asked ``about`` alone where GraphQL
        may answer the question for others; and only once REST has answered instead: when both fail, the fault lies
        elsewhere (a token that ran out) and may pass.

        Raises:
            SourceError: where both fail, that of REST.
        """
        if self.refusal(question) is None and self.refusal(question, about) is None:
            try:
                return await graphql()
            except GraphQLRefused as refusal:
                result = await rest()
                key = question, "" if refusal.whole else about
                self._refused[key] = (self._clock(), refusal.message)
                return result
        return await rest()

    async def ask_in_part(
        self,
        question: str,
        about: str,
        graphql: Callable[[], Awaitable[T]],
        rest: Callable[[], Awaitable[T]],
    ) -> T:
        """As :meth:`ask` for one part of it: what would be refused of all parts is raised.

        Raises:
            GraphQLRefused: the question as a whole.
            SourceError
        """
        if self.refusal(question, about) is None:
            try:
                return await graphql()
            except GraphQLTooMuch as refusal:
                result = await rest()
                self._refused[question, about] = (self._clock(), refusal.message)
                return result
        return await rest()

    def refusal(self, question: str, about: str = "") -> str | None:
        """Why GraphQL does not answer this question about this, or about anything; None while it does."""
        at, why = self._refused.get((question, about), (None, ""))
        return why if at is not None and self._clock() - at < REFUSED_FOR else None

    def refused(self) -> list[tuple[str, str, str]]:
        """All refusals that hold: the question, what about, why."""
        return [
            (question, about, why)
            for question, about in self._refused
            if (why := self.refusal(question, about)) is not None
        ]

    @property
    def words(self) -> str:
        """What is used, for the details of the source."""
        refused = [
            f"REST for {' of '.join(filter(None, (question, about)))}: {why}"
            for question, about, why in self.refused()
        ]
        return "; ".join(refused) or "GraphQL"
