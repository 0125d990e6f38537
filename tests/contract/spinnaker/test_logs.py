"""The log of a stage is made of what there is (contracts: spinnaker §10)."""

from typing import Any

import pytest

from tests.contract.spinnaker.bodies import MS, RUNNING, config, execution, stage, ulid
from tests.contract.spinnaker.conftest import FakeGate, Open
from tests.http_stub import Reply
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.spinnaker.log.reader import MADE, SpinnakerLog
from tui.sources.spinnaker.source import SpinnakerSource

RUN = Address("spin", "shop/pipeline 1", ulid(1))


class Sink:
    def __init__(self) -> None:
        self.text = b""
        self.begun = 0

    def begin(self, position: int) -> None:
        self.text, self.begun = b"", self.begun + 1

    def feed(self, data: bytes) -> None:
        self.text += data


def task(name: str, status: str, start: int, end: int | None) -> dict[str, Any]:
    return {"id": "1", "name": name, "status": status, "startTime": start, "endTime": end}


JOB: dict[str, Any] = {
    "account": "k8s",
    "kato.tasks": [{"history": [{"phase": "DEPLOY", "status": "Deploying job"}]}],
    "jobStatus": {"jobState": "Running", "location": "ml", "pods": [{"name": "train-1"}]},
}


async def test_tasks_clouds_and_consoles(gate: FakeGate, source: SpinnakerSource) -> None:
    tasks = [task("runJob", "SUCCEEDED", MS, MS + 3000), task("waitForJob", "RUNNING", MS + 3000, None)]
    train = stage("1", "runJobManifest", name="Train", context=JOB, tasks=tasks, **RUNNING)
    gate.configs, gate.executions = [config(1)], [execution(1, train, **RUNNING)]
    console = "GET /instances/k8s/ml/pod train-1/console"
    gate.routes[console] = Reply.json({"output": [{"name": "main", "output": "epoch 1\nepoch 2\n"}]})
    log, sink = source.log(RUN), Sink()
    assert isinstance(log, SpinnakerLog)
    status = await log.read(sink)
    assert (status.complete, status.note, log.chosen) == (False, MADE, "the stage that runs")
    assert log.of == RUN.at_job("Train")
    lines = sink.text.decode().splitlines()
    assert lines[0] == f"# {MADE}."
    assert any("runJob: SUCCEEDED after 3s" in line for line in lines)
    assert "  DEPLOY: Deploying job" in lines
    assert lines[-3:] == ["--- main:", "epoch 1", "epoch 2"]
    gate.routes[console] = Reply.json({"output": [{"name": "main", "output": "epoch 1\nepoch 2\nepoch 3\n"}]})
    await log.read(sink)
    assert sink.text.decode().endswith("epoch 2\nepoch 3\n")
    assert sink.begun == 1, "only what is new was handed on"
    gate.executions[0] |= {"status": "TERMINAL", "endTime": MS}
    train |= {"status": "TERMINAL", "context": JOB | {"jobStatus": {"message": "backoff limit"}}}
    assert (await log.read(sink)).complete
    assert sink.text.decode().endswith("ERROR: backoff limit\n")


async def test_a_linked_build_has_a_log_of_its_own(gate: FakeGate, at: Open) -> None:
    told = {"master": "ci", "job": "app", "buildNumber": 7}
    gate.configs, gate.executions = [config(1)], [execution(1, stage("1", "jenkins", context=told))]
    sink = Sink()
    await at(masters={"ci": "builds"}).log(RUN.at_job("stage 1")).read(sink)
    assert "its own log is that of builds:app#7" in sink.text.decode()


async def test_what_has_no_log(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs, gate.executions = [config(1)], [execution(1, stage("1"))]
    with pytest.raises(SourceError) as caught:
        await source.log(RUN.at_job("stage 2")).read(Sink())
    assert caught.value.trouble is Trouble.NOT_FOUND
    assert "it has: stage 1" in caught.value.message
    with pytest.raises(SourceError):
        source.log(RUN.pipeline)
    assert (await source.tests(RUN)).suites == ()
