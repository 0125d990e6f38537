"""Recorded answers of real Gates are read, and the sandbox's have the same fields and types.

``PIPEDECK_SPINNAKER_RECORDINGS`` points at a folder of them; without it the shared one beside the repository is tried,
and without that these tests are skipped.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.contract.spinnaker.bodies import config, execution
from tests.contract.spinnaker.conftest import FakeGate
from tui.config import SpinnakerEnvironment
from tui.domain.address import Address
from tui.domain.pipeline import Stage
from tui.domain.status import Status
from tui.sandbox.faults import Faults
from tui.sandbox.scenario import tour
from tui.sandbox.spinnaker import PREFIX, spinnaker_app
from tui.sandbox.world import Clock, World
from tui.sources.spinnaker.payload import CONFIGS, EXECUTION, ORCHESTRATION, SERVER_GROUPS, USER
from tui.sources.spinnaker.read.places import standings
from tui.sources.spinnaker.source import SpinnakerSource

_BESIDE = Path(__file__).parents[4] / "shared" / "recordings" / "spinnaker"
FOLDER = Path(os.environ.get("PIPEDECK_SPINNAKER_RECORDINGS", _BESIDE))
pytestmark = pytest.mark.skipif(
    not (FOLDER / "INDEX.tsv").is_file(),
    reason=f"no recordings at {FOLDER}; set PIPEDECK_SPINNAKER_RECORDINGS",
)


def recorded(name: str) -> Any:
    return json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def executions() -> Iterator[dict[str, Any]]:
    for file in sorted(FOLDER.glob("execution*.json")):
        found = json.loads(file.read_text(encoding="utf-8"))
        found = found if isinstance(found, list) else [found]
        yield from (each for each in found if isinstance(each, dict) and "stages" in each)


def walked(stages: tuple[Stage, ...]) -> Iterator[Stage]:
    for each in stages:
        yield each
        yield from walked(each.children)


async def test_every_execution_becomes_a_run(gate: FakeGate, source: SpinnakerSource) -> None:
    seen = 0
    for found in executions():
        application = found.setdefault("application", "shop")
        found.setdefault("id", execution(1)["id"])
        gate.configs, gate.executions = [config(1)], [found]
        run = await source.run(Address("spin", f"{application}/x", str(found["id"])))
        assert run.status is not Status.UNKNOWN, run.vendor_status
        named = [each for each in found["stages"] if isinstance(each, dict)]
        assert bool(run.stages) is bool(named)
        for each in walked(run.stages or ()):
            assert each.status is not Status.UNKNOWN, each.vendor_status
        seen += 1
    assert seen > 10


def test_everything_else_is_read() -> None:
    def bytes_of(name: str) -> bytes:
        return (FOLDER / f"{name}.json").read_bytes()

    for file in FOLDER.glob("task-*.json"):
        if "id" in json.loads(file.read_text(encoding="utf-8")):
            ORCHESTRATION.decode(file.read_bytes())
    for file in FOLDER.glob("pipeline-configs-*.json"):
        assert all(each.name for each in CONFIGS.decode(file.read_bytes()))
    everything = SpinnakerEnvironment(application="x")
    for file in FOLDER.glob("server-groups-*.json"):
        groups = SERVER_GROUPS.decode(file.read_bytes())
        found = standings(everything, groups)
        assert len(found) == len(groups) > 0
        assert all(each.version for each in found)
    assert USER.decode(bytes_of("auth-user-logged-in")).roles == ("public", "admin")
    assert USER.decode(bytes_of("auth-user-anonymous")).username == "anonymous"


LOOSE = ("context", "outputs", "parameters", "labels", "metadata", "spec", "annotations", "config")
"""Maps that hold what people and clouds put there."""


def differences(ours: Any, theirs: Any, path: str = "$") -> Iterator[str]:
    """What ours has of another type than theirs, or that theirs has not; None and a missing key are the same."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs and key not in LOOSE:
                yield from differences(value, theirs[key], f"{path}.{key}")
    elif isinstance(ours, list) and isinstance(theirs, list):
        for each in ours[:1]:
            for other in theirs[:1]:
                yield from differences(each, other, f"{path}[]")
    elif ours is not None and theirs is not None:
        numbers = isinstance(ours, int | float) and isinstance(theirs, int | float)
        if type(ours) is not type(theirs) and not (numbers and bool not in (type(ours), type(theirs))):
            yield f"{path}: {ours!r} is no {type(theirs).__name__}"


async def test_the_sandbox_answers_as_real_ones_do() -> None:
    world = World(tour(), Clock(1_790_000_000.0, manual=True))
    transport = httpx.ASGITransport(app=spinnaker_app(world, Faults()))
    async with httpx.AsyncClient(transport=transport, base_url=f"http://gate{PREFIX}") as http:

        async def ask(path: str, **query: str) -> Any:
            answer = await http.get(path, params=query)
            assert answer.status_code == 200, path
            return answer.json()

        configs = await ask("/applications/ranking/pipelineConfigs")
        ids = ",".join(each["id"] for each in configs)
        listed = await ask("/executions", pipelineConfigIds=ids, limit="2", expand="false")
        delivery = [each for each in listed if each["name"].startswith("Deploy")][-1]
        whole = await ask(f"/pipelines/{delivery['id']}")
        groups = await ask("/applications/ranking/serverGroups")
        analysis = next(each for each in whole["stages"] if each["type"] == "runCanary")
        kayenta = await ask(f"/v2/canaries/canary/{analysis['context']['canaryPipelineExecutionId']}")
        first = groups[0]
        where = f"{first['account']}/{first['region']}/{first['cluster']}"
        pairs = [
            (configs, recorded("pipeline-configs-kubernetes")),
            (listed, recorded("executions-kubernetes-collapsed")),
            (whole, recorded("execution-kubernetes-2025")),
            (groups, [each for each in recorded("server-groups-kubernetes") if each["capacity"]["desired"]]),
            (await ask("/auth/user"), recorded("auth-user-anonymous")),
            (await ask("/credentials"), recorded("credentials-kubernetes")),
            (await ask("/applications"), recorded("applications")),
            (kayenta, recorded("canary-result-fail")),
            (await ask(f"/manifests/{where}"), recorded("manifest-deployment")),
            (await ask(f"/instances/a/b/{first['name']}/console"), recorded("instance-console-kubernetes")),
        ]
    assert [found for ours, theirs in pairs for found in differences(ours, theirs)] == []
    for stage in listed[-1]["stages"]:
        assert (stage["context"], stage["outputs"], stage["tasks"]) == ({}, {}, [])
    assert EXECUTION.decode(msgspec.json.encode(whole)).all_stages
