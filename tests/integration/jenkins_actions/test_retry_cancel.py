"""Stopping runs, running them once more, keeping and describing them (contracts: jenkins §10)."""

import msgspec
import pytest

from tests.integration.jenkins_actions.site import Site
from tui.domain.action import ActionKind
from tui.domain.address import Address

DEPLOY = Address("ci", "ml/deploy")
TRAIN = Address("ci", "ml/train")


async def ended(ci: Site, path: str) -> Address:
    run = await ci.start(path)
    ci.pass_time(100)
    return run


async def test_stopped(ci: Site) -> None:
    run = await ci.start("ml/train")
    plan = await ci.plan(ActionKind.CANCEL, run)
    assert plan.steps[0].path == f"/job/ml/job/train/{run.run}/stop"
    assert (await ci.source.observe(plan.steps[0], None)).state == "nothing"
    assert (await ci.done(plan)).state == "done"
    assert "has ended: ABORTED" in (await ci.plan(ActionKind.CANCEL, run)).why_not


async def test_next_level_comes_after_the_milder_one(ci: Site) -> None:
    ci.options.resists = frozenset({"stop", "term"})
    run = await ci.start("ml/train")
    for level, later in (("stop", "term"), ("term", "kill")):
        words = {dict(each.request.values).get("level", "stop") for each in await ci.source.offers(run)}
        assert later not in words
        seen = await ci.done(await ci.plan(ActionKind.CANCEL, run, level=level))
        assert seen.state == "accepted"
        assert (
            f"{level} was sent just now; give it 15 s more"
            in (await ci.plan(ActionKind.CANCEL, run, level=later)).why_not
        )
        offers = {each.request.value("level"): each for each in await ci.source.offers(run)}
        assert not offers[later].possible
        ci.pass_time(15)
    assert (await ci.done(await ci.plan(ActionKind.CANCEL, run, level="kill"))).state == "done"


async def test_no_level_comes_before_the_milder_one(ci: Site) -> None:
    run = await ci.start("ml/train")
    for level, before in (("kill", "term"), ("term", "stop")):
        plan = await ci.plan(ActionKind.CANCEL, run, level=level)
        assert (
            plan.why_not == f"{before} comes first, and has 15 s: none was sent from here, as far as is known"
        )
    assert not (await ci.plan(ActionKind.CANCEL, run, level="hard")).possible


async def test_taken_out_of_the_queue(ci: Site) -> None:
    ci.options.quiet = 30
    assert "nothing of it waits" in (await ci.plan(ActionKind.CANCEL, TRAIN)).why_not
    (step,) = (await ci.plan(ActionKind.TRIGGER, TRAIN)).steps
    slow = msgspec.structs.replace(step, path=step.path.partition("?")[0])
    reply = await ci.source.send(slow, {})
    plan = await ci.plan(ActionKind.CANCEL, TRAIN)
    assert (await ci.done(plan)).words == "it was canceled in the queue"
    seen = await ci.source.observe(slow, reply)
    assert (seen.state, seen.words) == ("failed", "it was canceled in the queue")


async def test_what_waits_of_one_job_is_told_apart_and_taken_out_one_by_one(ci: Site) -> None:
    ci.options.quiet = 30
    for target in ("staging", "production"):
        (step,) = (await ci.plan(ActionKind.TRIGGER, DEPLOY, TARGET=target)).steps
        slow = msgspec.structs.replace(step, path=step.path.partition("?")[0])
        assert (await ci.source.send(slow, {})).state == "accepted"
    listing = await ci.source.pipelines()
    (row,) = (each for each in listing.pipelines if each.address == DEPLOY)
    assert {each.parameters for each in row.queue} == {
        (("TARGET", "staging"), ("DRY", "true")),
        (("TARGET", "production"), ("DRY", "true")),
    }
    unnamed = await ci.plan(ActionKind.CANCEL, DEPLOY)
    assert unnamed.why_not.startswith("2 of it wait in the queue, name one (--item): item ")
    menu = [each for each in await ci.source.offers(DEPLOY) if each.request.kind is ActionKind.CANCEL]
    assert len(menu) == 2
    (meant,) = (each for each in menu if "TARGET=production" in each.words)
    plan = await ci.source.plan(meant.request)
    assert ("parameters", "TARGET=production, DRY=true") in plan.facts
    assert (await ci.done(plan)).words == "it was canceled in the queue"
    listing = await ci.source.pipelines()
    (row,) = (each for each in listing.pipelines if each.address == DEPLOY)
    assert [each.parameters for each in row.queue] == [(("TARGET", "staging"), ("DRY", "true"))]
    again = await ci.source.plan(meant.request)
    assert (again.possible, "no longer waits in the queue" in again.why_not) == (False, True)


async def test_pipeline_run_again(ci: Site) -> None:
    run = await ended(ci, "ml/train")
    plan = await ci.plan(ActionKind.RETRY, run)
    assert plan.steps[0].path.endswith("/replay/rebuild")
    assert (await ci.source.observe(plan.steps[0], None)).state == "nothing"
    step, reply = await ci.send(plan)
    ci.pass_time(100)
    seen = await ci.source.observe(step, reply)
    assert (seen.state, seen.result) == ("done", TRAIN.at_run((run.number or 0) + 1))


async def test_freestyle_run_again(ci: Site) -> None:
    run = await ended(ci, "ml/free")
    plan = await ci.plan(ActionKind.RETRY, run)
    assert plan.steps[0].path == "/job/ml/job/free/build?delay=0sec"
    assert any("newest code" in each for each in plan.warnings)
    step, reply = await ci.send(plan)
    ci.pass_time(100)
    assert (await ci.source.observe(step, reply)).state == "done"


async def test_run_again_from_a_stage(ci: Site) -> None:
    run = await ended(ci, "ml/train")
    assert "only" in (await ci.plan(ActionKind.RETRY, run, stage="Nope")).why_not
    plan = await ci.plan(ActionKind.RETRY, run.at_job("Fit"))
    assert plan.fields[0].choices == ("Fit",)
    step, reply = await ci.send(plan)
    ci.pass_time(100)
    seen = await ci.source.observe(step, None)
    assert (reply.state, seen.state) == ("accepted", "done")


async def test_no_that_comes_as_a_yes(ci: Site) -> None:
    run = await ended(ci, "ml/train")
    plan = await ci.plan(ActionKind.RETRY, run.at_job("Fit"))
    ci.options.declarative = False
    _, reply = await ci.send(plan)
    assert (reply.state, reply.words) == ("refused", "This run cannot be restarted")
    assert "offers no stage" in (await ci.plan(ActionKind.RETRY, run.at_job("Fit"))).why_not


async def test_what_runs_is_not_run_again(ci: Site) -> None:
    run = await ci.start("ml/train")
    assert (await ci.plan(ActionKind.RETRY, run)).why_not == "it still runs"


async def test_kept_and_no_more(ci: Site) -> None:
    run = await ended(ci, "ml/train")
    for words in ("it is kept for ever", "it is not kept for ever"):
        seen = await ci.done(await ci.plan(ActionKind.KEEP, run))
        assert (seen.state, seen.words) == ("done", words)
    assert not (await ci.plan(ActionKind.KEEP, run, keep="false")).possible


async def test_described(ci: Site) -> None:
    run = await ended(ci, "ml/train")
    plan = await ci.plan(ActionKind.DESCRIBE, run, description="fit & well")
    assert (await ci.source.observe(plan.steps[0], None)).state == "nothing"
    assert (await ci.done(plan)).state == "done"
    later = await ci.plan(ActionKind.DESCRIBE, run)
    assert later.fields[0].default == "fit & well"


@pytest.mark.parametrize(
    ("kind", "right"), [(ActionKind.CANCEL, "Item.Cancel"), (ActionKind.KEEP, "Run.Update")]
)
async def test_refused_with_the_right_that_lacks(ci: Site, kind: ActionKind, right: str) -> None:
    run = await ci.start("ml/train")
    ci.options.denied = frozenset({"Cancel", "Update"})
    _, reply = await ci.send(await ci.plan(kind, run))
    assert reply.state == "refused"
    assert right in reply.words
