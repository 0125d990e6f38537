"""Test reports as the junit plugin exports them (contracts: jenkins §8). Of 2026: nothing is FIXED or REGRESSION."""

from collections.abc import Iterator

from tui.sandbox.jenkins.controller import Controller
from tui.sandbox.jenkins.export import Bean
from tui.sandbox.jenkins.matrix import cell_build
from tui.sandbox.plan import State, TaskState
from tui.sandbox.reports import Case, cases
from tui.sandbox.world import Run

_STATUSES = {"passed": "PASSED", "failed": "FAILED", "skipped": "SKIPPED"}

_Id = tuple[str, str, str]


def report(controller: Controller, run: Run, cell: TaskState | None = None) -> Bean | None:
    """The report of a run; None where it has none, or none yet. That of a matrix is made of its cells'."""
    suites = dict(_suites(controller, run))
    if cell is not None:
        suites = {path: found for path, found in suites.items() if path == (cell.task.name,)}
    if not suites:
        return None
    if run.pipeline.kind == "matrix" and cell is None:
        return _of_cells(controller, run)
    since = _since(controller, run)
    outcomes = [case.outcome for found in suites.values() for case in found]
    fields = {
        "testActions": [],
        "duration": _duration(case for found in suites.values() for case in found),
        "empty": False,
        "failCount": outcomes.count("failed"),
        "passCount": outcomes.count("passed"),
        "skipCount": outcomes.count("skipped"),
        "suites": [_suite(run, path, found, since) for path, found in suites.items()],
    }
    return Bean("hudson.tasks.junit.TestResult", fields)


def _of_cells(controller: Controller, run: Run) -> Bean:
    reports = [
        (state, found)
        for state in controller.world.progress(run).tasks
        if (found := report(controller, run, state)) is not None
    ]
    counts = {
        name: sum(int(str(found.fields[name])) for _, found in reports)
        for name in ("failCount", "skipCount", "passCount")
    }
    children = [
        Bean("", {"child": cell_build(controller, run, state), "result": found}) for state, found in reports
    ]
    fields = {
        "failCount": counts["failCount"],
        "skipCount": counts["skipCount"],
        "totalCount": sum(counts.values()),
        "urlName": "testReport",
        "childReports": children,
    }
    return Bean("hudson.tasks.test.MatrixTestResult", fields)


def _suites(controller: Controller, run: Run) -> Iterator[tuple[tuple[str, ...], tuple[Case, ...]]]:
    """Path of the stage and cases of each suite, in the counts of :attr:`tui.sandbox.plan.Progress.tests`."""
    for state in controller.world.progress(run).tasks:
        if state.task.tests and state.last.ended_at is not None and state.last.started_at is not None:
            path = (*state.task.path, state.task.name)
            yield path, _cases(run, state)


def _cases(run: Run, state: TaskState) -> tuple[Case, ...]:
    count = state.task.tests
    bad = state.state in (State.FAILED, State.WARNING)
    return cases(
        run,
        state.task.name,
        count=count,
        failed=count // 30 if bad else 0,
        skipped=count // 40,
        seconds=(state.last.ended_at or 0.0) - (state.last.started_at or 0.0),
    )


def _ids(controller: Controller, run: Run) -> dict[_Id, Case]:
    return {
        ("/".join(path), case.classname, case.name): case
        for path, found in _suites(controller, run)
        for case in found
    }


def _since(controller: Controller, run: Run) -> dict[_Id, int]:
    """The number of the build in which each failed case began to fail without a break."""
    failing = {id: run.number for id, case in _ids(controller, run).items() if case.outcome == "failed"}
    broken = set(failing)
    for earlier in controller.builds(run.pipeline):
        if not broken:
            break
        if earlier.number >= run.number or not (known := _ids(controller, earlier)):
            continue
        broken = {id for id in broken if id in known and known[id].outcome == "failed"}
        failing.update(dict.fromkeys(broken, earlier.number))
    return failing


def _suite(run: Run, path: tuple[str, ...], found: tuple[Case, ...], since: dict[_Id, int]) -> Bean:
    blocks = () if run.pipeline.plain else path
    fields = {
        "cases": [
            _case(run, case, since.get(("/".join(path), case.classname, case.name), 0)) for case in found
        ],
        "duration": _duration(found),
        "enclosingBlockNames": list(reversed(blocks)),
        "enclosingBlocks": [str(20 - n) for n in range(len(blocks))],
        "id": None,
        "name": "pytest",
        "nodeId": "30",
        "properties": Bean("", {}),
        "stderr": None,
        "stdout": None,
        "timestamp": None,
    }
    return Bean("", fields)


def _case(run: Run, case: Case, since: int) -> Bean:
    failed = case.outcome == "failed"
    fields = {
        "testActions": [],
        "age": run.number - since + 1 if since else 0,
        "className": case.classname,
        "duration": case.seconds,
        "errorDetails": case.message if failed else None,
        "errorStackTrace": case.trace if failed else None,
        "failedSince": since,
        "name": case.name,
        "properties": Bean("", {}),
        "skipped": case.outcome == "skipped",
        "skippedMessage": case.message if case.outcome == "skipped" else None,
        "status": _STATUSES[case.outcome],
        "stderr": None,
        "stdout": case.output or None,
    }
    return Bean("", fields)


def _duration(found: Iterator[Case] | tuple[Case, ...]) -> float:
    return round(sum(case.seconds for case in found), 3)
