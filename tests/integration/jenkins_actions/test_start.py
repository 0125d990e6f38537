"""Starting a run and finding it (contracts: jenkins §5, §10.1)."""

import msgspec
import pytest

from tests.integration.jenkins_actions.site import PIPELINES, Site
from tui.domain.action import ActionKind
from tui.domain.address import Address
from tui.sandbox.plan import Task, plan
from tui.sandbox.world import Pipeline

DEPLOY = Address("ci", "ml/deploy")
TRAIN = Address("ci", "ml/train")


async def test_with_parameters(ci: Site) -> None:
    plan = await ci.plan(ActionKind.TRIGGER, DEPLOY, TARGET="prod")
    assert [field.name for field in plan.fields] == ["TARGET", "DRY"]
    assert plan.steps[0].path == "/job/ml/job/deploy/buildWithParameters?delay=0sec"
    assert dict(plan.steps[0].body)["TARGET"] == "prod"
    step, reply = await ci.send(plan)
    assert (reply.state, reply.found[0][0]) == ("accepted", "queue")
    seen = await ci.source.observe(step, reply)
    assert seen.state == "happening"
    ci.pass_time(10)
    seen = await ci.source.observe(step, reply)
    assert (seen.state, seen.result) == ("done", DEPLOY.at_run(int(dict(seen.found)["number"])))
    assert "waits for a person" in seen.words


async def test_without_parameters(ci: Site) -> None:
    plan = await ci.plan(ActionKind.TRIGGER, TRAIN)
    assert plan.steps[0].path == "/job/ml/job/train/build?delay=0sec"
    step, reply = await ci.send(plan)
    ci.pass_time(100)
    assert (await ci.source.observe(step, reply)).state == "done"


async def test_unknown_parameter_is_not_sent(ci: Site) -> None:
    plan = await ci.plan(ActionKind.TRIGGER, DEPLOY, BOGUS="1")
    assert plan.why_not == "it has no parameter 'BOGUS'"
    assert ci.writes == []


async def test_disabled_job(ci: Site) -> None:
    assert "disabled" in (await ci.plan(ActionKind.TRIGGER, Address("ci", "ml/old"))).why_not


async def test_folded_into_what_waits_already(ci: Site) -> None:
    ci.options.quiet = 30
    (step,) = (await ci.plan(ActionKind.TRIGGER, DEPLOY)).steps
    waiting = step.path.replace("?delay=0sec", "")
    first = await ci.source.send(msgspec.structs.replace(step, path=waiting), {})
    second = await ci.source.send(step, {})
    assert (second.state, second.status) == ("accepted", 303)
    assert second.found == first.found
    assert "equal run waits" in second.words
    assert (await ci.source.observe(step, second)).state == "happening"


async def test_lost_answer_is_found_among_the_builds(ci: Site) -> None:
    (step,) = (await ci.plan(ActionKind.TRIGGER, DEPLOY, TARGET="prod")).steps
    assert (await ci.source.observe(step, None)).state == "nothing"
    ci.faults.set("unanswered", path="/buildWithParameters")
    reply = await ci.source.send(step, {})
    ci.faults.set(None)
    assert reply.state == "lost"
    ci.pass_time(10)
    after = ci.another()
    seen = await after.observe(step, None)
    await after.close()
    assert (seen.state, seen.result is not None) == ("done", True)
    assert len(ci.writes) == 1


async def test_two_of_ours_cannot_be_told_apart(ci: Site) -> None:
    (step,) = (await ci.plan(ActionKind.TRIGGER, DEPLOY)).steps
    for _ in range(2):
        await ci.source.send(step, {})
        ci.pass_time(10)
    seen = await ci.source.observe(step, None)
    assert seen.state == "unknown"
    assert "may be any of" in seen.words


async def test_without_the_right(ci: Site) -> None:
    ci.options.denied = frozenset({"Build"})
    _, reply = await ci.send(await ci.plan(ActionKind.TRIGGER, TRAIN))
    assert (reply.state, reply.words) == ("refused", "you lacks hudson.model.Item.Build")


async def test_password_in_place_of_a_token_needs_a_crumb(ci: Site) -> None:
    ci.options.token, ci.options.password = "another", "jt-secret"
    _, reply = await ci.send(await ci.plan(ActionKind.TRIGGER, TRAIN))
    assert reply.state == "accepted"
    assert len(ci.writes) == 1


async def test_token_that_does_not_look_like_one_works_where_there_are_no_crumbs(ci: Site) -> None:
    ci.faults.set("403", path="/crumbIssuer")
    _, reply = await ci.send(await ci.plan(ActionKind.TRIGGER, TRAIN))
    assert reply.state == "accepted"


@pytest.fixture
def branches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A multibranch project in a folder, beside what there is."""
    branch = Pipeline(system="jenkins", path="ml/svc/main", kind="branch", tasks=plan(Task("Fit", 5)))
    monkeypatch.setattr("tests.integration.jenkins_actions.site.PIPELINES", (*PIPELINES, branch))


@pytest.mark.usefixtures("branches")
async def test_starting_a_multibranch_project_is_a_scan_and_a_folder_is_refused() -> None:
    async with Site() as ci:
        project = Address("ci", "ml/svc")
        offers = [each.words for each in await ci.source.offers(project)]
        assert offers == ["Scan for branches"]
        scan = await ci.plan(ActionKind.TRIGGER, project)
        assert scan.words.startswith("Scan ci:ml/svc for branches on ")
        step, reply = await ci.send(scan)
        assert reply.state == "accepted"
        assert (await ci.source.observe(step, reply)).state == "happening"
        ci.pass_time(10)
        seen = await ci.source.observe(step, None)
        assert (seen.state, seen.words) == ("done", "the scan ended as SUCCESS")
        (again,) = (await ci.plan(ActionKind.TRIGGER, project)).steps
        assert (await ci.source.observe(again, None)).state == "nothing", "that was the one before"
        assert "no parameter 'DRY'" in (await ci.plan(ActionKind.TRIGGER, project, DRY="true")).why_not
        folder = await ci.plan(ActionKind.TRIGGER, Address("ci", "ml"))
        assert (folder.possible, folder.steps) == (False, ())
        assert folder.why_not == "it is a folder, and nothing of its own runs: name a job in it"
        assert [write.path.partition("/job/")[2] for write in ci.writes] == ["ml/job/svc/build?delay=0"]


async def test_behind_what_a_run_will_wait_is_told_where_the_job_runs_one_at_a_time(ci: Site) -> None:
    free = Address("ci", "ml/free")
    assert (await ci.plan(ActionKind.TRIGGER, free)).warnings == ()
    run = await ci.start("ml/free")
    warning = f"it waits in the queue until {run} has ended: the job runs one build at a time"
    assert (await ci.plan(ActionKind.TRIGGER, free)).warnings == (warning,)
    ci.pass_time(100)
    assert (await ci.plan(ActionKind.TRIGGER, free)).warnings == ()
    await ci.start("ml/train")
    assert (await ci.plan(ActionKind.TRIGGER, Address("ci", "ml/train"))).warnings == ()
