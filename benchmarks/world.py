"""Servers of which is known exactly how many pipelines run, and when: a sandbox with a world of the benchmarks' own.

``python -m benchmarks.world '{"jobs": 200, …}'`` serves one; it ends when its stdin does, as the sandbox does.
"""

import math
import sys
from unittest.mock import patch

import msgspec

from tui.sandbox.plan import Group, Task, plan
from tui.sandbox.process import Sandbox
from tui.sandbox.world import Clock, Model, Pipeline, Scenario

TICKS = "ticking"
"""The job that runs once a minute and is always the newest of those at rest: one row that changes in its place."""
STREAMS = "streaming"
"""The job whose log is written at full speed."""
SPEED = 10_000
"""Lines of 98 bytes a second of it."""
DAY = 86_400.0


def _side_by_side(name: str, *tasks: Task) -> Group:
    return Group(name, tasks, parallel=True)


_SHIPS = plan(
    _side_by_side("check", Task("lint", 8), Task("unit tests", 20, tests=60)),
    _side_by_side("train", *(Task(f"train {n}/4", 40 + 8 * n) for n in range(1, 5))),
    _side_by_side("validate", Task("validate", 20), Task("bias report", 15)),
    _side_by_side("package", Task("image", 25)),
    _side_by_side("deploy", Task("staging", 12)),
)
"""Two to three minutes of what most pipelines do; none of it fails and nobody is asked."""


class Crowd(msgspec.Struct, frozen=True):
    """So many pipelines, of which ``running`` of a hundred run all the time, one run after the other."""

    jobs: int = 0
    projects: int = 0
    running: float = 0.0
    ticking: float = 0.0
    """Seconds between two runs of the job that ticks; 0: there is none."""
    streaming: bool = False
    manual: bool = False
    """Its clock moves only when told to."""

    def busy(self, count: int) -> int:
        """How many of ``count`` run: a broken one runs."""
        return math.ceil(count * self.running / 100)

    @property
    def scenario(self) -> Scenario:
        special = []
        if self.ticking:
            task, every = plan(Task("build", self.ticking / 4)), self.ticking
            special.append(
                Pipeline(system="jenkins", path=TICKS, tasks=task, every=every, age=every / 2, history=1)
            )
        if self.streaming:
            task = plan(Task("Train", 200, lines=SPEED))
            special.append(Pipeline(system="jenkins", path=STREAMS, tasks=task, age=1, history=1))
        return Scenario(
            pipelines=(
                *special,
                *self._pipelines("jenkins", "team-{:02}/job-{:03}", self.jobs),
                *self._pipelines("gitlab", "group-{}/project-{:02}", self.projects),
            ),
            models=(
                _model("crowd", "gitlab:group-*/*"),
                _model("nobody", "gitlab:nobody"),  # so that not every pipeline is the only model's
            ),
        )

    def _pipelines(self, system: str, path: str, count: int) -> list[Pipeline]:
        busy = self.busy(count)
        return [
            Pipeline(
                system="jenkins" if system == "jenkins" else "gitlab",
                path=path.format(n // 10, n),
                tasks=_SHIPS,
                every=1.0 if n < busy else 0.0,  # a turn that comes while it runs is dropped
                age=10.0 + 160.0 * n / busy if n < busy else DAY * (2 + n % 5),
                history=3,
                history_every=4000.0,
            )
            for n in range(count)
        ]


def _model(name: str, pipelines: str) -> Model:
    return Model(
        name=name,
        title=name,
        pipelines=(pipelines,),
        baseline="2026.11.1",
        canary="2026.11.2",
        canary_age=DAY,
    )


class Servers(Sandbox):
    """The sandbox whose world is a crowd."""

    def __init__(self, crowd: Crowd) -> None:
        super().__init__()
        self._scenario = crowd.scenario
        self._command = [sys.executable, "-m", "benchmarks.world", msgspec.json.encode(crowd).decode()]


def main() -> None:
    from tui.sandbox.server import Server, serve

    crowd = msgspec.json.decode(sys.argv[1], type=Crowd)
    with patch("tui.sandbox.server.named", lambda *_: crowd.scenario):
        serve(Server("crowd", Clock(manual=crowd.manual)))


if __name__ == "__main__":
    main()
