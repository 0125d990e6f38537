"""What alarms do by themselves: only what the config says in full, announced, once, and never in read-only mode."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from tests.engine.acting_source import REQUEST, YES, Desk
from tests.engine.world import START, Time, address, listing_of, run_of, settle
from tui import config
from tui.domain.action import ActionKind, ActionRequest, Observation
from tui.domain.address import Address, parse_address
from tui.domain.alarm import Announcement
from tui.domain.deployment import Deployment, Environment, Environments, Rollback
from tui.domain.health import Trouble
from tui.domain.journal import Record
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.actions.service import ActionRefused, PreparedAction
from tui.engine.queries import AlarmsNow
from tui.sources.base import SourceError

CONFIG = """
[sources.ci]
type = "jenkins"
url = "http://127.0.0.1:9"
[models.fraud]
pipelines = ["ci:deploy"]
environment = "live"
retrain = { pipeline = "ci:train", parameters = { FROM = "{version}" } }
[alarms.broken]
runs = { pipelines = ["ci:*"] }
[[safety.policies]]
name = "p"
alarm = "broken"
model = "fraud"
action = "retrain"
at_most = "1 per 6h"
wait = "10m"
"""
BACK = CONFIG.replace('"retrain"\n', '"rollback"\n')
LIVE = Address("ci", "deploy", environment="live")
DEPLOY = Address("ci", "deploy")
GOOD, BAD = Status.PASSED, Status.FAILED


def stood(version: str, ago: float, **more: object) -> Deployment:
    at = START - ago
    return Deployment(version, GOOD, version, started_at=at, finished_at=at, **more)  # type: ignore[arg-type]


class Work(Desk):
    """A desk whose alarms are kept; what was told at the terminal."""

    def __init__(self, journal: Journal, text: str, time: Time | None = None) -> None:
        super().__init__(journal, config.parse(text, Path("config.toml")), time)
        self.told: list[str] = []
        self.runtime.alarms.notices.on_screen = lambda channels, words, fires: self.told.append(words)
        way = Rollback(True, "would start back", Address("ci", "back"), (("VERSION", "v1"),))
        self.deployed(stood("v2", 300), stood("v1", 90_000, rollback=way))
        self.runs(GOOD)

    @property
    def said(self) -> Announcement | None:
        announced = self.runtime.policies.announced
        return announced[-1] if announced else None

    @property
    def words(self) -> str:
        return self.said.words if self.said is not None else ""

    def runs(self, *statuses: Status) -> None:
        """Of the deploying job, newest first."""
        runs = [run_of(address("deploy", len(statuses) - i), each) for i, each in enumerate(statuses)]
        self.source.listing = listing_of(*(msgspec.structs.replace(each, duration=5.0) for each in runs))

    def deployed(self, *deployments: Deployment) -> None:
        there = Environment(LIVE, deployments)
        self.source.places[DEPLOY] = Environments((there,))
        self.source.pasts[LIVE] = there

    async def passed(self, seconds: float = 0.0) -> str:
        """Let time pass; what the policy says then."""
        for _ in range(10):
            await settle()
        await self.time.advance(seconds)
        for _ in range(10):
            await settle()
        return self.words

    async def fires(self, *before: Status) -> str:
        self.runs(BAD, *before)
        return await self.passed(60)


@asynccontextmanager
async def at_work(journal: Journal, text: str = CONFIG, time: Time | None = None) -> AsyncIterator[Work]:
    work = Work(journal, text, time)
    task = asyncio.create_task(work.runtime.run())
    try:
        await work.passed(5)
        yield work
    finally:
        await work.runtime.close()
        await task


@pytest.fixture
def journal(tmp_path: Path, at_once: None) -> Journal:
    return Journal(tmp_path)


async def test_it_is_announced_then_done_once_and_journalled_as_the_policys(journal: Journal) -> None:
    async with at_work(journal) as work:
        assert work.words == ""
        assert await work.fires() == "retrain with ci:train"
        assert work.said is not None
        assert work.said.at is not None
        assert 500 < work.said.at - work.time.now <= 600
        assert work.source.sent == []
        assert any("in 10m: retrain with ci:train" in words for words in work.told)
        await work.passed(600)
        assert "done: it went on" in await work.passed(60)
        assert len(work.source.sent) == 1
        record = work.record()
        assert (record.first.policy, record.first.kind) == ("p", ActionKind.TRIGGER.value)
        assert record.plan is not None
        assert record.plan.request == ActionRequest(
            ActionKind.TRIGGER, parse_address("ci:train"), (("FROM", "v2"),), "policy p: alarm broken"
        )
        assert any("done: it went on" in words for words in work.told)
        await work.passed(3600)
        assert len(work.source.sent) == 1


async def test_it_goes_back_to_the_version_before_the_one_that_came_before_the_alarm(
    journal: Journal,
) -> None:
    async with at_work(journal, BACK) as work:
        assert await work.fires() == "roll back to v1 (ci:deploy@live)"
        await work.passed(700)
        record = work.record()
        assert record.plan is not None
        assert record.plan.request == ActionRequest(
            ActionKind.ROLLBACK, LIVE, (("version", "v1"),), "policy p: alarm broken"
        )
        assert (record.first.policy, len(work.source.sent)) == ("p", 1)


async def test_only_as_often_as_it_may(journal: Journal) -> None:
    async with at_work(journal) as work:
        await work.fires()
        await work.passed(700)
        work.runs(GOOD, BAD)
        await work.passed(60)
        assert await work.fires(GOOD, BAD) == "it has acted as often as it may: 1 per 6h"
        assert len(work.source.sent) == 1


async def test_one_that_fires_is_told_of_once_and_the_journal_read_no_more(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(journal) as work:
        read, count = journal.read, list[str]()

        def counted(about: str = "", *, since: float | None = None) -> tuple[Record, ...]:
            count.append(about)
            return read(about, since=since)

        monkeypatch.setattr(journal, "read", counted)
        await work.fires()
        once = len(count)
        work.runs(BAD, BAD)
        await work.passed(120)
        assert (once, len(count)) == (1, 1)


async def test_after_a_restart_it_has_acted_for_this_alarm(journal: Journal, tmp_path: Path) -> None:
    async with at_work(journal) as work:
        await work.fires()
        await work.passed(700)
    async with at_work(Journal(tmp_path), time=work.time) as again:
        assert await again.fires() == "it has acted for this alarm"
        assert await again.passed(700) == "it has acted for this alarm"
        assert again.source.sent == []


def recovers(work: Work) -> str:
    work.runs(GOOD, BAD)
    return "the alarm is over"


def is_acknowledged(work: Work) -> str:
    found = work.runtime.store.get(AlarmsNow()).value
    assert found is not None
    assert work.runtime.alarms.acknowledge(found.alarms[0].key)
    return "somebody has acknowledged the alarm"


def is_withdrawn(work: Work) -> str:
    assert work.runtime.policies.withdraw("p")
    assert not work.runtime.policies.withdraw("p")
    return "a person said no"


@pytest.mark.parametrize("happens", [recovers, is_acknowledged, is_withdrawn])
async def test_what_keeps_it_from_acting(journal: Journal, happens: Callable[[Work], str]) -> None:
    async with at_work(journal) as work:
        await work.fires()
        why = happens(work)
        assert await work.passed(60) == f"no retrain: {why}"
        assert work.said is not None
        assert work.said.at is None
        assert any(f"no retrain: {why}" in words for words in work.told)
        assert await work.passed(700) == f"no retrain: {why}"
        assert work.source.sent == []


async def test_a_no_holds_in_other_programs_and_until_the_alarm_comes_again(
    journal: Journal, tmp_path: Path
) -> None:
    async with at_work(journal) as work:
        await work.fires()
        is_withdrawn(work)
        await work.passed()
    (record,) = journal.read()
    assert (record.first.policy, record.first.words, record.sent) == ("p", "a person said no", None)
    async with at_work(Journal(tmp_path), time=work.time) as other:
        assert await other.fires() == "a person said no"
        other.runs(GOOD, BAD)
        await other.passed(60)
        assert await other.fires(GOOD, BAD) == "retrain with ci:train"


async def test_read_only_it_does_nothing(journal: Journal) -> None:
    text = CONFIG.replace("[[safety.policies]]", "[safety]\nread_only = true\n[[safety.policies]]")
    async with at_work(journal, text) as work:
        assert await work.fires() == "no retrain: read-only: this session only looks"
        await work.passed(700)
        assert work.source.sent == []
        assert journal.read() == ()


async def test_somebody_in_another_program_was_first(journal: Journal, tmp_path: Path) -> None:
    async with at_work(journal, BACK) as work:
        await work.fires()
        other = Desk(Journal(tmp_path), work.runtime.settings, work.time)
        other.source.places, other.source.pasts = work.source.places, work.source.pasts
        await other.go(ActionRequest(ActionKind.ROLLBACK, LIVE, (("version", "v1"),)), YES, 10)
        assert len(other.source.sent) == 1
        await work.passed(700)
        assert work.words.endswith("was first: rollback ci:deploy@live")
        assert work.source.sent == []
        await other.runtime.close()


async def test_what_somebody_did_elsewhere_shows_in_the_environment(journal: Journal) -> None:
    async with at_work(journal, BACK) as work:
        await work.fires()
        work.deployed(stood("v3", -200), stood("v2", 300), stood("v1", 90_000))
        assert await work.passed(700) == "no rollback: v3 has come since"
        assert work.source.sent == []


async def test_what_cannot_be_read_is_not_acted_on(journal: Journal) -> None:
    async with at_work(journal, BACK) as work:
        await work.fires()
        work.source.pasts[LIVE] = SourceError(Trouble.UNREACHABLE, "ci: no connection")
        assert await work.passed(700) == "no rollback: ci: no connection"
        assert work.source.sent == []


async def test_a_version_that_has_come_since_is_not_taken_back(journal: Journal) -> None:
    async with at_work(journal, BACK) as work:
        work.deployed(stood("v3", -20), stood("v2", 300), stood("v1", 90_000))
        assert await work.fires() == "no rollback: v3 has come since"


async def test_a_deployment_that_is_under_way_is_not_cut_across(journal: Journal) -> None:
    async with at_work(journal, BACK) as work:
        fix = msgspec.structs.replace(stood("v3", -20), status=Status.RUNNING, finished_at=None)
        work.deployed(fix, stood("v2", 300), stood("v1", 90_000))
        assert await work.fires() == "no rollback: v3 is being put there"


async def test_without_a_version_to_go_back_to_it_says_so(journal: Journal) -> None:
    async with at_work(journal, BACK) as work:
        work.deployed(stood("v2", 300))
        assert await work.fires() == "no rollback: roll back: no earlier version is known"


async def test_one_program_at_a_time_and_the_other_when_that_one_ends(
    journal: Journal, tmp_path: Path
) -> None:
    time = Time()
    async with at_work(journal, time=time) as one, at_work(Journal(tmp_path), time=time) as other:
        one.runs(BAD)
        other.runs(BAD)
        await one.passed(60)
        both = {one.words, other.words}
        assert both == {"retrain with ci:train", "another pipedeck here sees to it"}
        await one.passed(700)
        await one.passed(120)
        assert len(one.source.sent) + len(other.source.sent) == 1
        assert "it has acted for this alarm" in {one.words, other.words}


async def test_one_takes_over_from_another_that_ends_first(journal: Journal, tmp_path: Path) -> None:
    async with at_work(journal) as first:
        await first.fires()
        second = Work(Journal(tmp_path), CONFIG, first.time)
        second.runs(BAD)
        running = asyncio.create_task(second.runtime.run())
        assert await second.passed(60) == "another pipedeck here sees to it"
    assert await second.passed(60) == "retrain with ci:train"
    await second.passed(700)
    assert (len(first.source.sent), len(second.source.sent)) == (0, 1)
    await second.runtime.close()
    await running


async def test_nothing_is_done_that_no_policy_says(journal: Journal) -> None:
    desk = Desk(journal, config.parse(CONFIG, Path("config.toml")))
    promote = (await desk.actions.plan(msgspec.structs.replace(REQUEST, kind=ActionKind.PROMOTE))).plan
    trigger = (await desk.actions.plan(msgspec.structs.replace(REQUEST, kind=ActionKind.TRIGGER))).plan
    for prepared in (PreparedAction(promote, policy="p"), PreparedAction(trigger, policy="q")):
        with pytest.raises(ActionRefused):
            desk.actions.start(prepared)
    assert desk.source.sent == []


async def test_a_waiting_canary_is_rejected_first_where_the_policy_says_so_and_the_waiting_is_told(
    journal: Journal,
) -> None:
    text = BACK.replace('at_most = "1', 'reject_waiting = true\nat_most = "1')
    async with at_work(journal, text) as work:
        canary = msgspec.structs.replace(
            stood("v2", 300), status=Status.WAITING, canary=True, run=parse_address("ci:deploy#2")
        )
        way = Rollback(True, "would start back", Address("ci", "back"), (("VERSION", "v1"),))
        work.deployed(canary, stood("v1", 90_000, rollback=way))
        work.source.seen = [
            Observation("done", "rejected"),
            Observation("happening", "it waits in the queue: build #7 is in progress"),
        ]
        await work.fires()
        assert await work.passed(660) != ""
        record = work.record()
        assert record.plan is not None
        assert record.plan.request.value("reject_waiting") == "true"
        assert [step.path for step in record.plan.steps] == ["/press", "/press"]
        assert len(work.source.sent) == 2
        assert work.words.endswith("is under way: it waits in the queue: build #7 is in progress")
