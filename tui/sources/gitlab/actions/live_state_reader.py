"""What an action needs to know of its target, read at this moment: nothing here is kept beyond one question."""

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from tui.domain.action import ActionRequest, Plan
from tui.domain.address import Address
from tui.insight.derived_deployments import tier_of
from tui.sources.base import SourceError, run_number
from tui.sources.gitlab.actions.live_state import LiveState
from tui.sources.gitlab.actions.rights import Protection, Rights, job_rights
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.gather import concerns_all, gather
from tui.sources.gitlab.payload import RestJob, RestPipeline, RestProject, seconds
from tui.sources.gitlab.read.deployment_payload import RestDeployment
from tui.sources.gitlab.read.environments import EnvironmentReader
from tui.sources.gitlab.rest_client import PER_PAGE, project_url
from tui.text.safe import clean

T = TypeVar("T")


_pipeline = msgspec.json.Decoder(RestPipeline)
_jobs = msgspec.json.Decoder(tuple[RestJob, ...])
_project = msgspec.json.Decoder(RestProject)
_deployment = msgspec.json.Decoder(RestDeployment)
_deployments = msgspec.json.Decoder(tuple[RestDeployment, ...])
_protection = msgspec.json.Decoder(Protection)


class LiveStateReader:
    """One look at a server. What was read is not read again by the same one."""

    def __init__(
        self,
        context: GitLabContext,
        environments: EnvironmentReader,
        me: Callable[[], Awaitable[str]],
    ) -> None:
        self._context = context
        self._rest = context.rest
        self._graphql = context.graphql
        self._fallback = context.fallback
        self.me = me
        """Who we are to the server."""
        self.environments = environments
        self.server = context.server
        self.began = context.clock()
        self._known: dict[tuple[object, ...], Any] = {}

    async def _once(self, key: tuple[object, ...], read: Callable[[], Awaitable[T]]) -> T:
        if key not in self._known:
            self._known[key] = await read()
        found: T = self._known[key]
        return found

    # --- runs and jobs --------------------------------------------------------------------------------------------

    async def run(self, path: str, id: int) -> LiveState:
        """A run with all its jobs.

        Raises:
            SourceError
        """
        url = f"{project_url(path)}/pipelines/{id}"

        async def read() -> LiveState:
            pipeline = await self._rest.read(_pipeline, url)
            builds, bridges = await gather(
                (
                    self._rest.pages(_jobs, f"{url}/jobs", {"include_retried": "true"}),
                    self._rest.pages(_jobs, f"{url}/bridges"),
                )
            )
            ordered = tuple(sorted((*builds, *bridges), key=lambda job: job.id))
            return LiveState(
                self._context.project(path), pipeline, ordered, frozenset(job.id for job in bridges)
            )

        return await self._once(("run", path, id), read)

    async def of(self, address: Address) -> LiveState:
        """The run of an address.

        Raises:
            SourceError
        """
        return await self.run(address.path, run_number(address, "ID"))

    async def rights(self, seen: LiveState, job: RestJob) -> Rights | None:
        """What GraphQL adds; None where it does not answer."""
        kind = "Ci::Bridge" if job.id in seen.bridges else "Ci::Build"
        question = job_rights(f"gid://gitlab/{kind}/{job.id}")

        async def ask() -> Rights | None:
            data, _ = await self._graphql.ask(question, path=seen.place.path)
            return data.project.job if data.project is not None else None

        async def none() -> Rights | None:
            return None

        async def read() -> Rights | None:
            try:
                return await self._fallback.ask(question.name, ask, none, str(job.id))
            except SourceError as error:
                if concerns_all(error):
                    raise
                return None

        return await self._once(("rights", job.id), read)

    # --- deployments ----------------------------------------------------------------------------------------------

    async def deployment_of(self, path: str, job: RestJob) -> RestDeployment | None:
        """The deployment that a job makes, if it is among the newest: jobs do not name their environment."""
        status = "blocked" if job.status == "manual" else ""
        for deployment in await self.deployments(path, status):
            if deployment.deployable is not None and deployment.deployable.id == job.id:
                return deployment
        return None

    async def environments_of(self, path: str, names: Collection[str]) -> tuple[str, ...]:
        """Where jobs of these names deploy to, as newer ones of the same name did; production first."""
        found = {
            clean(deployment.environment.name): None
            for deployment in await self.deployments(path)
            if deployment.environment is not None
            and deployment.deployable is not None
            and deployment.deployable.name in names
        }
        return tuple(sorted(found, key=lambda name: tier_of(name) != "production"))

    async def deployments(
        self, path: str, status: str = "", environment: str = ""
    ) -> Sequence[RestDeployment]:
        """The newest; none where they are not shown to this user."""
        query: dict[str, str | int] = {"order_by": "id", "sort": "desc", "per_page": PER_PAGE}
        query |= {"status": status} if status else {}
        query |= {"environment": environment} if environment else {}

        async def read() -> Sequence[RestDeployment]:
            answer = await self._rest.ask(f"{project_url(path)}/deployments", query)
            if answer.status in (403, 404):
                return ()
            return await self._rest.decode(_deployments, self._rest.check(answer))

        return await self._once(("deployments", path, status, environment), read)

    async def deployment(self, path: str, id: int | str) -> RestDeployment | None:
        """One alone, which tells of approvals; None where it is not shown."""

        async def read() -> RestDeployment | None:
            answer = await self._rest.ask(f"{project_url(path)}/deployments/{id}")
            if answer.status in (403, 404):
                return None
            return await self._rest.decode(_deployment, self._rest.check(answer))

        return await self._once(("deployment", path, id), read)

    async def there(self, path: str, environment: str) -> RestDeployment | None:
        """What stands in an environment, without the canary beside it."""
        found = await self.deployments(path, "success", environment)
        words = self.environments.words(path)
        stable = (deployment for deployment in found if not words.of_deployment(deployment).canary)
        return max(stable, key=_ended, default=None)

    async def newest(self, path: str, environment: str) -> RestDeployment | None:
        """What was put into an environment last, a canary too."""
        return next(iter(await self.deployments(path, "success", environment)), None)

    async def approvals(self, path: str, environment: str) -> int:
        """How many people have to approve what is put into an environment."""

        async def read() -> int:
            url = f"{project_url(path)}/protected_environments/{quote(environment, safe='')}"
            answer = await self._rest.ask(url)
            if answer.status in (403, 404):
                return 0
            return (await self._rest.decode(_protection, self._rest.check(answer))).approvals

        return await self._once(("protection", path, environment), read)

    # --- others ---------------------------------------------------------------------------------------------------

    async def project(self, path: str) -> RestProject:
        """
        Raises:
            SourceError
        """
        return await self._once(("project", path), lambda: self._rest.read(_project, project_url(path)))

    async def pipelines(self, path: str, **query: str) -> Sequence[RestPipeline]:
        """
        Raises:
            SourceError
        """
        decoder = msgspec.json.Decoder(tuple[RestPipeline, ...])
        asked: dict[str, str | int] = {**query, "per_page": 20}
        return await self._rest.read(decoder, f"{project_url(path)}/pipelines", asked)

    async def read(self, decoder: "msgspec.json.Decoder[T]", path: str) -> T | None:
        """A payload; None where it is not there or not shown.

        Raises:
            SourceError
        """
        answer = await self._rest.ask(path)
        if answer.status in (403, 404):
            return None
        return await self._rest.decode(decoder, self._rest.check(answer))

    # --- plans ----------------------------------------------------------------------------------------------------

    def plan(self, request: ActionRequest, words: str, **more: Any) -> Plan:
        return Plan(request=request, words=words, server=self.server, read_at=self.began, **more)

    def cannot(self, request: ActionRequest, words: str, why: str, **more: Any) -> Plan:
        return self.plan(request, words, possible=False, why_not=why, **more)


def _ended(deployment: RestDeployment) -> tuple[float, int]:
    job = deployment.deployable
    at = job.finished_at if job is not None and job.finished_at is not None else deployment.updated_at
    return seconds(at) or 0.0, deployment.id
