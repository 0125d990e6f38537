"""Acting from the deck, on a source in memory."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from syrupy.assertion import SnapshotAssertion

from tests.app_pilot import running
from tests.engine.acting_source import ActingSource, at_once
from tests.engine.world import FakeSource, Time
from tests.screens.test_deck import CONFIG, Deck, details, world
from tui import config
from tui.app import Pipedeck
from tui.domain.action import (
    ActionField,
    ActionKind,
    ActionRequest,
    Observation,
    Offer,
    Plan,
    Reply,
    Step,
    at_fault,
)
from tui.domain.address import Address, parse_address
from tui.domain.deployment import Deployment, Environment, Environments, Rollback
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.insight.confirmation import Confirmation
from tui.keys import keymap
from tui.panes.action_progress import LASTING
from widgets.dialog.dialog import Dialog
from widgets.dialog.menu import Menu

__all__ = ["at_once"]
pytestmark = pytest.mark.usefixtures("at_once")

GATE = "jenkins:deploy#7!Promote"


class Source(ActingSource):
    """It asks for what a test says, and offers what cannot be done, too."""

    fields: tuple[ActionField, ...] = ()

    async def plan(self, request: ActionRequest) -> Plan:
        plan = await super().plan(request)
        return plan if request.values else msgspec.structs.replace(plan, fields=self.fields)

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        cancel = ActionRequest(ActionKind.CANCEL, target)
        return (*await super().offers(target), Offer(cancel, "Cancel", False, "it waits for [/a] person"))


class Desk(Deck):
    @property
    def jenkins(self) -> Source:
        source = self.sources["jenkins"]
        assert isinstance(source, Source)
        return source

    async def say(self, *keys: str) -> None:
        for key in keys:
            await self.press(key)


@asynccontextmanager
async def desk(
    folder: Path,
    extra: str = "",
    size: tuple[int, int] = (80, 24),
    others: Mapping[str, type[ActingSource]] | None = None,
) -> AsyncIterator[Desk]:
    """``others``: sources beside Jenkins that can be asked to do something."""
    time = Time()
    settings = config.parse(CONFIG + extra, Path("config.toml"))
    sources: dict[str, FakeSource] = {name: FakeSource(name, time) for name in settings.sources}
    sources["jenkins"] = Source("jenkins", time)
    sources |= {name: kind(name, time) for name, kind in (others or {}).items()}
    listings = world(time.now)
    for name, listing in listings.items():
        sources[name].listing = listing
        sources[name].runs = dict(details(time.now, listings))
    runtime = time.runtime(settings, sources, journal=Journal(folder))
    app = Pipedeck(settings, keymap(settings.ui.keys), runtime)
    async with running(app, size) as pilot:
        work = Desk(app, pilot, time, sources)
        await work.settle()
        yield work


async def test_what_waits_is_found_and_approved_by_two_keys(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("7")
        assert "Promote 2.1?" in work.text
        await work.say("a")
        assert f"approve {GATE}" in work.text
        assert "❯n No" in work.text
        assert work.jenkins.sent == []
        await work.say("y")
        assert len(work.jenkins.sent) == 1
        await work.settle(30)
        assert "done. it went on" in " ".join(work.text.split())


async def test_what_needs_nobody_is_shown_by_o(tmp_path: Path) -> None:
    async with desk(tmp_path, OVERTAKEN) as work:
        pipeline = parse_address(GATE).pipeline
        newer = Deployment("8", Status.PASSED, "2.2", run=parse_address("jenkins:deploy#8"))
        waits = Deployment("7", Status.WAITING, "2.1", run=parse_address("jenkins:deploy#7"))
        place = Environment(parse_address("jenkins:deploy@live"), (newer, waits))
        work.jenkins.places[pipeline] = Environments((place,))
        assert "◊ 1? waiting" in work.text
        assert "7Gates 1? 8Alarms" in work.text, "it may be none: nobody has read what has overtaken it"
        await work.say("7")
        await work.settle(30)
        assert "7Gates 8Alarms" in work.text
        assert "Nothing waits for a person; o shows 1 more." in work.text
        await work.say("o")
        assert "overtaken: 2.2 w" in work.text
        await work.say("o")
        assert "Promote 2.1?" not in work.text


@pytest.mark.parametrize("answer", ["enter", "n", "escape"])
async def test_the_default_is_no(answer: str, tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("7", "a", answer)
        assert not isinstance(work.app.screen, Dialog)
        assert work.jenkins.sent == []
        assert work.app.runtime.actions.activities == ()


async def test_a_refusal_is_told_in_the_servers_words(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(160, 40)) as work:
        work.jenkins.reply = Reply("refused", "No valid crumb [/b] was included", 403)
        await work.say("7", "a", "y")
        await work.settle(5)
        assert "No valid crumb [/b] was included" in " ".join(work.text.split())


async def test_nobody_knows_until_the_server_says_so(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(160, 40)) as work:
        work.jenkins.seen = [
            Observation("nothing"),
            Observation("happening", "it goes on"),
            Observation("done", "past it"),
        ]
        await work.say("7", "a", "y")
        assert "done" not in work.text
        await work.say("a")
        assert "under way there" in work.text, "no second one while the first is under way"
        await work.say("escape")
        await work.settle(60)
        assert len(work.jenkins.sent) == 1
        assert "past it" in work.text


async def test_how_far_it_has_come_is_told_wherever_it_acts_and_no_more_than_is_known(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        work.jenkins.seen = [Observation("nothing"), Observation("happening", "goes on"), Observation("done")]
        await work.say("7", "a", "y")
        await told(work, "◦ approve accepted")
        await work.settle(0.3)
        await told(work, "» approve happening")
        await work.settle(10)
        await told(work, "✓ approve done")
        await work.settle(LASTING)
        for key in "712":
            await work.say(key)
            assert "approve done" not in work.text


async def test_what_a_rollback_waits_for_is_in_the_header(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(160, 24)) as work:
        work.jenkins.seen = [Observation("happening", "it waits in the queue: build #7 runs")]
        way = Rollback(True, "starts it", parse_address("jenkins:deploy"), (("V", "1"),))
        place = Environment(
            parse_address("jenkins:deploy@live"),
            (Deployment("2", Status.PASSED, "2"), Deployment("1", Status.PASSED, "1", rollback=way)),
        )
        work.jenkins.pasts[place.address] = place
        request = ActionRequest(ActionKind.ROLLBACK, place.address)
        actions = work.app.runtime.actions
        actions.start(await actions.plan(request), {}, Confirmation(yes=True))
        await work.settle(5)
        header = work.text.partition("\n")[0]
        assert "rollback happening" in header
        assert "it waits in the queue: build #7 runs" in header


async def told(work: Desk, words: str) -> None:
    """In the gates, the list and the stages, below the header."""
    for key in "712":
        await work.say(key)
        assert words in work.text.partition("\n")[2]


async def test_what_cannot_be_done_says_why_and_is_not_sent(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        work.jenkins.possible = False
        await work.say("7", "a")
        assert "somebody was first" in work.text
        await work.say("y", "enter")
        assert work.jenkins.sent == []


async def test_reading_can_be_left_and_comes_too_late_then(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("7")
        work.jenkins.open.clear()
        await work.say("a")
        assert "Esc leaves it" in work.text
        await work.say("y", "enter", "y")
        await work.say("escape")
        assert not isinstance(work.app.screen, Dialog)
        work.jenkins.open.set()
        await work.settle(5)
        assert not isinstance(work.app.screen, Dialog)
        assert work.jenkins.sent == []


OVERTAKEN = """
[[sources.jenkins.deployments]]
job = "deploy"
environment = "live"
version = { parameter = "V" }
"""
DOUBTFUL = """
[models.deploy]
pipelines = ["jenkins:deploy"]
metrics = ["errors"]
[metrics.errors]
source = "prom"
query = 'errors{track="{track}"}'
fail = 1.0
[[sources.jenkins.deployments]]
job = "deploy"
environment = "live"
version = { parameter = "V" }
canary = { input = "(?i)promote" }
"""
"""A model whose canary has no values: what waits at the gate of the deploy is it."""


async def test_against_the_verdict_the_version_is_typed_in_a_second_question(tmp_path: Path) -> None:
    async with desk(tmp_path, DOUBTFUL, size=(100, 40)) as work:
        await work.say("7", "a")
        assert "WAIT: UNCLEAR: errors" in work.text
        assert "─ facts · version ─╮" in work.text
        await work.say("y")
        assert "─ ✓ facts · version ─╮" in work.text
        assert "Type 7 to promote it all the same" in work.text
        await work.say("enter")
        assert "✗ 7 has to be typed" in work.text
        await work.say("y", "enter")
        assert "✗ 'y' is not 7" in work.text
        await work.say("tab", "y")
        assert (work.jenkins.sent, isinstance(work.app.screen, Dialog)) == ([], True)
        await work.say("escape")
        assert (work.jenkins.sent, work.app.runtime.actions.activities) == ([], ())
        await work.say("a", "y", "7", "enter")
        assert len(work.jenkins.sent) == 1


async def test_the_gates_own_button_is_the_answer_and_its_values_are_in_question_and_journal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path, size=(100, 40)) as work:
        read = work.jenkins.plan

        async def plan(request: ActionRequest) -> Plan:
            facts = (("values", f"STRATEGY={request.value('STRATEGY') or 'rolling'}"),)
            return msgspec.structs.replace(await read(request), button="Ship it", facts=facts)

        monkeypatch.setattr(work.jenkins, "plan", plan)
        work.jenkins.fields = (
            ActionField("STRATEGY", "choice", "rolling", ("rolling", "blue"), "how the traffic is moved"),
        )
        await work.say("7", "a")
        assert "how the traffic is moved" in work.text
        await work.say("shift+tab", "right", "enter", "y")
        assert "sends STRATEGY=blue" in " ".join(work.text.split())
        assert "s Yes: Ship it" in work.text
        await work.say("y")
        assert work.jenkins.sent == [], "the key of the question before does not send"
        await work.say("s")
        await work.settle(30)
        await work.say("9", "d")
        assert "STRATEGY=blue" in work.text


async def test_promoting_takes_no_more_keys_than_its_steps_need(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        work.jenkins.environment = "production"
        work.jenkins.fields = (ActionField("variables", "lines", omitted=True),)
        keys = ("7", "g", "a", "y", *"production", "enter")
        assert len(keys) == 15
        await work.say(*keys[:4])
        assert "─ ✓ facts · name ─╮" in work.text
        await work.say(*keys[4:])
        assert len(work.jenkins.sent) == 1


async def test_production_has_to_be_typed(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        work.jenkins.environment = "production"
        await work.say("7", "a")
        await work.say(*"productio", "enter", "enter")
        assert "✗ 'productio' is not production" in work.text
        assert (work.jenkins.sent, isinstance(work.app.screen, Dialog)) == ([], True)
        await work.say("n", "enter")
        assert len(work.jenkins.sent) == 1


async def test_secret_that_need_not_be_given_is_left_to_the_server(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        work.jenkins.fields = (ActionField("WHY", required=True), ActionField("TOKEN", "secret"))
        await work.say("7", "a", "x", "tab", "enter", "y", "s")
        await work.settle(3)
        assert work.jenkins.secrets == [{}]


async def test_what_is_filled_in_is_sent_and_secrets_are_kept_nowhere(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        work.jenkins.fields = (
            ActionField("WHY", required=True),
            ActionField("TOKEN", "secret", required=True),
        )
        work.jenkins.steps = (Step("press", "POST", "/press", (("TOKEN", "***"),), "form"),)
        await work.say("7", "a", *"because", "tab", *"hunter2")
        assert "because" in work.text
        assert "hunter2" not in work.text
        await work.say("enter", "y")
        assert "sends WHY=because, TOKEN=***" in " ".join(work.text.split())
        assert "hunter2" not in work.text
        await work.say("s")
        assert work.jenkins.secrets == [{"TOKEN": "hunter2"}]
        assert work.app.runtime.actions.activities[0].plan.request.value("WHY") == "because"
        await work.settle(30)
    assert "because" in repr(Journal(tmp_path).read())
    assert "hunter2" not in repr(Journal(tmp_path).read())


async def test_what_cannot_be_sent_is_asked_again_with_what_was_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with desk(tmp_path) as work:
        read, asks = work.jenkins.plan, (ActionField("WHY", required=True),)

        async def plan(request: ActionRequest) -> Plan:
            found = msgspec.structs.replace(await read(request), fields=asks)
            if request.value("WHY") != "bad":
                return found
            refused, why = at_fault(asks, "WHY", "no reason"), "'bad' is no reason"
            return msgspec.structs.replace(found, possible=False, why_not=why, fields=refused)

        monkeypatch.setattr(work.jenkins, "plan", plan)
        work.jenkins.fields = asks
        await work.say("7", "a", *"bad", "tab", "y")
        assert "✗ cannot be done now: 'bad' is no reason" in work.text
        assert "✗ no reason" in work.text
        await work.say("end", *"ly", "tab", "y")
        assert "sends WHY=badly" in " ".join(work.text.split())
        await work.say("s")
        assert len(work.jenkins.sent) == 1


async def test_a_reason_may_be_given_and_is_written_down(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        work.jenkins.environment = "production"
        await work.say("7", "a", "shift+tab", *"y not", "enter", *"production", "enter")
        await work.settle(30)
        assert len(work.jenkins.sent) == 1
    (record,) = Journal(tmp_path).read()
    assert record.plan is not None
    assert record.plan.request.reason == "y not"


async def test_the_menu_shows_all_and_why_not(tmp_path: Path, snapshot: SnapshotAssertion) -> None:
    async with desk(tmp_path) as work:
        await work.say("full_stop")
        assert isinstance(work.app.screen, Menu)
        assert work.text == snapshot
        await work.say("end", "up", "enter")
        assert isinstance(work.app.screen, Menu), "what is greyed cannot be chosen"
        await work.say("home", "enter")
        assert isinstance(work.app.screen, Dialog)


async def test_read_only_is_in_the_header_and_nothing_is_sent(tmp_path: Path) -> None:
    async with desk(tmp_path, "[safety]\nread_only = true\n") as work:
        assert work.text.split("\n")[0].count("read-only") == 1
        await work.say("7", "a")
        assert "this session only looks" in work.text
        await work.say("y")
        assert work.jenkins.sent == []


async def test_a_clock_that_is_not_to_be_believed_is_in_the_header(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        assert "clock" not in work.text.split("\n")[0]
        work.jenkins.skew = -2.5e11
        work.jenkins.listing = Listing(())
        work.screen.action_refresh()
        await work.settle()
        work.screen.header.project()
        await work.settle()
        assert "clock of jenkins is wrong" in work.text.split("\n")[0]
        await work.say("i")
        assert ">100y behind this machine's; not used for ages" in " ".join(work.text.split())


async def test_a_notice_never_covers_a_question_and_is_kept(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        work.app.notify("from before", timeout=60)
        await work.say("7")
        assert "from before" in work.text
        await work.say("a")
        work.app.notify("something fires", timeout=60)
        await work.settle()
        assert "❯n No    y Yes, approve" in work.text
        inside = [line for line in work.text.split("\n") if line.startswith("  │")]
        assert len(inside) > 4
        assert all(line[77:].startswith("│") for line in inside)
        await work.say("n")
        assert "something fires" in work.text
        await work.say("escape")
        assert "something fires" not in work.text
        await work.say("exclamation_mark")
        assert work.text.index("something fires") < work.text.index("from before")


class Pausing(ActingSource):
    async def offers(self, target: Address) -> tuple[Offer, ...]:
        return (Offer(ActionRequest(ActionKind.PAUSE, target), "Pause it"),)


async def test_what_has_no_key_is_found_in_the_palette(tmp_path: Path) -> None:
    async with desk(tmp_path, others={"gitlab": Pausing}) as work:
        await work.say("j", "ctrl+p", *"begins", "down", "enter")
        gitlab = work.sources["gitlab"]
        assert isinstance(gitlab, Pausing)
        assert [request.kind for request in gitlab.requested] == [ActionKind.PAUSE]
        assert "y Yes, pause" in work.text
        await work.say("n", "end", "ctrl+p", *"begins", "down", "enter")
        assert "There is nothing here to pause" in work.text


class Starting(ActingSource):
    async def offers(self, target: Address) -> tuple[Offer, ...]:
        return (Offer(ActionRequest(ActionKind.TRIGGER, target.pipeline), "Start a run"),)


@pytest.mark.parametrize("keys", [("t",), ("full_stop", "end", "enter")])
async def test_the_ref_of_the_row_under_the_cursor_is_started(keys: tuple[str, ...], tmp_path: Path) -> None:
    async with desk(tmp_path, others={"gitlab": Starting}) as work:
        gitlab = work.sources["gitlab"]
        assert isinstance(gitlab, Starting)
        assert isinstance(gitlab.listing, Listing)
        (main,) = gitlab.listing.pipelines
        idle = msgspec.structs.replace(main, ref="rel/1", runs=())
        gitlab.listing = msgspec.structs.replace(gitlab.listing, pipelines=(main, idle))
        await work.settle(120)
        await work.say("end")
        assert "rel/1" in work.text
        await work.say(*keys)
        assert gitlab.requested[-1] == ActionRequest(ActionKind.TRIGGER, main.address, (("ref", "rel/1"),))
