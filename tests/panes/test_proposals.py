"""What an alarm proposes is one key away, as a plan."""

from pathlib import Path

import pytest

from tests.engine.acting_source import at_once
from tests.engine.world import START
from tests.panes.test_alarms import _degrading
from tests.screens.test_action_flow import Desk, desk
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.address import Address, parse_address
from tui.domain.deployment import Deployment, Environment, Environments, Rollback
from tui.domain.status import Status
from widgets.dialog.menu import Menu

__all__ = ["_degrading", "at_once"]
pytestmark = pytest.mark.usefixtures("at_once", "_degrading")

LIVE = Address("jenkins", "shop", environment="live")
ALARMS = """
[models.shop]
pipelines = ["jenkins:deploy"]
environment = "live"
metrics = ["up"]
retrain = { pipeline = "jenkins:train", parameters = { FROM = "{version}" } }
[alarms.busy]
series = { model = "shop", metric = "up", above = 5 }
propose = ["rollback", "retrain"]
[alarms.lost]
source = { name = "jenkins" }
[ui.notices]
app = false
"""


async def on_the_alarm(work: Desk, *deployments: Deployment) -> None:
    """With these in the environment."""
    there = Environment(LIVE, deployments)
    work.jenkins.places[parse_address("jenkins:deploy")] = Environments((there,))
    work.jenkins.pasts[LIVE] = there
    await work.settle(61)
    await work.press("8", "plus")


def stood(version: str, ago: float, *, canary: bool = False) -> Deployment:
    at = START - ago
    way = Rollback(True, "would start back", parse_address("jenkins:back"), (("V", version),))
    status = Status.WAITING if canary else Status.PASSED
    run = parse_address("jenkins:deploy#7")
    return Deployment(
        version, status, version, started_at=at, finished_at=at, canary=canary, rollback=way, run=run
    )


async def test_a_key_carries_the_very_wish_to_the_plan(tmp_path: Path) -> None:
    async with desk(tmp_path, ALARMS, (120, 40)) as work:
        await on_the_alarm(work, stood("v2", 840), stood("v1", 90_000))
        assert "roll back to v1" in work.text
        await work.press("b")
        assert "Put v1 back into jenkins:shop@live: trigger jenkins:back" in work.text
        assert "v2 → v1" in work.text
        await work.press("y")
        await work.settle(3)
        (activity,) = work.screen.runtime.actions.activities
        request = ActionRequest(ActionKind.ROLLBACK, LIVE, (("version", "v1"),), "alarm busy")
        assert (activity.plan.request, activity.state) == (request, "done")
        assert len(work.jenkins.sent) == 1


@pytest.mark.parametrize(("keys", "requests"), [((), 1), (("shift+tab", "right", "enter"), 2)])
async def test_a_canary_is_taken_back_to_the_stable_version(
    tmp_path: Path, keys: tuple[str, ...], requests: int
) -> None:
    async with desk(tmp_path, ALARMS, (120, 40)) as work:
        await on_the_alarm(work, stood("v2", 840, canary=True), stood("v1", 90_000))
        assert "take the canary v2 back to v1" in work.text
        await work.press("b")
        assert "v2 goes; v1 was there before it" in work.text
        assert "jenkins:deploy#7 goes on waiting at its gate: reject that, too" in work.text
        assert "first reject the gate that jenkins:deploy#7 waits at" in work.text
        await work.say(*keys, "y")
        assert ("reject jenkins:deploy#7, then:" in work.text) is (requests == 2)
        await work.press("s")
        await work.settle(9)
        assert len(work.jenkins.sent) == requests


async def test_retraining_and_the_menu_of_both(tmp_path: Path) -> None:
    async with desk(tmp_path, ALARMS, (120, 40)) as work:
        await on_the_alarm(work, stood("v2", 840), stood("v1", 90_000))
        await work.press("t")
        assert "trigger jenkins:train" in work.text
        await work.say("n", "full_stop")
        assert isinstance(work.app.screen, Menu)
        assert "Proposed: roll back jenkins:shop@live to v1" in work.text
        assert "Proposed: retrain with jenkins:train" in work.text
        await work.say("j", "enter")
        assert "trigger jenkins:train" in work.text
        await work.press("n")
        assert work.jenkins.sent == []


async def test_without_a_proposal_the_key_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path, ALARMS.replace('"rollback", "retrain"', '"rollback"'), (120, 40)) as work:
        await on_the_alarm(work, stood("v2", 840))
        await work.press("b", "t")
        assert [each.words for each in work.screen.notices.recent] == [
            "busy does not propose to roll back: no earlier version is known.",
            "busy does not propose to retrain.",
        ]
