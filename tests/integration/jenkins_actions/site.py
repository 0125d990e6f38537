"""A world with a Jenkins that a real source acts on."""

from typing import Any

from tests.sandbox.serving import serving
from tui.config import JenkinsSettings, Secret
from tui.domain.action import ActionKind, ActionRequest, Observation, Plan, Reply, Step
from tui.domain.address import Address
from tui.sandbox.faults import Faults, Write
from tui.sandbox.jenkins import Options, jenkins_app
from tui.sandbox.plan import Task, plan
from tui.sandbox.world import Clock, Pipeline, Scenario, World
from tui.sources.jenkins.source import JenkinsSource

START = 1_795_422_000.0
PIPELINES = (
    Pipeline(
        system="jenkins",
        path="ml/deploy",
        tasks=plan(Task("Build", 5), Task("Promote", 5, gate="Promote {version}?"), Task("Tell", 5)),
        parameters=(("TARGET", "staging"), ("DRY", "true")),
    ),
    Pipeline(system="jenkins", path="ml/train", tasks=plan(Task("Fit", 60))),
    Pipeline(system="jenkins", path="ml/free", kind="freestyle", tasks=plan(Task("Fit", 60))),
    Pipeline(system="jenkins", path="ml/old", kind="freestyle", disabled=True),
)


class Site:
    """A world with a Jenkins, and a source that acts on it."""

    def __init__(self, **options: Any) -> None:
        self.world = World(Scenario(pipelines=PIPELINES), Clock(START, manual=True))
        self.options = Options(**{"user": "you", "token": "jt-secret", **options})
        self.faults = Faults()
        self.source: JenkinsSource

    async def __aenter__(self) -> "Site":
        self._serving = serving(jenkins_app(self.world, self.faults, self.options))
        self.url = f"{self._serving.__enter__()}/jenkins"
        self.source = self.another()
        return self

    def another(self) -> JenkinsSource:
        """As after a restart of the program."""
        settings = JenkinsSettings(url=self.url, user="you", token=Secret("jt-secret"))
        return JenkinsSource("ci", settings, clock=self.world.now)

    async def __aexit__(self, *error: Any) -> None:
        await self.source.close()
        self._serving.__exit__(*error)

    @property
    def writes(self) -> list[Write]:
        return self.faults.writes

    async def plan(self, kind: ActionKind, target: Address, **values: str) -> Plan:
        return await self.source.plan(ActionRequest(kind, target, tuple(values.items())))

    async def send(self, plan: Plan, **secrets: str) -> tuple[Step, Reply]:
        assert plan.possible, plan.why_not
        (step,) = plan.steps
        self.source.remember(step, self.world.now())
        return step, await self.source.send(step, secrets)

    async def done(self, plan: Plan) -> Observation:
        step, reply = await self.send(plan)
        assert reply.state == "accepted", reply
        return await self.source.observe(step, reply)

    async def start(self, path: str = "ml/deploy", **values: str) -> Address:
        """A new run; that of ``ml/deploy`` waits at its gate."""
        step, reply = await self.send(await self.plan(ActionKind.TRIGGER, Address("ci", path), **values))
        self.pass_time(10)
        seen = await self.source.observe(step, reply)
        assert seen.result is not None
        return seen.result

    def pass_time(self, seconds: float) -> None:
        self.world.clock.advance(seconds)
