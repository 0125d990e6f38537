"""What we ask of a Gate fits Gate's own description of its API: Prism, which serves that, finds nothing wrong.

Only where Prism is at hand: ``PIPEDECK_PRISM`` names its command (``npm install @stoplight/prism-cli``). It knows no
state, so this checks requests and not what is made of the answers.
"""

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.contract.spinnaker.bodies import ulid
from tests.contract.spinnaker.test_recordings import FOLDER
from tui.config import SpinnakerEnvironment, SpinnakerSettings
from tui.domain.action import Step
from tui.domain.address import Address
from tui.sources.spinnaker.actions.steps import StepKind
from tui.sources.spinnaker.source import SpinnakerSource

PRISM = os.environ.get("PIPEDECK_PRISM", "")
DESCRIBED = FOLDER / "gate-swagger-trimmed.json"
pytestmark = pytest.mark.skipif(
    not (PRISM and DESCRIBED.is_file()), reason="PIPEDECK_PRISM names no Prism, or there is no description"
)


@pytest.fixture(scope="module")
def prism() -> Iterator[str]:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [PRISM, "mock", str(DESCRIBED), "--host", "127.0.0.1", "--port", str(port), "--errors"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as running:
        assert running.stdout is not None
        assert any("listening" in line for line in running.stdout), "it did not start"
        yield f"http://127.0.0.1:{port}"
        running.terminate()


async def test_what_is_read_is_described(prism: str) -> None:
    place = SpinnakerEnvironment(application="shop")
    settings = SpinnakerSettings(url=prism, watch=("*/**",), environments={"live": place})
    source = SpinnakerSource("spin", settings)
    try:
        assert (await source.pipelines()).pipelines
        found = {each.subject: each for each in await source.check()}
        assert not [each for each in found.values() if each.level == "error"], found
        await source.environments(Address("spin", "shop/x"))
    finally:
        await source.close()


WRITES = [
    (StepKind.JUDGE, "PATCH", f"/pipelines/{ulid(1)}/stages/S1", {"judgmentStatus": "continue"}),
    (StepKind.RESTART, "PUT", f"/pipelines/{ulid(1)}/stages/S1/restart", {}),
    (StepKind.CANCEL, "PUT", f"/pipelines/{ulid(1)}/cancel?reason=because", None),
    (StepKind.PAUSE, "PUT", f"/pipelines/{ulid(1)}/pause", None),
    (StepKind.RESUME, "PUT", f"/pipelines/{ulid(1)}/resume", None),
    (StepKind.START, "POST", "/pipelines/shop/an-id", {"type": "manual", "parameters": {}}),
    (StepKind.UNDO, "POST", "/tasks", {"application": "shop", "job": []}),
]


@pytest.mark.parametrize(("kind", "method", "path", "body"), WRITES, ids=[kind.value for kind, *_ in WRITES])
async def test_what_is_sent_is_described(
    prism: str, kind: StepKind, method: str, path: str, body: object
) -> None:
    source = SpinnakerSource("spin", SpinnakerSettings(url=prism, watch=("shop",)))
    content = (("", json.dumps(body)),) if body is not None else ()
    kinds = "raw json" if content else "none"
    step = Step("", method, path, content, kinds, kind=kind)  # type: ignore[arg-type]
    try:
        reply = await source.send(step, {})
    finally:
        await source.close()
    assert reply.state in ("accepted", "lost"), reply
    assert reply.status in (200, 201, 202), reply
