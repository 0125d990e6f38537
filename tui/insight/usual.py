"""How long the stages and jobs of a pipeline usually take, and what takes longer than that."""

from collections.abc import Iterator, Mapping, Sequence

from tui.domain.pipeline import Run, Stage
from tui.domain.status import Status
from tui.insight.eta import median

FEWEST = 2
"""Runs that tell what is usual."""
NOTICED = 10.0
"""Seconds below which a difference is none."""
_MORE = 0.25
"""Part of the usual time by which it must be longer."""
_FULL = frozenset({Status.PASSED, Status.WARNING})

Usual = Mapping[str, float]
"""Seconds by :func:`place`."""


def place(above: str, name: str) -> str:
    """Where something stands in any run of its pipeline: its name below those of what holds it. Ids differ from run to
    run."""
    return f"{above}\n{name}"


def usual_times(earlier: Sequence[Run]) -> Usual:
    """The median of what ran to a good end in ``earlier`` runs, those that were read with their stages."""
    times: dict[str, list[float]] = {}
    for run in earlier:
        once: dict[str, float] = {}
        for where, seconds in _times(run.stages or (), ""):
            once.setdefault(where, seconds)
        for where, seconds in once.items():
            times.setdefault(where, []).append(seconds)
    return {where: median(found) for where, found in times.items() if len(found) >= FEWEST}


def longer(gone: float | None, usual: float | None) -> float | None:
    """Seconds by which something takes longer than usual; None where it does not, or nobody knows."""
    if gone is None or usual is None or gone - usual < max(NOTICED, _MORE * usual):
        return None
    return gone - usual


def _times(stages: Sequence[Stage], above: str) -> Iterator[tuple[str, float]]:
    for stage in stages:
        where = place(above, stage.name)
        if stage.status in _FULL and stage.duration is not None:
            yield where, stage.duration
        for job in stage.jobs:
            if job.status in _FULL and job.duration is not None and not job.retried:
                yield place(where, job.name), job.duration
        yield from _times(stage.children, where)
