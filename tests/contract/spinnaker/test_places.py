"""What runs where: server groups as environments (contracts: spinnaker §8)."""

from typing import Any

import pytest

from tests.contract.spinnaker.bodies import MS, config, execution, group, stage, ulid
from tests.contract.spinnaker.conftest import FakeGate, Open
from tests.contract.spinnaker.test_actions import vm
from tests.http_stub import Reply
from tui.config import SpinnakerEnvironment
from tui.domain.address import Address
from tui.domain.deployment import Environment
from tui.domain.status import Status
from tui.insight.environment_state import environment_state
from tui.sources.spinnaker.source import SpinnakerSource

PIPELINE = Address("spin", "shop/pipeline 1")
PLACE = Address("spin", "shop", environment="live")


def source_of(at: Open, **rule: Any) -> SpinnakerSource:
    wanted = {"cluster": "deployment shop", "canary": "deployment shop-canary", **rule}
    return at(environments={"live": SpinnakerEnvironment(application="shop", **wanted)})


async def read(source: SpinnakerSource) -> Environment:
    (found,) = (await source.environments(PIPELINE)).environments
    return found


async def test_versions_that_serve_and_those_before(gate: FakeGate, at: Open) -> None:
    gate.groups = [
        group(1, "shop:1"),
        group(2, "registry:5000/shop@sha256:abc"),
        group(3, "shop:3", up=3),
        group(4, "shop:4", up=1, cluster="deployment shop-canary"),
        group(3, "shop:0", cluster="deployment shop-canary"),
        group(9, "other:9", up=1, cluster="deployment other"),
    ]
    found = await read(source_of(at))
    assert found.address == PLACE
    assert [(each.version, each.status, each.vendor_status, each.canary) for each in found.deployments] == [
        ("3", Status.PASSED, "enabled", False),
        ("sha256:abc", Status.PASSED, "scaled to 0", False),
        ("1", Status.PASSED, "scaled to 0", False),
        ("4", Status.PASSED, "enabled", True),
    ]
    assert {each.share for each in found.deployments} == {None}, "no share is told anywhere"
    now = environment_state(found.deployments)
    assert now.stable is not None
    assert now.canary is not None
    assert now.previous is not None
    assert (now.stable.version, now.canary.version, now.previous.version) == ("3", "4", "sha256:abc")


async def test_a_version_that_was_taken_out_is_no_way_back(gate: FakeGate, at: Open) -> None:
    """After an undo the older replica set has the highest revision, after a rollback the older group is enabled."""
    undone = [
        group(3, "shop:1", up=2, createdTime=MS - 900_000),
        group(2, "shop:2", createdTime=MS - 100_000),
    ]
    enabled = [vm(1, 2, buildInfo={"version": "1"}), vm(2, 0, buildInfo={"version": "2"})]
    for groups in (undone, enabled):
        gate.groups = groups
        found = await read(source_of(at))
        now = environment_state(found.deployments)
        assert now.stable is not None
        assert now.stable.version == "1"
        assert now.previous is None
        assert [each.status for each in found.deployments if each.version == "2"] == [Status.CANCELED]


async def test_a_rollout_under_way(gate: FakeGate, at: Open) -> None:
    gate.groups = [
        group(1, "shop:1", up=3),
        group(2, "shop:2", up=3, instanceCounts={"total": 3, "up": 1}),
    ]
    found = await read(source_of(at))
    assert [(each.version, each.status, each.vendor_status) for each in found.deployments] == [
        ("2", Status.RUNNING, "enabled, 1 of 3 up"),
        ("1", Status.PASSED, "enabled"),
    ]


async def test_nothing_serves_or_several_do(gate: FakeGate, at: Open) -> None:
    gate.groups = [group(1, "shop:1")]
    assert (await read(source_of(at))).notes == ("nothing of deployment shop serves",)
    gate.groups.append(group(1, "worker:1", up=1, cluster="deployment worker"))
    assert "2 clusters fit it" in (await read(source_of(at, cluster="*"))).notes[0]
    gate.groups = []
    assert "no server group fits it" in (await read(source_of(at))).notes[0]


async def test_without_a_rule_it_says_what_to_write(gate: FakeGate, at: Open) -> None:
    found = await at().environments(PIPELINE)
    assert found.environments == ()
    assert "[sources.spin.environments.NAME]" in found.notes[0]
    assert gate.stub.requests == []


async def test_who_put_it_there(gate: FakeGate, at: Open) -> None:
    told = {
        "account": "k8s",
        "outputs.manifestNamesByNamespace": {"prod": ["deployment shop"]},
        "outputs.manifests": [
            {"spec": {"template": {"spec": {"containers": [{"name": "shop", "image": "shop:2"}]}}}}
        ],
    }
    gate.configs = [config(1)]
    gate.executions = [execution(1, stage("1", "deployManifest", context=told)), execution(2, stage("1"))]
    gate.groups = [group(1, "shop:1"), group(2, "shop:2", up=1)]
    source = source_of(at)
    await source.pipelines()
    gate.stub.requests.clear()
    runs = {each.version: (each.run, each.who) for each in (await read(source)).deployments}
    assert runs == {"2": (PIPELINE.at_run(ulid(1)), "ann"), "1": (None, "")}
    await source.history(PLACE)
    assert gate.asked.count(f"/pipelines/{ulid(1)}") == 1, "what has ended is read once"


@pytest.mark.parametrize(
    ("account", "tier"),
    [
        ({"environment": "test", "challengeDestructiveActions": True}, "production"),
        ({"environment": "prod-eu", "challengeDestructiveActions": False}, "production"),
        ({"environment": "test", "challengeDestructiveActions": False}, "test"),
        ({"environment": "k8s", "challengeDestructiveActions": False}, None),  # nobody said what it is for
        ({"environment": "test"}, None),
        ({"name": "another", "environment": "test", "challengeDestructiveActions": False}, None),
    ],
)
async def test_which_account_is_production(gate: FakeGate, at: Open, account: Any, tier: str | None) -> None:
    gate.groups = [group(1, "shop:1", up=1)]
    gate.routes["GET /credentials"] = Reply.json([{"name": "k8s", **account}])
    assert await source_of(at).tier(PLACE) == tier
    assert await source_of(at, account="k8s").tier(PLACE) == tier
