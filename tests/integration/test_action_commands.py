"""``pipedeck approve``, ``promote``, ``gates``, ``journal`` and the others, against the sandbox's GitLab."""

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.serving import serving
from tui.cli import main
from tui.sandbox.faults import Faults, Kind
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.gitlab.manual_changes import ManualChanges
from tui.sandbox.scenario import named
from tui.sandbox.world import Clock, World

START = 1_790_000_000.0
GATES = ["gitlab:ml/risk", "gitlab:ml/fraud"]
"""The older one first."""
CONFIG = """
[sources.gitlab]
type = "gitlab"
url = "{url}/gitlab"
token = "glpat-sandbox"
watch = ["ml/**"]
[models.fraud]
pipelines = ["gitlab:ml/fraud"]
environment = "production"
"""


UNREAD = """
[sources.away]
type = "prometheus"
url = "http://127.0.0.1:1"
[metrics.m]
source = "away"
query = 'x{track="{track}"}'
fail = 1.0
"""


class Fast(Clock):
    """A minute passes in a third of a second."""

    def now(self) -> float:
        return START + 180 * (super().now() - START)


class Terminal:
    """Runs commands on a configuration."""

    def __init__(self, file: Path, faults: Faults, capsys: pytest.CaptureFixture[str]) -> None:
        self.file = file
        self._faults = faults
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        code = main(["--config", str(self.file), *arguments])
        said = self._capsys.readouterr()
        return code, said.out, said.err

    def document(self, *arguments: str) -> Any:
        code, out, _ = self(*arguments, "--json")
        return code, json.loads(out)

    def fault(self, kind: Kind | None, path: str = "") -> None:
        self._faults.set(kind, path=path)

    def all_journalled(self) -> bool:
        """Each request that reached the server is one of the journal, sent once."""
        told = [
            tuple(each) for action in self.document("journal")[1]["actions"] for each in action["requests"]
        ]
        seen = [(each.method, each.path) for each in self._faults.writes]
        return len(told) == len(seen) and all(
            any(path.endswith(noted) and method == how for how, noted in told) for method, path in seen
        )

    @property
    def writes(self) -> list[str]:
        recent = self._faults.recent
        return [line for line in recent if line.startswith("POST") and not line.endswith("/graphql")]


@pytest.fixture
def scenario() -> str:
    return "deployments"


@pytest.fixture
def terminal(
    scenario: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Terminal]:
    monkeypatch.setattr("tui.sources.http.limiter.RATE", 1000.0)
    monkeypatch.setattr("tui.engine.actions.executor.WAITS", (0.02,))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    world = World(named(scenario), Fast(START))
    faults = Faults()
    with serving(gitlab_app(world, faults, Options(token="glpat-sandbox"), ManualChanges())) as url:
        file = tmp_path / "config.toml"
        file.write_text(CONFIG.format(url=url), encoding="utf-8")
        file.chmod(0o600)
        terminal = Terminal(file, faults, capsys)
        yield terminal
        faults.set(None)
        assert terminal.all_journalled()


def test_a_canary_is_found_looked_at_and_promoted(terminal: Terminal) -> None:
    code, found = terminal.document("gates")
    assert (code, [each["address"].partition("#")[0] for each in found["gates"]]) == (0, GATES)
    gate = found["gates"][1]["address"]

    code, out, errors = terminal("promote", "fraud", "--dry-run")
    assert code == 0
    assert "  environment: production" in out
    assert "  way back: " in out
    assert out.index("verdict") < out.index("  against it: ") < out.index("  it does: ")
    assert "POST http" in out
    assert (errors, terminal.writes) == ("", [])

    code, _, errors = terminal("promote", "fraud")
    assert code == 4
    assert "without a terminal: --yes --confirm production" in errors
    code, _, errors = terminal("approve", gate, "--yes")  # by any other name
    assert (code, "--confirm production" in errors) == (4, True)
    code, _, errors = terminal("--read-only", "promote", "fraud", "--yes", "--confirm", "production")
    assert (code, "read-only" in errors, terminal.writes) == (4, True, [])

    code, done = terminal.document(
        "promote", "fraud", "--yes", "--confirm", "production", "--reason", "why not"
    )
    assert (code, done["actions"][0]["state"]) == (0, "done"), done
    assert done["actions"][0]["kind"] == "promote"
    assert len(terminal.writes) == 1

    code, errors = terminal("promote", "fraud", "--yes", "--confirm", "production")[::2]
    assert (code, errors) == (2, "pipedeck: no canary of fraud waits at a gate\n")
    code, journal = terminal.document("journal")
    (record,) = journal["actions"]
    assert (record["kind"], record["state"], record["reason"]) == ("promote", "done", "why not")
    assert len(record["requests"]) == 1


@pytest.mark.parametrize("scenario", ["demo"])
def test_what_blocks_nothing_is_listed_when_it_is_asked_for(terminal: Terminal) -> None:
    every = terminal.document("gates", "--optional")[1]["gates"]
    needless = {each["address"] for each in every if not each["blocking"] or each["overtaken"]}
    assert needless
    listed = terminal.document("gates")[1]["gates"]
    assert all(each["blocking"] and not each["overtaken"] for each in listed)
    assert needless.isdisjoint(each["address"] for each in listed)
    assert "nothing" in terminal("gates", "--optional")[1]
    assert "roll back" not in terminal("gates")[1]


def test_model_is_rolled_back_and_started_by_what_it_is_called(terminal: Terminal) -> None:
    code, out, errors = terminal("rollback", "fraud", "--dry-run")
    assert (code, "gitlab:ml/fraud@production" in out) == (0, True), errors
    code, _, errors = terminal("rollback", "fraud", "--yes")
    assert (code, "--confirm production" in errors) == (4, True)
    code, _, errors = terminal("trigger", "gitlab:ml/fraud", "--yes")  # it may deploy
    assert (code, "--confirm production" in errors) == (4, True)
    assert terminal.writes == []


PAIR = """
[models.pricing]
pipelines = ["gitlab:ml/pricing"]
blue_green = ["production/blue", "production/green"]
"""
SWITCH = (
    'switch = { pipeline = "gitlab:ml/pricing", parameters = { COLOUR = "{colour}", V = "{version}" } }\n'
)


def test_the_half_without_the_traffic_gets_it(terminal: Terminal) -> None:
    with terminal.file.open("a") as file:
        file.write(PAIR)
    code, _, errors = terminal("switch", "pricing", "--yes")
    assert (code, errors) == (2, "pipedeck: [models.pricing] has no switch\n")
    with terminal.file.open("a") as file:
        file.write(SWITCH)
    _, places = terminal.document("environments")
    live = next(each["name"] for each in places["environments"] if each.get("live"))
    idle = next(each for each in ("production/blue", "production/green") if each != live)
    colour = idle.rpartition("/")[2]
    code, out, errors = terminal("switch", "pricing", "--version", "2.7", "--dry-run")
    assert (code, f"variables: COLOUR={colour}, V=2.7" in out) == (0, True), out + errors
    code, _, errors = terminal("switch", "pricing", "--to", live, "--yes")
    assert (code, errors) == (4, f"pipedeck: nothing was sent: {live} has the traffic of pricing already\n")
    code, _, errors = terminal("switch", "pricing", "--to", "purple", "--yes")
    assert (code, "--to is one of production/blue, production/green; not purple" in errors) == (2, True)
    code, _, errors = terminal("switch", "gitlab:ml/pricing", "--yes")
    assert (code, "switch takes a MODEL of the config" in errors) == (2, True)
    assert terminal.writes == []
    code, done = terminal.document("switch", "pricing", "--to", colour, "--yes")
    assert len(terminal.writes) == 1
    assert "has the traffic" in done["actions"][0]["words"], done


def test_several_are_one_plan_and_each_its_own_outcome(terminal: Terminal) -> None:
    gate = terminal.document("gates")[1]["gates"][1]["address"]
    nowhere = "gitlab:ml/fraud#1/nothing"
    code, out, errors = terminal("approve", gate, nowhere, "--yes", "--confirm", "production")
    assert code in (3, 4), (out, errors)
    assert terminal("journal")[0] == 0


class Typed(io.StringIO):
    """What a person types at a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_doubt_is_asked_about_for_each(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    config = terminal.file.read_text().replace("[models.fraud]", f'{UNREAD}[models.fraud]\nmetrics = ["m"]')
    risk = config.partition("[models.fraud]")[2].replace("ml/fraud", "ml/risk")
    terminal.file.write_text(f'{config}[models.risk]\npromote = "go*"{risk}')
    gates = sorted(each["address"] for each in terminal.document("gates")[1]["gates"])
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", Typed("y\nproduction\nlive\ny\n1863\n"))
    code, _, errors = terminal("approve", *gates)
    asked = [
        f"{gate}: The verdict could not be read. To do it nevertheless type " in errors for gate in gates
    ]
    assert (code, asked) == (4, [True, True]), errors
    assert "--despite-verdict 1863" not in errors, "its number is typed where no version is known"
    assert [line.rpartition("/")[2] for line in terminal.writes] == ["approval"]


def test_against_the_verdict_each_version_is_named(terminal: Terminal) -> None:
    config = terminal.file.read_text().replace("[models.fraud]", f'{UNREAD}[models.fraud]\nmetrics = ["m"]')
    risk = config.partition("[models.fraud]")[2].replace("ml/fraud", "ml/risk")
    terminal.file.write_text(f'{config}[models.risk]\npromote = "go*"{risk}')
    sure = ("--yes", "--confirm", "production", "--confirm", "live")
    _, plans = terminal.document("promote", "fraud", "risk", "--dry-run")
    versions = {each["address"]: each["consent"]["version"] for each in plans["actions"]}
    assert len(set(versions.values())) == 2
    assert all(versions.values())
    for given in ((), ("--despite-verdict", "production"), ("--despite-verdict", "1.0")):
        code, _, errors = terminal("promote", "fraud", "risk", *sure, *given)
        assert code == 4
        assert all(f"without a terminal: --despite-verdict {each}\n" in errors for each in versions.values())
    assert terminal.writes == []
    meant = [f"--despite-verdict={each}" for each in versions.values()]
    code, _, _ = terminal("promote", "fraud", "risk", *sure, meant[0])
    assert (code, len(terminal.writes)) == (4, 1)
    code, _, errors = terminal("promote", "risk", *sure, *meant)
    assert (code, len(terminal.writes)) == (0, 2), errors
    assert {each["account"] for each in terminal.document("journal")[1]["actions"]} != {""}


def test_what_is_mistyped_is_said(terminal: Terminal) -> None:
    code, _, errors = terminal("approve", "nonsense", "--yes")
    assert (code, "'nonsense' is not an address" in errors) == (2, True)
    code, _, errors = terminal("promote", "frued", "--yes")
    assert (code, errors) == (
        2,
        "pipedeck: 'frued' is no ADDRESS, and no model of the config (known: fraud)\n",
    )
    code, _, errors = terminal("rollback", "fraud", "--set", "TO=1", "--yes")
    assert (code, "--set TO: rollback gitlab:ml/fraud@production asks for nothing" in errors) == (2, True)
    code, _, errors = terminal("promote", "fraud", "--set", "SHARE=50", "--yes", "--confirm", "production")
    assert (code, errors.startswith("pipedeck: --set SHARE: promote gitlab:ml/fraud#")) == (2, True)
    assert errors.endswith(" asks for variables\n")
    code, _, errors = terminal("trigger", "fraud", "--yes")
    assert (code, errors) == (2, "pipedeck: [models.fraud] has no retrain\n")
    code, _, errors = terminal("trigger", "gitlab:ml/fraud", "--set", "x", "--yes")
    assert (code, errors) == (2, "pipedeck: --set takes NAME=VALUE, not 'x'\n")
    assert terminal.writes == []


@pytest.mark.parametrize(
    ("fault", "code"), [("unheard", 5), ("unanswered", 0), ("cut", 0), ("truncated", 0), ("500", 5)]
)
def test_several_over_a_line_that_is_cut(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, fault: Kind, code: int
) -> None:
    if code:  # nothing will ever be seen of it
        monkeypatch.setattr("tui.engine.actions.executor.PATIENCE", 1.0)
    rows = terminal.document("status")[1]["sources"][0]["pipelines"]
    newest = {(each["address"], each["ref"]): each["last_run"] for each in rows if each["last_run"]}
    jobs = (
        f"{newest['gitlab:ml/fraud', 'main']['address']}/pytest",
        newest["gitlab:ml/edge", "next"]["address"],
    )
    terminal.fault(fault, "/retry")
    _, done = terminal.document("retry", *jobs, "--yes", "--confirm", "production")
    assert len(terminal.writes) == len(jobs)
    assert [each["state"] for each in done["actions"]] == ["unknown" if code else "done"] * 2, done


def test_what_gitlab_refused_to_a_proxy_that_repeats_was_done(terminal: Terminal) -> None:
    terminal.fault("twice", path="/play")
    code, out, _ = terminal("promote", "fraud", "--yes", "--confirm", "production")
    assert (code, "\ndone: " in out) == (0, True)
    assert "although the server had answered: 400 Bad request - Unplayable Job" in out
    assert len(terminal.writes) == 1
