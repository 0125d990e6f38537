"""Which projects are watched: the paths and globs of the configuration, resolved."""

import itertools
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tui.domain.globs import is_glob, matches
from tui.sources.base import SourceError
from tui.sources.gitlab.gather import concerns_all, gather
from tui.sources.gitlab.payload import RestProject
from tui.sources.gitlab.responses import moved_to
from tui.sources.gitlab.rest_client import Rest, project_url
from tui.text.safe import clean

KEEP = 600.0
"""Seconds for which what was found is good."""
MOST_PROJECTS = 300

_projects = msgspec.json.Decoder(tuple[RestProject, ...])
_project = msgspec.json.Decoder(RestProject)


class WatchedProjects(msgspec.Struct, frozen=True):
    paths: tuple[str, ...] = ()
    """Full project paths, each once."""
    notes: tuple[str, ...] = ()


class WatchResolver:
    """Resolves ``watch``. Literal paths cost nothing; a glob costs the listing of its group, now and then."""

    def __init__(self, rest: Rest, watch: Iterable[str], clock: Callable[[], float]) -> None:
        self._rest = rest
        self._clock = clock
        wanted = [entry.strip("/") for entry in watch]
        self._literal = [entry for entry in wanted if not is_glob(entry)]
        self._globs = [entry for entry in wanted if is_glob(entry)]
        self._found: dict[str, tuple[float, Sequence[str]]] = {}
        """For each group, when it was listed and its projects; the group of a glob without one is empty."""
        self._why: dict[str, tuple[float, str]] = {}

    async def projects(self) -> WatchedProjects:
        """All watched projects: the literal ones first, then those that globs match, by path.

        Raises:
            SourceError: the server as a whole could not be asked.
        """
        notes: list[str] = []
        groups = sorted({_group(glob) for glob in self._globs})
        listed = dict(zip(groups, await gather(self._listed(group, notes) for group in groups), strict=True))
        paths = dict.fromkeys(self._literal)
        for glob in self._globs:
            known = listed[_group(glob)]
            if known is None:
                continue
            found = sorted(path for path in known if matches(glob.lower(), path.lower()))
            if not found:
                notes.append(f"watch {clean(glob)!r} matches no project")
            paths.update(dict.fromkeys(found))
        if len(paths) > MOST_PROJECTS:
            notes.append(
                f"watch matches {len(paths)} projects; the first {MOST_PROJECTS} are shown, narrow it to see others"
            )
        return WatchedProjects(tuple(paths)[:MOST_PROJECTS], tuple(notes))

    async def _listed(self, group: str, notes: list[str]) -> Sequence[str] | None:
        """Paths of all projects below ``group``; None, with a note, where it cannot be listed."""
        at, known = self._found.get(group, (-KEEP, None))
        if known is not None and self._clock() - at < KEEP:
            return known
        query: dict[str, str | int] = {"archived": "false", "simple": "true"}
        if group:
            path = project_url(group).replace("/projects/", "/groups/", 1) + "/projects"
            query |= {"include_subgroups": "true", "with_shared": "false"}
        else:
            path = "/projects"
            query |= {"membership": "true"}
        try:
            projects = await self._rest.pages(_projects, path, query)
        except SourceError as error:
            if concerns_all(error):
                raise
            notes.append(
                f"the projects of {clean(group) or 'this user'} could not be listed: {error.message}"
            )
            return known
        found = [clean(project.path_with_namespace) for project in projects]
        self._found[group] = (self._clock(), found)
        return found

    async def why_missing(self, path: str) -> str:
        """Why a project that was named cannot be read, in words for a person."""
        at, words = self._why.get(path, (-KEEP, ""))
        if words and self._clock() - at < KEEP:
            return words
        try:
            words = await self._ask_why(path)
        except SourceError as error:
            return f"{clean(path)} is not shown: {error.message}"
        self._why[path] = (self._clock(), words)
        return words

    async def _ask_why(self, path: str) -> str:
        shown = clean(path)
        answer = await self._rest.ask(project_url(path))
        if answer.status == 404:
            return f"{shown} does not exist, or this user may not see it; a group is written '{shown}/**'"
        if id := moved_to(answer):
            project = await self._rest.read(_project, project_url(id))
            return f"{shown} has moved to {clean(project.path_with_namespace)} (project {id}); put that into watch"
        self._rest.check(answer)
        return f"{shown} is there, but this user may not see its pipelines"


def _group(glob: str) -> str:
    """The group whose projects a glob is matched against: its parts before the first wildcard."""
    parts = glob.split("/")[:-1]
    return "/".join(itertools.takewhile(lambda part: not is_glob(part), parts))
