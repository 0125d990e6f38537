"""What answers the next question about a run: why it failed, what it waits for or does, where it went.

Pure functions of what is known and a time; each line is a text with the role of its colour, no widths.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Generic, TypeVar

import msgspec

from tui.domain.deployment import Deployment, Environments
from tui.domain.log import Excerpt
from tui.domain.pipeline import Gate, QueueItem, Run, Stage
from tui.domain.status import Status
from tui.domain.verdict import Decision, MetricOutcome, MetricVerdict, Verdict
from tui.insight.critical_path import critical_path
from tui.insight.failures import FailedCase, Failures
from tui.insight.usual import Usual
from tui.presenters.judged_metrics import MetricLine
from tui.presenters.pipelines import StageLine, critical_words, stage_lines
from tui.text import format as fmt
from tui.text.safe import clean

T = TypeVar("T")
Line = tuple[str, str]

MOST_TESTS = 6
"""Failed tests that are named."""
MOST_RUNNING = 6
"""Stages and jobs that go on and are named."""
_INDENT = "  "
_DECISIONS = {Decision.PROMOTE: "passed", Decision.WAIT: "warning", Decision.STOP: "failed"}
_OUTCOMES = {MetricOutcome.WORSE: "failed", MetricOutcome.UNCLEAR: "warning"}


class Told(msgspec.Struct, Generic[T], frozen=True):
    """One part of it as far as it is known."""

    value: T | None = None
    problem: str = ""
    """Why it could not be read, now or at all."""
    age: float | None = None
    """Seconds since it was read, where that may be too long ago."""
    asked: bool = True
    """It will be known soon; False: nobody asks for it."""


class JudgedLine(msgspec.Struct, frozen=True):
    """One metric of a verdict, and its curves as text."""

    metric: MetricVerdict
    title: str
    words: MetricLine
    curves: str = ""


Glyph = Callable[[Status], str]


def queue_lines(items: Iterable[QueueItem], now: float) -> Iterator[Line]:
    """What waits to begin, each with its whole reason."""
    for item in items:
        word, role = ("stuck", "failed") if item.stuck else ("queued", "queued")
        waited = f" for {fmt.elapsed(now - item.since)}" if item.since is not None else ""
        yield f"{word}{waited}", role
        yield f"{_INDENT}{item.reason or 'the server does not say why'}", ""
        if item.cause:
            yield f"{_INDENT}asked for by {item.cause}", "dim"
        for name, value in item.parameters:
            yield f"{_INDENT}{name}={clean(value)}", "dim"


def failed_lines(run: Run, tests: Told[Failures], excerpt: Told[Excerpt]) -> Iterator[Line]:
    """Why it failed."""
    if run.problem:
        yield run.problem, "failed"
    yield from tests_lines(run, tests)
    yield from _excerpt(excerpt)


def running_lines(run: Run, now: float, usual: Usual | None, excerpt: Told[Excerpt]) -> Iterator[Line]:
    """What it does now."""
    if run.waiting_reason:
        yield f"waits: {run.waiting_reason}", "waiting"
    going = list(_going_on(stage_lines(run, now, usual)))
    for line in going[:MOST_RUNNING]:
        parts = (
            f"{line.word} {line.time}".strip(),
            line.slow,
            "critical path" if line.critical else "",
            line.note,
        )
        yield f"{line.name}  {', '.join(filter(None, parts))}", "warning" if line.slow else "running"
    if len(going) > MOST_RUNNING:
        yield f"and {len(going) - MOST_RUNNING} more", "dim"
    yield from _excerpt(excerpt)


def waiting_lines(run: Run, now: float) -> Iterator[Line]:
    """For whom it waits."""
    gates = [gate for gate in run.gates if gate.blocking] or list(run.gates)
    for gate in gates:
        yield _asks(gate, now), "waiting"
        if gate.submitter:
            yield f"{_INDENT}may be answered by {gate.submitter}", "dim"
        if gate.fields:
            yield f"{_INDENT}asks for {', '.join(clean(field.name) for field in gate.fields)}", "dim"
    if not gates:
        yield "waits for a person; the server does not say for what", "waiting"
    for fact in run.facts:
        yield fact, "dim"


def verdict_lines(verdict: Told[Verdict], metrics: Sequence[JudgedLine]) -> Iterator[Line]:
    """How the canary compares, what is worst first."""
    if verdict.value is None:
        yield from _missing("verdict", verdict, "Reading the metrics …")
        return
    decided = verdict.value
    yield f"{decided.counts}: {decided.why}{_old(verdict)}", _DECISIONS[decided.counts]
    order = {MetricOutcome.WORSE: 0, MetricOutcome.UNCLEAR: 1}
    ranked = sorted(metrics, key=lambda each: order.get(each.metric.outcome, 2))
    widths = [
        max((len(text) for text in texts), default=0)
        for texts in ([each.title for each in ranked], [each.words.difference for each in ranked])
    ]
    for each in ranked:
        texts = (
            each.metric.outcome.value.ljust(7),
            each.title.ljust(widths[0]),
            each.words.difference.ljust(widths[1]),
            each.words.canary,
        )
        yield "  ".join(texts).rstrip(), _OUTCOMES.get(each.metric.outcome, "")
        if not each.metric.outcome.good:
            yield f"{_INDENT}{each.words.reason}", "dim"
        if each.curves:
            yield f"{_INDENT}{each.curves}", ""


def note_lines(verdict: Told[Verdict]) -> Iterator[Line]:
    """What else is to be known of the values that were judged."""
    for note in verdict.value.notes if verdict.value is not None else ():
        yield note, "dim"


def passed_lines(run: Run, environments: Told[Environments], now: float) -> Iterator[Line]:
    """What it brought, and where that went."""
    title = run.title if run.title != f"#{run.address.run_text}" else ""
    brought = "  ".join(filter(None, (run.revision[:12], title)))
    if brought:
        yield f"brought  {brought}", ""
    for fact in run.facts:
        yield fact, "dim"
    for name, value in run.parameters:
        yield f"{_INDENT}{name}={clean(value)}", "dim"
    if environments.value is None:
        if environments.problem:
            yield from _missing("where it went", environments, "")
        return
    found = [
        (place.name, deployment)
        for place in environments.value.environments
        for deployment in place.deployments
        if deployment.run is not None and deployment.run.of_run == run.address
    ]
    for name, deployment in found:
        yield f"went to  {name}: {_deployed(deployment, now)}{_old(environments)}", ""
    if not found:
        yield f"went to  none of the environments that are known{_old(environments)}", "dim"


def path_line(run: Run, now: float) -> Iterator[Line]:
    """On what its duration hangs."""
    if words := critical_words(critical_path(run), now):
        yield f"critical path  {words}", "dim"


def stages_line(run: Run, glyph: Glyph) -> Iterator[Line]:
    """Its stages in a row: ``stages  ✓ check  ✗ train  - ship``."""
    stages: Sequence[Stage] = run.stages or ()
    if len(stages) > 1:
        yield f"stages  {'  '.join(f'{glyph(stage.status)} {stage.name}' for stage in stages)}", ""


# --- parts --------------------------------------------------------------------------------------------------------


def tests_lines(run: Run, tests: Told[Failures]) -> Iterator[Line]:
    """Which tests failed, new ones first."""
    found = tests.value
    if found is None:
        if run.tests is not None and run.tests.failed:
            yield f"{run.tests.failed} of {fmt.count(run.tests.total, 'test')} failed", "failed"
        yield from _missing("tests", tests, "Reading which tests failed …")
        return
    counts = found.counts
    if counts.failed:
        new = f", {found.new or 'none'} of them new" if found.new is not None else ""
        yield f"{counts.failed} of {fmt.count(counts.total, 'test')} failed{new}{_old(tests)}", "failed"
        if found.new is None:
            yield f"{_INDENT}which of them are new is not known: no report of an earlier run was read", "dim"
    for case in found.cases[:MOST_TESTS]:
        yield _case(case), "failed" if case.new else ""
    if (left := max(counts.failed, len(found.cases)) - MOST_TESTS) > 0:
        yield f"{_INDENT}and {left} more", "dim"
    for note in found.notes:
        yield f"{_INDENT}{note}", "dim"


def _case(case: FailedCase) -> str:
    word = "new  " if case.new else ""
    since = f"  since #{case.since}" if case.since is not None else ""
    flaky = f"  flaky: {case.flaky}" if case.flaky else ""
    return f"{_INDENT}{word}{case.name}  {case.where}{since}{flaky}"


def _excerpt(excerpt: Told[Excerpt]) -> Iterator[Line]:
    found = excerpt.value
    if found is None:
        yield from _missing("log", excerpt, "Reading the end of the log …")
        return
    of = f" of {found.of.job}" if found.of.job is not None else ""
    if found.note:
        yield f"log{of}: {found.note}", "dim"
    if not found.lines:
        return
    chosen = f", {found.chosen}" if found.chosen else ""
    if found.error is not None:
        where = " in the last 1 MB" if found.before or found.longer else ""
        yield f"first error{where}{of}{chosen}{_old(excerpt)}", "accent"
    else:
        words = "the end of what was read" if found.longer else "the end of the log"
        yield f"{words}{of}{chosen}{_old(excerpt)}", "accent"
    if found.longer:
        yield f"{_INDENT}the log is longer than 20 MB: what follows was not read", "warning"
    for number, line in enumerate(found.lines):
        yield f"{_INDENT}{line}", "failed" if number == found.error else ""


def _going_on(lines: Sequence[StageLine]) -> Iterator[StageLine]:
    """Those that go on, without the ones that only hold others of them."""
    active = [
        line for line in lines if line.status in (Status.RUNNING, Status.WAITING) and line.key != "upstream"
    ]
    for line in active:
        if not any(other.key.startswith(f"{line.key}/") for other in active):
            yield line


def _asks(gate: Gate, now: float) -> str:
    waited = f" for {fmt.elapsed(now - gate.since)}" if gate.since is not None else ""
    return f"waits{waited}: {gate.message}"


def _deployed(deployment: Deployment, now: float) -> str:
    at = deployment.finished_at or deployment.started_at
    ago = f", {fmt.ago(now - at)} ago" if at is not None else ""
    canary = " as canary" if deployment.canary else ""
    status = "" if deployment.status is Status.PASSED else f" ({deployment.status.value})"
    waits = f", {deployment.waits_for}" if deployment.waits_for else ""
    return f"{deployment.version}{canary}{status}{ago}{waits}"


def _missing(what: str, answer: Told[T], reading: str) -> Iterator[Line]:
    if answer.problem:
        yield f"{what} not known: {answer.problem}", "warning"
    elif answer.asked and reading:
        yield reading, "dim"


def _old(answer: Told[T]) -> str:
    if answer.age is None:
        return ""
    problem = f": {answer.problem}" if answer.problem else ""
    return f"  ~ read {fmt.ago(answer.age)} ago{problem}"
