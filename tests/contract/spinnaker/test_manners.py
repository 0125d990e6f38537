"""Logging in, and every form of not being logged in; failures behind Gate, limits, and what check says
(contracts: spinnaker §2, §3, §12)."""

from pathlib import Path
from typing import Any

import pytest

from tests.contract.spinnaker.bodies import config, execution
from tests.contract.spinnaker.conftest import Clock, FakeGate, Open
from tests.http_stub import Reply
from tui.config import ConfigError, Secret, parse
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.spinnaker.source import SpinnakerSource

LIST = "GET /applications/shop/pipelineConfigs"
PAGE = Reply.text("<html><form>log in</form></html>", content_type="text/html")


async def refusal(source: SpinnakerSource) -> SourceError:
    with pytest.raises(SourceError) as caught:
        await source.pipelines()
    return caught.value


@pytest.mark.parametrize(
    ("answer", "trouble", "words"),
    [
        (Reply(302, {"Location": "/login"}), Trouble.UNAUTHORIZED, "it sends to"),
        (Reply(302, {"Location": "https://sso.example/?t=1"}), Trouble.UNAUTHORIZED, "https://sso.example/"),
        (Reply(401), Trouble.UNAUTHORIZED, "not logged in"),
        (PAGE, Trouble.UNAUTHORIZED, "a web page came"),
        (Reply.json({"message": "Access is denied"}, 403), Trouble.FORBIDDEN, "Access is denied"),
        (Reply(200), Trouble.WRONG_ANSWER, "with nothing in it"),
        (Reply.json({"message": "Status: 503, URL: http://orca"}, 500), Trouble.SERVER_ERROR, "http://orca"),
        (Reply.json({"message": "not there"}, 404), Trouble.NOT_FOUND, "not there"),
        (Reply.json([{"id": 7}]), Trouble.WRONG_ANSWER, "$[0].id"),
    ],
)
async def test_what_an_answer_that_is_none_means(
    gate: FakeGate, source: SpinnakerSource, answer: Reply, trouble: Trouble, words: str
) -> None:
    gate.routes[LIST] = answer
    error = await refusal(source)
    assert error.trouble is trouble
    assert words in error.message


@pytest.mark.parametrize(
    ("reset", "seconds"),
    [
        ("Thu, 01 Jan 1970 00:29:50 GMT", 10),  # seconds taken for milliseconds, from behind Gate
        ("", 10),
        ("Mon, 21 Sep 2026 14:13:50 GMT", 30),
    ],
)
async def test_a_limit_is_waited_for(
    gate: FakeGate, source: SpinnakerSource, clock: Clock, reset: str, seconds: float
) -> None:
    headers = {"Date": "Mon, 21 Sep 2026 14:13:20 GMT", "X-RateLimit-Reset": reset}
    gate.configs = [config(1)]
    gate.routes[LIST] = Reply(429, headers, b'{"message": "Rate capacity exceeded"}')
    error = await refusal(source)
    assert (error.trouble, error.retry_at) == (Trouble.RATE_LIMITED, clock.now + seconds)
    asked = len(gate.stub.requests)
    assert (await refusal(source)).trouble is Trouble.RATE_LIMITED
    assert len(gate.stub.requests) == asked, "nothing is sent meanwhile"
    del gate.routes[LIST]
    clock.now += seconds + 1
    await source.pipelines()


@pytest.mark.parametrize(
    ("settings", "header", "value"),
    [
        ({"token": Secret("spk_1")}, "x-spinnaker-token", "spk_1"),
        ({"bearer": Secret("abc")}, "authorization", "Bearer abc"),
        ({"user": "me", "password": Secret("pw")}, "authorization", "Basic bWU6cHc="),
        ({"cookie": Secret(("echo", "SESSION=x"))}, "cookie", "SESSION=x"),
        ({"headers": {"X-Goog-Iap": Secret("jwt")}}, "x-goog-iap", "jwt"),
    ],
)
async def test_each_way_to_log_in(gate: FakeGate, at: Open, settings: Any, header: str, value: str) -> None:
    gate.configs = [config(1)]
    await at(**settings).pipelines()
    assert {each.headers.get(header) for each in gate.stub.requests} == {value}


HEAD = "[sources.spin]\ntype = 'spinnaker'\nurl = 'https://gate'\nwatch = ['shop']\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("token = 'a'\nbearer = 'b'", "sources.spin.bearer: cannot stand beside token"),
        ("user = 'a'", "sources.spin.password: is missing"),
        ("masters = { ci = 'jenkins' }", "sources.spin.masters.ci: there is no [sources.jenkins]"),
        (
            "environments.live = { application = 'x', rollback = { job = 'back' } }",
            "sources.spin.environments.live.rollback.job: is a pipeline, written APPLICATION/NAME",
        ),
        (
            "environments.live = { application = 'x', rollback = { job = 'x/b', parameters = { V = '{v}' } } }",
            "sources.spin.environments.live.rollback.parameters.V: unknown placeholder {v}",
        ),
    ],
)
def test_what_cannot_be_meant_is_named(text: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(HEAD + text, Path("/etc/pipedeck/config.toml"))
    assert words in str(caught.value)


async def findings(source: SpinnakerSource) -> dict[str, tuple[str, str]]:
    return {each.subject: (each.level, each.message) for each in await source.check()}


async def test_check_tells_whom_gate_takes_us_for(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs, gate.executions = [config(1)], [execution(1)]
    gate.routes["GET /version"] = Reply.json({"version": "6.70.0"})
    gate.routes["GET /v2/canaryConfig"] = Reply.json([])
    found = await findings(source)
    assert found["user"] == ("ok", "ann, roles ml")
    assert found["server"] == ("ok", "Gate 6.70.0 answers")
    assert found["watch"] == ("ok", "finds 1 pipelines of 1 applications")
    assert "it answers" in found["Kayenta"][1]
    assert await source.account() == "ann"


@pytest.mark.parametrize("body", [b"", b'{"username": "anonymous"}'])
async def test_200_proves_no_log_in(gate: FakeGate, at: Open, body: bytes) -> None:
    gate.configs = [config(1)]
    gate.user = Reply(200, {"Content-Type": "application/json"}, body)
    source = at()
    found = await findings(source)
    assert ("anonymous" in found["user"][1]) is bool(body)
    assert found["user"][0] == ("ok" if body else "warning")
    assert found["Kayenta"] == ("ok", "it is not there, or not for this user: 404")
    assert found["server"] == ("ok", "Gate answers; it does not tell its version")
    assert await source.account() == ""


async def test_check_ends_where_nobody_is_logged_in(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.user = Reply(302, {"Location": "/login"})
    found = await findings(source)
    assert found["not logged in"][0] == "error"
    assert "watch" not in found
