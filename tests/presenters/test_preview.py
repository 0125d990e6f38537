"""What the preview says, in lines."""

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from tests.examples import NOW, address, gate, run
from tests.presenters.test_pipelines import job, stage
from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.log import Excerpt
from tui.domain.pipeline import QueueItem, Run, TestCounts
from tui.domain.status import Status
from tui.domain.verdict import Decision, MetricOutcome, MetricVerdict, Verdict
from tui.insight.failures import FailedCase, Failures
from tui.insight.usual import place
from tui.presenters.judged_metrics import metric_line
from tui.presenters.preview import (
    MOST_TESTS,
    JudgedLine,
    Line,
    Told,
    failed_lines,
    note_lines,
    passed_lines,
    path_line,
    queue_lines,
    running_lines,
    stages_line,
    verdict_lines,
    waiting_lines,
)

RUN = address("gl:ml/fraud#9")
FAILED = run("gl:ml/fraud#9", Status.FAILED, tests=TestCounts(240, 4, 0))
EXCERPT = Excerpt(RUN.at_job("fit"), "the job that failed first", ("step 8", "ERROR: no space", "bye"), 1)


def texts(lines: Iterable[Line]) -> list[str]:
    return [text for text, _ in lines]


def failed(tests: Told[Failures], excerpt: Told[Excerpt], of: Run = FAILED) -> list[Line]:
    return list(failed_lines(of, tests, excerpt))


def test_a_failed_run_names_its_tests_new_ones_first_and_its_first_error() -> None:
    cases = (
        FailedCase("test_loss", "tests.TestModel", True),
        FailedCase("test_io", "tests.TestIO", False, 7),
    )
    known = Failures(TestCounts(240, 4, 0), cases, 1)
    assert failed(Told(known), Told(EXCERPT)) == [
        ("4 of 240 tests failed, 1 of them new", "failed"),
        ("  new  test_loss  tests.TestModel", "failed"),
        ("  test_io  tests.TestIO  since #7", ""),
        ("first error of fit, the job that failed first", "accent"),
        ("  step 8", ""),
        ("  ERROR: no space", "failed"),
        ("  bye", ""),
    ]


def test_of_many_tests_some_are_named_and_what_is_not_known_is_said() -> None:
    cases = tuple(FailedCase(f"test_{n}", "T", None) for n in range(20))
    lines = texts(failed(Told(Failures(TestCounts(900, 50, 0), cases)), Told(asked=False)))
    assert lines[:2] == [
        "50 of 900 tests failed",
        "  which of them are new is not known: no report of an earlier run was read",
    ]
    assert lines[-1] == f"  and {50 - MOST_TESTS} more"


@pytest.mark.parametrize(
    ("more", "heading"),
    [
        ({"before": True}, "first error in the last 1 MB of fit"),
        ({"longer": True}, "first error in the last 1 MB of fit"),
        ({"error": None}, "the end of the log of fit"),
        ({"error": None, "longer": True}, "the end of what was read of fit"),
    ],
)
def test_it_says_how_much_of_the_log_was_read(more: dict[str, Any], heading: str) -> None:
    given = {"of": RUN.at_job("fit"), "lines": ("a", "b"), "error": 0, **more}
    lines = texts(failed(Told(asked=False), Told(Excerpt(**given)), run("gl:ml/fraud#9", Status.FAILED)))
    assert lines[0] == heading
    assert ("  the log is longer than 20 MB: what follows was not read" in lines) == given.get(
        "longer", False
    )


def test_what_could_not_be_read_says_why_and_what_is_old_how_old() -> None:
    assert failed(Told(problem="403: no"), Told(problem="timeout")) == [
        ("4 of 240 tests failed", "failed"),
        ("tests not known: 403: no", "warning"),
        ("log not known: timeout", "warning"),
    ]
    assert texts(failed(Told(), Told())) == [
        "4 of 240 tests failed",
        "Reading which tests failed …",
        "Reading the end of the log …",
    ]
    assert texts(failed(Told(asked=False), Told(asked=False))) == ["4 of 240 tests failed"], "nobody asks yet"
    (_, head, *_) = texts(failed(Told(asked=False), Told(EXCERPT, "timeout", 720.0)))
    assert head.endswith("  ~ read 12m ago: timeout")
    gone = Told(Excerpt(RUN, note="the log is empty"))
    assert failed(Told(asked=False), gone)[-1] == ("log: the log is empty", "dim")


def test_a_running_run_says_what_runs_and_for_how_long() -> None:
    fit, fetch = (
        job("fit", Status.RUNNING, started_at=NOW - 480),
        job("fetch", started_at=NOW - 500, duration=20.0),
    )
    shown = run(
        "gl:ml/fraud#9",
        Status.RUNNING,
        stages=(stage("train", Status.RUNNING, started_at=NOW - 500, duration=None, jobs=(fetch, fit)),),
    )
    usual = {place(place("", "train"), "fit"): 240.0}
    lines = list(
        running_lines(shown, NOW, usual, Told(Excerpt(RUN.at_job("fit"), lines=("epoch 3",), again=30.0)))
    )
    assert lines == [
        ("fit  running 8m, 4m longer than usual, critical path", "warning"),
        ("the end of the log of fit", "accent"),
        ("  epoch 3", ""),
    ]
    blocked = run("j:a#1", Status.RUNNING, waiting_reason="no ‘gpu’ node")
    assert texts(running_lines(blocked, NOW, None, Told(asked=False))) == ["waits: no ‘gpu’ node"]


def test_what_waits_for_a_person_says_for_whom() -> None:
    asked = gate("j:a#1!P", "Promote 2.1?", submitter="ml-leads")
    lines = list(waiting_lines(run("j:a#1", Status.WAITING, gates=(asked,), facts=("!12 by dana",)), NOW))
    assert lines == [
        ("waits for 12m: Promote 2.1?", "waiting"),
        ("  may be answered by ml-leads", "dim"),
        ("!12 by dana", "dim"),
    ]
    assert "does not say for what" in texts(waiting_lines(run("j:a#1", Status.WAITING), NOW))[0]


def judged(metric: str, outcome: MetricOutcome, **more: Any) -> JudgedLine:
    verdict = MetricVerdict(metric=metric, outcome=outcome, reason=f"why {metric}", **more)
    return JudgedLine(verdict, metric, metric_line(verdict, "ms", NOW), "canary ▁▃█  baseline ▁▁▁")


def test_a_verdict_begins_with_what_speaks_against_it() -> None:
    decided = Verdict(model="fraud", judge="own", decision=Decision.STOP, reason="p95 is worse", score=50.0)
    metrics = (
        judged("errors", MetricOutcome.OK),
        judged("p95", MetricOutcome.WORSE, difference=66.0, canary=195.0),
    )
    assert list(verdict_lines(Told(decided), metrics)) == [
        ("DO NOT PROMOTE: p95 is worse", "failed"),
        ("WORSE    p95     +66 ms  195 ms", "failed"),
        ("  why p95", "dim"),
        ("  canary ▁▃█  baseline ▁▁▁", ""),
        ("OK       errors", ""),
        ("  canary ▁▃█  baseline ▁▁▁", ""),
    ]
    assert list(verdict_lines(Told(problem="prometheus is away"), ())) == [
        ("verdict not known: prometheus is away", "warning")
    ]
    assert list(note_lines(Told(msgspec.structs.replace(decided, notes=("19 values are NaN",))))) == [
        ("19 values are NaN", "dim")
    ]
    (old, *_) = texts(verdict_lines(Told(decided, "away", 300.0), ()))
    assert old.endswith("~ read 5m ago: away")


def test_what_is_stuck_tells_the_whole_reason() -> None:
    reason = "‘Jenkins’ doesn’t have label ‘gpu&&h100’; " * 5
    items = [QueueItem(1, reason, NOW - 900, stuck=True, cause="dana", parameters=(("LR", "3e-4\x1b[2J"),))]
    assert list(queue_lines(items, NOW)) == [
        ("stuck for 15m", "failed"),
        (f"  {reason}", ""),
        ("  asked for by dana", "dim"),
        ("  LR=3e-4", "dim"),
    ]


def test_what_passed_says_what_it_brought_and_where_that_went() -> None:
    passed = run("gl:ml/fraud#9", title="Lower the rate", revision="9f21ee8654aa77")
    here, other = (
        Deployment(
            version,
            Status.PASSED,
            version,
            run=Address("gl", "ml/fraud", number, "ship"),
            finished_at=NOW - 300,
        )
        for version, number in (("9f21ee86", 9), ("3f09dec4", 8))
    )
    places = Environments((Environment(address("gl:ml/fraud@production"), (here, other)),))
    assert texts(passed_lines(passed, Told(places), NOW)) == [
        "brought  9f21ee8654aa  Lower the rate",
        "went to  production: 9f21ee86, 5m ago",
    ]
    assert texts(passed_lines(passed, Told(Environments()), NOW))[-1].startswith("went to  none of the")
    assert texts(passed_lines(run("j:a#1"), Told(asked=False), NOW)) == []
    assert texts(passed_lines(run("j:a#1"), Told(problem="403"), NOW)) == ["where it went not known: 403"]


def test_stages_stand_in_a_row_and_the_path_below_them() -> None:
    shown = run("j:a#1", stages=(stage("check", started_at=NOW - 90), stage("train", Status.FAILED)))
    assert texts(stages_line(shown, lambda status: status.value[0])) == ["stages  p check  f train"]
    assert texts(path_line(shown, NOW)) == ["critical path  check › train: 1m"]
    assert list(stages_line(run("j:a#1", stages=(stage("only"),)), str)) == []
    assert list(path_line(run("j:a#1"), NOW)) == []
