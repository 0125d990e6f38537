"""The newest pipelines of projects, and of their refs, by GraphQL or REST."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.gitlab.context import GitLabContext, ProjectContext
from tui.sources.gitlab.gather import concerns_all, gather
from tui.sources.gitlab.graphql_client import UNKNOWN_FOR, ArgumentUnknown, GraphQLRefused
from tui.sources.gitlab.graphql_queries import (
    BY_NAME,
    CHANGES,
    CHANGES_OF_REFS,
    DASHBOARD,
    DASHBOARD_OF_REFS,
    OF_REFS_BY_NAME,
    PROJECTS_A_LOOK,
    PROJECTS_A_QUESTION,
    RECENT_PIPELINES,
    dashboard_by_name,
)
from tui.sources.gitlab.lru_cache import LruCache
from tui.sources.gitlab.payload import (
    LightNode,
    Nodes,
    PipelineNode,
    ProjectNode,
    QueryError,
    RestJob,
    RestPipeline,
    UpdatedProject,
    nodes,
    number,
    seconds,
)
from tui.sources.gitlab.read.convert import (
    RecentPipeline,
    recent_of_light,
    recent_of_node,
    recent_of_rest,
)
from tui.sources.gitlab.read.kept_projects import KeptProjects, Project
from tui.sources.gitlab.rest_client import PER_PAGE, Query, project_url
from tui.text.safe import clean, shorten

KEEP_SCOPES = 60.0
"""Seconds for which what REST says of refs is good while nothing of it goes on: it takes a request for each scope."""
MOST_SOURCES = 20
"""Projects of which REST is asked in one go why their pipelines ran, where GraphQL does not tell."""

_pipelines = msgspec.json.Decoder(tuple[RestPipeline, ...])
_jobs = msgspec.json.Decoder(tuple[RestJob, ...])


class RefScopes(msgspec.Struct, frozen=True):
    """Of which refs the latest run is read, wherever it stands among a project's runs."""

    named: bool
    """Branches and tags."""
    requests: bool
    """Merge requests."""


class FoundProjects(msgspec.Struct, frozen=True):
    """What came of asking for some projects."""

    projects: Mapping[str, Project] = {}
    """By watched path."""
    missing: tuple[str, ...] = ()
    """Paths that the server does not know or show."""
    failed: tuple[tuple[tuple[str, ...], str], ...] = ()
    """Paths that could not be read this time, and why."""
    notes: tuple[str, ...] = ()
    error: SourceError | None = None
    """Why nothing could be read, where it concerns these projects only."""


class _Answer(msgspec.Struct, frozen=True):
    """What GraphQL said of some projects, however they were asked for."""

    found: Mapping[str, ProjectNode]
    """By watched path."""
    errors: tuple[tuple[str | None, str], ...]
    """Each with the watched path that it is of, where that can be told."""


class ProjectReader:
    """Reads projects. Remembers what it takes to ask little."""

    def __init__(self, context: GitLabContext) -> None:
        self._context = context
        self._rest = context.rest
        self._graphql = context.graphql
        self._fallback = context.fallback
        self._clock = context.clock
        self._by_name_until = 0.0
        """Until when projects are asked for one by one, the server not knowing how to choose several."""
        self._all_whole_until = 0.0
        """Until when all are read each time, the server not telling what has changed."""
        self._kept = KeptProjects(context.clock)
        self._known: dict[tuple[str, int], tuple[PipelineNode | LightNode, RecentPipeline]] = {}
        self._gates: LruCache[tuple[int, float | None], Sequence[RestJob]] = LruCache(256)
        self._scopes: LruCache[str, tuple[float, Sequence[RestPipeline]]] = LruCache(512)
        self._sources: LruCache[int, str] = LruCache(8192)
        self._sources_left = 0

    def forget_all_but(self, ids: Mapping[int, object]) -> None:
        self._known = {key: known for key, known in self._known.items() if key[1] in ids}

    @property
    def notes(self) -> tuple[str, ...]:
        """What is read over REST, and why."""
        names = (DASHBOARD.name, DASHBOARD_OF_REFS.name)
        lacking = "without durations, tests and optional gates in the list"
        return tuple(
            f"{about}: read over REST, {lacking}: {why}" if about else f"read over REST, {lacking}: {why}"
            for question, about, why in self._fallback.refused()
            if question in names
        )

    async def newest(self, paths: Sequence[str], ref: str, scopes: RefScopes | None) -> FoundProjects:
        """The newest pipelines of each project, of one ref only unless that is empty; with the latest of each ref in
        ``scopes``, and all that run or wait.

        Raises:
            SourceError: the server as a whole fails, or every project does.
        """
        if not paths:
            return FoundProjects()
        self._sources_left = MOST_SOURCES
        parts = await self._fallback.ask(
            _name(scopes),
            lambda: self._all_by_graphql(paths, ref, scopes),
            lambda: gather(self._by_rest(path, ref, scopes) for path in paths),
        )
        errors = [part.error for part in parts if part.error]
        if len(errors) == len(parts):
            raise errors[0]
        return _together(parts)

    # --- GraphQL --------------------------------------------------------------------------------------------------

    async def _all_by_graphql(
        self, paths: Sequence[str], ref: str, scopes: RefScopes | None
    ) -> list[FoundProjects]:
        if self._clock() >= self._by_name_until:
            try:
                if ref or self._clock() < self._all_whole_until:
                    return await self._whole(paths, ref, scopes)
                self._kept.forget_all_but(paths)
                parts = await gather(self._changed(some, scopes) for some in _batches(paths, PROJECTS_A_LOOK))
                return [part for some in parts for part in some]
            except ArgumentUnknown:
                self._by_name_until = self._clock() + UNKNOWN_FOR
        size = OF_REFS_BY_NAME if scopes is not None else BY_NAME
        return await gather(self._batch(some, ref, scopes) for some in _batches(paths, size))

    async def _whole(self, paths: Sequence[str], ref: str, scopes: RefScopes | None) -> list[FoundProjects]:
        return await gather(self._batch(some, ref, scopes) for some in _batches(paths, PROJECTS_A_QUESTION))

    async def _changed(self, paths: Sequence[str], scopes: RefScopes | None) -> list[FoundProjects]:
        """Some projects: read whole where something goes on or has changed, else as they were read last."""
        unknown = self._kept.lacking(paths)
        due = self._kept.due(paths, PROJECTS_A_QUESTION)
        others = [path for path in paths if path not in due and path not in unknown]
        if not others:
            return await self._whole([*due, *unknown], "", scopes)
        beside, due = due[:PROJECTS_A_QUESTION], due[PROJECTS_A_QUESTION:]
        try:
            told, read = await self._look(others, beside, scopes)
        except ArgumentUnknown:
            raise
        except GraphQLRefused as refusal:
            if refusal.whole:
                self._all_whole_until = self._clock() + UNKNOWN_FOR
            return await self._whole(paths, "", scopes)
        except SourceError as error:
            if concerns_all(error):
                raise
            return await self._whole(paths, "", scopes)
        changed = self._kept.changed(others, told)
        whole = await self._whole([*due, *changed, *unknown], "", scopes)
        as_before = {path: self._kept.get(path) for path in others if path not in changed}
        return [*read, *whole, *([FoundProjects(as_before)] if as_before else ())]

    async def _look(
        self, others: Sequence[str], beside: Sequence[str], scopes: RefScopes | None
    ) -> tuple[Sequence[UpdatedProject], Sequence[FoundProjects]]:
        """What has changed in ``others``; and ``beside`` them some projects whole."""
        data, errors = await self._graphql.ask(
            CHANGES if scopes is None else CHANGES_OF_REFS,
            all=others,
            many=PROJECTS_A_LOOK,
            since=self._kept.since(others).isoformat(),
            whole=bool(beside),
            paths=beside,
            projects=PROJECTS_A_QUESTION,
            **_variables("", scopes),
        )
        # What an error leaves out of the changes is not told, and so read.
        told = nodes(data.updated)
        if not beside:
            return told, ()
        about_whole = [error for error in errors if (error.path or ("",))[0] != "updated"]
        if data.projects is None:
            raise self._nothing(about_whole)
        answer = _answered(beside, data.projects, about_whole)
        return told, [await self._read(beside, answer, keep=True)]

    async def _batch(self, paths: Sequence[str], ref: str, scopes: RefScopes | None) -> FoundProjects:
        """Some projects in one question. What took too long for these is asked of REST for these."""

        async def graphql() -> FoundProjects:
            return await self._by_graphql(paths, ref, scopes)

        async def rest() -> FoundProjects:
            return _together(await gather(self._by_rest(path, ref, scopes) for path in paths))

        about = shorten(", ".join(clean(path) for path in paths), 200)
        return await self._fallback.ask_in_part(_name(scopes), about, graphql, rest)

    async def _by_graphql(self, paths: Sequence[str], ref: str, scopes: RefScopes | None) -> FoundProjects:
        variables = _variables(ref, scopes)
        by_name = self._clock() < self._by_name_until
        try:
            ask = self._ask_by_name if by_name else self._ask_at_once
            answer = await ask(paths, variables, of_refs=scopes is not None)
        except GraphQLRefused:
            raise
        except SourceError as error:
            return _failed(paths, error)
        return await self._read(paths, answer, keep=not ref and not by_name)

    async def _ask_at_once(
        self, paths: Sequence[str], variables: Mapping[str, object], *, of_refs: bool
    ) -> _Answer:
        question = DASHBOARD_OF_REFS if of_refs else DASHBOARD
        data, errors = await self._graphql.ask(
            question, paths=paths, projects=PROJECTS_A_QUESTION, **variables
        )
        if data.projects is None:
            raise self._nothing(errors)
        return _answered(paths, data.projects, errors)

    async def _ask_by_name(
        self, paths: Sequence[str], variables: Mapping[str, object], *, of_refs: bool
    ) -> _Answer:
        question = dashboard_by_name(len(paths), of_refs=of_refs)
        watched = {f"p{at}": path for at, path in enumerate(paths)}
        data, errors = await self._graphql.ask(question, **watched, **variables)
        if errors and not any(data.values()):
            raise self._nothing(errors)
        found = {path: node for key, path in watched.items() if (node := data.get(key)) is not None}
        return _Answer(
            found, tuple((watched.get(str((error.path or ("",))[0])), _words(error)) for error in errors)
        )

    def _nothing(self, errors: Sequence[QueryError]) -> SourceError:
        why = shorten(clean("; ".join(error.message for error in errors)), 200) or "no reason given"
        message = f"{self._context.name} left the projects out of its answer: {why} (POST /api/graphql)"
        return SourceError(Trouble.SERVER_ERROR, message)

    async def _read(self, paths: Sequence[str], answer: _Answer, *, keep: bool) -> FoundProjects:
        of_none = [words for path, words in answer.errors if path is None]
        projects: dict[str, Project] = {}
        missing: list[str] = []
        failed: dict[str, str] = {}
        for path in paths:
            node = answer.found.get(path)
            if node is not None and node.pipelines is not None:
                projects[path] = await self._project(node)
                if keep:
                    self._keep(path, projects[path], node, answer)
            elif why := [words for of, words in answer.errors if of == path] or of_none:
                failed[path] = f"GitLab left it out: {shorten('; '.join(why), 250)}"
            else:
                missing.append(path)
            if keep and path not in projects:
                self._kept.forget(path)
        left_out = [
            f"{clean(path)}: GitLab left something out: {words}"
            for path, words in answer.errors
            if path is not None and path not in failed
        ]
        if not failed:
            all_of_them = shorten(", ".join(clean(path) for path in paths), 60)
            left_out += [f"{all_of_them}: GitLab left something out: {words}" for words in of_none]
        return FoundProjects(
            projects,
            tuple(missing),
            tuple(((path,), why) for path, why in failed.items()),
            tuple(left_out),
        )

    def _keep(self, path: str, project: Project, node: ProjectNode, answer: _Answer) -> None:
        if any(of in (path, None) for of, _ in answer.errors):
            self._kept.forget(path)  # it is asked for again
        else:
            self._kept.keep(path, project, {one.id: one.updated_at for one in nodes(node.pipelines)})

    async def _project(self, node: ProjectNode) -> Project:
        place = self._context.project(node.full_path)
        newest = [pipeline for pipeline in nodes(node.pipelines) if not pipeline.child]
        if newest and all(pipeline.source is None for pipeline in newest):
            newest = await self._with_sources(node.full_path, newest)
        recent = {number(one.id): self._recent_of(place, one) for one in newest}
        scopes = (node.branches, node.tags, node.requests, node.running)
        lights = {number(one.id): one for scope in scopes for one in nodes(scope)}
        lights |= {number(one.id): one for one in nodes(node.waiting)}  # the only ones with their gates
        for id, light in lights.items():
            if id not in recent:
                recent[id] = self._recent_of_light(place, light)
        found = (recent[id] for id in sorted(recent, reverse=True))
        return Project(place.path, tuple(found), _more(node.branches) or _more(node.tags))

    def _recent_of(self, place: ProjectContext, node: PipelineNode) -> RecentPipeline:
        """What a node tells. Most tell what they told last time, and need not be read again."""
        key = place.path, number(node.id)
        known = self._known.get(key)
        if known is None or known[0] != node:
            known = self._known[key] = node, recent_of_node(place, node)
        return known[1]

    def _recent_of_light(self, place: ProjectContext, node: LightNode) -> RecentPipeline:
        """As :meth:`_recent_of`. A pipeline that was among the newest keeps what was known of it."""
        key = place.path, number(node.id)
        known = self._known.get(key)
        if known is not None and known[0] == node:
            return known[1]
        read = recent_of_light(place, node)
        if known is not None and known[1].whole and _same(known[1], read):
            return known[1]
        self._known[key] = node, read
        return read

    async def _with_sources(self, path: str, found: Sequence[PipelineNode]) -> list[PipelineNode]:
        """``found`` with why they ran, which GraphQL does not tell before 17; asked of REST once for each."""
        ids = [number(one.id) for one in found]
        if any(self._sources.get(id) is None for id in ids) and self._sources_left > 0:
            self._sources_left -= 1
            query: Query = {"order_by": "id", "sort": "desc", "per_page": 2 * RECENT_PIPELINES}
            try:
                listed = await self._rest.read(_pipelines, f"{project_url(path)}/pipelines", query)
            except SourceError as error:
                if concerns_all(error):
                    raise
                listed = ()
            for id in ids:
                self._sources.put(id, "")
            for pipeline in listed:
                self._sources.put(pipeline.id, pipeline.source or "")
        return [
            msgspec.structs.replace(one, source=self._sources.get(id) or None)
            for one, id in zip(found, ids, strict=True)
        ]

    # --- REST -----------------------------------------------------------------------------------------------------

    async def _by_rest(self, path: str, ref: str, scopes: RefScopes | None) -> FoundProjects:
        place = self._context.project(path)
        query: Query = {"order_by": "id", "sort": "desc", "per_page": RECENT_PIPELINES}
        if ref:
            query["ref"] = ref
        try:
            pipelines = await self._rest.read(_pipelines, f"{project_url(path)}/pipelines", query)
            others = await self._scoped_by_rest(path, scopes) if scopes is not None else ()
            unique = {pipeline.id: pipeline for pipeline in (*others, *pipelines)}
            recent = [
                recent_of_rest(place, unique[id], await self._manual_jobs(path, unique[id]))
                for id in sorted(unique, reverse=True)
            ]
        except SourceError as error:
            if error.trouble is Trouble.FORBIDDEN:
                # Of one project: its pipelines are not for this user. Of all of them: the token lacks rights.
                return FoundProjects(missing=(path,), error=error)
            if error.trouble is Trouble.NOT_FOUND or error.status == 301:
                return FoundProjects(missing=(path,))
            return _failed((path,), error)
        return FoundProjects({path: Project(place.path, tuple(recent))})

    async def _scoped_by_rest(self, path: str, scopes: RefScopes) -> Sequence[RestPipeline]:
        at, known = self._scopes.get(path) or (None, ())
        goes_on = any(pipeline.status in ("running", "pending") for pipeline in known)
        if at is not None and not goes_on and self._clock() - at < KEEP_SCOPES:
            return known
        asked: list[Query] = [{"scope": "running"}, {"status": "manual"}]
        asked += [{"scope": "branches"}, {"scope": "tags"}] if scopes.named else []
        asked += [{"source": "merge_request_event"}] if scopes.requests else []
        url = f"{project_url(path)}/pipelines"
        lists = await gather(
            self._rest.read(
                _pipelines, url, {**query, "order_by": "id", "sort": "desc", "per_page": PER_PAGE}
            )
            for query in asked
        )
        found = [pipeline for some in lists for pipeline in some]
        self._scopes.put(path, (self._clock(), found))
        return found

    async def _manual_jobs(self, path: str, pipeline: RestPipeline) -> Sequence[RestJob]:
        """The jobs a blocked pipeline waits for; asked once for each state of it."""
        if pipeline.status != "manual":
            return ()
        key = (pipeline.id, seconds(pipeline.updated_at))
        jobs = self._gates.get(key)
        if jobs is None:
            url = f"{project_url(path)}/pipelines/{pipeline.id}/jobs"
            jobs = await self._rest.pages(_jobs, url, {"scope[]": "manual"})
            self._gates.put(key, jobs)
        return jobs


def _name(scopes: RefScopes | None) -> str:
    return DASHBOARD.name if scopes is None else DASHBOARD_OF_REFS.name


def _variables(ref: str, scopes: RefScopes | None) -> dict[str, object]:
    variables: dict[str, object] = {"n": RECENT_PIPELINES}
    if ref:
        variables["ref"] = ref
    if scopes is not None:
        variables |= {"named": scopes.named, "requests": scopes.requests}
    return variables


def _answered(paths: Sequence[str], told: Nodes[ProjectNode], errors: Sequence[QueryError]) -> _Answer:
    """What was said of ``paths`` at once."""
    answered = {node.full_path.lower(): node for node in nodes(told)}
    watched = {path.lower(): path for path in paths}
    listed = told.nodes or ()

    def path_of(error: QueryError) -> str | None:
        """By its place: ``path`` counts the projects in the order of the answer."""
        position = next((step for step in error.path or () if isinstance(step, int)), -1)
        node = listed[position] if 0 <= position < len(listed) else None
        return watched.get(node.full_path.lower()) if node else None

    return _Answer(
        {path: answered[path.lower()] for path in paths if path.lower() in answered},
        tuple((path_of(error), _words(error)) for error in errors),
    )


def _batches(paths: Sequence[str], size: int) -> list[Sequence[str]]:
    return [paths[at : at + size] for at in range(0, len(paths), size)]


def _together(parts: Iterable[FoundProjects]) -> FoundProjects:
    parts = list(parts)
    errors = [part.error for part in parts if part.error]
    return FoundProjects(
        {path: project for part in parts for path, project in part.projects.items()},
        tuple(path for part in parts for path in part.missing),
        tuple(failed for part in parts for failed in part.failed),
        tuple(note for part in parts for note in part.notes),
        errors[0] if errors and len(errors) == len(parts) else None,
    )


def _failed(paths: Sequence[str], error: SourceError) -> FoundProjects:
    """Nothing came for these projects; what concerns the server as a whole is raised instead."""
    if concerns_all(error):
        raise error
    return FoundProjects(failed=((tuple(paths), error.message),), error=error)


def _more(scope: Nodes[LightNode] | None) -> bool:
    return scope is not None and scope.page_info.has_next_page


def _same(known: RecentPipeline, read: RecentPipeline) -> bool:
    return (known.run.vendor_status, known.stamp) == (read.run.vendor_status, read.stamp)


def _words(error: QueryError) -> str:
    where = "/".join(clean(str(step)) for step in error.path or ())
    return f"{shorten(clean(error.message), 200)} ({where or 'no path'})"
