"""A run as it is at this moment, and words and notes about it."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.gitlab.context import ProjectContext
from tui.sources.gitlab.payload import RestJob, RestPipeline, seconds
from tui.sources.gitlab.read.deployment_payload import SHORT, RestDeployment
from tui.sources.gitlab.status import read_status
from tui.text.safe import clean, shorten


class LiveState(msgspec.Struct, frozen=True):
    """A run as it is."""

    place: ProjectContext
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
