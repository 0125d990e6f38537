"""The small world that the sandbox's Jenkins, GitLab, Spinnaker and Prometheus all tell of.

Everything follows from a scenario, a seed, a clock and what people did. Runs come by schedule and are drawn from
a random generator seeded by their pipeline and number, so the same world asked at other moments tells the same story.
"""

import hashlib
import heapq
import time
from collections.abc import Sequence
from math import inf
from random import Random
from typing import Literal

import msgspec

from tui.insight.deployment_rules import DeploymentRule
from tui.sandbox.plan import Event, Progress, State, Task, TaskState, progress

System = Literal["jenkins", "gitlab", "spinnaker"]


class Clock:
    """Seconds since the epoch: the machine's own time, or one that moves only when told to (``manual``)."""

    def __init__(self, start: float | None = None, *, manual: bool = False) -> None:
        self._base = time.time() if start is None else start
        self._begin = None if manual else time.monotonic()

    def now(self) -> float:
        return self._base if self._begin is None else self._base + time.monotonic() - self._begin

    def advance(self, seconds: float) -> None:
        self._base += max(0.0, seconds)


class Pipeline(msgspec.Struct, frozen=True, kw_only=True):
    """What is run again and again: a Jenkins job, or a ref of a GitLab project."""

    system: System
    path: str
    """Jenkins full name as the server sends it (``ml-service/feature%2Fx``), GitLab project path; of Spinnaker
    application and pipeline (``ranking/Deploy``)."""
    ref: str = "main"
    """Branch. For Jenkins only the branch of the commits."""
    kind: Literal["pipeline", "branch", "freestyle", "matrix"] = "pipeline"
    """Jenkins: a Pipeline job, a branch of a multibranch project (its parent in the path), a freestyle job, a matrix
    project whose cells are the tasks (``AXIS=value,AXIS=value``)."""
    tasks: tuple[Task, ...] = ()
    parameters: tuple[tuple[str, str], ...] = ()
    """Build parameters with their defaults. ``{version}`` becomes the version that the run ships."""
    cause: Literal["push", "timer", "user"] = "push"
    every: float = 0.0
    """Seconds between runs from the start of the world on; 0: only when triggered. A turn that comes while the
    pipeline's last run is unfinished is dropped."""
    age: float = 0.0
    """Seconds from the newest run of the history to the start of the world."""
    history: int = 0
    """Runs before the start of the world."""
    history_every: float = 1500.0
    patience: float | None = None
    """Seconds after which a simulated colleague approves the gates of its newer runs; None: nobody does.
    The gates of older history were all answered."""
    wait: float = 0.0
    """Seconds its newest runs wait in the queue before they begin; ``inf``: for ever (no such machine)."""
    label: str = ""
    """The kind of machine its queued runs wait for."""
    disabled: bool = False
    description: str = ""
    titled: str = ""
    """Jenkins: the display name of its runs; as in parameters, {version} and {colour} are replaced."""
    described: str = ""
    """Jenkins: the description of its runs, with markup."""

    @property
    def plain(self) -> bool:
        """Jenkins: its runs have no stages."""
        return self.kind in ("freestyle", "matrix")


class Commit(msgspec.Struct, frozen=True):
    sha: str
    title: str
    author: str
    at: float


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One execution of a pipeline, as decided when it was created."""

    pipeline: Pipeline
    id: int
    """Unique in the world: GitLab pipeline id, Jenkins queue id."""
    number: int
    """Counts the runs of one path: Jenkins build number, GitLab iid. A child's is its own too."""
    created_at: float
    wait: float = 0.0
    """Seconds before it begins."""
    cause: Literal["push", "timer", "user", "parent"]
    who: str
    commit: Commit
    version: str
    """What it trains, validates and ships, for example ``2026.11.7``."""
    colour: Literal["blue", "green"] = "green"
    """Where it goes to in a blue-green environment: each run to the other one."""
    parameters: tuple[tuple[str, str], ...] = ()
    tasks: tuple[Task, ...]
    parent: int | None = None
    """Id of the run whose bridge started it. It exists from the moment the bridge has started."""
    bridge: str = ""
    """Task id of that bridge in its parent."""

    @property
    def begins_at(self) -> float:
        return self.created_at + self.wait


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """What the team ships, with a canary beside the baseline: what its pipelines have deployed, or named here."""

    name: str
    title: str
    pipelines: tuple[str, ...]
    """Addresses with source names ``jenkins`` and ``gitlab``."""
    environment: str = "production"
    namespace: str = "ml"
    baseline: str = ""
    """Version that serves; empty: the one that its pipelines have put into ``environment``."""
    canary: str = ""
    """Version on trial; empty, as of ``baseline``."""
    canary_age: float = 1800.0
    """Seconds before the start of the world at which a canary that is named here began to serve."""
    validation: str | None = None
    evidence: tuple[str, ...] = ()
    blue_green: tuple[str, str] | None = None
    retrain: str = ""
    """The pipeline that trains it anew; empty: none does."""
    training: str = ""
    """The task id of the job that trains it, of which an MLflow tells; empty: none does."""
    drift: float = 0.0
    """How much worse the canary of the start gets: 0 stays like the baseline; 1 is worse from the beginning and beyond
    every limit twelve minutes after the start."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    pipelines: tuple[Pipeline, ...]
    models: tuple[Model, ...] = ()
    nodes: tuple[str, ...] = ("built-in", "linux-1", "linux-2")
    people: tuple[str, ...] = ("alice", "bob", "chen", "dana")
    rules: tuple[DeploymentRule, ...] = ()
    """What of its Jenkins runs is a deployment, for a configuration that shows it."""


class Refused(Exception):
    """The world cannot do what was asked; the message says why."""


_TITLES = (
    "Raise the learning rate warm-up to 2000 steps",
    "Drop merchants without history from the features",
    "Pin the tokenizer",
    "Balance the classes by weight",
    "Cache the embeddings between shards",
    "Retry reads from the feature store",
    "Report calibration beside accuracy",
    "Use mixed precision in evaluation",
    "Fix off-by-one in the time window",
    "Update the validation set of October",
)


class World:
    """The state of everything, at any time the clock shows.

    Reading never changes what will be read later. Acting (``approve`` … ``trigger``) appends an event at the present.
    """

    def __init__(self, scenario: Scenario, clock: Clock | None = None, *, seed: int = 7) -> None:
        self.scenario = scenario
        self.clock = clock or Clock()
        self.seed = seed
        self.start = self.clock.now()
        """When the world began to live; what is earlier is its history."""
        self._runs: dict[int, Run] = {}
        self._of: dict[tuple[str, str, str], list[Run]] = {_key(p): [] for p in scenario.pipelines}
        self._children: dict[tuple[int, str], Run] = {}
        self._numbers: dict[tuple[str, str], int] = {}
        self._events: dict[int, list[Event]] = {}
        self._final: dict[int, Progress] = {}
        self._forgotten: dict[tuple[int, str], float] = {}
        self._next_id = 1800
        self._turns: list[tuple[float, int, int]] = []
        """Heap of (time, index of the pipeline, turns left before the start of the world)."""
        for index, pipeline in enumerate(scenario.pipelines):
            if pipeline.history:
                first = self.start - pipeline.age - (pipeline.history - 1) * pipeline.history_every
                self._turns.append((first, index, pipeline.history - 1))
            elif pipeline.every:
                self._turns.append((self.start - pipeline.age + pipeline.every, index, -1))
        heapq.heapify(self._turns)

    # Reading

    def now(self) -> float:
        return self.clock.now()

    @property
    def projects(self) -> tuple[str, ...]:
        """GitLab project paths, in a fixed order; ids are :meth:`project_id`."""
        return tuple(dict.fromkeys(p.path for p in self.scenario.pipelines if p.system == "gitlab"))

    def project_id(self, path: str) -> int:
        """The numeric id of a GitLab project.

        Raises:
            ValueError: there is no such project.
        """
        return self.projects.index(path) + 101

    def pipelines(self, system: System, path: str | None = None) -> tuple[Pipeline, ...]:
        """The pipelines of one system, or those (refs) of one path."""
        return tuple(
            p for p in self.scenario.pipelines if p.system == system and (path is None or p.path == path)
        )

    def runs(self, pipeline: Pipeline) -> tuple[Run, ...]:
        """The runs of a pipeline so far, newest first, queued ones included, children not."""
        self._catch_up(self.now())
        return tuple(reversed(self._of[_key(pipeline)]))

    def project_runs(self, path: str) -> tuple[Run, ...]:
        """The runs of all refs of a GitLab project, newest first, children not."""
        runs = [run for pipeline in self.pipelines("gitlab", path) for run in self.runs(pipeline)]
        return tuple(sorted(runs, key=lambda run: -run.id))

    def run(self, run_id: int) -> Run | None:
        """The run with that id, a child included once its bridge has started it."""
        self._catch_up(self.now())
        run = self._runs.get(run_id)
        if run is None or (run.parent is not None and self._begin(run) is None):
            return None
        return run

    def child(self, run: Run, bridge: str) -> Run | None:
        """The child run that the bridge with that task id started; None while it has not."""
        child = self._children.get((run.id, bridge))
        return child and self.run(child.id)

    def progress(self, run: Run) -> Progress:
        """How far ``run`` is now."""
        if (final := self._final.get(run.id)) is not None:
            return final
        now = self.now()
        seen = self._progress(run, now)
        if seen.state.finished and run.parent is None:
            self._final[run.id] = seen
        return seen

    def events(self, run: Run) -> tuple[Event, ...]:
        """What was done to ``run`` (a parent), oldest first."""
        return tuple(self._events.get(run.id, ()))

    def expected(self, pipeline: Pipeline) -> float | None:
        """Mean seconds of its last three runs that ended well; None where there is none."""
        times: list[float] = []
        for run in self.runs(pipeline):
            seen = self.progress(run)
            if seen.state in (State.PASSED, State.WARNING) and seen.ended_at is not None:
                times.append(seen.ended_at - run.begins_at)
            if len(times) == 3:
                break
        return sum(times) / len(times) if times else None

    @staticmethod
    def job_id(run: Run, task: str, attempt: int = 0) -> int:
        """A number for one attempt of one task: a GitLab job id. Later attempts have higher ones."""
        index = next(i for i, t in enumerate(run.tasks) if t.id == task)
        return run.id * 1000 + attempt * 200 + index

    def find_job(self, job_id: int) -> tuple[Run, TaskState, int] | None:
        """The run, task and number of the attempt that :meth:`job_id` made ``job_id`` of, if it exists by now."""
        run = self.run(job_id // 1000)
        attempt, index = divmod(job_id % 1000, 200)
        if run is None or index >= len(run.tasks):
            return None
        state = self.progress(run).tasks[index]
        return (run, state, attempt) if attempt < len(state.attempts) else None

    # Acting

    def approve(self, run: Run, task: str, who: str = "you") -> None:
        """Answer a gate with yes (Jenkins proceed, GitLab play).

        Raises:
            Refused: it does not wait for a person.
        """
        self._answer(run, task, "approve", who)

    def reject(self, run: Run, task: str, who: str = "you") -> None:
        """Answer a gate with no (Jenkins abort).

        Raises:
            Refused: it does not wait for a person.
        """
        self._answer(run, task, "reject", who)

    def cancel(self, run: Run, task: str = "", who: str = "you") -> None:
        """End a run, or one task of it. What has ended already stays as it is."""
        self._happen(run, "cancel", task, who)

    def retry(self, run: Run, task: str, who: str = "you", *, wait: bool = False) -> None:
        """Start a task that has ended once more; this time it passes. ``wait``: a gate asks again first.

        Raises:
            Refused: it has not ended.
        """
        state = self.progress(run).of(task).state
        if not state.finished or state is State.SKIPPED:
            raise Refused(f"{task} is {state} and cannot be retried")
        self._happen(run, "reset" if wait else "retry", task, who)

    def trigger(
        self,
        pipeline: Pipeline,
        who: str = "you",
        parameters: Sequence[tuple[str, str]] | None = None,
        *,
        wait: float = 0.0,
    ) -> Run:
        """A new run of ``pipeline``. ``parameters`` replace the defaults of the same names.

        Args:
            wait: seconds that it stays in the queue at least.

        Raises:
            Refused: the pipeline is disabled.
        """
        if pipeline.disabled:
            raise Refused(f"{pipeline.path} is disabled")
        now = self.now()
        self._catch_up(now)
        run = self._create(pipeline, now, live=True, cause="user", who=who)
        if parameters or wait > run.wait:
            given = dict(parameters or ())
            merged = tuple((name, given.get(name, value)) for name, value in run.parameters)
            run = msgspec.structs.replace(run, parameters=merged, wait=max(wait, run.wait))
            self._runs[run.id] = self._of[_key(pipeline)][-1] = run
        return run

    def forget_log(self, run: Run, task: str = "") -> None:
        """Do away with what was logged up to now: of the task (GitLab: erased), or of all (Jenkins: written anew)."""
        self._forgotten[run.id, task] = self.now()

    def forgotten(self, run: Run, task: str = "") -> float | None:
        """When that was done."""
        return self._forgotten.get((run.id, task))

    def _answer(self, run: Run, task: str, kind: Literal["approve", "reject"], who: str) -> None:
        state = self.progress(run).of(task).state
        if state is not State.WAITING:
            raise Refused(f"{task} is {state} and does not wait for an answer")
        self._happen(run, kind, task, who)

    def _happen(
        self, run: Run, kind: Literal["approve", "reject", "cancel", "retry", "reset"], task: str, who: str
    ) -> None:
        now = self.now()
        self._catch_up(now)
        if run.parent is not None:
            task = f"{run.bridge} > {task}" if task else run.bridge
            run = self._runs[run.parent]
        self._events.setdefault(run.id, []).append(Event(now, kind, task, who))
        self._final.pop(run.id, None)

    # How it comes about

    def _progress(self, run: Run, now: float) -> Progress:
        if run.parent is not None:
            inner = self._progress(self._runs[run.parent], now).of(run.bridge).child
            return inner or progress(run.tasks, inf, (), now)
        return progress(run.tasks, run.begins_at, self._events.get(run.id, ()), now)

    def _begin(self, run: Run) -> float | None:
        """When a child's bridge started it."""
        assert run.parent is not None
        return self.progress(self._runs[run.parent]).of(run.bridge).attempts[0].started_at

    def _catch_up(self, now: float) -> None:
        """Create the runs whose turn has come. What happens at a time is decided only by what was before it."""
        while self._turns and self._turns[0][0] <= now:
            at, index, left = heapq.heappop(self._turns)
            pipeline = self.scenario.pipelines[index]
            live = left < 0
            runs = self._of[_key(pipeline)]
            if not live or not runs or self._progress(runs[-1], at).state.finished:
                self._create(pipeline, at, live=live or left == 0, cause=pipeline.cause)
            if left > 0:
                heapq.heappush(self._turns, (at + pipeline.history_every, index, left - 1))
            elif pipeline.every:
                heapq.heappush(self._turns, (at + pipeline.every, index, -1))

    def _create(
        self,
        pipeline: Pipeline,
        at: float,
        *,
        live: bool,
        cause: Literal["push", "timer", "user"],
        who: str | None = None,
    ) -> Run:
        number = self._count(pipeline)
        random = Random(f"{self.seed} {pipeline.system} {pipeline.path} {pipeline.ref} {number}")
        author = random.choice(self.scenario.people)
        version = f"2026.11.{number}"
        colour: Literal["blue", "green"] = "green" if number % 2 else "blue"
        run = Run(
            pipeline=pipeline,
            id=self._next_id,
            number=number,
            created_at=at,
            wait=pipeline.wait if live else min(pipeline.wait, 4.0),
            cause=cause,
            who=who or author,
            commit=Commit(
                hashlib.sha1(f"{pipeline.path} {pipeline.ref} {number}".encode()).hexdigest(),
                random.choice(_TITLES),
                author,
                at - random.uniform(20.0, 400.0),
            ),
            version=version,
            colour=colour,
            parameters=tuple(
                (name, value.replace("{version}", version).replace("{colour}", colour))
                for name, value in pipeline.parameters
            ),
            tasks=_draw(pipeline.tasks, random, version, colour, live=live, patience=pipeline.patience),
        )
        self._next_id += 1
        self._runs[run.id] = run
        self._of[_key(pipeline)].append(run)
        for task in run.tasks:
            if task.child:
                self._create_child(run, task)
        return run

    def _count(self, pipeline: Pipeline) -> int:
        key = (pipeline.system, pipeline.path)
        self._numbers[key] = self._numbers.get(key, 0) + 1
        return self._numbers[key]

    def _create_child(self, parent: Run, bridge: Task) -> None:
        child = msgspec.structs.replace(
            parent,
            id=self._next_id,
            number=self._count(parent.pipeline),
            wait=0.0,
            cause="parent",
            parameters=(),
            tasks=bridge.child,
            parent=parent.id,
            bridge=bridge.id,
        )
        self._next_id += 1
        self._runs[child.id] = child
        self._children[parent.id, bridge.id] = child


def _key(pipeline: Pipeline) -> tuple[str, str, str]:
    return (pipeline.system, pipeline.path, pipeline.ref)


def _draw(
    tasks: Sequence[Task],
    random: Random,
    version: str,
    colour: str,
    *,
    live: bool,
    patience: float | None,
) -> tuple[Task, ...]:
    """The plan of one run: times vary around those of the pipeline, some tasks fail.

    Of history (not ``live``) the gates have been answered and the missing machines were there.
    """
    drawn: list[Task] = []
    for task in tasks:
        failed = random.random() < task.fails
        wait = task.wait * random.uniform(0.5, 1.5) if 0 < task.wait < inf else task.wait
        answer_after = patience if live else random.uniform(30.0, 240.0)
        drawn.append(
            msgspec.structs.replace(
                task,
                seconds=round(task.seconds * random.uniform(0.8, 1.25), 3),
                wait=wait if live else min(wait, 20.0),
                outcomes=(State.FAILED,) if failed else task.outcomes,
                gate=task.gate.replace("{version}", version),
                environment=task.environment.replace("{colour}", colour),
                answer_after=answer_after if task.gate and not task.optional else None,
                fails=0.0,
                child=_draw(task.child, random, version, colour, live=live, patience=patience),
            )
        )
    return tuple(drawn)
