"""What reading back makes of what a controller then tells (contracts: jenkins §5, §7, §10.4)."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.contract.jenkins.support import core, jenkins, recorded
from tests.http_stub import Reply as Answer
from tests.http_stub import Route
from tui.domain.action import Observation, Reply, Step

YES = Reply("accepted")
API = "/job/j/2/api/json"
ME: Route = core({"name": "admin", "anonymous": False})


async def seen(kind: str, reply: Reply | None, routes: dict[str, Route], **notes: str) -> Observation:
    place = {"source": "ci", "path": "j", "job": "j", "run": "2"} | notes
    step = Step("do it", "POST", "/x", expect=tuple(place.items()), kind=kind)
    async with jenkins({"/whoAmI/api/json": ME, **routes}) as (source, _):
        return await source.observe(step, reply)


@pytest.mark.parametrize(
    ("kind", "name", "reply", "state", "words"),
    [
        ("approve", "build-after-submit", YES, "done", "approved; the run ended as SUCCESS"),
        ("approve", "build-after-submit", None, "done", "somebody approved it; the run ended as SUCCESS"),
        ("approve", "build-after-proceedEmpty", YES, "done", "approved; the run ended as FAILURE"),
        ("approve", "build-after-abort", YES, "failed", "the run was aborted; the run ended as ABORTED"),
        ("reject", "build-after-abort", YES, "done", "rejected; the run ended as ABORTED"),
        ("reject", "build-after-submit", YES, "failed", "somebody approved it; the run ended as SUCCESS"),
        ("cancel", "build-aborted", YES, "done", "ci:j#2 was stopped"),
        ("cancel", "build-after-stop-still-building", YES, "accepted", "Jenkins said yes; ci:j#2 still runs"),
        ("cancel", "build-after-term", YES, "accepted", "Jenkins said yes; ci:j#2 still runs"),
        ("cancel", "build-after-term", None, "nothing", "ci:j#2 still runs"),
        ("cancel", "build-after-kill", YES, "done", "ci:j#2 was stopped"),
        ("cancel", "build-after-stop-while-input", YES, "done", "ci:j#2 was stopped"),
        ("cancel", "build-after-submit", None, "failed", "it ended as SUCCESS by itself"),
        ("keep", "build-kept", None, "done", "it is kept for ever"),
    ],
)
async def test_run(kind: str, name: str, reply: Reply | None, state: str, words: str) -> None:
    found = await seen(kind, reply, {API: recorded(name)}, id="Promote", keep="true")
    assert (found.state, found.words) == (state, words)


ITEM = "/queue/item/28/api/json"
QUEUED = Reply("accepted", found=(("queue", "28"),))


@pytest.mark.parametrize(
    ("kind", "name", "state", "words"),
    [
        ("dequeue", "queue-item-cancelled", "done", "it was canceled in the queue"),
        ("dequeue", "queue-item-quiet-waiting", "nothing", "it still waits in the queue"),
        ("dequeue", "queue-item-left-executable", "failed", "it had begun: ci:j#1"),
        ("dequeue", "queue-item-unknown-404", "unknown", "it is no longer in the queue, and why is not told"),
        ("start", "queue-item-cancelled", "failed", "it was canceled in the queue"),
        (
            "start",
            "queue-item-quiet-waiting",
            "happening",
            "it waits in the queue: In the quiet period. Expires in 29 sec",
        ),
        ("start", "queue-item-left-executable", "failed", "ci:j#1 ended as FAILURE"),
    ],
)
async def test_item_of_the_queue(kind: str, name: str, state: str, words: str) -> None:
    routes: dict[str, Route] = {
        ITEM: recorded(name),
        "/job/j/1/api/json": recorded("replay-rebuild-build"),
    }
    found = await seen(kind, QUEUED if kind == "start" else None, routes, item="28", next="1")
    assert (found.state, found.words) == (state, words)


async def test_run_once_more_is_known_by_its_cause() -> None:
    build = json.loads(recorded("replay-rebuild-build").body)
    routes: dict[str, Route] = {
        "/job/j/api/json": core({"_class": "x.WorkflowJob", "nextBuildNumber": 3, "builds": [build]}),
        API: recorded("replay-rebuild-build"),
        "/queue/api/json": core({"items": []}),
    }
    found = await seen("replay", YES, routes, run="1", next="2", cause="ReplayCause")
    assert (found.words, str(found.result)) == ("ci:j#2 ended as FAILURE", "ci:j#2")
    found = await seen("replay", None, routes, run="11", next="2", cause="ReplayCause")  # it says: Rebuilt #1
    assert (found.state, found.words) == ("nothing", "no new run is to be seen")
    found = await seen("replay", YES, routes, next="3", cause="ReplayCause")
    assert (found.state, found.words) == ("nothing", "no new run is to be seen")


# Several gates at once


def run(waiting: Sequence[str], approvers: Sequence[str], rejected: str = "", result: str = "") -> Answer:
    steps = "org.jenkinsci.plugins.workflow.support.steps.input"
    executions = [{"id": id, "settled": False, "input": {"id": id, "message": id}} for id in waiting]
    actions: list[Any] = [{"_class": f"{steps}.InputAction", "executions": executions}]
    actions += [{"_class": f"{steps}.ApproverAction", "userId": user} for user in approvers]
    if rejected:
        cause = {"_class": f"{steps}.Rejection", "user": {"id": rejected}}
        actions.append({"_class": "jenkins.model.InterruptedBuildAction", "causes": [cause]})
    ended = {"inProgress": not result, "result": result or None}
    return core({"_class": "x.WorkflowRun", "number": 2, "actions": actions, **ended})


UNKNOWN = "2 of its gates are answered, and which of them how is not told; the run "


@pytest.mark.parametrize(
    ("kind", "now", "state", "words"),
    [
        ("approve", run(["Eu"], ["admin"]), "nothing", "it still waits"),
        ("approve", run(["Us"], ["admin"]), "done", "approved; the run goes on"),
        ("approve", run(["Us", "Later"], ["admin"]), "done", "approved; the run goes on"),
        ("approve", run(["Us"], ["bob"]), "done", "bob approved it, not you; the run goes on"),
        ("approve", run([], ["admin", "admin"]), "done", "approved; the run goes on"),
        ("approve", run([], ["bob", "admin"]), "done", "bob or you approved it; the run goes on"),
        # The other one was approved; ours may have run out of time.
        ("approve", run([], ["admin"]), "unknown", f"{UNKNOWN}goes on"),
        ("approve", run([], ["bob"]), "unknown", f"{UNKNOWN}goes on"),
        # One was approved that was not there before.
        (
            "approve",
            run(["Us"], ["admin", "admin"]),
            "unknown",
            "it no longer waits, and who answered it is not told; the run goes on",
        ),
        ("approve", run([], ["admin"], "bob", "ABORTED"), "unknown", f"{UNKNOWN}ended as ABORTED"),
        ("reject", run([], [], "admin", "ABORTED"), "unknown", f"{UNKNOWN}ended as ABORTED"),
        ("reject", run(["Us"], ["admin"]), "failed", "you approved it; the run goes on"),
        (
            "approve",
            run([], [], "", "ABORTED"),
            "failed",
            "the run was aborted before it was answered; the run ended as ABORTED",
        ),
    ],
)
async def test_lost_answer_to_one_of_two_gates(kind: str, now: Answer, state: str, words: str) -> None:
    found = await seen(kind, None, {API: now}, id="Eu", waiting='["Eu","Us"]')
    assert (found.state, found.words) == (state, words)


async def test_answered_one_of_two_gates_is_credited_by_its_answer() -> None:
    found = await seen("approve", YES, {API: run([], ["admin"])}, id="Eu", waiting='["Eu","Us"]')
    assert (found.state, found.words) == ("done", "approved; the run goes on")
