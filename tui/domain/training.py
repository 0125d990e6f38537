"""Training runs: what a tracking server tells of models that are being trained, and of which job that is."""

from typing import Literal

import msgspec

from tui.domain.address import Address
from tui.domain.status import Status

Basis = Literal["job id", "url", "tag", "commit and time"]


class LatestMetric(msgspec.Struct, frozen=True, gc=False):
    """The newest value of one metric: of the highest step, not the one that was logged last."""

    key: str
    value: float | None
    """None: it is not finite."""
    step: int
    at: float | None = None


class TrainingRun(msgspec.Struct, frozen=True):
    """One run of a tracking server: what MLflow calls a run, which is not a run of a pipeline."""

    id: str
    name: str
    status: Status
    vendor_status: str
    experiment: str = ""
    started_at: float | None = None
    ended_at: float | None = None
    params: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()
    metrics: tuple[LatestMetric, ...] = ()
    parent: str = ""
    """The id of the run that it is a part of: a fold, a trial of a sweep."""
    commit: str = ""
    web_url: str = ""

    @property
    def going_on(self) -> bool:
        """The server says so, which it also does for ever of what was killed (contracts: model §4)."""
        return self.status.active

    def metric(self, key: str) -> LatestMetric | None:
        return next((each for each in self.metrics if each.key == key), None)


class Trainings(msgspec.Struct, frozen=True):
    """What is trained of a model, and was lately, newest first."""

    running: tuple[TrainingRun, ...] = ()
    recent: tuple[TrainingRun, ...] = ()
    recent_at: float = 0.0
    """When these were read, which is less often."""
    notes: tuple[str, ...] = ()

    @property
    def runs(self) -> tuple[TrainingRun, ...]:
        """Each once; of two answers the one that knows its end."""
        found = {each.id: each for each in self.running}
        found.update({each.id: each for each in self.recent if each.id not in found or not each.going_on})
        return tuple(sorted(found.values(), key=lambda each: -(each.started_at or 0.0)))


class Link(msgspec.Struct, frozen=True):
    """What ties a training run to the job, or the run, that trains it."""

    address: Address
    """Of the job; of the run, where it is not told which of its jobs."""
    basis: Basis
    certain: bool
    """False: it is only likely. It is shown as that, and nothing goes by it."""


class LinkedTraining(msgspec.Struct, frozen=True):
    """A training run where it belongs in a run of a pipeline."""

    training: TrainingRun
    link: Link
    ended: bool
    """The job that trains it, or the run, has ended."""
    ended_at: float | None
    """When that was, where it is known."""
    its_status: Status
    """Of the job, or the run."""
    parts: tuple[TrainingRun, ...] = ()
    """Runs that are parts of it: folds, trials of a sweep."""


class Point(msgspec.Struct, frozen=True, gc=False):
    """One value of a metric."""

    step: int
    at: float
    value: float | None
    """None: it is not finite."""


class History(msgspec.Struct, frozen=True):
    """What a server has of one metric of a run, in the order of time, as far as it was asked for."""

    points: tuple[Point, ...]
    sampled: bool = False
    """There are more: of a long history evenly chosen ones."""
    took: float = 0.0
    """Seconds until the answer was there."""


class Curve(msgspec.Struct, frozen=True):
    """One metric of a training run, as far as it is known."""

    run: str
    metric: str
    points: tuple[Point, ...] = ()
    """In the order of time."""
    sampled: bool = False
    whole_at: float = 0.0
    """When all of it was read last; since then only what came after."""
    took: float = 0.0
    """Seconds that this took."""
    final: bool = False
    """The run has ended, and this is all of it."""


Finding = Literal["not finite", "diverging", "flat", "silent"]


class Noticed(msgspec.Struct, frozen=True):
    """Something about a curve that a person should look at. Nothing goes by it."""

    finding: Finding
    words: str


class Progress(msgspec.Struct, frozen=True):
    """How far a training run has come, by its curve."""

    step: int
    total: int | None = None
    """How many steps there will be, if that is known."""
    basis: str = ""
    """What tells of the total: a parameter, or the champion."""
    ends_at: float | None = None
    best: Point | None = None
    noticed: tuple[Noticed, ...] = ()
