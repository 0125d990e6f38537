"""What a plan asks for: shown as a terminal may have it, and sent as it came where nobody touched it."""

import pytest

from tui.commands.action_text import plan_text
from tui.config import Settings
from tui.domain.action import ActionField, ActionKind, ActionRequest, Plan, Step
from tui.domain.address import Address
from tui.engine.actions.service import PreparedAction
from tui.screens.action_dialog import entries, last_paper, paper, values

BAD = "a\x1b]52;c;eHg=\x07b\u202ec"
FIELDS = (
    ActionField(f"NAME{BAD}", default=f"{BAD}\t1"),
    ActionField("LINES", "lines", default=f"{BAD}\r\nmore  \n"),
    ActionField("CHOICE", "choice", default="two", choices=(f"one{BAD}", "two")),
    ActionField("MODEL", default="none"),
    ActionField(f"FILE{BAD}", "unsupported"),
)
REQUEST = ActionRequest(ActionKind.TRIGGER, Address("ci", "train"), (("MODEL", "fraud"), ("ref", "main")))
PLAN = Plan(REQUEST, "Train", fields=FIELDS, steps=(Step("start", "POST", "/build", ((f"N{BAD}", BAD),)),))


def test_what_is_asked_has_nothing_that_a_terminal_obeys() -> None:
    settings = Settings(sources={})
    shown = [repr(each._replace(name="")) for each in entries(PLAN)]
    told = paper(PreparedAction(PLAN), settings, 0.0)
    shown += map(repr, (*told.deciding.lines, *told.everything.lines))
    shown.append(repr(last_paper(PreparedAction(PLAN), FIELDS, {}, 0.0)))
    for each in shown:
        assert "\\x1b" not in each
        assert "\\u202e" not in each
    printed = plan_text(PreparedAction(PLAN), settings, 0.0, requests=True)
    assert "Nabc=abc" in printed
    assert "\x1b" not in printed
    assert "\u202e" not in printed


def test_what_nobody_touched_goes_back_as_it_came() -> None:
    shown = {each.name: each.value for each in entries(PLAN)}
    assert shown["MODEL"] == "fraud"  # as it was wished for, not as the server has it
    assert shown["LINES"] == "abc\nmore"
    came = {each.name: each.default for each in FIELDS[:3]}
    assert values(PLAN, shown) == {**came, "MODEL": "fraud", "ref": "main"}


@pytest.mark.parametrize(
    ("name", "typed", "sent"), [("CHOICE", "oneabc", FIELDS[2].choices[0]), ("MODEL", "", "")]
)
def test_what_was_changed_is_sent(name: str, typed: str, sent: str) -> None:
    shown = {each.name: each.value for each in entries(PLAN)}
    assert values(PLAN, shown | {name: typed})[name] == sent
