"""What a change is, and what is none."""

import msgspec

from tests.examples import gate, pipeline, run
from tests.presenters.test_pipelines import job, stage
from tui.domain.alarm import Alarm, Alarms, AlarmState
from tui.domain.pipeline import Listing, Run, Stage
from tui.domain.status import Status
from tui.presenters.changes import Change, alarm_changes, listing_changes, run_changes


def told(changes: object) -> list[str]:
    return [change.line for change in changes if isinstance(change, Change)]  # type: ignore[attr-defined]


def at(status: Status, *stages: Stage, **more: object) -> Run:
    return run("gitlab:ml/fraud#7", status, stages=stages, **more)


def test_a_stage_begins_ends_and_its_job_says_why_it_failed() -> None:
    lint = job("lint", Status.FAILED, reason="script_failure", duration=3.0)
    lint = msgspec.structs.replace(lint, address=run("gitlab:ml/fraud#7").address.at_job("lint"))
    first = at(Status.RUNNING, stage("test", Status.RUNNING), stage("deploy", Status.QUEUED))
    last = at(
        Status.FAILED,
        stage("test", Status.FAILED, jobs=(lint, job("unit"))),
        stage("deploy", Status.SKIPPED),
    )
    assert told(run_changes(first, first)) == []
    assert told(run_changes(first, last)) == [
        "gitlab:ml/fraud#7 stage test failed after 30s: script_failure",
        "gitlab:ml/fraud#7/lint job lint failed after 3s: script_failure",
        "gitlab:ml/fraud#7 failed after 2m 00s",
    ]


def test_a_gate_is_told_once_and_an_optional_one_never() -> None:
    promote = gate("gitlab:ml/fraud#7/promote!play", "promote")
    optional = gate("gitlab:ml/fraud#7/undo!play", "undo", blocking=False)
    waiting = at(Status.WAITING, gates=(promote, optional))
    assert told(run_changes(at(Status.RUNNING), waiting)) == [
        "gitlab:ml/fraud#7/promote!play waits for a person: promote",
        "gitlab:ml/fraud#7 waits",
    ]
    assert told(run_changes(waiting, waiting)) == []


def test_of_a_list_what_is_new_in_a_pipeline_is_told_and_a_new_pipeline_is_not() -> None:
    old, new = run("jenkins:a#1", Status.RUNNING), run("jenkins:a#2", Status.RUNNING, cause="alice")
    before = Listing((pipeline("jenkins:a", old),))
    ended = run("jenkins:a#1", Status.PASSED)
    after = Listing((pipeline("jenkins:a", new, ended), pipeline("jenkins:b", run("jenkins:b#9"))))
    assert told(listing_changes(before, after)) == [
        "jenkins:a#1 passed after 2m 00s",
        "jenkins:a#2 began (alice)",
    ]


def test_an_alarm_is_told_when_it_fires_and_when_it_is_over_but_not_while_it_is_quiet() -> None:
    slow = Alarm(
        name="slow", subject="fraud", state=AlarmState.PENDING, since=1.0, changed=1.0, words="p95 312 ms"
    )
    fires = msgspec.structs.replace(slow, state=AlarmState.FIRING)
    quiet = msgspec.structs.replace(fires, name="quiet", silenced="by bob")
    assert told(alarm_changes(Alarms(), Alarms((slow, quiet)))) == []
    assert told(alarm_changes(Alarms((slow,)), Alarms((fires,)))) == ["alarm slow fraud firing: p95 312 ms"]
    assert told(alarm_changes(Alarms((fires,)), Alarms((fires,)))) == []
