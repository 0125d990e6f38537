"""What lists and trees say in words."""

from typing import Any

import msgspec
import pytest

from tests.examples import NOW, address, gate, pipeline, run
from tui.domain.pipeline import Job, QueueItem, Stage, TestCounts
from tui.domain.status import Status
from tui.domain.verdict import MetricOutcome, MetricVerdict
from tui.presenters.judged_metrics import difference_text, limit_text
from tui.presenters.pipelines import (
    other_lines,
    pipeline_line,
    run_state,
    stage_lines,
    status_word,
)


@pytest.mark.parametrize(
    ("status", "more", "words"),
    [
        (Status.PASSED, {}, "2m 00s"),
        (Status.FAILED, {"problem": "syntax error"}, "2m 00s (syntax error)"),
        (Status.RUNNING, {}, "10m"),
        (Status.RUNNING, {"expected_duration": 780.0}, "10m, ~3m left"),
        (Status.RUNNING, {"expected_duration": 420.0}, "10m, 3m over"),
        (Status.RUNNING, {"waiting_reason": "no gpu"}, "10m: no gpu"),
        (Status.RUNNING, {"started_at": None}, ""),
        (Status.QUEUED, {"created_at": NOW - 65, "waiting_reason": "no runner"}, "1m: no runner"),
        (Status.WAITING, {}, "a person"),
        (Status.WAITING, {"gates": (gate("j:a#1!P", "Promote?"),)}, "12m: Promote?"),
        (
            Status.WAITING,
            {
                "gates": (
                    gate("j:a#1!O", "Old", blocking=False),
                    gate("j:a#1!P", "Promote?"),
                    gate("j:a#1!Q", "Q?"),
                )
            },
            "12m: Promote? and 1 more",
        ),
    ],
)
def test_what_a_run_does(status: Status, more: dict[str, Any], words: str) -> None:
    assert run_state(run("j:a#1", status, **more), (), NOW) == words


def test_earlier_runs_tell_how_long_it_should_take() -> None:
    earlier = tuple(run(f"j:a#{n}", duration=660.0) for n in (1, 2, 3))
    assert run_state(run("j:a#4", Status.RUNNING), earlier, NOW) == "10m, ~1m left"


def test_a_value_nobody_knows_is_shown_as_itself() -> None:
    assert status_word(Status.UNKNOWN, "hibernating") == "hibernating"
    assert status_word(Status.UNKNOWN, "") == "unknown"
    assert status_word(Status.FAILED, "FAILURE") == "failed"


def test_pipelines_without_runs_say_why() -> None:
    assert pipeline_line(pipeline("j:a"), NOW).word == "never ran"
    assert pipeline_line(pipeline("j:a", disabled=True), NOW).word == "disabled"


def test_all_that_goes_on_in_a_pipeline_has_a_line() -> None:
    busy = pipeline(
        "j:train",
        run("j:train#4", Status.RUNNING),
        run("j:train#3"),
        run("j:train#2", Status.RUNNING, waiting_reason="waits for agent: gpu"),
        run("j:train#1", Status.WAITING),
        queue=(QueueItem(7, "busy", cause="alice", parameters=(("LR", "1e-4"), ("NOTE", "a\nb"))),),
    )
    lines = other_lines(busy, NOW)
    assert [(str(line.address), line.word) for line in lines] == [
        ("j:train#2", "running"),
        ("j:train#1", "waiting"),
        ("j:train", "queued"),
    ]
    assert len({line.key for line in lines} | {pipeline_line(busy, NOW).key}) == 4
    assert (lines[2].state, lines[2].cause) == ("busy (LR=1e-4, NOTE=a b)", "alice")
    idle = pipeline("j:a", run("j:a#2"), queue=(QueueItem(7, "busy"), QueueItem(8, "busy")))
    assert [line.key for line in other_lines(idle, NOW)] == ["j:a queue 8"], "the first is its own line"


def test_what_is_queued_shows_before_the_last_result() -> None:
    queued = pipeline("j:a", run("j:a#1"), queue=(QueueItem(7, "no ‘gpu’ node", NOW - 125, stuck=True),))
    line = pipeline_line(queued, NOW)
    assert (line.status, line.word, line.state, line.run) == (
        Status.QUEUED,
        "stuck",
        "2m: no ‘gpu’ node",
        "#1",
    )
    items = (
        QueueItem(9, "busy", NOW - 10, parameters=(("MODEL", "churn"),)),
        QueueItem(8, "busy", NOW - 300, parameters=(("MODEL", "fraud"),)),
        QueueItem(7, "no ‘gpu’ node", NOW - 125, stuck=True, parameters=(("MODEL", "vision"),)),
    )
    for status, words in ((Status.PASSED, "stuck"), (Status.RUNNING, "stuck"), (Status.WAITING, "waiting")):
        several = pipeline_line(pipeline("j:a", run("j:a#1", status), queue=items), NOW)
        assert several.word == words
        told = several.state == "2m: no ‘gpu’ node (MODEL=vision)"
        assert told is (words == "stuck"), several.state
    oldest = pipeline_line(pipeline("j:a", run("j:a#1"), queue=items[:2]), NOW)
    assert oldest.state.endswith("busy (MODEL=fraud)")
    running = pipeline("j:a", run("j:a#1", Status.RUNNING), queue=(QueueItem(7, "busy"),))
    assert pipeline_line(running, NOW).word == "running"


def test_a_finished_run_is_as_old_as_its_end_and_tests_are_told() -> None:
    line = pipeline_line(pipeline("j:a", run("j:a#1", tests=TestCounts(120, 3, 1))), NOW)
    assert (line.age, line.tests, str(line.address)) == ("8m", "3/120 failed", "j:a#1")
    assert pipeline_line(pipeline("j:a", run("j:a#1", tests=TestCounts(9, 0, 0))), NOW).tests == "9 ok"


def stage(name: str, status: Status = Status.PASSED, **more: Any) -> Stage:
    given: dict[str, Any] = {"started_at": NOW - 60, "duration": 30.0, **more}
    return Stage(name, name, status, **given)


def job(name: str, status: Status = Status.PASSED, **more: Any) -> Job:
    at = address("g:a#1").at_job(name)
    return Job(at, name, name, status, **more)


def test_the_tree_shows_branches_jobs_and_child_pipelines() -> None:
    child = run("g:b#2", stages=(stage("deploy", jobs=(job("rollout"),)),))
    tree = run(
        "g:a#1",
        stages=(
            stage(
                "test", children=(stage("unit", kind="branch"), stage("lint", Status.FAILED, kind="branch"))
            ),
            stage("build", jobs=(job("build"),)),
            stage(
                "ship",
                jobs=(job("canary", Status.FAILED, reason="script_failure"), job("down", downstream=child)),
            ),
        ),
    )
    lines = stage_lines(tree, NOW)
    assert [f"{line.prefix}{line.name} {line.word}" for line in lines] == [
        "test passed",
        "├─ unit passed",
        "└─ lint failed",
        "build passed",
        "ship passed",
        "├─ canary failed",
        "└─ down passed",
        "   └─ deploy passed",
        "      └─ rollout passed",
    ]
    assert len({line.key for line in lines}) == len(lines)
    assert [str(line.address) for line in lines[1:5]] == [
        "g:a#1/unit~unit",
        "g:a#1/lint~lint",
        "g:a#1/build",
        "g:a#1/canary",
    ]
    assert lines[5].note == "script_failure"


def test_times_notes_and_dimness_of_a_stage() -> None:
    running, skipped, gated, retried = stage_lines(
        run(
            "g:a#1",
            stages=(
                stage("a", Status.RUNNING, duration=None),
                stage("b", Status.SKIPPED),
                stage("c", paused=125.0),
                stage("d", jobs=(job("d", retried=True, needs=("a", "b")),)),
            ),
        ),
        NOW,
    )
    assert (running.time, running.ended_at) == ("1m", None)
    assert (skipped.time, skipped.dim) == ("", True)
    assert (gated.note, gated.ended_at) == ("waited 2m 05s for a person", NOW - 60 + 30 + 125)
    assert retried.name == "d"


class TestVerdicts:
    METRIC = MetricVerdict(metric="p95", outcome=MetricOutcome.OK, reason="")

    @pytest.mark.parametrize(
        ("difference", "low", "high", "text"),
        [
            (12.0, 8.1, 16.0, "+12 ms (8.1 to 16)"),
            (-12.34567, -20.0, 0.5, "-12.35 ms (-20 to 0.5)"),
            (0.0, None, None, "0 ms"),
            (3.0, 1.0, None, "+3 ms"),
            (None, None, None, ""),
        ],
    )
    def test_a_difference_with_its_interval(
        self, difference: float | None, low: float | None, high: float | None, text: str
    ) -> None:
        metric = msgspec.structs.replace(self.METRIC, difference=difference, low=low, high=high)
        assert difference_text(metric, "ms") == text

    @pytest.mark.parametrize(
        ("margin", "fail", "text"),
        [
            (10.0, 250.0, "10 ms worse, fail 250 ms"),
            (10.0, None, "10 ms worse"),
            (None, 0.0, "fail 0 ms"),
            (None, None, ""),
        ],
    )
    def test_its_limits(self, margin: float | None, fail: float | None, text: str) -> None:
        assert limit_text(msgspec.structs.replace(self.METRIC, margin=margin, fail=fail), "ms") == text


def _stage(*jobs: Job, status: Status = Status.FAILED) -> Stage:
    return Stage("build", "build", status, jobs=jobs)


def test_a_job_named_as_its_stage_is_one_row_that_loses_nothing() -> None:
    job = Job(address("j:a#1/build"), "7", "build", Status.FAILED, reason="No space left on device")
    (line,) = stage_lines(run("j:a#1", stages=(_stage(job),)), NOW)
    assert (line.name, line.note, line.address) == ("build", "No space left on device", job.address)


def test_a_job_named_as_its_stage_keeps_the_run_it_started() -> None:
    child = run("j:b#2", stages=(Stage("train", "train", Status.RUNNING),))
    bridge = Job(address("j:a#1/build"), "7", "build", Status.RUNNING, downstream=child)
    lines = stage_lines(run("j:a#1", stages=(_stage(bridge, status=Status.RUNNING),)), NOW)
    assert [line.name for line in lines] == ["build", "build", "train"]


def test_a_job_named_as_its_stage_keeps_a_status_of_its_own() -> None:
    job = Job(address("j:a#1/build"), "7", "build", Status.FAILED, optional=True)
    lines = stage_lines(run("j:a#1", stages=(_stage(job, status=Status.WARNING),)), NOW)
    assert [line.word for line in lines] == ["warning", "failed"]


def test_a_skipped_run_is_not_the_newest() -> None:
    line = pipeline_line(pipeline("g:a", run("g:a#3", Status.SKIPPED), run("g:a#2", Status.FAILED)), NOW)
    assert (line.run, line.word) == ("#2", "failed")
    assert pipeline_line(pipeline("g:a", run("g:a#3", Status.SKIPPED)), NOW).word == "skipped"


@pytest.mark.parametrize(
    ("runs", "words"),
    [
        ((("schedule", Status.PASSED), ("push", Status.FAILED)), "2m 00s; push #1 failed"),
        ((("schedule", Status.PASSED), ("push", Status.PASSED), ("push", Status.FAILED)), "2m 00s"),
        ((("push", Status.PASSED), ("push", Status.FAILED)), "2m 00s"),
        ((("", Status.PASSED), ("", Status.FAILED)), "2m 00s"),
        ((("push", Status.FAILED), ("push", Status.FAILED)), "2m 00s"),
        ((("push", Status.RUNNING), ("push", Status.RUNNING)), "10m"),
        ((("", Status.RUNNING), ("", Status.WAITING)), "10m"),
        ((("push", Status.PASSED), ("push", Status.WAITING)), "2m 00s"),
        (
            (
                ("push", Status.PASSED),
                *((kind, Status.FAILED) for kind in ("web", "api", "schedule", "trigger")),
            ),
            "2m 00s; web #4 failed, api #3 failed, schedule #2 failed and 1 more",
        ),
    ],
)
def test_a_row_tells_what_its_newest_run_hides(runs: tuple[tuple[str, Status], ...], words: str) -> None:
    made = (
        run(f"g:a#{len(runs) - at}", status, trigger=trigger) for at, (trigger, status) in enumerate(runs)
    )
    assert pipeline_line(pipeline("g:a", *made), NOW).state == words
