"""Spinnaker: pipelines of watched applications by its Gate (contracts: spinnaker)."""

import time
from collections.abc import Awaitable, Callable, Mapping

from tui.config import SpinnakerSettings
from tui.domain.action import ActionRequest, Observation, Offer, Plan, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.domain.deployment import Changes, Environment, Environments, Validation, Version
from tui.domain.health import Finding, SourceFacts, Trouble
from tui.domain.pipeline import Listing, Run
from tui.domain.tests import CaseDetails, CaseKey, TestReport
from tui.domain.verdict import ServerVerdict
from tui.sources.base import SourceError
from tui.sources.http.limiter import Limiter
from tui.sources.spinnaker.actions.service import SpinnakerActions
from tui.sources.spinnaker.check import Check
from tui.sources.spinnaker.client import Gate
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.log.reader import SpinnakerLog
from tui.sources.spinnaker.read.canary import Canaries
from tui.sources.spinnaker.read.listing import ListingReader
from tui.sources.spinnaker.read.origins import Origins
from tui.sources.spinnaker.read.places import Places
from tui.sources.spinnaker.read.runs import whole_run


class SpinnakerSource:
    """A :class:`tui.sources.base.PipelineSource` that knows deployments and acts."""

    def __init__(
        self, name: str, settings: SpinnakerSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._name = name
        self._settings = settings
        self._wire = Limiter(name, clock=clock)
        self._gate = Gate(self._wire, settings)
        self._context = Context(name, settings, self._gate, clock)
        self._listing = ListingReader(self._context)
        self._places = Places(self._context, Origins(self._context, self._listing.executions))
        self._acting = SpinnakerActions(self._context, self._places, self._listing.definitions)
        self._canaries = Canaries(self._context)
        self._version = ""
        self._user = ""

    @property
    def name(self) -> str:
        return self._name

    def link(self, address_of: Callable[[str], Awaitable[Address | None]]) -> None:
        """See :class:`tui.sources.base.LinkingSource`."""
        self._context.address_of = address_of

    def facts(self) -> SourceFacts:
        return SourceFacts(
            name=self._name,
            type="spinnaker",
            url=self._settings.base_url,
            version=self._version,
            user=self._user,
            clock_skew=self._wire.clock_skew,
            requests=self._wire.requests,
            bytes_read=self._wire.bytes_read,
            rate_limit=self._wire.rate_limit,
        )

    async def pipelines(self) -> Listing:
        return await self._listing.listing()

    async def run(self, address: Address) -> Run:
        await self._listing.definitions()
        return await whole_run(await self._context.execution(address), address, self._context)

    async def address_of(self, url: str) -> Address | None:
        """See :class:`tui.sources.base.WebSource`."""
        await self._listing.definitions()
        return await self._context.address_of_page(url)

    async def tests(self, address: Address) -> TestReport:
        """Empty: Spinnaker keeps none. The runs of Jenkins that it started have them."""
        await self._context.execution(address)
        return TestReport()

    async def case(self, address: Address, key: CaseKey) -> CaseDetails:
        raise SourceError(Trouble.NOT_FOUND, f"{self._name}: Spinnaker keeps no tests")

    def log(self, address: Address, tail: int = 0) -> SpinnakerLog:
        if address.run is None:
            raise SourceError(Trouble.NOT_FOUND, f"{address} names no run; write {address.pipeline}#ID")
        return SpinnakerLog(self._context, address)

    async def environments(self, pipeline: Address) -> Environments:
        return await self._places.environments(pipeline)

    async def history(self, environment: Address) -> Environment:
        return await self._places.history(environment)

    async def tier(self, environment: Address) -> str | None:
        return await self._places.tier(environment)

    async def judgement(self, run: Address) -> ServerVerdict | None:
        """See :class:`tui.sources.base.JudgingSource`."""
        return await self._canaries.judgement(run)

    async def changes(self, old: Version, new: Version) -> Changes:
        """Raises SourceError: without commits it would read as if there were none."""
        raise SourceError(Trouble.NOT_FOUND, "Spinnaker keeps no commits: what a version brings is not told")

    async def validation(self, run: Address, file: str) -> Validation:
        return Validation(notes=("Spinnaker keeps no files of its runs",))

    async def account(self) -> str:
        return await self._acting.account()

    async def write_access(self) -> WriteAccess:
        return await self._acting.write_access()

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        return await self._acting.offers(target)

    async def plan(self, request: ActionRequest) -> Plan:
        return await self._acting.plan(request)

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        return await self._acting.send(step)

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        return await self._acting.observe(step, reply)

    async def check(self) -> tuple[Finding, ...]:
        check = Check(self._context, self.pipelines)
        findings = await check.run()
        self._version, self._user = check.version, check.user
        return findings

    def ask_early(self) -> bool:
        return self._wire.ask_early()

    async def close(self) -> None:
        await self._gate.close()
