"""What an action needs to know of its target, read at this moment: nothing here is kept beyond one question."""

import re
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec

from tui.config import GitLabSettings
from tui.domain.action import Plan, Wish
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.insight.derive import tier_of
from tui.sources.base import SourceError
from tui.sources.gitlab.convert import Place
from tui.sources.gitlab.deployed import SHORT, Permissions, RestDeployment
from tui.sources.gitlab.environments import EnvironmentReader
from tui.sources.gitlab.graphql import Fallback, GraphQL
from tui.sources.gitlab.payload import GraphQLReply, RestJob, RestPipeline, RestProject, seconds
from tui.sources.gitlab.queries import Question
from tui.sources.gitlab.rest import PER_PAGE, Rest, project_url
from tui.sources.gitlab.status import read_status
from tui.sources.gitlab.together import concerns_all, together
from tui.text import clean, shorten

T = TypeVar("T")


class Action(msgspec.Struct, frozen=True, rename="camel"):
    confirmation_message: str | None = None


class JobStatus(msgspec.Struct, frozen=True):
    action: Action | None = None


class Rights(msgspec.Struct, frozen=True, rename="camel"):
    """What REST does not tell of a job (contracts: gitlab §0, §6)."""

    manual_job: bool | None = None
    can_play_job: bool | None = None
    retryable: bool | None = None
    user_permissions: Permissions | None = None
    detailed_status: JobStatus | None = None

    @property
    def forbidden(self) -> bool:
        return self.user_permissions is not None and self.user_permissions.update_build is False

    @property
    def asks(self) -> str:
        """What the author wants confirmed before it is started (``manual_confirmation``)."""
        action = self.detailed_status.action if self.detailed_status else None
        return clean((action and action.confirmation_message) or "")


class RightsProject(msgspec.Struct, frozen=True):
    job: Rights | None = None


class RightsData(msgspec.Struct, frozen=True):
    project: RightsProject | None = None


class Rule(msgspec.Struct, frozen=True):
    required_approvals: int = 0


class Protection(msgspec.Struct, frozen=True):
    """A protected environment."""

    required_approval_count: int | None = None
    approval_rules: Sequence[Rule] | None = None

    @property
    def approvals(self) -> int:
        rules = sum(rule.required_approvals for rule in self.approval_rules or ())
        return max(rules, self.required_approval_count or 0)


_RIGHTS = "JobRights"
_rights = msgspec.json.Decoder(GraphQLReply[RightsData])
_pipeline = msgspec.json.Decoder(RestPipeline)
_jobs = msgspec.json.Decoder(tuple[RestJob, ...])
_project = msgspec.json.Decoder(RestProject)
_deployment = msgspec.json.Decoder(RestDeployment)
_deployments = msgspec.json.Decoder(tuple[RestDeployment, ...])
_protection = msgspec.json.Decoder(Protection)


class Seen(msgspec.Struct, frozen=True):
    """A run as it is."""

    place: Place
    pipeline: RestPipeline
    jobs: tuple[RestJob, ...]
    """All attempts, by id, bridges among them."""
    bridges: frozenset[int]

    @property
    def address(self) -> Address:
        return self.place.run(self.pipeline.id)

    @property
    def current(self) -> tuple[RestJob, ...]:
        """Of each name the newest attempt; a name is one job of a pipeline."""
        return tuple({job.name: job for job in self.jobs}.values())

    @property
    def gates(self) -> tuple[RestJob, ...]:
        return tuple(job for job in self.current if job.status == "manual")

    def newest(self, name: str) -> RestJob | None:
        return next((job for job in self.current if job.name == name), None)

    def find(self, address: Address) -> RestJob:
        """The job of an address: ``NAME`` for the newest attempt, ``NAME~ID`` for a certain one.

        Raises:
            SourceError: NOT_FOUND
        """
        wanted = address.job or ""
        for job in self.current:
            if clean(job.name) == wanted:
                return job
        if match := re.fullmatch(r"(.*)~(\d+)", wanted, re.DOTALL):
            for job in self.jobs:
                if job.id == int(match[2]) and clean(job.name) == match[1]:
                    return job
        raise SourceError(Trouble.NOT_FOUND, f"{self.address} has no job {wanted!r}")

    def at(self, job: RestJob) -> Address:
        newest = self.newest(job.name)
        name = clean(job.name)
        return self.address.at_job(name if newest is not None and newest.id == job.id else f"{name}~{job.id}")


class Look:
    """One look at a server. What was read is not read again by the same one."""

    def __init__(
        self,
        name: str,
        settings: GitLabSettings,
        rest: Rest,
        graphql: GraphQL,
        fallback: Fallback,
        environments: EnvironmentReader,
        clock: Callable[[], float],
        me: Callable[[], Awaitable[str]],
    ) -> None:
        self.me = me
        """Who we are to the server."""
        self.environments = environments
        self.server = settings.base_url
        self._name = name
        self._rest = rest
        self._graphql = graphql
        self._fallback = fallback
        self._clock = clock
        self._known: dict[tuple[object, ...], Any] = {}

    async def _once(self, key: tuple[object, ...], read: Callable[[], Awaitable[T]]) -> T:
        if key not in self._known:
            self._known[key] = await read()
        found: T = self._known[key]
        return found

    # --- runs and jobs --------------------------------------------------------------------------------------------

    async def run(self, path: str, id: int) -> Seen:
        """A run with all its jobs.

        Raises:
            SourceError
        """
        url = f"{project_url(path)}/pipelines/{id}"

        async def read() -> Seen:
            pipeline = await self._rest.read(_pipeline, url)
            builds, bridges = await together(
                (
                    self._rest.pages(_jobs, f"{url}/jobs", {"include_retried": "true"}),
                    self._rest.pages(_jobs, f"{url}/bridges"),
                )
            )
            ordered = tuple(sorted((*builds, *bridges), key=lambda job: job.id))
            return Seen(self.place(path), pipeline, ordered, frozenset(job.id for job in bridges))

        return await self._once(("run", path, id), read)

    async def of(self, address: Address) -> Seen:
        """The run of an address.

        Raises:
            SourceError
        """
        if address.run is None:
            raise SourceError(Trouble.NOT_FOUND, f"{address} names no run; write {address}#ID")
        return await self.run(address.path, address.run)

    async def rights(self, seen: Seen, job: RestJob) -> Rights | None:
        """What GraphQL adds; None where it does not answer."""
        kind = "Ci::Bridge" if job.id in seen.bridges else "Ci::Build"
        # The id stands in the text: its type has another name in older schemas.
        document = f"""
query {_RIGHTS}($path: ID!) {{
  project(fullPath: $path) {{
    job(id: "gid://gitlab/{kind}/{job.id}") {{
      manualJob canPlayJob retryable
      userPermissions {{ updateBuild }}
      detailedStatus {{ action {{ confirmationMessage }} }}
    }}
  }}
}}"""

        async def ask() -> Rights | None:
            data, _ = await self._graphql.ask(Question(_RIGHTS, document, _rights), path=seen.place.path)
            return data.project.job if data.project is not None else None

        async def none() -> Rights | None:
            return None

        async def read() -> Rights | None:
            try:
                return await self._fallback.ask(_RIGHTS, ask, none)
            except SourceError as error:
                if concerns_all(error):
                    raise
                return None

        return await self._once(("rights", job.id), read)

    # --- deployments ----------------------------------------------------------------------------------------------

    async def deployment_of(self, path: str, job: RestJob) -> RestDeployment | None:
        """The deployment that a job makes, if it is among the newest: jobs do not name their environment."""
        status = "blocked" if job.status == "manual" else ""
        for each in await self.deployments(path, status):
            if each.deployable is not None and each.deployable.id == job.id:
                return each
        return None

    async def environments_of(self, path: str, names: Collection[str]) -> tuple[str, ...]:
        """Where jobs of these names deploy to, as newer ones of the same name did; production first."""
        found = {
            clean(each.environment.name): None
            for each in await self.deployments(path)
            if each.environment is not None and each.deployable is not None and each.deployable.name in names
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
        stable = (each for each in found if not words.of_deployment(each).canary)
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

    def place(self, path: str) -> Place:
        return Place(self._name, self.server, clean(path))

    def now(self) -> float:
        return self._clock()

    # --- plans ----------------------------------------------------------------------------------------------------

    def plan(self, wish: Wish, words: str, **more: Any) -> Plan:
        return Plan(wish=wish, words=words, server=self.server, read_at=self._clock(), **more)

    def cannot(self, wish: Wish, words: str, why: str, **more: Any) -> Plan:
        return self.plan(wish, words, possible=False, why_not=why, **more)


# --- words --------------------------------------------------------------------------------------------------------


def status_of(job: RestJob) -> Status:
    return read_status(job.status).status


def who(job: RestJob) -> str:
    return clean(job.user.username) if job.user is not None else ""


def standing_words(job: RestJob) -> str:
    """How a job is: ``running, started by alice at 14:03 UTC``."""
    status, reason = read_status(job.status)
    words = clean(job.status) if status is Status.UNKNOWN else status.value
    if reason:
        words += f" ({reason})"
    if job.started_at is not None:
        by = f" by {who(job)}" if who(job) else ""
        words += f", started{by} at {clock(job.started_at)}"
    return words


def clock(at: datetime) -> str:
    return f"{datetime.fromtimestamp(seconds(at) or 0.0, UTC):%H:%M} UTC"


def version_of(deployment: RestDeployment | None) -> str:
    """Tag or short commit id."""
    if deployment is None:
        return "nothing"
    if deployment.deployable is not None and deployment.deployable.tag and deployment.ref:
        return clean(deployment.ref)
    return clean(deployment.sha or "")[:SHORT] or "?"


def quoted(name: str) -> str:
    return f"'{shorten(clean(name), 80)}'"


def note(**values: object) -> tuple[tuple[str, str], ...]:
    """What a step is to remember."""
    return tuple((key, str(value)) for key, value in values.items() if value not in (None, ""))


def noted(notes: Mapping[str, str], key: str) -> int:
    return int(notes.get(key) or 0)


def _ended(deployment: RestDeployment) -> tuple[float, int]:
    job = deployment.deployable
    at = job.finished_at if job is not None and job.finished_at is not None else deployment.updated_at
    return seconds(at) or 0.0, deployment.id
