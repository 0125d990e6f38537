"""All watched pipelines with their newest runs."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from tui.config import GitLabSettings
from tui.domain.address import Address
from tui.domain.globs import is_glob, matches
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing, Pipeline
from tui.sources.base import SourceError
from tui.sources.gitlab.gather import concerns_all, gather
from tui.sources.gitlab.graphql_client import Fallback, GraphQL, GraphQLRefused
from tui.sources.gitlab.graphql_queries import DASHBOARD, PROJECTS_A_QUESTION, RECENT_PIPELINES
from tui.sources.gitlab.lru_cache import LruCache
from tui.sources.gitlab.payload import (
    DashboardData,
    PipelineNode,
    QueryError,
    RestJob,
    RestPipeline,
    nodes,
    number,
    seconds,
)
from tui.sources.gitlab.read.convert import ProjectContext, RecentPipeline, recent_of_node, recent_of_rest
from tui.sources.gitlab.read.watch import WatchResolver
from tui.sources.gitlab.rest_client import Query, Rest, project_url
from tui.text.safe import clean, shorten

OTHER_REFS = 5
"""Rows of a project beside the refs that are configured by name."""
KEEP_OLD_REF = 60.0
"""Seconds after which a ref without a recent pipeline is asked for again."""

_pipelines = msgspec.json.Decoder(tuple[RestPipeline, ...])
_jobs = msgspec.json.Decoder(tuple[RestJob, ...])


class Project(msgspec.Struct, frozen=True, gc=False):
    """A project and its newest pipelines, newest first."""

    path: str
    """As the server writes it."""
    recent: tuple[RecentPipeline, ...]


class FoundProjects(msgspec.Struct, frozen=True):
    """What came of asking for some projects."""

    projects: Mapping[str, Project] = {}
    """By watched path."""
    missing: tuple[str, ...] = ()
    """Paths that the server does not know or show."""
    notes: tuple[str, ...] = ()
    error: SourceError | None = None
    """Why nothing could be read, where it concerns these projects only."""


class ListingReader:
    """The listing. Remembers what it takes to ask little."""

    def __init__(
        self,
        name: str,
        settings: GitLabSettings,
        graphql: GraphQL,
        rest: Rest,
        fallback: Fallback,
        watch: WatchResolver,
        clock: Callable[[], float],
    ) -> None:
        self._name = name
        self._settings = settings
        self._graphql = graphql
        self._rest = rest
        self._fallback = fallback
        self._watch = watch
        self._clock = clock
        self._last: Mapping[str, Project] = {}
        self._recent: Mapping[int, RecentPipeline] = {}
        self._nodes: dict[tuple[str, int], tuple[PipelineNode, RecentPipeline]] = {}
        self._old_refs: dict[tuple[str, str], tuple[float, tuple[RecentPipeline, ...]]] = {}
        self._gates: LruCache[tuple[int, float | None], Sequence[RestJob]] = LruCache(256)

    @property
    def recent(self) -> Mapping[int, RecentPipeline]:
        """By pipeline id, what the last listing told of each."""
        return self._recent

    async def listing(self) -> Listing:
        """
        Raises:
            SourceError: when nothing could be read.
        """
        watched = await self._watch.projects()
        found = await self._newest(watched.paths, "")
        notes = [*watched.notes, *found.notes]
        for path in found.missing:
            notes.append(await self._watch.why_missing(path))
        projects = {
            path: project
            for path in watched.paths
            if (project := found.projects.get(path) or self._unread(path, found.missing))
        }
        for ref in self._settings.refs:
            if not is_glob(ref) and not ref.startswith("!"):
                projects = await self._with_old_ref(projects, ref, notes)
        self._last = projects
        unique = {project.path: project for project in projects.values()}.values()
        self._recent = {
            recent.run.address.number: recent
            for project in unique
            for recent in project.recent
            if recent.run.address.number is not None
        }
        self._nodes = {key: known for key, known in self._nodes.items() if key[1] in self._recent}
        if refusal := self._fallback.refusal(DASHBOARD.name):
            notes.append(
                f"read over REST, without durations, tests and optional gates in the list: {refusal}"
            )
        rows = (row for project in unique for row in self._rows(project))
        return Listing(tuple(rows), tuple(dict.fromkeys(notes)))

    def _unread(self, path: str, missing: Sequence[str]) -> Project | None:
        """The last picture of a project that could not be read this time."""
        return None if path in missing else self._last.get(path)

    # --- asking ---------------------------------------------------------------------------------------------------

    async def _newest(self, paths: Sequence[str], ref: str) -> FoundProjects:
        """The newest pipelines of each project, of one ref only unless that is empty.

        Raises:
            SourceError: the server as a whole fails, or every project does.
        """
        if not paths:
            return FoundProjects()
        parts = await self._fallback.ask(
            DASHBOARD.name,
            lambda: gather(self._by_graphql(batch, ref) for batch in _batches(paths)),
            lambda: gather(self._by_rest(path, ref) for path in paths),
        )
        errors = [part.error for part in parts if part.error]
        if len(errors) == len(parts):
            raise errors[0]
        return FoundProjects(
            {path: project for part in parts for path, project in part.projects.items()},
            tuple(path for part in parts for path in part.missing),
            tuple(note for part in parts for note in part.notes),
        )

    async def _by_graphql(self, paths: Sequence[str], ref: str) -> FoundProjects:
        variables: dict[str, object] = {
            "paths": paths,
            "projects": PROJECTS_A_QUESTION,
            "n": RECENT_PIPELINES,
        }
        if ref:
            variables["ref"] = ref
        try:
            data, errors = await self._graphql.ask(DASHBOARD, **variables)
        except GraphQLRefused:
            raise
        except SourceError as error:
            return self._failed(paths, error)
        if data.projects is None:
            why = shorten(clean("; ".join(error.message for error in errors)), 200) or "no reason given"
            message = f"{self._name} left the projects out of its answer: {why} (POST /api/graphql)"
            return self._failed(paths, SourceError(Trouble.SERVER_ERROR, message))
        answered = {node.full_path.lower(): node for node in nodes(data.projects)}
        projects: dict[str, Project] = {}
        missing: list[str] = []
        for path in paths:
            node = answered.get(path.lower())
            if node is not None and node.pipelines is not None:
                place = self._place(node.full_path)
                pipelines = (pipeline for pipeline in nodes(node.pipelines) if not pipeline.child)
                projects[path] = Project(place.path, tuple(self._recent_of(place, one) for one in pipelines))
            elif not errors:
                missing.append(path)
        return FoundProjects(
            projects, tuple(missing), tuple(_left_out(error, data, paths) for error in errors)
        )

    def _failed(self, paths: Sequence[str], error: SourceError) -> FoundProjects:
        """Nothing came for these projects; what concerns the server as a whole is raised instead."""
        if concerns_all(error):
            raise error
        names = shorten(", ".join(clean(path) for path in paths), 60)
        shown = _as_it_was([path in self._last for path in paths])
        return FoundProjects(notes=(f"{names}: not read, {shown}: {error.message}",), error=error)

    def _recent_of(self, place: ProjectContext, node: PipelineNode) -> RecentPipeline:
        """What a node tells. Most tell what they told last time, and need not be read again."""
        key = place.path, number(node.id)
        known = self._nodes.get(key)
        if known is None or known[0] != node:
            known = self._nodes[key] = node, recent_of_node(place, node)
        return known[1]

    async def _by_rest(self, path: str, ref: str) -> FoundProjects:
        place = self._place(path)
        query: Query = {"order_by": "id", "sort": "desc", "per_page": RECENT_PIPELINES}
        if ref:
            query["ref"] = ref
        try:
            pipelines = await self._rest.read(_pipelines, f"{project_url(path)}/pipelines", query)
            recent = [
                recent_of_rest(place, pipeline, await self._manual_jobs(path, pipeline))
                for pipeline in pipelines
            ]
        except SourceError as error:
            if error.trouble is Trouble.FORBIDDEN:
                # Of one project: its pipelines are not for this user. Of all of them: the token lacks rights.
                return FoundProjects(missing=(path,), error=error)
            if error.trouble is Trouble.NOT_FOUND or error.status == 301:
                return FoundProjects(missing=(path,))
            return self._failed((path,), error)
        return FoundProjects({path: Project(place.path, tuple(recent))})

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

    async def _with_old_ref(
        self, projects: Mapping[str, Project], ref: str, notes: list[str]
    ) -> dict[str, Project]:
        """``projects``, with the pipelines of a configured ref that is not among a project's newest.

        They change by a retry only, so those that are done are asked for now and then.
        """
        lacking = [
            path for path, project in projects.items() if all(one.run.ref != ref for one in project.recent)
        ]
        now = self._clock()

        def due(path: str) -> bool:
            at, known = self._old_refs.get((path, ref), (None, ()))
            return at is None or now - at >= KEEP_OLD_REF or any(one.run.status.active for one in known)

        try:
            found = await self._newest([path for path in lacking if due(path)], ref)
        except SourceError as error:
            if concerns_all(error):
                raise
            shown = _as_it_was([bool(self._old_refs.get((path, ref), (0.0, ()))[1]) for path in lacking])
            found = FoundProjects(notes=(f"{ref}: not read, {shown}: {error.message}",))
        notes.extend(found.notes)
        for path, project in found.projects.items():
            self._old_refs[path, ref] = (now, project.recent)
        extended = dict(projects)
        for path in lacking:
            _, known = self._old_refs.get((path, ref), (0.0, ()))
            extended[path] = Project(projects[path].path, (*projects[path].recent, *known))
        return extended

    # --- showing --------------------------------------------------------------------------------------------------

    def _place(self, path: str) -> ProjectContext:
        return ProjectContext(self._name, self._settings.base_url, clean(path))

    def _rows(self, project: Project) -> Iterable[Pipeline]:
        """One for each ref that is wanted, the one that ran last first; a bare one for a project without runs."""
        place = self._place(project.path)
        folder, _, name = project.path.rpartition("/")
        bare = Pipeline(
            address=Address(self._name, project.path),
            name=name,
            folder=folder,
            web_url=place.url("pipelines"),
        )
        by_ref: dict[str, list[RecentPipeline]] = {}
        for recent in project.recent:
            by_ref.setdefault(recent.run.ref, []).append(recent)
        named = set(self._settings.refs)
        others = [ref for ref in by_ref if ref not in named and self._wanted(ref)][:OTHER_REFS]
        shown = [ref for ref in by_ref if ref in named or ref in others]
        if not shown:
            return (bare,)
        return (
            msgspec.structs.replace(bare, ref=ref, runs=tuple(recent.run for recent in by_ref[ref]))
            for ref in shown
        )

    def _wanted(self, ref: str) -> bool:
        refs = self._settings.refs
        return not refs or any(matches(glob, ref) for glob in refs)


def _batches(paths: Sequence[str]) -> list[Sequence[str]]:
    return [paths[at : at + PROJECTS_A_QUESTION] for at in range(0, len(paths), PROJECTS_A_QUESTION)]


def _as_it_was(known: Sequence[bool]) -> str:
    """What is shown of what could not be read now, which may never have been read before."""
    if not any(known):
        return "not shown"
    return "shown as it last was" if all(known) else "shown only where it was read before"


def _left_out(error: QueryError, data: DashboardData, paths: Sequence[str]) -> str:
    """A note of what GitLab could not answer; ``path`` counts the projects in the order of the answer."""
    steps = error.path or ()
    answered = (data.projects and data.projects.nodes) or ()
    position = next((step for step in steps if isinstance(step, int)), -1)
    node = answered[position] if 0 <= position < len(answered) else None
    of = clean(node.full_path) if node else shorten(", ".join(clean(path) for path in paths), 60)
    where = "/".join(clean(str(step)) for step in steps)
    return f"{of}: GitLab left something out: {shorten(clean(error.message), 200)} ({where or 'no path'})"
