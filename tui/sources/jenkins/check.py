"""``pipedeck check`` for a controller: every thing the program will need of it, tried."""

from collections.abc import Sequence
from typing import Literal, Protocol
from urllib.parse import urlsplit

from tui.domain.address import Address
from tui.domain.health import Finding, SourceFacts, Trouble
from tui.domain.pipeline import Listing, Run
from tui.sources.base import SourceError
from tui.sources.checks import clock, unencrypted
from tui.sources.jenkins.context import JenkinsContext
from tui.sources.jenkins.payload import WHO_AM_I
from tui.sources.jenkins.read.deployments import RuleFound
from tui.text.safe import clean

_EXAMPLES = 3

_ADVICE = {
    Trouble.UNREACHABLE: "check url and, if one is needed, the proxy in HTTPS_PROXY",
    Trouble.TIMEOUT: "check url and the network, or raise timeout and connect_timeout",
    Trouble.TLS: "do what is said there; url, ca, cert and key are in the config",
    Trouble.UNAUTHORIZED: "make an API token in Jenkins (user menu, Security) and set user and token",
    Trouble.FORBIDDEN: "ask for Overall/Read and Job/Read",
    Trouble.NOT_FOUND: "check the path in url; a controller often sits under a prefix such as /jenkins",
    Trouble.WRONG_ANSWER: "check that url is that of a Jenkins and leads past no log-in page",
    Trouble.UNAVAILABLE: "wait until the controller is up",
    Trouble.RATE_LIMITED: "wait",
    Trouble.SERVER_ERROR: "look into the controller's own log",
    Trouble.REFUSED: "check url",
}


class CheckedSource(Protocol):
    """What is tried of a :class:`tui.sources.jenkins.source.JenkinsSource`."""

    def facts(self) -> SourceFacts: ...

    async def pipelines(self) -> Listing: ...

    @property
    def newest_pipeline_run(self) -> Address | None: ...

    async def run(self, address: Address) -> Run: ...

    async def explained(self) -> Sequence[RuleFound]: ...


class Check:
    """One check of one controller."""

    def __init__(self, source: CheckedSource, context: JenkinsContext) -> None:
        self.user = ""
        """Who the controller says we are; empty for anonymous."""
        self._source = source
        self._client = context.client
        self._settings = context.settings
        self._findings: list[Finding] = []

    async def findings(self) -> tuple[Finding, ...]:
        if await self._connection():
            self._server()
            await self._pipelines()
        return tuple(self._findings)

    def _found(
        self, level: Literal["ok", "warning", "error"], subject: str, message: str, advice: str = ""
    ) -> None:
        self._findings.append(Finding(level, subject, message, advice))

    def _failed(self, subject: str, error: SourceError) -> None:
        self._found("error", subject, error.message, _ADVICE.get(error.trouble, ""))

    async def _connection(self) -> bool:
        """Whether it is worth asking on."""
        url = urlsplit(self._settings.base_url)
        try:
            me = await self._client.get("/whoAmI/api/json", WHO_AM_I)
        except SourceError as error:
            reached = error.status is not None
            if reached:
                self._found("ok", "connection", f"{url.hostname} answers")
            self._failed("credentials" if error.trouble is Trouble.UNAUTHORIZED else "connection", error)
            return False
        self._found("ok", "connection", f"{url.hostname} answers")
        if url.scheme == "https":
            self._found("ok", "TLS", "the certificate is trusted")
        elif self._client.has_credentials:
            self._findings += unencrypted(self._settings.base_url)
        self.user = "" if me.anonymous else clean(me.name)
        if self.user:
            self._found("ok", "credentials", f"logged in as {self.user}")
        elif self._client.has_credentials:
            self._found(
                "warning",
                "credentials",
                "the controller takes us for anonymous, although user and token are set",
                "check that no proxy in front of it drops the Authorization header",
            )
        else:
            half = self._settings.user or self._settings.token
            self._found(
                "warning",
                "credentials",
                "user is set without token, or token without user: reading as anonymous"
                if half
                else "no user and token: reading as anonymous",
                "set user and token to see and do more",
            )
        return True

    def _server(self) -> None:
        facts = self._source.facts()
        if facts.version:
            self._found("ok", "version", f"Jenkins {facts.version}")
        else:
            self._found(
                "warning",
                "version",
                "the controller does not tell its version",
                "let the header X-Jenkins through the proxy",
            )
        if facts.clock_skew is None:
            self._found("warning", "clock", "the controller does not tell its time")
        else:
            self._findings.append(clock(facts.clock_skew))

    async def _pipelines(self) -> None:
        try:
            listing = await self._source.pipelines()
        except SourceError as error:
            self._failed("jobs", error)
            return
        self._jobs(listing)
        await self._stages()
        if self._settings.deployments:
            await self._rules()

    def _jobs(self, listing: Listing) -> None:
        if count := len(listing.pipelines):
            self._found("ok", "jobs", f"{count} watched job{'s' if count > 1 else ''} can be read")
        else:
            self._found(
                "warning",
                "jobs",
                "nothing to watch: this user sees no job that watch matches",
                "ask for Job/Read, or change watch in the config",
            )
        for note in listing.notes:
            advice = (
                "compare with the full names of the jobs: FOLDER/JOB, without /job/"
                if "watch" in note
                else ""
            )
            self._found("warning", "watch" if advice else "jobs", note, advice)

    async def _stages(self) -> None:
        address = self._source.newest_pipeline_run
        if address is None:
            self._found("ok", "stages", "no Pipeline run to look for stages in")
            return
        try:
            await self._source.run(address)
        except SourceError as error:
            self._failed("stages", error)
            return
        name = self._source.facts().stage_source
        if name == "flow graph":
            self._found(
                "warning",
                "stages",
                "no stage plugin: stages come without times, and only when a run has ended",
                "install Pipeline Graph View on the controller",
            )
        elif name == "wfapi":
            self._found(
                "warning",
                "stages",
                "read from the Stage View's wfapi: parallel branches are not told apart",
                "install Pipeline Graph View on the controller",
            )
        else:
            self._found("ok", "stages", f"read from {name}")

    async def _rules(self) -> None:
        """What each rule of ``deployments`` matched and, of what it covers, what it could not read."""
        try:
            explained = await self._source.explained()
        except SourceError as error:
            self._failed("deployments", error)
            return
        for number, found in enumerate(explained):
            subject = f"deployments[{number}]"
            if not found.jobs:
                self._found(
                    "warning",
                    subject,
                    f"no watched job matches {found.rule.job}",
                    "compare job with the full names of the jobs: FOLDER/JOB, without /job/",
                )
                continue
            covers = f"{found.rule.job} covers {found.jobs} job{'s' if found.jobs > 1 else ''}"
            if found.hits:
                runs = len({hit.deployment.run for hit in found.hits})
                shown = [
                    f"{hit.deployment.run} is {clean(hit.app)} {hit.deployment.version} in {hit.environment}"
                    for hit in found.hits[:_EXAMPLES]
                ]
                more = ", …" if len(found.hits) > _EXAMPLES else ""
                words = f"this rule matched {runs} run{'s' if runs > 1 else ''}: {', '.join(shown)}{more}"
                self._found("ok", subject, f"{covers}; {words}")
            elif not found.misses:
                self._found("ok", subject, f"{covers}, of which no run was left for this rule")
            for job in found.absent:
                self._found(
                    "warning",
                    subject,
                    f"{job}, which it would start, is not among the watched jobs",
                    "correct its name, or add it to watch",
                )
            for why, addresses in found.misses:
                count = f"{len(addresses)} run{'s' if len(addresses) > 1 else ''}, such as {addresses[0]}"
                self._found(
                    "ok" if found.hits else "warning",
                    subject,
                    f"{covers}; {count}: {why}",
                    "" if found.hits else "correct the rule, or leave it out",
                )
