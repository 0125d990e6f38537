"""GitLab's GraphQL API, and when to ask REST instead."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from tui.config import GitLabSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.gitlab.graphql_queries import GraphQLQuery
from tui.sources.gitlab.payload import QueryError
from tui.sources.gitlab.responses import decoded, refusal_words
from tui.sources.http.client import HttpClient
from tui.sources.http.limiter import HttpResponse, Limiter
from tui.text.safe import clean, shorten

T = TypeVar("T")

_PATH = "/api/graphql"
_NOT_UNDERSTOOD = re.compile(
    # An older or newer schema than ours; a query too dear for this server.
    r"doesn't exist on type|doesn't accept argument|isn't a defined|isn't defined|max complexity|max depth"
    r"|less complex|Query too large",
    re.IGNORECASE,
)


class GraphQLRefused(SourceError):
    """GraphQL does not answer this question here; REST may."""


class GraphQL:
    """Questions to one server."""

    def __init__(self, wire: Limiter, settings: GitLabSettings) -> None:
        self._wire = wire
        self._token = settings.token
        self._http = HttpClient(wire, settings, self._credentials)

    def _credentials(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {}

    async def ask(self, question: GraphQLQuery[T], **variables: object) -> tuple[T, Sequence[QueryError]]:
        """The data, and the errors of what of it is missing.

        Raises:
            GraphQLRefused: this server does not take GraphQL, or not this question.
            SourceError: everything else.
        """
        body = {"operationName": question.name, "query": question.document, "variables": variables}
        answer = await self._http.send("POST", _PATH, json=body)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)
        if answer.content_type == "text/html" or answer.body.lstrip()[:1] == b"<":
            raise GraphQLRefused(Trouble.REFUSED, f"{_PATH} answers a web page", status=answer.status)
        reply = await decoded(self._wire, answer, question.decoder)
        errors = reply.errors or ()
        if reply.data is None:
            said = shorten(clean("; ".join(error.message for error in errors)), 200)
            if _NOT_UNDERSTOOD.search(said):
                raise GraphQLRefused(Trouble.REFUSED, said, status=answer.status)
            why = said or "neither data nor a reason"
            message = f"{self._wire.name} could not answer {question.name}: {why} ({answer.where})"
            raise SourceError(Trouble.SERVER_ERROR, message, status=answer.status)
        return reply.data, errors

    def _refusal(self, answer: HttpResponse) -> SourceError:
        words = refusal_words(answer)
        error = self._wire.refuse(answer, words)
        if answer.status in (401, 403, 404) or answer.status < 400 or _NOT_UNDERSTOOD.search(words):
            return GraphQLRefused(error.trouble, error.message, status=answer.status)
        return error

    async def close(self) -> None:
        await self._http.close()


class Fallback:
    """GraphQL where it is understood, else REST."""

    def __init__(self) -> None:
        self._refused: dict[str, str] = {}

    async def ask(
        self, question: str, graphql: Callable[[], Awaitable[T]], rest: Callable[[], Awaitable[T]]
    ) -> T:
        """What ``graphql`` gives, or ``rest`` where that is refused.

        A refusal is remembered for the session once REST has answered instead: when both fail, the fault lies
        elsewhere (a token that ran out) and may pass.

        Raises:
            SourceError: where both fail, that of REST.
        """
        if question not in self._refused:
            try:
                return await graphql()
            except GraphQLRefused as refusal:
                result = await rest()
                self._refused[question] = refusal.message
                return result
        return await rest()

    def refusal(self, question: str) -> str:
        """Why GraphQL does not answer this question; empty while it does."""
        return self._refused.get(question, "")

    @property
    def words(self) -> str:
        """What is used, for the details of the source."""
        if not self._refused:
            return "GraphQL"
        return "; ".join(f"REST for {question}: {reason}" for question, reason in self._refused.items())
