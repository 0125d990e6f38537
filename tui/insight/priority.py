"""Which pipelines need a person: the order of the list."""

from collections.abc import Iterable, Iterator
from enum import IntEnum

from tui.domain.pipeline import Pipeline, Run
from tui.domain.status import Status


class Priority(IntEnum):
    """How much a pipeline needs somebody to look; the smallest first."""

    PERSON = 0
    """A run waits for an answer."""
    FAILING = 1
    """The newest run that came to a result failed; also while another one tries again."""
    RUNNING = 2
    """A run is under way or queued."""
    REST = 3


_CONCLUSIVE = frozenset({Status.PASSED, Status.WARNING, Status.FAILED})
_BUSY = frozenset({Status.QUEUED, Status.RUNNING})


def priority_of(pipeline: Pipeline) -> Priority:
    """How much ``pipeline`` needs a person.

    A waiting run counts until a newer one has finished: GitLab keeps pipelines parked at a manual job for ever, and
    what came after has overtaken them. A failure counts until a newer run came to a result, whatever runs or was
    canceled meanwhile, so a row does not jump away and back while somebody tries again. A disabled pipeline is not
    failing: nobody expects it to pass.
    """
    front = list(_front(pipeline))
    if any(_waits(run) for run in front):
        return Priority.PERSON
    result = next((run.status for run in pipeline.runs if run.status in _CONCLUSIVE), None)
    if result is Status.FAILED and not pipeline.disabled:
        return Priority.FAILING
    if pipeline.queue or any(run.status in _BUSY for run in front):
        return Priority.RUNNING
    return Priority.REST


def priority_order(pipeline: Pipeline) -> tuple[int, float, str, str]:
    """The sort key: by need, then the pipeline whose last run is newest, then by name."""
    return priority_of(pipeline), -_began(pipeline.last), pipeline.name, pipeline.key


def by_priority(pipelines: Iterable[Pipeline]) -> list[Pipeline]:
    """``pipelines`` in the order of :func:`priority_order`, which does not depend on the order they come in."""
    return sorted(pipelines, key=priority_order)


def _front(pipeline: Pipeline) -> Iterator[Run]:
    """The runs that no newer finished run has overtaken, newest first. A skipped run overtakes nothing."""
    for run in pipeline.runs:
        if run.status is Status.SKIPPED:
            continue
        if run.status.finished:
            return
        yield run


def hidden_runs(pipeline: Pipeline) -> list[Run]:
    """What the last run of ``pipeline`` hides though it matters, newest first.

    Runs that are under way or wait beside it, and the newest result of each other kind of trigger where that is a
    failure: a schedule that passed says nothing of the push that failed before it. A run of GitLab, which has a
    trigger, waits for ever where nobody answers: it counts only until a newer one has overtaken it.
    """
    last, front = pipeline.last, list(_front(pipeline))
    waiting = [run for run in pipeline.runs if _waits(run) and (run in front or not run.trigger)]
    results: dict[str, Run] = {}
    for run in pipeline.runs:
        if run.status in _CONCLUSIVE and run.trigger:
            results.setdefault(run.trigger, run)
    newest = next((run for run in pipeline.runs if run.status in _CONCLUSIVE), None)
    failed = [run for run in results.values() if run.status is Status.FAILED and run is not newest]
    return [
        run
        for run in pipeline.runs
        if run is not last and (run.status in _BUSY or run in waiting or run in failed)
    ]


def _waits(run: Run) -> bool:
    return run.status is Status.WAITING or any(gate.blocking for gate in run.gates)


def _began(run: Run | None) -> float:
    if run is None:
        return 0.0
    return run.started_at or run.created_at or 0.0
