"""Runs of the sandbox's GitLab are started, environments stopped; the traps of the contract (§4, §4.1)."""

from typing import Any

import httpx
import pytest

from tests.gitlab_schemas import schema_errors
from tests.integration.gitlab_actions.site import Site, newest
from tui.domain.action import ActionKind, ActionRequest, Reply
from tui.domain.address import Address


async def test_a_retraining_is_started_and_found_also_after_a_lost_answer(shop: Site) -> None:
    shop.options.inputs = frozenset({"epochs"})
    plan = await shop.plan(ActionKind.TRIGGER, "gitlab:ml/fraud", **{"inputs.epochs": "12"})
    (step,) = plan.steps
    assert step.body == (("", '{"ref":"main","inputs":{"epochs":12}}'),)
    assert (await shop.source.observe(step, None)).state == "nothing"
    shop.faults.set("truncated", path="/pipeline")
    reply = await shop.source.send(step, {})
    shop.faults.set(None)
    assert reply.state == "lost"
    seen = await shop.source.observe(step, reply)
    run = newest(shop, "ml/fraud")
    assert seen.result == Address("gitlab", "ml/fraud", run.id)
    assert seen.state in ("accepted", "happening")
    assert len(shop.writes) == 1


async def test_of_several_new_runs_ours_is_the_one_with_the_tag(shop: Site) -> None:
    plan = await shop.plan(ActionKind.TRIGGER, "gitlab:ml/fraud", ref="main", variables="EPOCHS=12")
    (step,) = plan.steps
    await shop.source.send(step, {})
    ours = newest(shop, "ml/fraud")
    (other,) = (await shop.plan(ActionKind.TRIGGER, "gitlab:ml/fraud")).steps
    await shop.source.send(other, {})
    assert (await shop.source.observe(step, None)).result == Address("gitlab", "ml/fraud", ours.id)


async def test_a_variable_that_was_dropped_is_told(shop: Site) -> None:
    shop.options.drops = frozenset({"EPOCHS"})
    (step,) = (await shop.plan(ActionKind.TRIGGER, "gitlab:ml/fraud", EPOCHS="12", RATE="1")).steps
    reply = await shop.source.send(step, {})
    assert (await shop.source.observe(step, reply)).words.endswith("; GitLab left out EPOCHS")


async def test_a_trigger_token_stands_for_its_owner_and_is_never_shown(shop: Site) -> None:
    plan = await shop.plan(ActionKind.TRIGGER, "gitlab:ml/fraud", **{"with": "trigger token", "EPOCHS": "12"})
    (step,) = plan.steps
    assert step.body[0] == ("token", "***")
    assert (await shop.source.send(step, {})) == Reply("unsent", "token was not given")
    wrong = await shop.source.send(step, {"token": "glptt-wrong"})
    assert (wrong.state, wrong.status) == ("refused", 404)
    assert wrong.words.endswith("the trigger token is unknown, or belongs to another project")
    reply = await shop.source.send(step, {"token": "glptt-sandbox"})
    assert (reply.state, reply.status) == ("accepted", 201)
    seen = await shop.source.observe(step, None)
    assert seen.result == Address("gitlab", "ml/fraud", newest(shop, "ml/fraud").id)
    assert "glptt" not in repr((plan, step, wrong, reply, seen))


@pytest.mark.parametrize(
    ("options", "values", "words"),
    [
        (
            {"variables": "no_one_allowed"},
            {"A": "1"},
            "Insufficient permissions to set pipeline variables; this",
        ),
        ({}, {"ref": "nowhere"}, "Reference not found"),
        ({}, {"inputs.x": "1"}, "Given inputs not defined"),
        ({"broken": True}, {}, "jobs config should contain at least one visible job"),
    ],
)
async def test_a_start_that_is_refused_says_why(
    shop: Site, options: dict[str, Any], values: dict[str, str], words: str
) -> None:
    (step,) = (await shop.plan(ActionKind.TRIGGER, "gitlab:ml/fraud", **values)).steps
    for name, value in options.items():
        setattr(shop.options, name, value)
    reply = await shop.source.send(step, {})
    assert (reply.state, reply.status, reply.over) == ("lost", 400, True)  # a broken one may be made
    assert reply.words.startswith(words)
    assert (await shop.source.observe(step, reply)).state == "nothing"


async def test_variables_that_the_project_takes_from_nobody_are_told_before(shop: Site) -> None:
    shop.options.variables, shop.options.maintainer = "no_one_allowed", True
    plan = await shop.plan(ActionKind.TRIGGER, "gitlab:ml/fraud", EPOCHS="12")
    assert plan.why_not == "this project takes no variables; give them as inputs (inputs.NAME)"


async def test_an_environment_is_stopped(shop: Site) -> None:
    plan = await shop.plan(ActionKind.STOP_ENVIRONMENT, "gitlab:ml/fraud@staging")
    (step,) = plan.steps
    assert (await shop.source.observe(step, None)).state == "nothing"
    assert (await shop.source.send(step, {})).state == "accepted"
    assert (await shop.source.observe(step, None)).words == "staging is stopped"
    assert (
        await shop.plan(ActionKind.STOP_ENVIRONMENT, "gitlab:ml/fraud@staging")
    ).why_not == "it is stopped"
    twice = await shop.source.send(step, {})
    assert twice.words == (
        "400 Bad request - Attempted to stop the environment but failed to change the status"
    )


async def test_answers_to_writes_are_what_gitlabs_own_schemas_say(shop: Site) -> None:
    errors = schema_errors()
    run, failed = newest(shop, "ml/fraud"), newest(shop, "ml/edge")
    at = f"/projects/ml%2Ffraud/jobs/{shop.world.job_id(run, 'promote/promote')}"
    pytest_job = f"/projects/ml%2Ffraud/jobs/{shop.world.job_id(run, 'test/pytest')}"
    async with httpx.AsyncClient(
        base_url=f"{shop.url}/api/v4", headers={"PRIVATE-TOKEN": "glpat-sandbox"}
    ) as client:
        for path, status, kind, body in (
            (f"{at}/play", 200, "jobs", None),
            (f"{pytest_job}/retry", 201, "jobs", None),
            (f"{at}/cancel", 201, "jobs", None),
            (f"{at}/cancel", 201, "jobs", None),
            ("/projects/ml%2Ffraud/pipeline", 201, "pipeline-detail", {"ref": "main"}),
            (f"/projects/ml%2Ffraud/pipelines/{run.id}/cancel", 200, "pipeline-detail", None),
            (f"/projects/ml%2Fedge/pipelines/{failed.id}/retry", 201, "pipeline-detail", None),
        ):
            answer = await client.post(path, json=body)
            assert answer.status_code == status, answer.text
            told = answer.json()
            if path.endswith("retry") and kind == "pipeline-detail":
                assert "name" not in told
                told |= {"name": None}
            assert errors(kind, [told] if kind == "jobs" else told) == [], path


@pytest.mark.parametrize(
    ("kind", "target", "why"),
    [
        (ActionKind.RETRY, "gitlab:ml/fraud", "it names no run and no job"),
        (ActionKind.CANCEL, "gitlab:ml/fraud@production", "it names no run and no job"),
        (ActionKind.STOP_ENVIRONMENT, "gitlab:ml/fraud", "it names no environment"),
        (ActionKind.APPROVE, "gitlab:ml/fraud", "it names no run; a gate is in one"),
        (ActionKind.KEEP, "gitlab:ml/fraud#1800", "GitLab has nothing like keep"),
    ],
)
async def test_what_makes_no_sense_is_said(shop: Site, kind: ActionKind, target: str, why: str) -> None:
    plan = await shop.plan(kind, target)
    assert (plan.possible, plan.why_not) == (False, why)


async def test_a_run_offers_a_new_one_on_its_own_branch(shop: Site) -> None:
    run = next(run for run in shop.world.project_runs("ml/edge") if run.pipeline.ref == "next")
    offers = {
        offer.request.kind: offer for offer in await shop.source.offers(Address("gitlab", "ml/edge", run.id))
    }
    assert offers[ActionKind.TRIGGER].request == ActionRequest(
        ActionKind.TRIGGER, Address("gitlab", "ml/edge"), (("ref", "next"),)
    )
    assert offers[ActionKind.RETRY].possible
    assert offers[ActionKind.CANCEL].why_not == "it has ended: failed"
