"""What policies are about to do, as a person sees it and says no to it: alarms pane, header, notices."""

from pathlib import Path

import pytest

from tests.engine.acting_source import at_once
from tests.panes.test_alarms import ALARMS, _degrading
from tests.screens.test_deck import deck

__all__ = ["_degrading", "at_once"]

POLICY = """
[[safety.policies]]
name = "back when busy"
alarm = "busy"
model = "fraud"
action = "rollback"
environment = "production"
at_most = "1 per 6h"
wait = "10m"
"""


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))


@pytest.mark.usefixtures("_degrading", "at_once")
async def test_it_is_announced_counts_down_and_takes_a_no() -> None:
    async with deck((160, 40), ALARMS + POLICY) as work:
        await work.time.advance(5)
        await work.settle()
        head = work.text.splitlines()[0]
        assert "policy back when busy in 10m" in head
        notice = " ".join(each.words for each in work.screen.notices.recent)
        assert (
            "policy back when busy for busy of fraud: in 10m: roll back to v1 (gitlab:ml/fraud@production)"
            in notice
        )
        await work.press("8", "plus")
        said = next(line for line in work.text.splitlines()[1:] if line.strip().startswith("policy"))
        assert "in 10m  roll back to v1 (gitlab:ml/fraud@production)" in said
        await work.time.advance(300)
        await work.settle()
        assert "policy back when busy in 5m" in work.text.splitlines()[0]
        await work.press("w")
        await work.settle(5)
        assert "policy" not in work.text.splitlines()[0]
        assert "policy back when busy  no rollback: a person said no" in work.text
        await work.press("w")
        assert "No policy is about to do anything for this alarm." in work.text


@pytest.mark.usefixtures("_degrading", "at_once")
async def test_why_not_is_told() -> None:
    read_only = "[safety]\nread_only = true\n"
    async with deck((160, 40), ALARMS + read_only + POLICY) as work:
        await work.time.advance(5)
        await work.press("8", "plus")
        assert "policy back when busy  no rollback: read-only: this session only looks" in work.text
        assert "policy" not in work.text.splitlines()[0]
