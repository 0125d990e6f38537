"""The journal in the deck."""

from pathlib import Path

import pytest

from tests.engine.acting_source import YES, at_once
from tests.screens.test_action_flow import GATE, desk
from tui.domain.action import ActionKind, ActionRequest, Plan, Reply
from tui.domain.address import parse_address
from tui.domain.journal import Entry
from tui.engine.actions.journal import Journal
from tui.engine.actions.service import ActionRefused, PreparedAction
from widgets.dialog.help_sheet import HelpSheet

__all__ = ["at_once"]
pytestmark = pytest.mark.usefixtures("at_once")


async def test_what_is_done_comes_into_it_by_itself_and_enter_tells_all(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(100, 24)) as work:
        await work.say("J")
        assert "Nothing was done yet." in work.text
        await work.say("7", "a", "shift+tab", *"seen by two", "tab", "y")
        await work.settle(30)
        work.jenkins.reply = Reply("refused", "No valid crumb", 403)
        await work.say("7", "x", "y")
        await work.settle(30)
        await work.say("9")
        rows = [line for line in work.text.split("\n") if GATE in line]
        assert "✗" in rows[0]
        assert "refused: No valid crumb" in rows[0]
        assert "✓" in rows[1]
        assert "done: it went on" in rows[1]
        await work.say("down", "d")
        assert isinstance(work.app.screen, HelpSheet)
        for words in ("POST /press", "accepted yes", "seen by two", "by", "done: it went on"):
            assert words in work.text
        await work.say("escape", "o")
        assert work.screen.current == "stages"
        assert "deploy#7" in work.text


async def test_what_other_programs_write_is_shown_after_a_while(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("9")
        other = Journal(tmp_path)
        request = ActionRequest(
            ActionKind.ROLLBACK, parse_address("gitlab:ml/fraud@live"), reason="it was slow"
        )
        other.append(
            Entry(
                id="1",
                at=work.time.now,
                event="planned",
                who=other.who,
                source="gitlab",
                target=str(request.target),
                kind="rollback",
                plan=Plan(request, "Roll back"),
            )
        )
        await work.settle(15)
        assert "cut off, or unde" in work.text
        await work.say("o")
        assert work.screen.current == "deployments"
        other.close()


async def test_what_leads_nowhere_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("9", "o", "enter")
        assert work.screen.current == "journal"
        request = ActionRequest(ActionKind.TRIGGER, parse_address("jenkins:gone"))
        plan = Plan(request, "Start it", possible=False, why_not="read-only")
        with pytest.raises(ActionRefused):
            work.app.runtime.actions.start(PreparedAction(plan), {}, YES)
        await work.settle(15)
        assert "refused: read-only" in work.text
        await work.say("o")
        assert "jenkins:gone is not among the watched" in " ".join(work.text.replace("▌", "").split())
