"""GitLab: pipelines of watched projects by GraphQL, by REST where that is refused (contracts: gitlab)."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tui.config import GitLabSettings
from tui.domain.action import ActionRequest, Observation, Offer, Plan, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.domain.candidate import RegisteredVersion
from tui.domain.deployment import Changes, Environment, Environments, Validation, Version
from tui.domain.evaluation import Evaluation
from tui.domain.health import Finding, SourceFacts
from tui.domain.model_comparison import VersionRecord
from tui.domain.pipeline import Listing, Run
from tui.domain.tests import CaseDetails, CaseKey, TestReport
from tui.sources.base import run_number
from tui.sources.gitlab.actions.rights import job_rights
from tui.sources.gitlab.actions.service import GitLabActions
from tui.sources.gitlab.check import Check, TokenIdentity
from tui.sources.gitlab.context import open_context
from tui.sources.gitlab.graphql_queries import DASHBOARD, DASHBOARD_OF_REFS, PIPELINE_DETAIL, GraphQLQuery
from tui.sources.gitlab.log.end import trace_end
from tui.sources.gitlab.log.reader import GitLabLog, Traces
from tui.sources.gitlab.read.artifacts import ArtifactReader
from tui.sources.gitlab.read.deployment_payload import ENVIRONMENTS, RIGHTS
from tui.sources.gitlab.read.environments import EnvironmentReader
from tui.sources.gitlab.read.listing import ListingReader
from tui.sources.gitlab.read.models import ModelReader
from tui.sources.gitlab.read.projects import ProjectReader
from tui.sources.gitlab.read.runs import RunReader
from tui.sources.gitlab.read.test_suites import TEST_CASES, TEST_OUTPUT
from tui.sources.gitlab.read.tests import TestReports
from tui.sources.gitlab.read.watch import WatchResolver
from tui.sources.gitlab.web_pages import address_of_page
from tui.sources.log_end import LogEnd
from tui.text.safe import clean

QUERIES: tuple[GraphQLQuery[Any], ...] = (
    DASHBOARD,
    DASHBOARD_OF_REFS,
    PIPELINE_DETAIL,
    ENVIRONMENTS,
    RIGHTS,
    job_rights("gid://gitlab/Ci::Build/1"),
    TEST_CASES,
    TEST_OUTPUT,
)
"""All that is asked in GraphQL."""


class GitLabSource:
    """A :class:`tui.sources.base.PipelineSource` that acts."""

    def __init__(
        self, name: str, settings: GitLabSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._context = context = open_context(name, settings, clock)
        watch = WatchResolver(context.rest, settings.watch, clock)
        self._overview = ListingReader(context, ProjectReader(context), watch)
        self._runs = RunReader(context)
        self._tests = TestReports(context)
        self._environments = EnvironmentReader(context)
        self._artifacts = ArtifactReader(context)
        self._models = ModelReader(context, self._artifacts)
        self._traces = Traces(context)
        self._acting = GitLabActions(context, self._environments)
        self._identity = TokenIdentity()

    @property
    def name(self) -> str:
        return self._context.name

    def facts(self) -> SourceFacts:
        context, wire, known = self._context, self._context.wire, self._identity.read_only
        return SourceFacts(
            name=context.name,
            type="gitlab",
            url=context.server,
            version=self._identity.version,
            user=self._identity.user,
            read_only=known if known is not None else self._acting.read_only,
            stage_source=context.fallback.words,
            clock_skew=wire.clock_skew,
            requests=wire.requests,
            bytes_read=wire.bytes_read,
            rate_limit=wire.rate_limit,
        )

    async def pipelines(self) -> Listing:
        """All watched projects, a row for each project and ref, with their newest runs.

        Raises:
            SourceError: when nothing could be read. What failed for a part only is in the listing's notes.
        """
        return await self._overview.listing()

    async def run(self, address: Address) -> Run:
        """One run with its stages and jobs, and those of the runs it started.

        Raises:
            SourceError
        """
        return await self._runs.read(address, self._overview.recent)

    async def tests(self, address: Address) -> TestReport:
        """The tests of a run and of its child pipelines; an empty report where there are none.

        Raises:
            SourceError
        """
        recent = self._overview.recent
        childless = self._runs.childless(address, recent)
        return await self._tests.read(address, recent, childless=childless)

    async def case(self, address: Address, key: CaseKey) -> CaseDetails:
        """What one case said in the report of a run.

        Raises:
            SourceError
        """
        return await self._tests.case(address, key, self._overview.recent)

    def log(self, address: Address, tail: int = 0) -> GitLabLog:
        """What reads the log of a job, or of the job that tells most about a run. A trace has no offset, so it is read
        from the beginning.

        Raises:
            SourceError: it names no run.
        """
        run_number(address, "ID")
        return GitLabLog(self._traces, self.run, address, self._context.clock)

    async def log_end(self, run: Run, size: int) -> LogEnd:
        return await trace_end(self._traces, run, size)

    async def environments(self, pipeline: Address) -> Environments:
        """Those of a project, whatever the ref."""
        return await self._environments.environments(pipeline.path)

    async def history(self, environment: Address) -> Environment:
        return await self._environments.history(environment)

    async def tier(self, environment: Address) -> str | None:
        found = await self._environments.environment(environment.path, environment.environment or "")
        return clean(found.tier).lower() if found.tier else None

    async def changes(self, old: Version, new: Version) -> Changes:
        return await self._environments.changes(old, new)

    async def validation(self, run: Address, file: str) -> Validation:
        return await self._artifacts.validation(run, file)

    async def evaluation(self, run: Address, file: str) -> Evaluation:
        return await self._artifacts.evaluation(run, file)

    async def registered(self, model: str, aliases: Sequence[str]) -> Mapping[str, RegisteredVersion | None]:
        """GitLab's registry has no aliases."""
        return dict.fromkeys(aliases)

    async def aliases(self, model: str) -> Mapping[str, str]:
        """GitLab's registry has none; it is asked whether the model may be seen."""
        await self._models.newest_versions(model)
        return {}

    async def newest_versions(self, model: str) -> tuple[RegisteredVersion, ...]:
        return await self._models.newest_versions(model)

    async def made_at(self, versions: Sequence[RegisteredVersion], revision: str) -> tuple[str, ...]:
        model = versions[0].model if versions else ""
        wanted = [each.version for each in versions]
        return await self._models.made_at(model, wanted, revision) if model else ()

    async def evaluated(self, model: str, version: str, file: str) -> Evaluation:
        return await self._models.evaluated(model, version, file)

    async def recorded(self, model: str, version: str) -> VersionRecord:
        return await self._models.recorded(model, version)

    async def account(self) -> str:
        return await self._acting.account()

    async def write_access(self) -> WriteAccess:
        """Whether the token may write: a personal one tells its scopes."""
        return await self._acting.write_access()

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        return await self._acting.offers(target)

    async def plan(self, request: ActionRequest) -> Plan:
        return await self._acting.plan(request)

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        return await self._acting.send(step, secrets)

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        return await self._acting.observe(step, reply)

    async def check(self) -> tuple[Finding, ...]:
        """Try everything the program will need of the server and say what was found."""
        check = Check(self._context, QUERIES, self.pipelines)
        self._identity, findings = await check.run()
        return findings

    async def address_of(self, url: str) -> Address | None:
        """See :class:`tui.sources.base.WebSource`."""
        return await address_of_page(self._context, self.run, url)

    def ask_early(self) -> bool:
        return self._context.wire.ask_early()

    async def close(self) -> None:
        await self._context.close()
        await self._traces.close()
        self._tests.close()
