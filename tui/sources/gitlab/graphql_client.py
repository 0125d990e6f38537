"""GitLab's GraphQL API, asked over httpx."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import msgspec

from tui.config import GitLabSettings
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.gitlab.graphql_document import without
from tui.sources.gitlab.graphql_queries import GraphQLQuery
from tui.sources.gitlab.payload import GraphQLReply, QueryError
from tui.sources.gitlab.responses import decoded, refusal_words
from tui.sources.http.client import HttpClient
from tui.sources.http.limiter import HttpResponse, Limiter
from tui.text.safe import clean, shorten

T = TypeVar("T")

UNKNOWN_FOR = 3600.0
"""Seconds after which fields are asked for again that the server did not know: it may have been upgraded."""
MOST_TRIES = 4
"""How often a question is asked again without what is not known; GitLab tells all that it misses at once."""

_PATH = "/api/graphql"
_NOT_UNDERSTOOD = re.compile(
    # An older or newer schema than ours; a query too dear for any project on this server.
    r"doesn't exist on type|doesn't accept argument|isn't a defined|isn't defined|max complexity|max depth"
    r"|Query too large",
    re.IGNORECASE,
)
_TOO_MUCH = re.compile(r"less complex", re.IGNORECASE)
"""It took the server too long: this time, for these projects."""
_VALUES_MISSING = re.compile(r"^Variable \$\w+ of type .* was provided invalid value")


class GraphQLRefused(SourceError):
    """GraphQL does not answer this question here; REST may."""

    whole = True
    """It would not answer this question about anything else either."""


class GraphQLTooMuch(GraphQLRefused):
    """It does not answer this question about these things."""

    whole = False


class ArgumentUnknown(GraphQLRefused):
    """The server is too old for an argument of the question."""


class _Unknown(msgspec.Struct, frozen=True):
    """What the server does not know of a question."""

    paths: frozenset[tuple[str, ...]]
    names: tuple[str, ...]
    until: float


class GraphQL:
    """Questions to one server."""

    def __init__(self, wire: Limiter, settings: GitLabSettings, clock: Callable[[], float]) -> None:
        self._wire = wire
        self._token = settings.token
        self._clock = clock
        self._http = HttpClient(wire, settings, self._credentials)
        self._unknown: dict[str, _Unknown] = {}
        """By the name of the question: the document of a name may differ in the number of projects, say."""

    def _credentials(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {}

    def lacks(self, question: str) -> tuple[str, ...]:
        """The fields of a question that this server does not know, as far as it was asked."""
        known = self._unknown.get(question)
        return known.names if known is not None and self._clock() < known.until else ()

    async def ask(self, question: GraphQLQuery[T], **variables: object) -> tuple[T, Sequence[QueryError]]:
        """The data, and the errors of what of it is missing. What the server does not know is left out.

        Raises:
            GraphQLRefused: this server does not take GraphQL, or not this question.
            SourceError: everything else.
        """
        for _ in range(MOST_TRIES):
            document = self._document(question)
            answer, reply = await self._send(question, document, variables)
            errors = reply.errors or ()
            if reply.data is not None:
                return reply.data, errors
            if not self._trim(question, document, errors):
                break
        raise self._failure(question, answer, errors)

    async def try_out(self, question: GraphQLQuery[T]) -> tuple[str, ...]:
        """The fields of ``question`` that this server does not know.

        It is asked without its variables: GitLab looks at the document first, and reads nothing.

        Raises:
            SourceError: as of :meth:`ask`
        """
        for _ in range(MOST_TRIES):
            document = self._document(question)
            answer, reply = await self._send(question, document, {})
            errors = reply.errors or ()
            if reply.data is not None or (
                errors and all(_VALUES_MISSING.match(error.message) for error in errors)
            ):
                return self.lacks(question.name)
            if not self._trim(question, document, errors):
                break
        raise self._failure(question, answer, errors)

    async def _send(
        self, question: GraphQLQuery[T], document: str, variables: Mapping[str, object]
    ) -> tuple[HttpResponse, GraphQLReply[T]]:
        body = {"operationName": question.name, "query": document, "variables": variables}
        answer = await self._http.send("POST", _PATH, json=body)
        if not 200 <= answer.status < 300:
            raise self._refusal(answer)
        if answer.content_type == "text/html" or answer.body.lstrip()[:1] == b"<":
            raise GraphQLRefused(Trouble.REFUSED, f"{_PATH} answers a web page", status=answer.status)
        return answer, await decoded(self._wire, answer, question.decoder)

    def _failure(
        self, question: GraphQLQuery[T], answer: HttpResponse, errors: Sequence[QueryError]
    ) -> SourceError:
        """Why there are no data."""
        reasons = shorten(clean("; ".join(error.message for error in errors)), 200)
        if _TOO_MUCH.search(reasons):
            return GraphQLTooMuch(Trouble.REFUSED, reasons, status=answer.status)
        if any(_code(error) == "argumentNotAccepted" for error in errors):
            return ArgumentUnknown(Trouble.REFUSED, reasons, status=answer.status)
        if _NOT_UNDERSTOOD.search(reasons):
            return GraphQLRefused(Trouble.REFUSED, reasons, status=answer.status)
        why = reasons or "neither data nor a reason"
        message = f"{self._wire.name} could not answer {question.name}: {why} ({answer.where})"
        return SourceError(Trouble.SERVER_ERROR, message, status=answer.status)

    def _refusal(self, answer: HttpResponse) -> SourceError:
        words = refusal_words(answer)
        error = self._wire.refuse(answer, words)
        if _TOO_MUCH.search(words):
            return GraphQLTooMuch(error.trouble, error.message, status=answer.status)
        if answer.status in (401, 403, 404) or answer.status < 400 or _NOT_UNDERSTOOD.search(words):
            return GraphQLRefused(error.trouble, error.message, status=answer.status)
        return error

    # --- what the server does not know ----------------------------------------------------------------------------

    def _document(self, question: GraphQLQuery[T]) -> str:
        """``question`` without what this server did not know lately."""
        known = self._unknown.get(question.name)
        if known is None or self._clock() >= known.until:
            return question.document
        return without(question.document, known.paths) or question.document

    def _trim(self, question: GraphQLQuery[T], document: str, errors: Sequence[QueryError]) -> bool:
        """Leave out of ``question`` the fields that ``errors`` say are unknown; False where that cannot be done, or
        not without losing what it is asked for."""
        unknown = frozenset(
            tuple(str(step) for step in error.path)
            for error in errors
            if error.path and _code(error) == "undefinedField"
        )
        if not unknown or any(_code(error) != "undefinedField" for error in errors):
            return False
        names = {path[-1] for path in unknown}
        names |= {
            error.extensions.field_name
            for error in errors
            if error.extensions and error.extensions.field_name
        }
        if names & question.essential:
            return False
        if document != question.document and (known := self._unknown.get(question.name)) is not None:
            unknown |= known.paths
            names |= set(known.names)
        if without(question.document, unknown) is None:
            return False
        self._unknown[question.name] = _Unknown(unknown, tuple(sorted(names)), self._clock() + UNKNOWN_FOR)
        return True

    async def close(self) -> None:
        await self._http.close()


def _code(error: QueryError) -> str | None:
    return error.extensions.code if error.extensions else None
