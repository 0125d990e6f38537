"""What ``pipedeck check`` finds at a GitLab."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from tui.domain.health import Finding, Trouble
from tui.domain.pipeline import Listing
from tui.sources.base import SourceError
from tui.sources.checks import clock, unencrypted
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.gather import concerns_all
from tui.sources.gitlab.graphql_client import ArgumentUnknown
from tui.sources.gitlab.graphql_queries import (
    DASHBOARD,
    DASHBOARD_OF_REFS,
    GraphQLQuery,
    dashboard_by_name,
)
from tui.sources.gitlab.payload import Metadata, Token, User
from tui.text.safe import clean

EXPIRES_SOON = 14 * 86400.0
NOT_TOLD = (400, 403, 404)
"""Answers to the question for its scopes by a token that is no personal one."""

_metadata = msgspec.json.Decoder(Metadata)
_token = msgspec.json.Decoder(Token)
_user = msgspec.json.Decoder(User)

_ADVICE: Mapping[Trouble, str] = {
    Trouble.UNREACHABLE: "check the url, the network and the proxy",
    Trouble.TIMEOUT: "check the url; raise timeout if the server is only slow",
    Trouble.TLS: "do what is said there; url, ca, cert and key are in the config",
    Trouble.UNAUTHORIZED: "make a token with the scope read_api (api to act too) and name it in token",
    Trouble.FORBIDDEN: "the token needs the scope read_api or api",
    Trouble.NOT_FOUND: "check the url, path prefix included: API answers are expected below URL/api/v4",
    Trouble.RATE_LIMITED: "wait; watch less, or ask an administrator for a higher limit",
    Trouble.UNAVAILABLE: "wait, then ask who runs the server",
    Trouble.SERVER_ERROR: "ask who runs the server",
    Trouble.WRONG_ANSWER: "check the url, path prefix included, and what stands in front of the server",
    Trouble.REFUSED: "check the url: it must answer itself, not redirect",
}


class TokenIdentity(msgspec.Struct, frozen=True):
    """Who we are to which server, as far as a check told."""

    version: str = ""
    user: str = ""
    read_only: bool | None = None


class Check:
    """One check of everything that the program will need.

    Args:
        queries: what the program asks in GraphQL.
        pipelines: reads the listing as the program does.
    """

    def __init__(
        self,
        context: GitLabContext,
        queries: Iterable[GraphQLQuery[Any]],
        pipelines: Callable[[], Awaitable[Listing]],
    ) -> None:
        self._settings = context.settings
        self._wire = context.wire
        self._rest = context.rest
        self._graphql = context.graphql
        self._fallback = context.fallback
        self._clock = context.clock
        self._queries = queries
        self._pipelines = pipelines
        self._findings: list[Finding] = []
        self._identity = TokenIdentity()

    async def run(self) -> tuple[TokenIdentity, tuple[Finding, ...]]:
        """What was learnt and found, in the order of what depends on what; the first fatal fault ends it."""
        try:
            await self._server()
            await self._credentials()
            await self._projects()
        except SourceError as error:
            self._add("error", error.trouble.value, error.message, _ADVICE[error.trouble])
        if self._wire.clock_skew is not None:
            self._findings.append(clock(self._wire.clock_skew))
        if self._wire.rate_limit:
            self._add("ok", "rate limit", self._wire.rate_limit)
        return self._identity, tuple(self._findings)

    def _add(
        self, level: Literal["ok", "warning", "error"], subject: str, message: str, advice: str = ""
    ) -> None:
        self._findings.append(Finding(level, subject, message, advice))

    async def _server(self) -> None:
        url = self._settings.base_url
        self._findings += unencrypted(url) if self._settings.token else ()
        answer = await self._rest.ask("/metadata")
        if answer.status == 401 and self._settings.token is None:
            self._add("ok", "server", "GitLab answers; its version is told to users only")
            return
        if answer.status in (403, 404):
            answer = await self._rest.ask("/version")  # before GitLab 15.2
        metadata = await self._rest.decode(_metadata, self._rest.check(answer))
        self._identity = msgspec.structs.replace(self._identity, version=clean(metadata.version))
        if url.startswith("https:"):
            self._add("ok", "TLS", "the certificate is trusted")
        self._add("ok", "server", f"GitLab {self._identity.version} answers")

    async def _credentials(self) -> None:
        if self._settings.token is None:
            advice = "set token to see private projects"
            self._identity = msgspec.structs.replace(self._identity, read_only=True)
            self._add("warning", "token", "none is set: only what is public is shown", advice)
            return
        user = clean((await self._rest.read(_user, "/user")).username)
        self._identity = msgspec.structs.replace(self._identity, user=user)
        answer = await self._rest.ask("/personal_access_tokens/self")
        if answer.status in NOT_TOLD:
            self._add("ok", "token", f"valid for {user}; it is no access token, its scopes are not told")
            return
        token = await self._rest.decode(_token, self._rest.check(answer))
        writes = "api" in token.scopes
        self._identity = msgspec.structs.replace(self._identity, read_only=not writes)
        if not writes and "read_api" not in token.scopes:
            scopes = clean(", ".join(token.scopes))
            self._add(
                "error",
                "token",
                f"valid for {user}, but its scopes ({scopes}) read no pipelines",
                _ADVICE[Trouble.FORBIDDEN],
            )
            return
        may = "may read and act" if writes else "may read only, acting needs the scope api"
        self._add("ok", "token", f"valid for {user}; {may} (scopes: {clean(', '.join(token.scopes))})")
        self._expiry(token)

    def _expiry(self, token: Token) -> None:
        try:
            expires = datetime.fromisoformat(token.expires_at or "").replace(tzinfo=UTC)
        except ValueError:
            return
        if expires.timestamp() - self._clock() < EXPIRES_SOON:
            self._add("warning", "token", f"expires on {expires:%Y-%m-%d}", "rotate it before that day")

    async def _questions(self) -> None:
        """Try every GraphQL query that is stored, and say what this version lacks of it."""
        lacks: dict[str, str] = {}
        for question in self._queries:
            try:
                missing = await self._lacking(question)
            except SourceError as error:
                if concerns_all(error):
                    raise
                advice = "nothing: REST is asked instead, which tells less"
                self._add("warning", "GraphQL", f"does not answer {question.name}: {error.message}", advice)
            else:
                lacks |= {question.name: ", ".join(missing)} if missing else {}
        if lacks:
            words = "; ".join(f"{names} ({name})" for name, names in lacks.items())
            self._add("ok", "GraphQL", f"answers; this version does not tell {words}")
        else:
            self._add("ok", "GraphQL", "answers")

    async def _lacking(self, question: GraphQLQuery[Any]) -> tuple[str, ...]:
        try:
            return await self._graphql.try_out(question)
        except ArgumentUnknown:
            if question not in (DASHBOARD, DASHBOARD_OF_REFS):
                raise
            return await self._graphql.try_out(dashboard_by_name(1, of_refs=question is DASHBOARD_OF_REFS))

    async def _projects(self) -> None:
        listing = await self._pipelines()
        projects = {pipeline.address for pipeline in listing.pipelines}
        refusal = (
            self._fallback.refusal(DASHBOARD.name) or self._fallback.refusal(DASHBOARD_OF_REFS.name) or ""
        )
        if refusal:
            advice = "let /api/graphql through, or upgrade the server; until then lists lack detail"
            self._add("warning", "GraphQL", f"not usable, REST is: {refusal}", advice)
        elif projects:
            await self._questions()
        for note in listing.notes:
            if refusal not in note or not refusal:
                self._add("warning", "watch", note, "correct watch, or ask for access to the project")
        found = f"{len(projects)} projects, {len(listing.pipelines)} rows"
        if projects:
            self._add("ok", "watch", f"finds {found}")
        else:
            self._add(
                "error", "watch", "finds no project", "name projects (group/project) or groups (group/**)"
            )
