"""Alarms kept by the engine: what is asked for them, when they fire, what they name, and how they are told."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from tests.engine.world import START, FakeSource, Time, address, listing_of, run_of
from tests.http_stub import Reply, http_stub
from tui import config
from tui.config import JenkinsSettings
from tui.domain.action import ActionKind
from tui.domain.alarm import Alarm, AlarmState
from tui.domain.health import Trouble
from tui.domain.series import Grid, Samples
from tui.domain.status import Status
from tui.engine.queries import AlarmsNow
from tui.engine.runtime import Runtime
from tui.insight.deployment_rules import Start
from tui.sandbox.process import Sandbox
from tui.sources.base import SourceError

CI = '[sources.ci]\ntype = "jenkins"\nurl = "http://127.0.0.1:1"\n'
FAILING = CI + '[alarms.failing]\nruns = { pipelines = ["ci:**"] }\n'
LOST = CI + '[alarms.lost]\nsource = { name = "ci", unreachable_for = "2m" }\n'
GONE = SourceError(Trouble.UNREACHABLE, "ci: no connection")


class Kept:
    """An engine that keeps alarms of a source in memory, and what was told at the terminal."""

    def __init__(self, text: str) -> None:
        self.time = Time()
        self.ci = FakeSource("ci", self.time)
        settings = config.parse(text, Path("config.toml"))
        self.runtime = self.time.runtime(settings, {"ci": self.ci})
        self.told: list[str] = []
        self.runtime.alarms.notices.on_screen = lambda channels, words, fires: self.told.append(words)

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        found = self.runtime.store.get(AlarmsNow()).value
        return found.alarms if found is not None else ()

    @property
    def states(self) -> list[AlarmState]:
        return [each.state for each in self.alarms]

    def runs(self, *statuses: Status, pipelines: int = 1) -> None:
        """The runs of each pipeline, newest first."""
        self.ci.listing = listing_of(
            *(
                run_of(address(f"p{n}", len(statuses) - i), status, duration=5.0)
                for n in range(pipelines)
                for i, status in enumerate(statuses)
            )
        )


@asynccontextmanager
async def kept(text: str) -> AsyncIterator[Kept]:
    work = Kept(text)
    task = asyncio.create_task(work.runtime.run())
    try:
        yield work
    finally:
        await work.runtime.close()
        await task


async def test_the_demo_degrades_and_is_told_with_its_deployment() -> None:
    async with AsyncExitStack() as stack:
        sandbox = await asyncio.to_thread(Sandbox("demo", clock="manual", start=1795458000.0).start)
        stack.push_async_callback(asyncio.to_thread, sandbox.stop)
        control = sandbox.control
        settings = sandbox.settings(alarms=True)
        own = {name: settings.alarms[name] for name in ("slow-fraud", "worse-fraud", "jenkins-lost")}
        settings = msgspec.structs.replace(settings, alarms=own)
        runtime = Runtime(settings, clock=lambda: control.state().now)
        stack.push_async_callback(runtime.close)
        found = await runtime.alarms.look_once()
        assert [each.name for each in found.firing if not each.origin] == []
        disk = next(each for each in found.alarms if each.name == "DiskFilling")
        assert disk.silenced == "silenced by 5c1f0a52"
        assert disk not in found.firing

        control.advance(660)
        found = await runtime.alarms.look_once()
        (slow,) = (each for each in found.alarms if each.name == "slow-fraud")
        assert slow in found.firing
        assert slow.model == "fraud"
        assert slow.before is not None
        assert str(slow.before.environment) == "gitlab:ml/fraud@production"
        assert slow.before.seconds > 0
        assert slow.before.deployment.who
        (request,) = slow.proposals
        assert (request.kind, request.target) == (ActionKind.ROLLBACK, slow.before.environment)
        assert request.value("version") != slow.before.deployment.version
        canary = slow.before.deployment.version
        assert slow.advice == (f"take the canary {canary} back to {request.value('version')}",)
        theirs = next(each for each in found.alarms if each.name == "ModelAccuracyLow")
        assert theirs.before is not None

        control.fault("jenkins", "down")
        await runtime.alarms.look_once()
        control.advance(90)
        lost = {each.name: each for each in (await runtime.alarms.look_once()).firing}["jenkins-lost"]
        assert lost.words.startswith("unreachable: jenkins")
        control.fault("jenkins", None)
        control.advance(60)
        states = {each.name: each.state for each in (await runtime.alarms.look_once()).alarms}
        assert states["jenkins-lost"] is AlarmState.RESOLVED
        assert states["slow-fraud"] is AlarmState.FIRING


async def test_new_test_failures_propose_what_the_rules_of_the_job_can_start() -> None:
    async with AsyncExitStack() as stack:
        sandbox = await asyncio.to_thread(Sandbox("demo", clock="manual", start=1795458000.0).start)
        stack.push_async_callback(asyncio.to_thread, sandbox.stop)
        settings = sandbox.settings(alarms=True)
        jenkins = settings.sources["jenkins"]
        assert isinstance(jenkins, JenkinsSettings)
        retrain = Start(job="ml/vision/train-resnet", parameters={"BASE": "{version}"})
        rules = tuple(msgspec.structs.replace(rule, retrain=retrain) for rule in jenkins.deployments)
        settings = msgspec.structs.replace(
            settings,
            sources={**settings.sources, "jenkins": msgspec.structs.replace(jenkins, deployments=rules)},
            alarms={"broken": settings.alarms["new-test-failures"]},
        )
        runtime = Runtime(settings, clock=lambda: sandbox.control.state().now)
        stack.push_async_callback(runtime.close)
        found = {each.subject: each for each in (await runtime.alarms.look_once()).firing}
        alarm = found["jenkins:deploy-model"]
        assert alarm.words == "3 new test failures in #6"
        assert alarm.before is not None
        assert (alarm.before.deployment.version, alarm.before.deployment.who) == ("2026.11.6", "bob")
        back, again = alarm.proposals
        assert (back.kind, back.value("version")) == (ActionKind.ROLLBACK, "2026.11.5")
        assert (again.kind, str(again.target)) == (ActionKind.TRIGGER, "jenkins:ml/vision/train-resnet")
        assert again.value("BASE") == "2026.11.6"
        assert alarm.advice == ("roll back to 2026.11.5", "retrain with jenkins:ml/vision/train-resnet")
        assert found["gitlab:ml/features/store main"].before is None


async def test_without_alarms_nothing_is_asked() -> None:
    async with kept(CI) as work:
        await work.time.advance(600)
        assert work.ci.asked == []
        assert work.runtime.store.get(AlarmsNow()).value is None


async def test_a_lost_source_is_pending_then_fires_and_is_resolved() -> None:
    async with kept(LOST) as work:
        work.ci.listing = GONE
        await work.time.advance(100)
        assert work.states == [AlarmState.PENDING]
        assert work.told == []
        await work.time.advance(30)
        assert work.states == [AlarmState.FIRING]
        assert work.alarms[0].since == START
        assert work.told == ["lost firing: ci; unreachable: ci: no connection"]
        work.runs(Status.PASSED)
        await work.time.advance(120)
        assert work.states == [AlarmState.RESOLVED]
        assert work.told[1:] == ["lost resolved: ci; it answers"]
        await work.time.advance(3700)
        assert work.states == []


async def test_trouble_with_a_source_neither_ends_an_alarm_nor_begins_one() -> None:
    async with kept(FAILING.replace("runs =", "severity = 'critical'\nruns =")) as work:
        work.runs(Status.FAILED)
        await work.time.advance(5)
        work.ci.listing = GONE
        await work.time.advance(600)
        assert work.states == [AlarmState.FIRING]
        assert len(work.told) == 1


SLOW = """
[sources.ci]
type = "prometheus"
url = "http://127.0.0.1:1"
[metrics.up]
source = "ci"
query = "up"
unit = "ms"
[models.fraud]
[alarms.slow]
series = { model = "fraud", metric = "up", above = 100 }
for = "2m"
clear = 90
keep = "1m"
"""


async def test_a_series_has_to_be_bad_and_good_for_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    async with kept(SLOW) as work:
        history = [(START - 7200, 95.0)]

        async def samples(query: str, grid: Grid) -> Samples:
            values = [next(value for at, value in reversed(history) if at <= time) for time in grid.times]
            return Samples((((), tuple(values)),))

        monkeypatch.setattr(work.ci, "samples", samples)
        seen = []
        for level in (95.0, 120.0, 95.0, 120.0, 95.0, 80.0):
            history.append((work.time.now, level))
            for _ in range(3):
                await work.time.advance(60)
                seen.append(work.states[0].value if work.states else "")
        quiet, firing, ended = [""] * 3, ["firing"] * 3, ["firing", "resolved", "resolved"]
        assert [*seen[:3], *seen[6:15], *seen[15:]] == [*quiet, *firing * 3, *ended]
        assert seen[3:6] == ["pending", "pending", "firing"]
        assert [words.split(":")[0] for words in work.told] == ["slow firing", "slow resolved"]


async def test_an_acknowledged_alarm_is_told_no_more_until_it_comes_again() -> None:
    async with kept(FAILING) as work:
        work.runs(Status.FAILED)
        await work.time.advance(5)
        assert work.runtime.alarms.acknowledge(work.alarms[0].key)
        assert work.states == [AlarmState.ACKNOWLEDGED]
        work.runs(Status.FAILED, Status.FAILED)
        await work.time.advance(60)
        assert work.states == [AlarmState.ACKNOWLEDGED]
        work.runs(Status.PASSED, Status.FAILED, Status.FAILED)
        await work.time.advance(60)
        assert work.states == [AlarmState.RESOLVED]
        assert not work.runtime.alarms.acknowledge(work.alarms[0].key)
        work.runs(Status.FAILED, Status.PASSED, Status.FAILED, Status.FAILED)
        await work.time.advance(60)
        assert work.states == [AlarmState.FIRING]
        assert [words.split(":")[0] for words in work.told] == [
            "failing firing",
            "failing resolved",
            "failing firing",
        ]


async def test_what_breaks_together_is_told_together() -> None:
    async with kept(FAILING) as work:
        work.runs(Status.FAILED, pipelines=50)
        await work.time.advance(60)
        assert len(work.alarms) == 50
        assert len(work.told) == 1
        assert work.told[0].startswith("50 alarms: failing firing: ci:p")
        assert work.told[0].endswith("47 more")


async def test_notices_are_capped_and_what_is_more_comes_in_one() -> None:
    text = FAILING + "[alarms.lost]\nsource = { name = 'ci', unreachable_for = '1s' }\n"
    async with kept(text + "[ui.notices]\nper_minute = 1\n") as work:
        work.runs(Status.FAILED)
        await work.time.advance(5)
        assert len(work.told) == 1
        work.runs(Status.FAILED, pipelines=3)
        work.runtime.poller.refresh(*work.runtime.alarms.queries())
        await work.time.advance(10)
        assert len(work.alarms) == 3
        assert len(work.told) == 1
        await work.time.advance(60)
        assert len(work.told) == 2
        assert work.told[1].startswith("2 alarms: ")


async def test_in_quiet_hours_alarms_are_shown_and_nobody_is_told() -> None:
    quiet = "[ui.notices]\nquiet_hours = ['22:00-22:15']\n"  # START is at 22:13:20
    async with kept(FAILING + quiet) as work:
        work.runs(Status.FAILED)
        await work.time.advance(300)
        assert work.states == [AlarmState.FIRING]
        assert work.told == []
        work.runs(Status.PASSED, Status.FAILED)
        await work.time.advance(60)
        assert len(work.told) == 1


async def test_an_alarm_is_told_only_by_its_own_ways(tmp_path: Path) -> None:
    async with kept(FAILING.replace("runs =", "notify = ['webhook']\nruns =")) as work:
        work.runs(Status.FAILED)
        await work.time.advance(60)
        assert work.states == [AlarmState.FIRING]
        assert work.told == []


async def test_a_command_gets_the_alarm_as_json_and_no_shell(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = "import sys; open(sys.argv[1], 'w').write(sys.argv[2] + chr(10) + sys.stdin.read())"
    command = json.dumps([sys.executable, "-c", script, str(out), "$(id); `id`"])
    async with kept(FAILING + f"[ui.notices]\ncommand = {command}\n") as work:
        work.runs(Status.FAILED)
        await work.time.advance(5)
        await work.runtime.alarms.notices.finish()
        argument, document = out.read_text().split("\n", 1)
        assert argument == "$(id); `id`"
        (alarm,) = json.loads(document)["alarms"]
        assert (alarm["name"], alarm["subject"], alarm["state"]) == ("failing", "ci:p0", "firing")
        assert alarm["words"] == "#1 failed"


async def test_a_command_gets_no_more_of_the_environment_than_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in os.environ:
        if name != "PATH":
            monkeypatch.delenv(name)
    given = {
        "HOME": "/h",
        "LC_ALL": "C.UTF-8",
        "TMUX": "t",
        "DBUS_SESSION_BUS_ADDRESS": "d",
        "PAGER_KEY": "k",
    }
    for name, value in (given | {"JENKINS_TOKEN": "hush", "AWS_SECRET_ACCESS_KEY": "hush"}).items():
        monkeypatch.setenv(name, value)
    out = tmp_path / "out"
    command = json.dumps(["/bin/sh", "-c", f"env -u PWD -u SHLVL -u _ > {out}"])
    text = f"[ui.notices]\ncommand = {command}\ncommand_env = ['PAGER_KEY', 'NOT_SET']\n"
    async with kept(FAILING + text) as work:
        work.runs(Status.FAILED)
        await work.time.advance(5)
        await work.runtime.alarms.notices.finish()
    found = dict(line.split("=", 1) for line in out.read_text().splitlines())
    found.pop("PATH")
    assert found == given


async def test_a_command_that_fails_is_told_of() -> None:
    for command, words in ((["/nowhere/to/be"], "could not be started"), (["false"], "ended with 1")):
        async with kept(FAILING + f"[ui.notices]\ncommand = {json.dumps(command)}\n") as work:
            work.runs(Status.FAILED)
            await work.time.advance(5)
            await work.runtime.alarms.notices.finish()
            found = work.runtime.store.get(AlarmsNow()).value
            assert found is not None
            assert words in found.notes[0]


async def test_a_command_that_hangs_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.engine.alarms.notifier.PATIENCE", 0.1)
    async with kept(FAILING + '[ui.notices]\ncommand = ["sleep", "600"]\n') as work:
        work.runs(Status.FAILED)
        await work.time.advance(5)
        await work.runtime.alarms.notices.finish()
        found = work.runtime.store.get(AlarmsNow()).value
        assert found is not None
        assert "the command sleep did not end" in found.notes[0]


async def test_a_webhook_is_posted_once_with_its_header() -> None:
    with http_stub({"POST /hook/T0KEN": Reply(302, {"Location": "/elsewhere"})}) as stub:
        notices = (
            f"[ui.notices]\nwebhook = '{stub.url}/hook/T0KEN'\nwebhook_headers = {{ X-Key = 'S3CRET' }}\n"
        )
        async with kept(FAILING + notices) as work:
            work.runs(Status.FAILED)
            await work.time.advance(5)
            await work.runtime.alarms.notices.finish()
            (request,) = stub.requests
            assert request.headers["x-key"] == "S3CRET"
            assert json.loads(request.body)["alarms"][0]["name"] == "failing"
            found = work.runtime.store.get(AlarmsNow()).value
            assert found is not None
            assert found.notes == ("the webhook answered 302",)
