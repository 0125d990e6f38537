"""Setting the champion from the metrics pane: offered where the candidate is compared, with the way back."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.engine.acting_source import ActingSource, at_once
from tests.screens.test_action_flow import desk
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.address import Address
from tui.domain.candidate import RegisteredVersion

__all__ = ["at_once"]
pytestmark = pytest.mark.usefixtures("at_once")

REGISTRY = """
[sources.ml]
type = "mlflow"
url = "http://127.0.0.1:9"
[models.fraud.registry]
source = "ml"
model = "Fraud model"
champion = "prod"
metrics = { auc = { better = "higher" } }
"""
MODEL = Address("ml", "Fraud model")


class MLflow(ActingSource):
    """Version 3, before it 2, is champion; 4 is the candidate."""

    auc = 0.95

    async def registered(self, model: str, aliases: Sequence[str]) -> Mapping[str, RegisteredVersion | None]:
        await self._serve("registered")
        return {
            "prod": RegisteredVersion(model, "3", before={"prod": "2"}, metrics=(("auc", 0.9),)),
            "challenger": RegisteredVersion(model, "4", metrics=(("auc", self.auc),)),
        }


class Worse(MLflow):
    auc = 0.8


async def test_the_candidate_is_made_champion(tmp_path: Path) -> None:
    async with desk(tmp_path, REGISTRY, (150, 40), {"ml": MLflow, "gitlab": ActingSource}) as work:
        await work.say("j", "3", "full_stop")
        assert "Make version 4 (challenger) the prod" in work.text
        assert "Back to version 2, the prod before" in work.text
        await work.press("enter")
        assert "set champion ml:Fraud model" in work.text
        assert "auc            OK: not worse than version 3" in work.text or "BETTER" in work.text
        await work.press("y")
        (activity,) = work.screen.runtime.actions.activities
        values = (("alias", "prod"), ("version", "4"))
        assert activity.plan.request == ActionRequest(ActionKind.SET_CHAMPION, MODEL, values)
        asked = len([what for _, what in work.sources["ml"].asked if what == "registered"])
        await work.settle(3)
        ml = work.sources["ml"]
        assert isinstance(ml, ActingSource)
        assert len(ml.sent) == 1
        assert "set champion done" in work.text
        assert len([what for _, what in ml.asked if what == "registered"]) > asked, "it is read back"


async def test_the_way_back_asks_once(tmp_path: Path) -> None:
    async with desk(tmp_path, REGISTRY, (150, 40), {"ml": Worse, "gitlab": ActingSource}) as work:
        await work.say("j", "3", "full_stop", "j", "enter", "y")
        (activity,) = work.screen.runtime.actions.activities
        assert activity.plan.request.value("version") == "2"


async def test_one_that_validates_worse_is_asked_twice(tmp_path: Path) -> None:
    async with desk(tmp_path, REGISTRY, (150, 40), {"ml": Worse, "gitlab": ActingSource}) as work:
        await work.say("j", "3", "full_stop", "enter")
        assert "its validation is WORSE" in work.text
        assert "WORSE: worse than version 3 by 0.1, 0 is allowed" in work.text
        await work.press("y")
        assert "Type 4 to set champion it all the same" in work.text
        await work.say("3", "enter")
        assert "'3' is not 4" in work.text
        await work.press("escape")
        assert work.screen.runtime.actions.activities == ()


async def test_read_only_keeps_it_from_being_sent(tmp_path: Path) -> None:
    text = REGISTRY.replace('"mlflow"\n', '"mlflow"\nread_only = true\n')
    async with desk(tmp_path, text, (150, 40), {"ml": MLflow, "gitlab": ActingSource}) as work:
        await work.say("j", "3", "full_stop", "enter")
        assert "read-only: [sources.ml] says so" in work.text
