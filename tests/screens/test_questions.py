"""What a question looks like: at three sizes, with and without a verdict, with a form, with what was refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion
from textual.app import App
from textual.pilot import Pilot

from tests.app_pilot import running, screen_text
from tests.screens.test_action_flow import GATE
from tui.config import Settings
from tui.domain.action import ActionField, ActionKind, ActionRequest, Plan, Step, at_fault
from tui.domain.address import parse_address
from tui.domain.deployment import Changes, Commit, Deployment
from tui.domain.pipeline import TestCounts
from tui.domain.status import Status
from tui.domain.verdict import Decision, MetricOutcome, MetricVerdict, Verdict
from tui.engine.actions.service import PreparedAction
from tui.insight.confirmation import RequiredConfirmation
from tui.insight.promotion import OtherDeployment, PartSource, Promotion, RequestCounts
from tui.screens.action_dialog import entries, last_paper, paper
from tui.screens.action_flow import REASON, steps_of
from widgets.dialog.dialog import Dialog, Typed

NOW = 1_700_000_000.0


def promotion() -> PreparedAction:
    request = ActionRequest(ActionKind.PROMOTE, parse_address(GATE))
    step = Step("proceed", "POST", "/job/deploy/7/wfapi/inputSubmit")
    plan = Plan(
        request, "Promote 2.1 to production on jenkins", "https://ci.example.org", NOW - 1, steps=(step,)
    )
    metrics = (
        MetricVerdict(
            metric="accuracy",
            outcome=MetricOutcome.WORSE,
            reason="0.92, 2.1 % under the baseline and falling; 0.005 is allowed",
            baseline=0.94,
            canary=0.92,
            baseline_values=(0.94, 0.94, None, 0.941, 0.94),
            canary_values=(0.94, 0.935, None, 0.92, 0.915),
            difference=-0.02,
            low=-0.025,
            high=-0.015,
            margin=0.005,
            fail=0.9,
            gaps=0.0625,
            effective=42.0,
            newest=NOW - 30,
        ),
        MetricVerdict(metric="p95", outcome=MetricOutcome.UNCLEAR, reason="3 values of 8", newest=NOW - 2000),
    )
    verdict = Verdict(
        model="fraud",
        judge="own",
        decision=Decision.STOP,
        reason="WORSE: accuracy",
        score=0.0,
        metrics=metrics,
    )
    read = PartSource(NOW - 1)
    known = Promotion(
        model="fraud",
        environment="production",
        version="2.1",
        replaces="2.0",
        canary=Deployment("7", Status.PASSED, "2.1", revision="9f21ee86b949aa"),
        share=10.0,
        minutes=13.0,
        before=3 * 1440.0,
        others=(
            OtherDeployment(
                parse_address("jenkins:other@production"), Deployment("8", Status.PASSED, "7.7", who="dana")
            ),
        ),
        requests=RequestCounts(3120.4, 28080.0),
        requests_known=read,
        judging=("another canary waits at jenkins:deploy#6!Promote",),
        back="2.0 comes back",
        environments=read,
        verdict=verdict,
        verdict_known=read,
        changes=Changes((Commit("9f21ee86", "Report calibration", "Bob"),)),
        changes_known=PartSource(NOW - 400, "timed out"),
        tests=TestCounts(120, 3, 0),
        tests_known=read,
    )
    return PreparedAction(
        plan, RequiredConfirmation("production", "the verdict is DO NOT PROMOTE", "2.1"), known
    )


FIELDS = (
    ActionField("STRATEGY", "choice", "rolling", ("rolling", "blue-green"), "how the traffic is moved"),
    ActionField("NOTE", "lines"),
    ActionField("PIN", "secret", required=True),
)
SIZES = pytest.mark.parametrize("size", [(80, 24), (110, 30), (160, 45)], ids=str)


@asynccontextmanager
async def shown(size: tuple[int, int]) -> AsyncIterator[tuple[Pilot[None], Dialog]]:
    app: App[None] = App()
    app.animation_level = "none"
    async with running(app, size) as pilot:
        dialog = Dialog("Promote", "Reading …")
        app.push_screen(dialog)
        await pilot.pause()
        yield pilot, dialog


@SIZES
async def test_what_speaks_against_it_comes_first(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with shown(size) as (pilot, dialog):
        told = paper(promotion(), Settings(sources={}), NOW)
        steps = " · ".join(steps_of(promotion(), form=False))
        dialog.ask(told.deciding, "Go on", everything=told.everything, steps=steps)
        await pilot.pause()
        assert screen_text(pilot.app) == snapshot(name="facts")
        if size == (80, 24):
            await pilot.press("f2", "pagedown", "pagedown", "pagedown", "pagedown")
            assert screen_text(pilot.app) == snapshot(name="everything, its end")


async def test_with_a_form_the_verdict_and_what_is_against_it_are_seen_without_scrolling(
    snapshot: SnapshotAssertion,
) -> None:
    async with shown((80, 24)) as (pilot, dialog):
        asked = promotion()
        plan = msgspec.structs.replace(asked.plan, fields=FIELDS)
        told = paper(msgspec.structs.replace(asked, plan=plan), Settings(sources={}), NOW)
        dialog.ask(told.deciding, "Go on", entries(plan), everything=told.everything, steps="facts · name")
        await pilot.pause()
        await pilot.press("enter")
        assert screen_text(pilot.app) == snapshot


@SIZES
async def test_beside_the_last_step_the_values_stand_once_more(
    size: tuple[int, int], snapshot: SnapshotAssertion
) -> None:
    async with shown(size) as (pilot, dialog):
        asked = promotion()
        request = msgspec.structs.replace(
            asked.plan.request, values=(("STRATEGY", "blue-green"), ("NOTE", ""))
        )
        asked = msgspec.structs.replace(asked, plan=msgspec.structs.replace(asked.plan, request=request))
        last = last_paper(asked, FIELDS, {"PIN": "hush"}, NOW)
        typed = Typed(asked.consent.version, "to promote it all the same")
        dialog.ask(last, "Yes, promote", REASON, typed, steps="✓ facts · ✓ name · version")
        await pilot.pause()
        await pilot.press(*"2.0", "enter")
        assert screen_text(pilot.app) == snapshot


@SIZES
async def test_without_a_verdict(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with shown(size) as (pilot, dialog):
        place = parse_address("gitlab:ml/fraud@production")
        plan = Plan(
            ActionRequest(ActionKind.ROLLBACK, place),
            "Run 'promote' of gitlab:ml/fraud#1824 again on https://gitlab.example.org",
            "https://gitlab.example.org",
            NOW,
            facts=(("environment", "production"), ("version", "76d0b686 → 6499beb3")),
            warnings=("the artifacts of package have expired; if the job needs them it fails",),
            environment="production",
        )
        asked = PreparedAction(plan, RequiredConfirmation("production"))
        assert steps_of(asked, form=False) == ("name",)
        told = paper(asked, Settings(sources={}), NOW)
        dialog.ask(told.deciding, "Yes, roll back", REASON, Typed("production"), everything=told.everything)
        await pilot.pause()
        assert screen_text(pilot.app) == snapshot


async def test_what_the_plan_refused_is_told_at_its_field() -> None:
    async with shown((80, 24)) as (pilot, dialog):
        asked = promotion()
        fields = at_fault(FIELDS, "NOTE", "it is too long")
        plan = msgspec.structs.replace(asked.plan, fields=fields, possible=False, why_not="'NOTE': too long")
        told = paper(msgspec.structs.replace(asked, plan=plan), Settings(sources={}), NOW)
        dialog.ask(told.deciding, "Go on", entries(plan), everything=told.everything)
        await pilot.pause()
        text = screen_text(pilot.app)
        assert "✗ cannot be done now: 'NOTE': too long" in text
        assert "✗ it is too long" in text
        await pilot.press("x")
        assert "✗ it is too long" not in screen_text(pilot.app), "it had the keys"


@pytest.mark.parametrize(
    ("consent", "form", "judged", "steps"),
    [
        (RequiredConfirmation(), False, False, ("facts",)),
        (RequiredConfirmation(), True, False, ("facts", "values")),
        (RequiredConfirmation("live"), False, False, ("name",)),
        (RequiredConfirmation("live"), True, False, ("facts", "name")),
        (RequiredConfirmation("live"), False, True, ("facts", "name")),
        (RequiredConfirmation("", "WAIT", "7"), False, True, ("facts", "version")),
        (RequiredConfirmation("live", "WAIT", "7"), True, True, ("facts", "name", "version")),
    ],
)
def test_steps_are_of_different_kinds(
    consent: RequiredConfirmation, form: bool, judged: bool, steps: tuple[str, ...]
) -> None:
    asked = promotion()
    known = asked.promotion if judged else None
    assert steps_of(msgspec.structs.replace(asked, consent=consent, promotion=known), form=form) == steps
