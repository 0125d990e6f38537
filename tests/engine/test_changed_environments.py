"""Which environments something would change, as far as the config tells: what ``[safety]`` is applied to."""

import pytest

from tests.engine.world import JENKINS
from tui.config import GitLabSettings, Launch, ModelSettings, Settings
from tui.domain.action import Kind, Plan, Wish
from tui.domain.address import parse_address
from tui.engine.wishes import environments

SETTINGS = Settings(
    sources={"ci": JENKINS, "gl": GitLabSettings(url="https://gl.example", watch=("ml/**",))},
    models={
        "fraud": ModelSettings(
            pipelines=("ci:deploy", "ci:train", "gl:ml/fraud"),
            environment="live",
            blue_green=("live/blue", "live/green"),
            retrain=Launch(pipeline="ci:train", parameters={"FULL": "{model}"}),
            switch=Launch(pipeline="ci:switch", parameters={"COLOUR": "{colour}"}),
        )
    },
)


@pytest.mark.parametrize(
    ("kind", "target", "values", "told", "expected"),
    [
        (Kind.TRIGGER, "ci:deploy", {}, "", ("live",)),
        (Kind.TRIGGER, "ci:deploy", {}, "staging", ("staging",)),
        (Kind.TRIGGER, "gl:ml/fraud", {"ref": "main"}, "", ("live",)),
        (Kind.TRIGGER, "ci:new", {}, "", ()),
        # What trains changes nothing, if it is started as for that.
        (Kind.TRIGGER, "ci:train", {"FULL": "1", "MORE": "2"}, "", ()),
        (Kind.TRIGGER, "ci:train", {}, "", ("live",)),
        # What switches does, however it is started.
        (Kind.TRIGGER, "ci:switch", {"COLOUR": "blue"}, "", ("live",)),
        (Kind.TRIGGER, "ci:switch", {"OTHER": "x"}, "", ("live",)),
        (Kind.RETRY, "ci:deploy#7", {}, "", ("live",)),
        (Kind.RETRY, "gl:ml/fraud#7/test", {}, "", ()),
        (Kind.CANCEL, "ci:deploy#7", {}, "", ()),
        # A gate of Jenkins may lead on to where the model is.
        (Kind.APPROVE, "ci:deploy#7!Go", {}, "staging", ("staging", "live")),
        (Kind.PROMOTE, "gl:ml/fraud#7/go", {}, "staging", ("staging",)),
        (Kind.PROMOTE, "gl:ml/fraud#7/go", {}, "", ("live",)),
        (Kind.ROLLBACK, "ci:deploy@live", {}, "", ("live",)),
    ],
)
def test_environments(
    kind: Kind, target: str, values: dict[str, str], told: str, expected: tuple[str, ...]
) -> None:
    plan = Plan(Wish(kind, parse_address(target), tuple(values.items())), "do it", environment=told)
    assert environments(SETTINGS, plan) == expected
