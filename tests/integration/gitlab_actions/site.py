"""A world with a GitLab that a real source acts on."""

from typing import Any

from tests.sandbox.serving import serving
from tui.config import GitLabSettings, Secret
from tui.domain.action import ActionKind, ActionRequest, Plan
from tui.domain.address import Address, parse_address
from tui.sandbox.faults import Faults, Write
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.gitlab.manual_changes import ManualChanges
from tui.sandbox.plan import Group, Task, plan
from tui.sandbox.world import Clock, Pipeline, Run, Scenario, World
from tui.sources.gitlab.source import GitLabSource

START = 1_790_000_000.0


class Site:
    """A world with a GitLab, and a source that acts on it."""

    def __init__(self, scenario: Scenario) -> None:
        self.world = World(scenario, Clock(START, manual=True))
        self.options = Options(token="glpat-sandbox")
        self.faults = Faults()
        self.deeds = ManualChanges()
        self.source: GitLabSource

    async def __aenter__(self) -> "Site":
        self._serving = serving(gitlab_app(self.world, self.faults, self.options, self.deeds))
        self.url = f"{self._serving.__enter__()}/gitlab"
        self.source = self.another()
        return self

    def another(self) -> GitLabSource:
        settings = GitLabSettings(url=self.url, token=Secret("glpat-sandbox"), watch=("ml/**",))
        return GitLabSource("gitlab", settings, clock=self.world.now)

    async def __aexit__(self, *error: Any) -> None:
        await self.source.close()
        self._serving.__exit__(*error)

    @property
    def writes(self) -> list[Write]:
        return self.faults.writes

    async def plan(self, kind: ActionKind, target: Address | str, reason: str = "", **values: str) -> Plan:
        address = parse_address(target) if isinstance(target, str) else target
        return await self.source.plan(ActionRequest(kind, address, tuple(values.items()), reason))

    def pass_time(self, seconds: float) -> None:
        self.world.clock.advance(seconds)


def newest(site: Site, path: str) -> Run:
    return site.world.project_runs(path)[0]


def gate(site: Site, path: str, name: str) -> Address:
    return Address("gitlab", path, newest(site, path).id, name, "play")


def two_runs() -> Scenario:
    """Two runs whose gates wait before one environment."""
    tasks = plan(
        Group("build", (Task("build", 5),), parallel=True),
        Group("promote", (Task("promote", 5, gate="Promote?", environment="production"),), parallel=True),
    )
    old, new = (
        Pipeline(system="gitlab", path="ml/shop", ref=ref, tasks=tasks, age=age, history=1)
        for ref, age in (("old", 900), ("main", 600))
    )
    return Scenario(pipelines=(old, new))


def working() -> Scenario:
    """A run that works while an optional gate of it waits."""
    tasks = plan(
        Group("train", (Task("train", 40), Task("try", 5, gate="Try?", optional=True)), parallel=True),
        Group("deploy", (Task("deploy", 5),), parallel=True),
    )
    return Scenario(pipelines=(Pipeline(system="gitlab", path="ml/shop", tasks=tasks, age=0, history=1),))


def canaries_by_hand() -> Scenario:
    """Two runs: of the older one the canary stands and its promotion waits, of the newer one the canary itself."""

    def tasks(canary: str) -> tuple[Task, ...]:
        return plan(
            Group("canary", (Task("canary", 5, gate=canary, environment="production"),), parallel=True),
            Group("promote", (Task("promote", 5, gate="Promote?", environment="production"),), parallel=True),
        )

    old, new = (
        Pipeline(system="gitlab", path="ml/shop", ref=ref, tasks=tasks(canary), age=age, history=1)
        for ref, canary, age in (("old", "", 900), ("main", "Try?", 600))
    )
    return Scenario(pipelines=(old, new))
