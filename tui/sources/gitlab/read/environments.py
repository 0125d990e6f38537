"""Reading GitLab's environments, their past, and what a deployed version brought."""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import (
    Changes,
    Commit,
    Deployment,
    Environment,
    Environments,
    Version,
)
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.insight.environment_state import environment_state, newest_first
from tui.sources.base import SourceError
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.gather import concerns_all, gather
from tui.sources.gitlab.lru_cache import LruCache
from tui.sources.gitlab.payload import nodes, seconds
from tui.sources.gitlab.read.deployment_payload import (
    ENVIRONMENTS,
    RIGHTS,
    DeploymentConverter,
    EnvironmentNode,
    RestCommit,
    RestDeployment,
    RestEnvironment,
    RightsJob,
    waiting_words,
    with_rollbacks,
)
from tui.sources.gitlab.rest_client import PER_PAGE, project_url
from tui.text.safe import clean, shorten

MOST_PAGES = 2
"""Pages of environments read: 100 environments. A project with more has review apps."""
MOST_BY_REST = 20
"""Environments read where REST, which wants a question for each, has to do."""
HISTORY = 50
"""Deployments read of one environment's past."""
KEEP_STOPPED = 600.0
"""Seconds for which the stopped environments are good: they do not do much."""

_environments = msgspec.json.Decoder(tuple[RestEnvironment, ...])
_deployments = msgspec.json.Decoder(tuple[RestDeployment, ...])
_deployment = msgspec.json.Decoder(RestDeployment)
_commits = msgspec.json.Decoder(tuple[RestCommit, ...])


class _Stopped(msgspec.Struct, frozen=True):
    at: float
    environments: tuple[Environment, ...]
    note: str


class EnvironmentReader:
    """Environments of one server, a project at a time."""

    def __init__(self, context: GitLabContext) -> None:
        self._context = context
        self._rest = context.rest
        self._graphql = context.graphql
        self._fallback = context.fallback
        self._clock = context.clock
        self._stopped: LruCache[str, _Stopped] = LruCache(256)
        self._before: LruCache[tuple[Address, str], tuple[Deployment, ...]] = LruCache(256)
        """What was deployed before a canary, by environment and the canary's id."""

    def words(self, path: str) -> DeploymentConverter:
        return DeploymentConverter(self._context.project(path), self._context.settings.canary_jobs)

    # --- what stands where ----------------------------------------------------------------------------------------

    async def environments(self, path: str) -> Environments:
        """Those of one project, with the newest deployment of each status.

        Raises:
            SourceError
        """
        found = await self._fallback.ask(
            ENVIRONMENTS.name, lambda: self._by_graphql(path), lambda: self._by_rest(path), path
        )
        whole = await gather(self._with_stable(path, environment) for environment in found.environments)
        stopped = await self._stopped_of(path)
        notes = (*found.notes, *((stopped.note,) if stopped.note else ()))
        return Environments((*whole, *stopped.environments), notes)

    async def _by_graphql(self, path: str) -> Environments:
        words = self.words(path)
        found: list[EnvironmentNode] = []
        notes: list[str] = []
        after: str | None = None
        for page in range(MOST_PAGES):
            variables = {"path": path} | ({"after": after} if after else {})
            data, errors = await self._graphql.ask(ENVIRONMENTS, **variables)
            left_out = shorten("; ".join(clean(error.message) for error in errors), 200)
            if data.project is None:
                why = left_out or "it does not exist, or this user may not see it"
                message = f"the environments of {clean(path)} cannot be read: {why} (POST /api/graphql)"
                raise SourceError(Trouble.NOT_FOUND, message)
            if data.project.environments is None:
                reason = left_out or "this user may not see them, which takes the Reporter role"
                return Environments((), (f"its environments are not shown: {reason}",))
            if left_out:
                notes.append(f"GitLab left something out: {left_out}")
            found += nodes(data.project.environments)
            after = data.project.environments.page_info.end_cursor
            if not data.project.environments.page_info.has_next_page or not after:
                break
            if page == MOST_PAGES - 1:
                notes.append(f"it has more than {len(found)} environments; the others are not shown")
        return Environments(tuple(words.of_node(node) for node in found), tuple(dict.fromkeys(notes)))

    async def _by_rest(self, path: str) -> Environments:
        url = f"{project_url(path)}/environments"
        found = await self._rest.pages(_environments, url, {"states": "available"})
        notes = []
        if len(found) > MOST_BY_REST:
            notes.append(
                f"{MOST_BY_REST} of {len(found)} environments are shown: over REST each costs a request"
            )
        words = self.words(path)
        histories = await gather(
            self.deployed(path, environment.name, 20) for environment in found[:MOST_BY_REST]
        )
        return Environments(
            tuple(
                words.of_rest(environment, map(words.of_deployment, history))
                for environment, history in zip(found, histories, strict=False)
            ),
            tuple(notes),
        )

    async def _with_stable(self, path: str, environment: Environment) -> Environment:
        """``environment`` with what was there before its canary: GitLab takes the canary's success for the newest."""
        canary = environment_state(environment.deployments).canary
        if canary is None or environment_state(environment.deployments).stable is not None:
            return environment
        key = (environment.address, canary.id)
        before = self._before.get(key)
        if before is None:
            history = await self.deployed(path, environment.name, 20, status="success")
            before = tuple(map(self.words(path).of_deployment, history))
            self._before.put(key, before)
        known = {deployment.id for deployment in environment.deployments}
        return msgspec.structs.replace(
            environment,
            deployments=newest_first(
                (
                    *environment.deployments,
                    *(deployment for deployment in before if deployment.id not in known),
                )
            ),
        )

    async def _stopped_of(self, path: str) -> _Stopped:
        """The stopped environments; those in folders, which are review apps, in a note."""
        known = self._stopped.get(path)
        if known is not None and self._clock() - known.at < KEEP_STOPPED:
            return known
        try:
            query: dict[str, str | int] = {"states": "stopped", "per_page": 50}
            found = await self._rest.read(_environments, f"{project_url(path)}/environments", query)
        except SourceError as error:
            if concerns_all(error):
                raise
            return _Stopped(self._clock(), (), f"its stopped environments are not shown: {error.message}")
        words = self.words(path)
        reviewed = [clean(stopped.name) for stopped in found if "/" in stopped.name]
        note = ""
        if reviewed:
            names = shorten(", ".join(reviewed), 60)
            note = f"{len(reviewed)} stopped in folders: {names}"
        stopped = _Stopped(
            self._clock(),
            tuple(words.of_rest(environment, ()) for environment in found if "/" not in environment.name),
            note,
        )
        self._stopped.put(path, stopped)
        return stopped

    # --- the past -------------------------------------------------------------------------------------------------

    async def history(self, address: Address) -> Environment:
        """One environment with its newest deployments, newest first, and whether one can go back to each.

        Raises:
            SourceError
        """
        return (await self.past(address))[0]

    async def past(self, address: Address) -> tuple[Environment, Mapping[str, RestDeployment]]:
        """As :meth:`history`, with the deployments by iid as REST told them.

        Raises:
            SourceError
        """
        path, name = address.path, address.environment or ""
        found, deployments, (rights, why) = await asyncio.gather(
            self.environment(path, name), self.deployed(path, name, HISTORY), self._rights(path, name)
        )
        words = self.words(path)
        rest = {str(deployment.iid): deployment for deployment in deployments}
        made = newest_first(words.of_deployment(deployment) for deployment in deployments)
        made = tuple(deployment for deployment in made if deployment.status is not Status.SKIPPED)
        made = await self._with_approvals(path, made, rest)
        notes = [f"whether you may roll back is not known: {why}"] if why else []
        since = None
        if len(deployments) == HISTORY:
            since = min(
                (deployment.started_at for deployment in made if deployment.started_at is not None),
                default=None,
            )
        environment = words.of_rest(found, with_rollbacks(made, rest, None if why else rights))
        return msgspec.structs.replace(environment, read_since=since, notes=tuple(notes)), rest

    async def environment(self, path: str, name: str) -> RestEnvironment:
        found = await self._rest.read(_environments, f"{project_url(path)}/environments", {"name": name})
        if not found:
            raise SourceError(Trouble.NOT_FOUND, f"{clean(path)} has no environment {clean(name)}")
        return found[0]

    async def deployed(
        self, path: str, environment: str, count: int, status: str = ""
    ) -> tuple[RestDeployment, ...]:
        """The newest deployments of an environment; GitLab's own order begins with the oldest."""
        query: dict[str, str | int] = {
            "environment": environment,
            "order_by": "id",
            "sort": "desc",
            "per_page": count,
        }
        if status:
            query["status"] = status
        return await self._rest.read(_deployments, f"{project_url(path)}/deployments", query)

    async def _rights(self, path: str, name: str) -> tuple[Mapping[str, RightsJob], str]:
        """Which jobs may be run again, by iid; or why that is not known."""

        async def ask() -> tuple[Mapping[str, RightsJob], str]:
            data, errors = await self._graphql.ask(RIGHTS, path=path, name=name, n=HISTORY)
            environment = data.project.environment if data.project is not None else None
            if environment is None or environment.deployments is None:
                left_out = shorten("; ".join(clean(error.message) for error in errors), 200)
                return {}, left_out or "GitLab did not tell"
            found = nodes(environment.deployments)
            return {node.iid: node.job for node in found if node.job is not None}, ""

        async def refused() -> tuple[Mapping[str, RightsJob], str]:
            return {}, "this server does not answer that in GraphQL"

        try:
            return await self._fallback.ask(RIGHTS.name, ask, refused, f"{path} {name}")
        except SourceError as error:
            if concerns_all(error):
                raise
            return {}, error.message

    async def _with_approvals(
        self, path: str, deployments: Sequence[Deployment], rest: Mapping[str, RestDeployment]
    ) -> tuple[Deployment, ...]:
        """``deployments``; of those that wait now, how many approvals are missing. Only a single one tells that."""
        waiting = [
            deployment.id
            for deployment in environment_state(deployments).coming
            if deployment.status is Status.WAITING
        ]
        made = []
        for deployment in deployments:
            if deployment.id in waiting:
                url = f"{project_url(path)}/deployments/{rest[deployment.id].id}"
                try:
                    single = await self._rest.read(_deployment, url)
                except SourceError as error:
                    if concerns_all(error):
                        raise
                else:
                    deployment = msgspec.structs.replace(
                        deployment, waits_for=waiting_words(single, deployment.waits_for)
                    )
            made.append(deployment)
        return tuple(made)

    # --- what a version brought -----------------------------------------------------------------------------------

    async def changes(self, old: Version, new: Version) -> Changes:
        """The commits between two deployed ones, by the list of commits: a comparison would send their diffs too.

        Raises:
            SourceError
        """
        place = self.words(new.environment.path).place
        if not old.revision or not new.revision:
            return Changes((), ("the commit of one of them is not known",))
        if old.revision == new.revision:
            return Changes((), ("both are the same commit",))
        url = f"{project_url(new.environment.path)}/repository/commits"
        query: dict[str, str | int] = {"ref_name": f"{old.revision}..{new.revision}", "per_page": PER_PAGE}
        try:
            answer = await self._rest.get(url, query)
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return Changes((), (f"GitLab does not have both commits any more: {error.message}",))
            if error.trouble is Trouble.FORBIDDEN:
                return Changes((), (f"its commits are not shown to this user: {error.message}",))
            raise
        commits = tuple(
            Commit(
                revision=clean(commit.id),
                title=shorten(clean(commit.title or ""), 200),
                author=clean(commit.author_name or ""),
                at=seconds(commit.committed_date),
            )
            for commit in await self._rest.decode(_commits, answer)
        )
        notes = []
        if answer.headers.get("x-next-page", "").isdigit():
            notes.append(f"there are more than {len(commits)}")
        if not commits:
            notes.append("it has no commit that the other has not: an older one, or from another branch")
        compare = place.url("compare", f"{old.revision}...{new.revision}")
        return Changes(commits, tuple(notes), compare)
