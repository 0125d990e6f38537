"""Pipelines and runs as lines of short texts: what the deck's panes and the plain commands both print.

Pure functions of domain values and a time; no colours, no widths.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from tui.domain.address import Address
from tui.domain.pipeline import Job, Pipeline, QueueItem, Run, Stage
from tui.domain.status import Status
from tui.insight.critical_path import CriticalPath, critical_path, job_key, stage_key
from tui.insight.eta import elapsed, expected_end
from tui.insight.priority import hidden_runs
from tui.insight.usual import NOTICED, Usual, longer, place
from tui.text import format as fmt
from tui.text.safe import clean, shorten

NEVER_RAN = "never ran"
DISABLED = "disabled"
MOST_HIDDEN = 3
"""Failed runs beside the last one that are named in its row."""
_PARAMETERS = 120


class PipelineLine(msgspec.Struct, frozen=True, gc=False):
    """One row of the pipeline list."""

    key: str
    address: Address
    status: Status | None
    """None for a pipeline that never ran."""
    word: str
    """The status in a word; a vendor's value that nobody knows as itself."""
    name: str
    folder: str
    ref: str
    run: str
    state: str
    """What it does or waits for, with times: ``3m, ~2m left``, ``12m: Promote canary?``."""
    age: str
    """How long ago the last run ended, or began where it goes on."""
    cause: str
    tests: str


def pipeline_line(pipeline: Pipeline, now: float) -> PipelineLine:
    run = pipeline.last
    if run is None:
        status, word, state = None, DISABLED if pipeline.disabled else NEVER_RAN, ""
    else:
        status, word, state = (
            run.status,
            status_word(run.status, run.vendor_status),
            run_state(run, pipeline.runs, now),
        )
    state = "; ".join(filter(None, (state, _hidden_failures(pipeline))))
    item = _item_in_line(pipeline)
    if item is not None:
        status, word, state = Status.QUEUED, _item_word(item), _item_state(item, now)
    return PipelineLine(
        key=pipeline.key,
        address=pipeline.address.at_run(run.address.run)
        if run and run.address.run is not None
        else pipeline.address,
        status=status,
        word=word,
        name=pipeline.name,
        folder=pipeline.folder,
        ref=pipeline.ref,
        run=f"#{run.address.run_text}" if run else "",
        state=state,
        age=_age(run, now) if run else "",
        cause=run.cause if run else "",
        tests=tests_text(run) if run else "",
    )


def other_lines(pipeline: Pipeline, now: float) -> list[PipelineLine]:
    """What else goes on in a pipeline, beside what its own line tells: other runs that have not ended, and what waits
    in the queue."""
    in_line, last = _item_in_line(pipeline), pipeline.last
    runs = [run for run in hidden_runs(pipeline) if not run.status.finished]
    if in_line is not None and last is not None and last.status.active:
        runs = [last, *runs]
    lines = [
        PipelineLine(
            key=f"{pipeline.key} {run.address.run_text}",
            address=run.address,
            status=run.status,
            word=status_word(run.status, run.vendor_status),
            name=pipeline.name,
            folder=pipeline.folder,
            ref=pipeline.ref,
            run=f"#{run.address.run_text}",
            state=run_state(run, pipeline.runs, now),
            age=_age(run, now),
            cause=run.cause,
            tests=tests_text(run),
        )
        for run in runs
    ]
    lines += [
        PipelineLine(
            key=f"{pipeline.key} queue {item.id}",
            address=pipeline.address,
            status=Status.QUEUED,
            word=_item_word(item),
            name=pipeline.name,
            folder=pipeline.folder,
            ref=pipeline.ref,
            run="",
            state=_item_state(item, now),
            age="",
            cause=item.cause,
            tests="",
        )
        for item in pipeline.queue
        if item is not in_line
    ]
    return lines


def _item_in_line(pipeline: Pipeline) -> QueueItem | None:
    """The queued item that a pipeline's own line tells of: its last run has ended, or does not need a person while the
    item does."""
    run, item = pipeline.last, pipeline.first_queued
    if item is None or run is None or not run.status.active:
        return item
    return item if item.stuck and run.status is not Status.WAITING else None


def _item_word(item: QueueItem) -> str:
    return "stuck" if item.stuck else Status.QUEUED.value


def _item_state(item: QueueItem, now: float) -> str:
    """``12m: no ‘gpu’ node (LR=3e-4, OPT=adamw)``."""
    given = ", ".join(f"{name}={clean(value)}" for name, value in item.parameters)
    state = _since(item.since, now, item.reason)
    return f"{state} ({shorten(given, _PARAMETERS)})" if given else state


def _hidden_failures(pipeline: Pipeline) -> str:
    """``push #12 failed``: the failures that the last run hides. What goes on has lines of its own."""
    failed = [run for run in hidden_runs(pipeline) if run.status.finished]
    words = [
        f"{run.trigger} #{run.address.run_text} {status_word(run.status, run.vendor_status)}"
        for run in failed[:MOST_HIDDEN]
    ]
    more = len(failed) - len(words)
    return ", ".join(words) + (f" and {more} more" if more > 0 else "")


def settled_age(pipeline: Pipeline, now: float) -> str | None:
    """All of a pipeline's line that time changes, if nothing goes on in it; None if something does."""
    run = pipeline.last
    if pipeline.queue or any(not run.status.finished for run in pipeline.runs):
        return None
    return _age(run, now) if run is not None else ""


def status_word(status: Status, vendor_status: str) -> str:
    return vendor_status if status is Status.UNKNOWN and vendor_status else status.value


def run_state(run: Run, earlier: Sequence[Run], now: float) -> str:
    """What a run does, waits for or took, with times."""
    if run.status is Status.WAITING:
        gates = [gate for gate in run.gates if gate.blocking] or list(run.gates)
        asked = gates[0].message if gates else "a person"
        more = f" and {len(gates) - 1} more" if len(gates) > 1 else ""
        return _since(gates[0].since if gates else None, now, f"{asked}{more}")
    if run.status is Status.QUEUED:
        return _since(run.created_at, now, run.waiting_reason)
    if run.status is Status.RUNNING:
        return _running(run, earlier, now)
    took = fmt.duration(run.duration) if run.duration is not None else ""
    return " ".join(part for part in (took, f"({run.problem})" if run.problem else "") if part)


def _running(run: Run, earlier: Sequence[Run], now: float) -> str:
    gone = elapsed(run, now)
    if gone is None:
        return run.waiting_reason
    text = fmt.elapsed(gone)
    if (eta := expected_end(run, earlier, now)) is not None:
        text += (
            f", {fmt.elapsed(eta.overrun)} over" if eta.overrun else f", ~{fmt.elapsed(eta.at - now)} left"
        )
    return f"{text}: {run.waiting_reason}" if run.waiting_reason else text


def _since(start: float | None, now: float, words: str) -> str:
    waited = fmt.elapsed(now - start) if start is not None else ""
    return f"{waited}: {words}" if waited and words else waited or words


def _age(run: Run, now: float) -> str:
    began = run.started_at if run.started_at is not None else run.created_at
    if began is None:
        return ""
    return fmt.ago(now - (began + run.duration if run.duration is not None else began))


def tests_text(run: Run) -> str:
    """``3/120 failed``, or how many passed."""
    if run.tests is None:
        return ""
    return f"{run.tests.failed}/{run.tests.total} failed" if run.tests.failed else f"{run.tests.total} ok"


class StageLine(msgspec.Struct, frozen=True):
    """One row of a run's stage tree: a stage, a branch, a job, or a child pipeline's stage below its job."""

    key: str
    """Unique within the run."""
    prefix: str
    """Tree lines drawn before the name: ``├─ ``."""
    name: str
    status: Status
    word: str
    time: str
    note: str
    """Why it failed or waits, what it needed."""
    slow: str
    """By how much it takes longer than usual."""
    critical: bool
    """The run's duration hangs on it."""
    queued_at: float | None
    """When it began to wait for a machine, where that is told."""
    started_at: float | None
    ended_at: float | None
    """None while it goes on, and where the times are not known."""
    dim: bool
    address: Address
    """Of what has the row's log: the job, or the stage where it has no jobs."""


def stage_lines(run: Run, now: float, usual: Usual | None = None) -> list[StageLine]:
    """The stage tree of ``run`` from top to bottom, below the run that started it.

    Args:
        usual: how long its stages and jobs take, where that is known.
    """
    tree = _Tree(now, usual or {}, critical_path(run).keys)
    lines = list(tree.stages(run, run.stages or (), "", "", ""))
    active = [place for place, line in enumerate(lines) if line.status.active and line.started_at is not None]
    if run.status is Status.RUNNING and run.waiting_reason and len(active) == 1 and not lines[active[0]].note:
        # It is said of the run; where only one of its stages goes on it is that one which waits.
        lines[active[0]] = msgspec.structs.replace(lines[active[0]], note=run.waiting_reason)
    return [_upstream(run.upstream, now), *lines] if run.upstream is not None else lines


_LOOKED_FOR = (Status.FAILED, Status.WAITING, Status.RUNNING, Status.WARNING)


def neediest(lines: Sequence[StageLine]) -> StageLine | None:
    """Where somebody who comes to a run looks first: what failed, else what waits, runs, or passed with a warning; of
    a stage the job that made it so. None: there is no such thing."""
    top = [line for line in lines if not line.prefix]
    found = next((line for status in _LOOKED_FOR for line in top if line.status is status), None)
    while found is not None:
        inside = [line for line in lines if line.key.startswith(f"{found.key}/")]
        causes = {found.status} | ({Status.FAILED} if found.status is Status.WARNING else set())
        inside = [line for line in inside if line.status in causes]
        if not inside:
            break
        found = next((line for line in inside if not line.dim), inside[0])
    return found


def critical_words(path: CriticalPath, now: float) -> str:
    """``check › train › ship: 24m, 6m of it queued``; empty where nobody knows it."""
    if not path.steps:
        return ""
    first, last = path.steps[0], path.steps[-1]
    took = (
        (last.ended_at if last.ended_at is not None else now) - first.started_at + (first.queued_for or 0.0)
    )
    queued = f", {fmt.elapsed(path.queued)} of it queued" if path.queued >= NOTICED else ""
    names = [(name, len(list(steps))) for name, steps in groupby(step.name for step in path.steps)]
    words = (f"{name} ({attempts} attempts)" if attempts > 1 else name for name, attempts in names)
    return f"{' › '.join(words)}: {fmt.elapsed(max(0.0, took))}{queued}"


def _upstream(run: Run, now: float) -> StageLine:
    return StageLine(
        key="upstream",
        prefix="↑ ",
        name=str(run.address).partition(":")[2],
        status=run.status,
        word=status_word(run.status, run.vendor_status),
        time=_time(run.status, elapsed(run, now)),
        note="started this run",
        slow="",
        critical=False,
        queued_at=None,
        started_at=None,
        ended_at=None,
        dim=False,
        address=run.address,
    )


class _Tree:
    """Makes the lines of one run."""

    def __init__(self, now: float, usual: Usual, critical: frozenset[str]) -> None:
        self._now = now
        self._usual = usual
        self._critical = critical

    def stages(
        self, run: Run, stages: Sequence[Stage], prefix: str, above: str, where: str
    ) -> Iterator[StageLine]:
        for number, stage in enumerate(stages):
            below, own = _branch(prefix, above, last=number == len(stages) - 1)
            key, its_place = stage_key(above, stage), place(where, stage.name)
            one = _is_its_job(stage)
            job = stage.jobs[0] if one else None
            yield StageLine(
                key=key,
                prefix=own,
                name=stage.name,
                status=stage.status,
                word=status_word(stage.status, stage.vendor_status),
                time=_time(stage.status, elapsed(stage, self._now)),
                note=_paused(stage) or (_note(job) if job else ""),
                slow=self._slow(stage, its_place),
                critical=key in self._critical,
                queued_at=_queued_at(job) if job else None,
                started_at=stage.started_at,
                ended_at=_end(stage.started_at, stage.duration, stage.paused),
                dim=stage.synthetic or stage.status is Status.SKIPPED,
                address=_address(run, stage),
            )
            if not one:
                yield from self._jobs(stage.jobs, below, key, its_place, more=bool(stage.children))
            yield from self.stages(run, stage.children, below, key, its_place)

    def _jobs(
        self, jobs: Sequence[Job], prefix: str, above: str, where: str, *, more: bool
    ) -> Iterator[StageLine]:
        for number, job in enumerate(jobs):
            below, own = _branch(prefix, above, last=number == len(jobs) - 1 and not more)
            key = job_key(above, job)
            yield StageLine(
                key=key,
                prefix=own,
                name=job.name,
                status=job.status,
                word=status_word(job.status, job.vendor_status),
                time=_time(job.status, elapsed(job, self._now)),
                note=_note(job),
                slow=self._slow(job, place(where, job.name)),
                critical=key in self._critical,
                queued_at=_queued_at(job),
                started_at=job.started_at,
                ended_at=_end(job.started_at, job.duration, 0.0),
                dim=job.retried or job.status is Status.SKIPPED,
                address=job.address,
            )
            if job.downstream is not None:
                yield from self.stages(job.downstream, job.downstream.stages or (), below, key, "")

    def _slow(self, what: Stage | Job, its_place: str) -> str:
        over = longer(elapsed(what, self._now), self._usual.get(its_place))
        return f"{fmt.elapsed(over)} longer than usual" if over is not None else ""


def _address(run: Run, stage: Stage) -> Address:
    """Of what has its log: its first job, unless that is a run of its own that it has started (Jenkins)."""
    if stage.jobs and (stage.jobs[0].address.job is not None or _is_its_job(stage)):
        return stage.jobs[0].address
    return run.address.at_job(f"{stage.name}~{stage.id}")


def _branch(prefix: str, path: str, *, last: bool) -> tuple[str, str]:
    """The prefix of what hangs below a node, and the node's own."""
    if not path:
        return "", ""
    return prefix + ("   " if last else "│  "), prefix + ("└─ " if last else "├─ ")


def _is_its_job(stage: Stage) -> bool:
    """A stage that only wraps one job of its own name is one row, which has the note of both. Not where that would
    lose something: a downstream run, another status."""
    if len(stage.jobs) != 1:
        return False
    job = stage.jobs[0]
    lost = job.downstream is not None or job.status is not stage.status
    return job.name == stage.name and not lost and not (_paused(stage) and _note(job))


def _note(job: Job) -> str:
    """Why a job failed or waits, and how long it waited for a machine; else what it needed."""
    words = " ".join(filter(None, ("retried" if job.retried else "", job.reason)))
    queued = ""
    if job.queued_for is not None and job.queued_for >= NOTICED:
        queued = f"queued {fmt.elapsed(job.queued_for)}"
    return "; ".join(filter(None, (words, queued))) or (f"needs {', '.join(job.needs)}" if job.needs else "")


def _queued_at(job: Job) -> float | None:
    if job.started_at is None or job.queued_for is None or job.queued_for < NOTICED:
        return None
    return job.started_at - job.queued_for


def _paused(stage: Stage) -> str:
    if stage.paused < 1:
        return ""
    if stage.status is Status.WAITING:
        return f"for {fmt.elapsed(stage.paused)}"
    return f"waited {fmt.duration(stage.paused)} for a person"


def _time(status: Status, gone: float | None) -> str:
    """How long it ran. What waits for a person or was skipped does not run."""
    if gone is None or status in (Status.SKIPPED, Status.WAITING):
        return ""
    return fmt.elapsed(gone) if status.active else fmt.duration(gone)


def _end(started_at: float | None, duration: float | None, paused: float) -> float | None:
    return started_at + duration + paused if started_at is not None and duration is not None else None
