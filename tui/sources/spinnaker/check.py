"""What ``pipedeck check`` finds at a Gate (contracts: spinnaker §2, §12)."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Literal

import msgspec

from tui.domain.health import Finding, Trouble
from tui.domain.pipeline import Listing
from tui.sources.base import SourceError
from tui.sources.checks import clock, unencrypted
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import USER, User, text
from tui.text.safe import clean, shorten

_ADVICE: Mapping[Trouble, str] = {
    Trouble.UNREACHABLE: "check the url, the network and the proxy",
    Trouble.TIMEOUT: "check the url; raise timeout if the server is only slow",
    Trouble.TLS: "do what is said there; url, ca, cert and key are in the config",
    Trouble.UNAUTHORIZED: "log in another way: forms, as LDAP has them, are not filled in",
    Trouble.FORBIDDEN: "ask for READ on the application",
    Trouble.NOT_FOUND: "check the url, path prefix included, and watch",
    Trouble.RATE_LIMITED: "wait; watch less, or ask an administrator for a higher limit",
    Trouble.WRONG_ANSWER: "check that the url is Gate's and not Deck's, path prefix included",
}
_version = msgspec.json.Decoder(dict[str, object])


async def user_of(context: Context) -> str:
    """Whom Gate takes us for; empty where nobody logged in: that is 200 with nothing, or ``anonymous``.

    Raises:
        SourceError
    """
    found = await read_user(context)
    name = clean(found.username or "") if found is not None else ""
    return "" if name == "anonymous" else name


async def read_user(context: Context) -> User | None:
    answer = await context.gate.ask("/auth/user")
    return context.gate.wire.decode(answer, USER) if answer.body.strip() else None


class Check:
    """
    Args:
        pipelines: reads the listing as the program does.
    """

    def __init__(self, context: Context, pipelines: Callable[[], Awaitable[Listing]]) -> None:
        self._context = context
        self._pipelines = pipelines
        self._findings: list[Finding] = []
        self.version = ""
        self.user = ""

    async def run(self) -> tuple[Finding, ...]:
        """What was found, in the order of what depends on what; the first fatal fault ends it."""
        settings, wire = self._context.settings, self._context.gate.wire
        try:
            if any(True for _ in settings.secrets):
                self._findings += unencrypted(settings.base_url)
            await self._login()
            await self._server()
            await self._watched()
            await self._kayenta()
        except SourceError as error:
            advice = _ADVICE.get(error.trouble, "ask who runs the server")
            self._add("error", error.trouble.value, error.message, advice)
        if wire.clock_skew is not None:
            self._findings.append(clock(wire.clock_skew))
        self._links()
        return tuple(self._findings)

    async def _login(self) -> None:
        found = await read_user(self._context)
        name = clean(found.username or "") if found is not None else ""
        if found is None or not name:
            # Where x509 alone is on, or a proxy logs in, this may say nothing although all else works.
            self._add(
                "warning", "user", "Gate does not say who is logged in", "see whether watch finds anything"
            )
        elif name == "anonymous":
            self._add("ok", "user", "anonymous: nobody logs in there")
        else:
            self.user = name
            roles = ", ".join(clean(role) for role in found.roles or () if isinstance(role, str))
            self._add("ok", "user", f"{name}{f', roles {shorten(roles, 200)}' if roles else ', no roles'}")
            self._add("ok", "rights", "what the user may do, Gate tells only when it is tried")

    async def _server(self) -> None:
        try:
            found = await self._context.gate.get("/version", _version)
        except SourceError as error:
            if error.trouble not in (Trouble.NOT_FOUND, Trouble.WRONG_ANSWER, Trouble.FORBIDDEN):
                raise
            self._add("ok", "server", "Gate answers; it does not tell its version")
            return
        self.version = text(found, "version")
        self._add("ok", "server", f"Gate {self.version or 'of no version that it tells'} answers")

    async def _watched(self) -> None:
        listing = await self._pipelines()
        for note in listing.notes:
            self._add("warning", "watch", note, "correct watch, or ask for READ on the application")
        folders = {pipeline.folder for pipeline in listing.pipelines}
        if listing.pipelines:
            found = f"finds {len(listing.pipelines)} pipelines of {len(folders)} applications"
            self._add("ok", "watch", found)
        else:
            self._add("error", "watch", "finds no pipeline", "name applications, or APPLICATION/PIPELINE")

    async def _kayenta(self) -> None:
        try:
            await self._context.gate.ask("/v2/canaryConfig")
        except SourceError as error:
            if error.trouble not in (Trouble.NOT_FOUND, Trouble.WRONG_ANSWER, Trouble.FORBIDDEN):
                raise
            self._add(
                "ok", "Kayenta", f"it is not there, or not for this user: {error.status or 'no answer'}"
            )
        else:
            self._add(
                "ok", "Kayenta", "it answers: canaries that Spinnaker judges are shown with their scores"
            )

    def _links(self) -> None:
        settings = self._context.settings
        if settings.web_url is None:
            advice = "set web_url to Deck's address to open pages in the browser"
            self._add("ok", "web_url", f"is not set: {advice}")
        for name in (environment.application for environment in settings.environments.values()):
            if not any(
                glob.partition("/")[0].lower() == name.lower() or "*" in glob for glob in settings.globs
            ):
                message = (
                    f"the application {clean(name)} of an environment is not among those that are watched"
                )
                self._add("warning", "environments", message, "put it into watch, to see who deployed what")

    def _add(
        self, level: Literal["ok", "warning", "error"], subject: str, message: str, advice: str = ""
    ) -> None:
        self._findings.append(Finding(level, subject, message, advice))
