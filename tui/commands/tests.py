"""``pipedeck tests``: the tests of one run, once, beside those of the runs before."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from tui.commands.exit_codes import Exit
from tui.commands.frame import (
    NO_RUN,
    complain,
    in_a_pipeline_source,
    newest_run,
    print_document,
    with_runtime,
)
from tui.config import Settings
from tui.domain.address import Address
from tui.domain.evaluation import CaseStanding, EvaluationComparison
from tui.domain.pipeline import Pipeline, Run
from tui.domain.tests import CaseDetails, CaseOutcome, TestReport
from tui.engine.cache.disk import disk_cache_for
from tui.engine.queries import CaseOf, PipelinesOf, RunAt, TestsOf
from tui.engine.queries.evaluations import evaluations_of
from tui.engine.runtime import Runtime
from tui.insight.tests import Comparison, EarlierRun, comparable, compare
from tui.presenters.evaluation import counts_words
from tui.presenters.plain_text import table
from tui.presenters.tests import counts_text, group_cases
from tui.presenters.tests_document import case_at, junit, tests_document
from tui.sources.base import SourceError

Kind = Literal["all", "failed", "new"]
Form = Literal["text", "json", "junit"]

MOST_DETAILS = 100
"""Failed cases whose messages and traces are asked for, for a JUnit file."""
_WORDS: Mapping[str, str] = {
    "new": "new failure",
    "known": "known failure",
    "missing": "not known",
    "flaky": "flaky",
    "fixed": "fixed",
    "slowest": "slowest",
}
_GROUPS: Mapping[Kind, Sequence[str]] = {
    "all": tuple(_WORDS),
    "failed": ("new", "known", "missing"),
    "new": ("new",),
}


class _Found(msgspec.Struct, frozen=True):
    run: Run
    report: TestReport
    compared: Comparison
    before: tuple[Run, ...]
    """The runs that it was compared with."""
    evaluations: tuple[EvaluationComparison, ...] = ()


async def tests(settings: Settings, address: Address, *, kind: Kind, form: Form) -> Exit:
    """Print the tests of the run at ``address``; without a number, of the newest run that has some.

    Exit code 1 when a test failed (with ``new``: when one failed that did not before), 10 when none did but a
    case of an evaluation got worse, 5 when neither did as far as it could be read.
    """
    if not in_a_pipeline_source(settings, address):
        return Exit.USAGE

    async def work(runtime: Runtime) -> Exit:
        found = await _find(runtime, address)
        if found is None:
            complain(f"{address}: {NO_RUN}")
            return Exit.USAGE
        wanted = _wanted(found, kind)
        match form:
            case "text":
                print(_text(found, kind, runtime.sources.now(address.source)))
            case "json":
                document = tests_document(
                    found.run, found.report, found.compared, found.before, wanted, found.evaluations
                )
                print_document(document)
            case "junit":
                print(junit(found.report, wanted, await _details(runtime, found, wanted)))
        return _outcome(found, kind)

    return await with_runtime(settings, work, history=disk_cache_for(settings))


# --- what is asked ------------------------------------------------------------------------------------------------


async def _find(runtime: Runtime, address: Address) -> _Found | None:
    listing = await runtime.poller.ask(PipelinesOf(address.source))
    pipelines = [pipeline for pipeline in listing.pipelines if pipeline.address == address.pipeline]
    if address.run is None:
        run = _newest(pipelines)
    else:
        listed = (run for pipeline in pipelines for run in pipeline.runs if run.address == address.of_run)
        run = next(listed, None)
        if run is None:
            run = await runtime.poller.ask(RunAt(address.of_run))
    if run is None:
        return None
    report = await runtime.poller.ask(TestsOf(run.address))
    # Of a GitLab project each ref is a pipeline of its own.
    own = [pipeline for pipeline in pipelines if run in pipeline.runs or pipeline.ref in ("", run.ref)]
    before = comparable(run, own[0].runs) if own and report.suites else []
    earlier = []
    for other in before:
        try:
            earlier.append(EarlierRun(other, await runtime.poller.ask(TestsOf(other.address))))
        except SourceError as error:
            complain(f"not compared with {other.address}: {error.message}")
    compared = compare(report, run, earlier)
    evaluations = evaluations_of(runtime.settings, run.address)
    return _Found(
        run,
        report,
        compared,
        tuple(each for each in before if each.address.run in compared.against),
        await runtime.poller.ask(evaluations) if evaluations is not None else (),
    )


def _newest(pipelines: Sequence[Pipeline]) -> Run | None:
    runs = [run for pipeline in pipelines for run in pipeline.runs]
    with_tests = [run for run in runs if run.tests is not None and run.tests.total]
    return newest_run(with_tests or runs)


async def _details(
    runtime: Runtime, found: _Found, wanted: Sequence[tuple[int, int]]
) -> Mapping[tuple[int, int], CaseDetails]:
    """The messages and traces of the failed ones of ``wanted``, as far as they could be read."""
    failed = [place for place in wanted if case_at(found.report, place).outcome is CaseOutcome.FAILED]
    if len(failed) > MOST_DETAILS:
        complain(f"{len(failed)} failed; messages and traces are in the first {MOST_DETAILS} of them")

    async def ask(place: tuple[int, int]) -> CaseDetails:
        suite = found.report.suites[place[0]]
        try:
            return await runtime.poller.ask(CaseOf(found.run.address, suite.key(place[1])))
        except SourceError as error:
            return CaseDetails(f"(not read: {error.message})")

    asked = failed[:MOST_DETAILS]
    return dict(zip(asked, await asyncio.gather(*map(ask, asked)), strict=True))


# --- what is printed ----------------------------------------------------------------------------------------------


def _wanted(found: _Found, kind: Kind) -> list[tuple[int, int]]:
    """Indexes of suite and case of all cases that are to be printed, in the order of the report."""
    if kind == "new":
        return sorted((each.suite, each.index) for each in found.compared.new)
    return [
        (s, i)
        for s, suite in enumerate(found.report.suites)
        for i, case in enumerate(suite.cases)
        if kind == "all" or case.outcome is CaseOutcome.FAILED
    ]


def _outcome(found: _Found, kind: Kind) -> Exit:
    if found.compared.new or (kind != "new" and found.report.counts.failed):
        return Exit.FAILED
    if any(
        each.of(bad) for each in found.evaluations for bad in (CaseStanding.WORSE, CaseStanding.NEW_FAILURE)
    ):
        return Exit.WORSE
    if any(each.problem and not each.missing for each in found.evaluations):
        return Exit.UNKNOWN
    if any(suite.problem for suite in found.report.suites):
        return Exit.UNKNOWN
    return Exit.OK


def _text(found: _Found, kind: Kind, now: float) -> str:
    report = found.report
    lines = [f"{found.run.address}  {counts_text(report.counts) or 'no tests were reported'}"]
    if found.before:
        lines.append(f"compared with {' '.join(f'#{run.address.run_text}' for run in found.before)}")
    lines += report.notes
    groups = {group.id: group for group in group_cases(report, found.compared, now)}
    for each in found.evaluations:
        beside = f", beside {each.against}" if each.against else ""
        reason = f": {each.problem}" if each.problem else ""
        lines.append(
            f"{each.kind or 'evaluation'} {each.file}: {counts_words(each)}{beside}{reason}".lstrip()
        )
    rows = [
        (change.standing.value, change.name, each.file, "", change.words)
        for each in found.evaluations
        for change in each.changes
    ]
    rows += [
        (_WORDS[id], line.name, line.where, line.time, line.note)
        for id in _GROUPS[kind]
        if id in groups
        for line in groups[id].lines
    ]
    return "\n".join([*lines, *([table(("WHAT", "TEST", "IN", "TIME", "NOTE"), rows)] if rows else [])])
