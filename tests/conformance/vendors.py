"""The same small world at each CI: a canary that waits at a gate before production, and a run that may be repeated.

What the tests do to it, they do by the names here; what they look at is what commands print and what the server
received.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from starlette.types import ASGIApp

from tests.conformance.thirdci.server import START, Case, Deployment, Job, Place, Server
from tests.sandbox.serving import serving
from tui.cli import main
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import Options as GitLabOptions
from tui.sandbox.gitlab import gitlab_app
from tui.sandbox.jenkins import Options as JenkinsOptions
from tui.sandbox.jenkins import jenkins_app
from tui.sandbox.plan import Group, State, Task, plan
from tui.sandbox.spinnaker import Options as SpinnakerOptions
from tui.sandbox.spinnaker import spinnaker_app
from tui.sandbox.world import Clock, Pipeline, Scenario, World

UNREAD = """
[sources.away]
type = "prometheus"
url = "http://127.0.0.1:1"
[metrics.quality]
source = "away"
query = 'x{track="{track}"}'
fail = 1.0
"""
"""A metric that nobody can read: there is no verdict to be had."""
OTHERS = 120
"""Environments beside the one that counts."""
ERASED = "\x1b]52;c;bWluZQ==\x07"
HOSTILE = f"[bold red]x[/]\x1b[2J{ERASED}\u202eevil\x9b31m"
"""What other people may write into a name or message: it clears the screen, sets the clipboard, turns text round."""
CLEANED = "[bold red]x[/]evil"
"""The beginning of what is to be seen of it."""
ODD = "defrobnicated"
"""A status that no CI has today."""
SUCCESS = {b'"SUCCESS"': f'"{ODD.upper()}"'.encode(), b'"success"': f'"{ODD}"'.encode()}


class Fast(Clock):
    """A minute passes in a third of a second."""

    def now(self) -> float:
        return START + 180 * (super().now() - START)


class Vendor(msgspec.Struct, frozen=True, kw_only=True):
    """One CI, as the tests need to know it."""

    name: str
    """Of its type, and of the one source in the config."""
    config: str
    """Its table, with ``{url}``; and with ``{environment}`` where the config has to name that."""
    pipeline: str
    """The address of what deploys."""
    app: Callable[[Faults, "SmallWorld"], ASGIApp]
    retry: str
    """What the path of a request holds that repeats a run."""
    go: str
    """The same of one that lets a gate go on."""
    tiers: str
    """The same of those that tell the tier of an environment; empty: it knows none."""
    rights: str
    """The same of the one that tells what the credentials may; empty: it tells nothing before one tries."""
    odd: Mapping[bytes, bytes]
    """What its answers say of something that passed, with a word for it that nobody knows."""


class SmallWorld(msgspec.Struct, frozen=True, kw_only=True):
    """What differs from the ordinary in a world."""

    environment: str = "production"
    text: str = ""
    """Stands in every name and message that other people write."""
    others: int = 0
    """So many environments more, beside the one that counts."""


def _sandbox(system: Any, path: str, world: SmallWorld) -> World:
    """Two pipelines: what deploys, and what trains."""
    text, name = world.text, world.environment
    many = [Task(f"put {n}", 1, environment=f"edge-{n:03}") for n in range(world.others)]
    groups = {"gitlab": lambda task: Group(task.name, (task,), parallel=True)}
    group: Callable[[Task], Any] = groups.get(system, lambda task: task)
    deploy = plan(
        *([Group("all", tuple(many), parallel=True)] if many else []),
        group(Task(f"build{text}", 2, tests=6)),
        group(Task(f"canary{text}", 2, environment=name)),
        group(Task(f"promote{text}", 2, gate=f"Promote{text}?", environment=name)),
    )
    return World(
        Scenario(
            pipelines=(
                Pipeline(
                    system=system,
                    path=path,
                    age=600,
                    history=3,
                    cause="user",
                    parameters=(("TARGET", name), ("MODEL_VERSION", "{version}")),
                    tasks=deploy,
                    titled="{version}" + text if system == "jenkins" else "",
                ),
                Pipeline(
                    system=system,
                    path=f"{path}-train",
                    age=900,
                    history=2,
                    tasks=plan(group(Task("fit", 5, tests=4, outcomes=(State.FAILED,)))),
                ),
            ),
            people=(f"ann{text}", "bob"),
        ),
        Fast(START),
    )


def _jenkins(faults: Faults, world: SmallWorld) -> ASGIApp:
    return jenkins_app(
        _sandbox("jenkins", "serve", world), faults, JenkinsOptions(user="you", token="jt-secret")
    )


def _gitlab(faults: Faults, world: SmallWorld) -> ASGIApp:
    return gitlab_app(_sandbox("gitlab", "ml/serve", world), faults, GitLabOptions(token="glpat-sandbox"))


def _spinnaker(faults: Faults, world: SmallWorld) -> ASGIApp:
    options = SpinnakerOptions(token="spk_sandbox")
    return spinnaker_app(_sandbox("spinnaker", "ml/serve", world), faults, options)


def third_server(faults: Faults, world: SmallWorld) -> Server:
    text, name = world.text, world.environment
    server = Server()
    server.faults = faults
    server.add("ml/serve-train", f"train{text}", state="broken", jobs=[Job("serve", "broken")])
    old = server.add("ml/serve", f"first{text}", version="1.0", jobs=[Job("serve")])
    new = server.add(
        "ml/serve",
        f"second{text}",
        state="held",
        version="1.1",
        who=f"ann{text}",
        gate=name,
        asks=f"Promote{text}?",
        jobs=[Job(f"build{text}"), Job("serve", log=f"epoch 1{text}\nit serves\n")],
        cases=[Case(f"test_fast{text}"), Case(f"test_exact{text}", passed=False, words=f"0.71 > 0.70{text}")],
    )
    places = [Place(f"edge-{n:03}", "ml/serve", "other") for n in range(world.others)]
    deployments = [
        Deployment(new.id, f"1.1{text}", new.begun, canary=True),
        Deployment(old.id, f"1.0{text}", old.begun),
    ]
    server.places = [*places, Place(name, "ml/serve", "production", deployments)]
    return server


JENKINS = Vendor(
    name="jenkins",
    config="""
[sources.jenkins]
type = "jenkins"
url = "{url}/jenkins"
user = "you"
token = "jt-secret"
[[sources.jenkins.deployments]]
job = "serve"
environment = { parameter = "TARGET" }
version = { parameter = "MODEL_VERSION" }
canary = { input = "(?i)promote" }
""",
    pipeline="jenkins:serve",
    app=_jenkins,
    retry="/replay",
    go="/proceed",
    tiers="",
    rights="",
    odd=SUCCESS,
)
GITLAB = Vendor(
    name="gitlab",
    config="""
[sources.gitlab]
type = "gitlab"
url = "{url}/gitlab"
token = "glpat-sandbox"
watch = ["ml/**"]
""",
    pipeline="gitlab:ml/serve",
    app=_gitlab,
    retry="/retry",
    go="/play",
    tiers="/environments",
    rights="/personal_access_tokens/self",
    odd=SUCCESS,
)
SPINNAKER = Vendor(
    name="spinnaker",
    config="""
[sources.spinnaker]
type = "spinnaker"
url = "{url}/gate"
token = "spk_sandbox"
watch = ["ml"]
[sources.spinnaker.environments.{environment}]
application = "ml"
region = "{environment}"
cluster = "deployment ml"
canary = "deployment ml-canary"
""",
    pipeline="spinnaker:ml/serve",
    app=_spinnaker,
    retry="/restart",
    go="/stages/",
    tiers="/credentials",
    rights="",
    odd={b'"SUCCEEDED"': f'"{ODD.upper()}"'.encode()},
)
THIRD = Vendor(
    name="thirdci",
    config="""
[sources.thirdci]
type = "thirdci"
url = "{url}/third"
token = "a-token"
""",
    pipeline="thirdci:ml/serve",
    app=lambda faults, world: third_server(faults, world).app,
    retry="/again",
    go="/go",
    tiers="/places",
    rights="/api/me",
    odd={b'"ok"': f'"{ODD}"'.encode()},
)
VENDORS = (JENKINS, GITLAB, SPINNAKER, THIRD)


class Terminal:
    """Commands on a configuration with that one source, and what its server got of them."""

    def __init__(
        self, vendor: Vendor, file: Path, faults: Faults, url: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.vendor = vendor
        self.file = file
        self.faults = faults
        self._url = url
        self._capsys = capsys

    def configure(
        self,
        *,
        environment: str = "production",
        judged: bool = False,
        more: str = "",
        read_only: bool = False,
    ) -> None:
        """Write the configuration.

        Args:
            judged: a metric of the model is compared, which nobody can read.
            more: stands at the end.
            read_only: the source is.
        """
        table = self.vendor.config.replace("{url}", self._url).replace("{environment}", environment)
        if read_only:
            head = f'type = "{self.vendor.name}"'
            table = table.replace(head, f"{head}\nread_only = true")
        model = f'[models.fraud]\npipelines = ["{self.vendor.pipeline}"]\nenvironment = "{environment}"\n'
        if judged:
            model += f'metrics = ["quality"]\n{UNREAD}'
        self.file.write_text(f"{table}{model}{more}", encoding="utf-8")
        self.file.chmod(0o600)

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Exit code, what was printed, what was complained of."""
        code = main(["--config", str(self.file), *arguments])
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def document(self, *arguments: str) -> tuple[int, Any]:
        code, out, errors = self(*arguments, "--json")
        assert out, errors
        return code, json.loads(out)

    @property
    def gate(self) -> str:
        """The address of the gate that the canary waits at."""
        (gate,) = self.document("gates")[1]["gates"]
        return str(gate["address"])

    @property
    def trained(self) -> str:
        """The address of the newest run of what trains."""
        rows = self.document("status")[1]["sources"][0]["pipelines"]
        return next(str(row["last_run"]["address"]) for row in rows if row["address"].endswith("-train"))

    @property
    def writes(self) -> list[str]:
        """What the server received of requests that change something."""
        return [f"{write.method} {write.path}" for write in self.faults.writes]


@contextmanager
def terminal_at(
    vendor: Vendor,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    world: SmallWorld,
    around: Callable[[ASGIApp], ASGIApp] = lambda app: app,
) -> Iterator[Terminal]:
    """A server of that kind with that world, and commands on it."""
    faults = Faults()
    with serving(around(vendor.app(faults, world))) as url:
        terminal = Terminal(vendor, folder / "config.toml", faults, url, capsys)
        terminal.configure(environment=world.environment)
        yield terminal
        faults.set(None)


def replacing(words: Mapping[bytes, bytes]) -> Callable[[ASGIApp], ASGIApp]:
    """An app with words of its JSON answers replaced."""

    def around(app: ASGIApp) -> ASGIApp:
        async def changed(scope: Any, receive: Any, send: Any) -> None:
            start: dict[str, Any] = {}
            body = bytearray()

            async def collect(message: Any) -> None:
                nonlocal start
                if message["type"] == "http.response.start":
                    start = message
                    return
                body.extend(message.get("body", b""))
                if message.get("more_body"):
                    return
                answer = bytes(body)
                for old, new in words.items():
                    answer = answer.replace(old, new)
                headers = [
                    (key, value) for key, value in start["headers"] if key.lower() != b"content-length"
                ]
                headers.append((b"content-length", str(len(answer)).encode()))
                await send({**start, "headers": headers})
                await send({"type": "http.response.body", "body": answer})

            await app(scope, receive, collect if scope["type"] == "http" else send)

        return changed

    return around
