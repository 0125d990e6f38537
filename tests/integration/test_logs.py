"""Logs of the sandbox grow with its world, and whoever follows them with the real sources has read them whole."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

import pytest

from tests.patience import given_up
from tests.reading import Sink, lines
from tests.sandbox.serving import serving
from tui.config import GitLabSettings, JenkinsSettings
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.logs.gitlab import GitLabParser
from tui.logs.jenkins import JenkinsParser
from tui.sandbox import gitlab, jenkins
from tui.sandbox.faults import Faults, Kind
from tui.sandbox.gitlab.trace import trace
from tui.sandbox.jenkins.console import NOTE
from tui.sandbox.jenkins.texts import run_log
from tui.sandbox.log_reference import log_at
from tui.sandbox.logs import packed
from tui.sandbox.plan import Task, plan
from tui.sandbox.process import Sandbox, SandboxError
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, Pipeline, Run, Scenario, World
from tui.sources.base import SourceError
from tui.sources.gitlab.source import GitLabSource
from tui.sources.http.limiter import Limiter
from tui.sources.jenkins.source import JenkinsSource
from tui.sources.logs import LogReader, LogStatus

START = 1_795_422_000.0
CORES = ("2.504.1", "2.516.3", "2.541.1")
FAULTS: tuple[Kind | None, ...] = (None, None, "cut", "503", "html", "empty")


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """As many requests a second as there are."""
    monkeypatch.setitem(Limiter.__init__.__kwdefaults__ or {}, "rate", 1e6)


@pytest.fixture
def world() -> World:
    return World(demo(), Clock(START, manual=True))


def newest(world: World, system: str, path: str) -> Run:
    (pipeline, *_) = (each for each in world.scenario.pipelines if (each.system, each.path) == (system, path))
    return world.runs(pipeline)[0]


# The logs themselves


def test_builds_logs_only_grow(world: World) -> None:
    random = Random(1)
    shown: dict[int, bytes] = {}
    runs = [world.runs(pipeline)[0] for pipeline in world.pipelines("jenkins") if world.runs(pipeline)]
    for _ in range(40):
        for run in runs:
            now = run_log(world, run)
            assert now.startswith(shown.get(run.id, b"")), run.pipeline.path
            shown[run.id] = now
        world.clock.advance(random.expovariate(1 / 4))
        if random.random() < 0.1:
            world.cancel(random.choice(runs))
    ended = [run for run in runs if shown[run.id] and world.progress(run).state.finished]
    assert len(ended) > 6
    for run in ended:
        assert re.search(rb"\nFinished: (SUCCESS|UNSTABLE|FAILURE|ABORTED)\n$", shown[run.id])


def test_traces_only_grow_and_come_late(world: World) -> None:
    random = Random(2)
    run = newest(world, "gitlab", "ml/fraud")
    shown: dict[tuple[str, int, bool], bytes] = {}
    late = 0
    for _ in range(60):
        for state in world.progress(run).tasks:
            for attempt in range(len(state.attempts)):
                for rows in (True, False):
                    told = trace(run, state, attempt, world.now(), every=10, rows=rows)
                    key = state.task.id, attempt, rows
                    assert told.sent.startswith(shown.get(key, b"")), key
                    assert told.written.startswith(told.sent)
                    late += told.written != told.sent
                    shown[key] = told.sent
        world.clock.advance(random.expovariate(1 / 3))
    assert late > 20
    assert sum(b"Job succeeded" in text for text in shown.values()) > 10


def test_rows_with_times_say_the_same_as_rows_without(world: World) -> None:
    run = newest(world, "gitlab", "ml/fraud")
    world.clock.advance(130)
    started = [state for state in world.progress(run).tasks if state.last.started_at is not None]
    assert len(started) > 5
    for state in started:
        timed, plain = (
            lines(GitLabParser(), trace(run, state, 0, world.now(), every=60, rows=rows).written)
            for rows in (True, False)
        )
        assert timed == plain
        assert len(plain) > 8


# Following them with the real sources


@asynccontextmanager
async def jenkins_source(
    world: World, faults: Faults, options: jenkins.Options
) -> AsyncIterator[JenkinsSource]:
    with serving(jenkins.jenkins_app(world, faults, options)) as url:
        source = JenkinsSource("jenkins", JenkinsSettings(url=f"{url}/jenkins"))
        try:
            yield source
        finally:
            await source.close()


@asynccontextmanager
async def gitlab_source(world: World, faults: Faults, options: gitlab.Options) -> AsyncIterator[GitLabSource]:
    with serving(gitlab.gitlab_app(world, faults, options)) as url:
        settings = GitLabSettings(url=f"{url}/gitlab", watch=("ml/**",))
        source = GitLabSource("gitlab", settings, clock=world.now)
        try:
            yield source
        finally:
            await source.close()


async def follow(
    world: World, faults: Faults, reader: LogReader, sink: Sink, random: Random, path: str, step: float = 3.0
) -> list[SourceError]:
    """Ask until the log is complete, while time passes and now and then something fails; what failed."""
    errors: list[SourceError] = []
    for _ in range(400):
        faults.set(random.choice(FAULTS), path=path, seconds=0.0)
        asked: LogStatus | None = None
        try:
            asked = await reader.read(sink)
        except SourceError as error:
            errors.append(error)
        if asked is not None and asked.complete:
            return errors
        world.clock.advance(asked.wait if asked and asked.wait > step else random.expovariate(1 / step))
    raise AssertionError("it does not end")


def seen(data: bytes) -> bytes:
    """A log of Jenkins whatever became of its line ends on the way."""
    return re.sub(rb"\r+\n", b"\n", data)


def sent(raw: bytes, core: str) -> bytes:
    """What a core sends of a log in all."""
    text = NOTE.sub(b"", raw) if core < "2.509" else raw
    return text.decode(errors="replace").encode()


@pytest.mark.parametrize("core", CORES)
@pytest.mark.parametrize(
    ("path", "seed"), [("ml/vision/train-resnet", 1), ("ml-service/main", 4), ("deploy-model", 3)]
)
@pytest.mark.parametrize("windows", [False, True])
async def test_a_build_is_followed_through_faults(
    world: World, core: str, path: str, seed: int, windows: bool
) -> None:
    random, faults = Random(seed), Faults()
    options = jenkins.Options(version=core, windows=windows, log_limit=60)
    run = newest(world, "jenkins", path)
    async with jenkins_source(world, faults, options) as source:
        address = Address("jenkins", path, run.number)
        sink, reader = Sink(), source.log(address)
        if path == "deploy-model":
            await reader.read(sink)  # waits at its gate
            world.approve(run, "Promote")
        errors = await follow(world, faults, reader, sink, random, "progressiveText")
    truth = log_at(world, address, windows=windows)
    assert seen(sink.data) == seen(sent(truth, core))
    assert sink.begun == [0]
    assert errors
    assert (
        lines(JenkinsParser(), sink.data)[-1]
        == b"Finished: "
        + {"ml/vision/train-resnet": b"SUCCESS", "ml-service/main": b"SUCCESS", "deploy-model": b"UNSTABLE"}[
            path
        ]
    )


@pytest.mark.parametrize("rows", [True, False])
@pytest.mark.parametrize("etag", [True, False])
@pytest.mark.parametrize(("job", "seed"), [("train 4/4", 1), ("unit tests", 2), ("lint", 3)])
async def test_a_job_is_followed_through_faults(
    world: World, rows: bool, etag: bool, job: str, seed: int
) -> None:
    random, faults = Random(seed), Faults()
    options = gitlab.Options(trace_rows=rows, trace_etag=etag, trace_every=10)
    world.clock.advance(135)  # a new run begins
    run = newest(world, "gitlab", "ml/fraud")
    async with gitlab_source(world, faults, options) as source:
        address = Address("gitlab", "ml/fraud", run.id, job)
        sink = Sink()
        errors = await follow(world, faults, source.log(address), sink, random, "/trace", step=1.0)
    assert sink.data == log_at(world, address, rows=rows)
    assert sink.begun == [0]
    assert errors


async def test_a_log_written_anew_is_read_anew(world: World) -> None:
    faults, run = Faults(), newest(world, "jenkins", "ml/vision/train-resnet")
    address = Address("jenkins", run.pipeline.path, run.number)
    async with jenkins_source(world, faults, jenkins.Options()) as source:
        sink, reader = Sink(), source.log(address)
        await reader.read(sink)
        world.clock.advance(5)
        world.forget_log(run)
        world.clock.advance(1)
        await reader.read(sink)
        assert seen(sink.data) == seen(log_at(world, address))
        assert sink.data.startswith(b"Resuming build after the controller was restarted")
        world.clock.advance(300)
        assert (await reader.read(sink)).complete
    assert seen(sink.data) == seen(sent(log_at(world, address), "2.516.3"))
    assert sink.begun == [0, 0]


async def test_an_erased_log_is_gone(world: World) -> None:
    world.clock.advance(400)
    run = newest(world, "gitlab", "ml/ranking")
    world.clock.advance(100)
    address = Address("gitlab", "ml/ranking", run.id, "pytest")
    async with gitlab_source(world, Faults(), gitlab.Options()) as source:
        sink = Sink()
        await source.log(address).read(sink)
        assert sink.data
        world.forget_log(run, "test/pytest")
        asked = await source.log(address).read(sink)
    assert asked.complete
    assert asked.note.startswith("the log was erased at ")
    assert sink.data == b""


@pytest.mark.parametrize("stages", ["stages", "pipeline-overview", "wfapi"])
async def test_stages_have_their_own_logs(world: World, stages: jenkins.StageSource) -> None:
    random, faults = Random(5), Faults()
    run = newest(world, "jenkins", "ml-service/main")
    whole = Address("jenkins", run.pipeline.path, run.number)
    async with jenkins_source(world, faults, jenkins.Options(stages=stages)) as source:
        while world.progress(run).of("Integration").last.started_at is None:
            world.clock.advance(1)
        running, done = Sink(), Sink()
        await follow(
            world, faults, source.log(whole.at_job("Integration")), running, random, "progressiveText"
        )
        faults.set(None)
        world.clock.advance(60)
        await source.log(whole.at_job("Test/Unit" if stages != "wfapi" else "Unit")).read(done)
    assert seen(running.data) == log_at(world, whole.at_job("Integration"))
    assert seen(done.data) == NOTE.sub(b"", log_at(world, whole.at_job("Unit")))
    assert b"pytest" in done.data


async def test_a_stall_in_the_middle_is_given_up_and_gone_on_with(world: World) -> None:
    faults, run = Faults(), newest(world, "jenkins", "ml/vision/train-resnet")
    address = Address("jenkins", run.pipeline.path, run.number)
    world.clock.advance(300)
    async with jenkins_source(world, faults, jenkins.Options()) as source:
        sink, reader = Sink(), source.log(address)
        faults.set("stall", path="progressiveText")
        with pytest.raises(SourceError) as caught:
            await given_up(reader.read(sink), lambda: sink.data)
        assert caught.value.trouble is Trouble.TIMEOUT
        faults.set(None)
        await reader.read(sink)
    assert seen(sink.data) == seen(sent(log_at(world, address), "2.516.3"))


async def test_the_end_comes_first_where_it_can(world: World) -> None:
    world.clock.advance(600)
    run = newest(world, "jenkins", "ml/vision/train-resnet")
    address = Address("jenkins", run.pipeline.path, run.number)
    sizes = {}
    for core in CORES:
        async with jenkins_source(world, Faults(), jenkins.Options(version=core)) as source:
            sink, reader = Sink(), source.log(address, 2000)
            while not (await reader.read(sink)).complete:
                world.clock.advance(10)
        sizes[core] = len(sink.data)
        assert seen(sent(log_at(world, address), core)).endswith(seen(sink.data))
        assert lines(JenkinsParser(), sink.data)[-1] == b"Finished: SUCCESS"
    assert sizes["2.541.1"] < 3000 < sizes["2.504.1"] < sizes["2.516.3"]


# What following costs


@pytest.mark.parametrize("etag", [True, False])
async def test_following_a_trace_costs_a_quarter_of_asking_for_all_of_it(etag: bool) -> None:
    """Of a program that asks for all of it every three seconds, of which it grows once in twenty; both compressed."""
    slow = Pipeline(
        system="gitlab",
        path="ml/slow",
        tasks=plan(Task("train", 600, path=("train",), lines=8)),
        age=1,
        history=1,
    )
    world = World(Scenario(pipelines=(slow,)), Clock(START, manual=True))
    run = world.runs(slow)[0]
    naive = 0
    async with gitlab_source(world, Faults(), gitlab.Options(trace_etag=etag)) as source:
        sink, reader, asked_at = Sink(), source.log(Address("gitlab", "ml/slow", run.id, "train")), START
        while not (asked := await reader.read(sink)).complete:
            world.clock.advance(asked.wait)
            while asked_at < world.now():
                state = world.progress(run).tasks[0]
                sent = trace(run, state, 0, asked_at, every=60, rows=True).sent
                naive += 20 * len(packed(sent, "gzip")[0])
                asked_at += 60.0
        facts = source.facts()
    assert sink.data == trace(run, world.progress(run).tasks[0], 0, world.now(), every=60, rows=True).written
    assert len(sink.data) > 300_000
    assert facts.bytes_read < naive / 4
    assert facts.requests < 320


# Its process


def test_a_sandbox_tells_what_a_log_holds() -> None:
    with Sandbox("logs", clock="manual", core="2.541.1", trace_every=5) as sandbox:
        control = sandbox.control
        control.advance(4)
        build, job = "jenkins:short#1", "gitlab:ml/short#1803/unit"
        assert control.log(build).startswith(b"Started by")
        before = control.log(job)
        assert before.count(b"\n") > 5
        control.advance(1)
        assert control.log(job).startswith(before)
        assert len(control.log(job)) > len(before)
        control.advance(100)
        assert control.log(f"{build}/Unit").startswith(b"$ pytest")
        assert b"Finished: SUCCESS" in control.log(build)
        control.forget_log(build)
        assert control.log(build) == b"Resuming build after the controller was restarted\n"
        for address in (
            "jenkins:short#9",
            "gitlab:ml/short#1/unit",
            "gitlab:ml/short#1803/none",
            "no address",
        ):
            with pytest.raises(SandboxError):
                control.log(address)
