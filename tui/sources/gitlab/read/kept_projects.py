"""What was read of projects, and which of them have to be read again.

A pipeline's ``updatedAt`` changes with its status, to the second. So a project is read again when one of its pipelines
was updated; while one goes on, since its jobs change meanwhile; and for a while after it changed, since test reports
come later and two changes may share a second. What changes without a trace is seen when it was not read for long.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import msgspec

from tui.domain.status import Status
from tui.sources.gitlab.payload import UpdatedProject, nodes
from tui.sources.gitlab.read.convert import RecentPipeline

SETTLES = 60.0
"""Seconds after a change in which a project is read each time."""
READ_AGAIN = 300.0
"""Seconds after which a project is read again, as far as a question has room for it."""
MARGIN = timedelta(seconds=60)
"""What was updated may be seen so much later, its transaction having taken so long."""
UNKNOWN_SINCE = timedelta(days=1)
_GOES_ON = frozenset({Status.RUNNING, Status.QUEUED})

Stamps = Mapping[str, datetime | None]
"""When each pipeline was updated, by its global id."""


class Project(msgspec.Struct, frozen=True, gc=False):
    """A project and its newest pipelines, newest first."""

    path: str
    """As the server writes it."""
    recent: tuple[RecentPipeline, ...]
    more_refs: bool = False
    """It has more branches or tags than were read."""

    @property
    def goes_on(self) -> bool:
        return any(recent.run.status in _GOES_ON for recent in self.recent)


class _Kept(msgspec.Struct):
    project: Project
    stamps: dict[str, datetime | None]
    read_at: float
    changed_at: float


class KeptProjects:
    """By watched path. Nothing in it waits."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    def get(self, path: str) -> Project:
        """
        Raises:
            KeyError: it was not read, or has to be read anew.
        """
        return self._kept[path].project

    def keep(self, path: str, project: Project, stamps: Stamps) -> None:
        now, before = self._clock(), self._kept.get(path)
        known = dict(stamps)
        newest = max((at for at in known.values() if at is not None), default=None)
        if before is None:
            changed_at = min(now, newest.timestamp()) if newest is not None else 0.0
        else:
            changed_at = now if before.project != project else before.changed_at
            # What was told of older pipelines may be told again.
            known |= {
                id: at
                for id, at in before.stamps.items()
                if id not in known and at is not None and (newest is None or at >= newest - MARGIN)
            }
        self._kept[path] = _Kept(project, known, now, changed_at)

    def forget(self, path: str) -> None:
        self._kept.pop(path, None)

    def forget_all_but(self, paths: Iterable[str]) -> None:
        self._kept = {path: self._kept[path] for path in paths if path in self._kept}

    def lacking(self, paths: Iterable[str]) -> list[str]:
        """Those of which nothing is known, or something was left out."""
        return [path for path in paths if path not in self._kept]

    def due(self, paths: Sequence[str], room: int) -> list[str]:
        """Those to be read again, whatever the server says of changes; and those that were not read for long, while
        there is ``room``."""
        now = self._clock()
        known = {path: self._kept[path] for path in paths if path in self._kept}
        found = [
            path for path, kept in known.items() if kept.project.goes_on or now - kept.changed_at < SETTLES
        ]
        old = [path for path, kept in known.items() if path not in found and now - kept.read_at >= READ_AGAIN]
        old.sort(key=lambda path: known[path].read_at)
        return found + old[: max(0, room - len(found))]

    def since(self, paths: Iterable[str]) -> datetime:
        """From when on changes in them are asked for, by the server's clock."""
        stamps = [
            stamp
            for path in paths
            if (kept := self._kept.get(path)) is not None
            for stamp in kept.stamps.values()
            if stamp is not None
        ]
        if not stamps:
            return datetime.fromtimestamp(self._clock(), UTC) - UNKNOWN_SINCE
        return max(stamps) - MARGIN

    def changed(self, paths: Iterable[str], told: Iterable[UpdatedProject]) -> list[str]:
        """Those of ``paths`` that the server says were updated, or says nothing of."""
        updated = {project.full_path.lower(): project for project in told}
        return [path for path in paths if self._has_changed(path, updated.get(path.lower()))]

    def _has_changed(self, path: str, told: UpdatedProject | None) -> bool:
        if told is None or told.pipelines is None:
            return True
        stamps = self._kept[path].stamps
        new = {
            node.id: node.updated_at
            for node in nodes(told.pipelines)
            if node.id not in stamps or stamps[node.id] != node.updated_at
        }
        stamps |= new  # one of them may be none of the newest, which are all that is read
        return bool(new)
