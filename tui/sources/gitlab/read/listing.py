"""All watched pipelines with their newest runs."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from tui.domain.address import Address
from tui.domain.globs import is_glob, matches
from tui.domain.pipeline import Listing, Pipeline
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.gather import concerns_all
from tui.sources.gitlab.read.convert import RecentPipeline, wanted_ref
from tui.sources.gitlab.read.kept_projects import Project
from tui.sources.gitlab.read.projects import FoundProjects, ProjectReader, RefScopes
from tui.sources.gitlab.read.watch import WatchResolver
from tui.text import format as fmt
from tui.text.safe import clean, shorten

OTHER_REFS = 5
"""Rows of a project beside the refs that are configured by name."""
_MATTERS = frozenset({Status.FAILED, Status.QUEUED, Status.RUNNING, Status.WAITING})
KEEP_OLD_REF = 60.0
"""Seconds after which a ref without a recent pipeline is asked for again."""


class ListingReader:
    """The listing. Remembers what it takes to ask little."""

    def __init__(
        self,
        context: GitLabContext,
        projects: ProjectReader,
        watch: WatchResolver,
    ) -> None:
        self._context = context
        self._refs = tuple(map(wanted_ref, context.settings.refs))
        self._scopes = _scopes(self._refs)
        self._projects = projects
        self._watch = watch
        self._clock = context.clock
        self._last: Mapping[str, Project] = {}
        self._recent: Mapping[int, RecentPipeline] = {}
        self._old_refs: dict[tuple[str, str], tuple[float, tuple[RecentPipeline, ...]]] = {}

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
        found = await self._projects.newest(watched.paths, "", self._scopes)
        notes = [*watched.notes, *found.notes, *map(self._failed, found.failed)]
        for path in found.missing:
            notes.append(await self._watch.why_missing(path))
        projects = {
            path: project
            for path in watched.paths
            if (project := found.projects.get(path) or self._unread(path, found.missing))
        }
        for ref in self._refs:
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
        self._projects.forget_all_but(self._recent)
        notes += self._projects.notes
        rows: list[Pipeline] = []
        more: dict[str, int] = {}
        for project in unique:
            shown, left_out = self._rows(project)
            rows += shown
            more |= {project.path: left_out} if left_out and self._refs else {}
        notes += _left_out(more, [project.path for project in unique if project.more_refs])
        return Listing(tuple(rows), tuple(dict.fromkeys(notes)))

    def _failed(self, failed: tuple[tuple[str, ...], str]) -> str:
        paths, why = failed
        shown = _as_last_read([path in self._last for path in paths])
        return f"{shorten(', '.join(clean(path) for path in paths), 60)}: not read, {shown}: {why}"

    def _unread(self, path: str, missing: Sequence[str]) -> Project | None:
        """The last picture of a project that could not be read this time."""
        return None if path in missing else self._last.get(path)

    async def _with_old_ref(
        self, projects: Mapping[str, Project], ref: str, notes: list[str]
    ) -> dict[str, Project]:
        """``projects``, with the pipelines of a configured ref that is not among a project's newest.

        They change by a retry only, so those that are done are asked for now and then.
        """
        lacking = [
            path
            for path, project in projects.items()
            if not any(one.whole and one.run.ref == ref for one in project.recent)
        ]
        now = self._clock()

        def due(path: str) -> bool:
            at, known = self._old_refs.get((path, ref), (None, ()))
            return at is None or now - at >= KEEP_OLD_REF or any(one.run.status.active for one in known)

        try:
            found = await self._projects.newest([path for path in lacking if due(path)], ref, None)
        except SourceError as error:
            if concerns_all(error):
                raise
            shown = _as_last_read([(path, ref) in self._old_refs for path in lacking])
            found = FoundProjects(notes=(f"{ref} could not be read, {shown}: {error.message}",))
        notes.extend(found.notes)
        notes += [
            f"{ref} of {clean(', '.join(paths))} could not be read: {why}" for paths, why in found.failed
        ]
        for path, project in found.projects.items():
            self._old_refs[path, ref] = (now, project.recent)
        extended = dict(projects)
        for path in lacking:
            _, known = self._old_refs.get((path, ref), (0.0, ()))
            project = projects[path]
            by_id = {one.run.address.run: one for one in (*project.recent, *known)}
            newest_first = sorted(by_id.values(), key=lambda one: one.run.address.number or 0, reverse=True)
            extended[path] = msgspec.structs.replace(project, recent=tuple(newest_first))
        return extended

    # --- showing --------------------------------------------------------------------------------------------------

    def _rows(self, project: Project) -> tuple[Iterable[Pipeline], int]:
        """One for each ref that is wanted, the one that ran last first, and how many more would be; a bare one for a
        project without runs."""
        place = self._context.project(project.path)
        folder, _, name = project.path.rpartition("/")
        bare = Pipeline(
            address=Address(self._context.name, project.path),
            name=name,
            folder=folder,
            web_url=place.url("pipelines"),
        )
        by_ref: dict[str, list[RecentPipeline]] = {}
        for recent in project.recent:
            by_ref.setdefault(recent.run.ref, []).append(recent)
        rows = {
            ref: msgspec.structs.replace(bare, ref=ref, runs=tuple(recent.run for recent in by_ref[ref]))
            for ref in by_ref
            if self._wanted(ref)
        }
        shown = _shown(rows, self._refs)
        if not shown:
            return (bare,), 0
        return [rows[ref] for ref in shown], len(rows) - len(shown)

    def _wanted(self, ref: str) -> bool:
        return not self._refs or any(matches(glob, ref) for glob in self._refs)


def _scopes(refs: Collection[str]) -> RefScopes | None:
    """What ``refs`` takes beside the newest runs of a project, which are all that ran lately."""
    requests = any(ref.startswith("!") for ref in refs)
    named = any(is_glob(ref) and not ref.startswith("!") for ref in refs)
    return RefScopes(named, requests) if named or requests else None


def _as_last_read(known: Sequence[bool]) -> str:
    """What is shown of what could not be read now, which may never have been read before."""
    if not any(known):
        return "not shown"
    return "shown as last read" if all(known) else "shown where it was read before"


def _shown(rows: Mapping[str, Pipeline], named: Collection[str]) -> list[str]:
    """The refs that are shown: those that the configuration names, some that ran last, and of the rest what goes on,
    waits or failed."""
    others = [ref for ref in rows if ref not in named]
    shown = {*named, *others[:OTHER_REFS]}
    shown |= {ref for ref in others if (last := rows[ref].last) is not None and last.status in _MATTERS}
    return [ref for ref in rows if ref in shown]


def _left_out(more: Mapping[str, int], unread: Sequence[str]) -> Iterable[str]:
    """What a project has beside the rows that are shown."""
    if more:
        words = (f"{path}: and {fmt.count(number, 'more ref')}" for path, number in more.items())
        yield f"not shown: {shorten(', '.join(words), 200)}"
    if unread:
        yield f"only the 100 branches and tags that ran last are looked at: {shorten(', '.join(unread), 200)}"
