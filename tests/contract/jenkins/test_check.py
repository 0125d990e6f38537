"""``pipedeck check`` against good and bad controllers."""

import ssl
from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.contract.jenkins.support import EMPTY_QUEUE, body, core, jenkins, recorded
from tests.http_stub import Reply, Route
from tests.patience import given_up
from tui.config import JenkinsSettings, Secret
from tui.domain.health import Finding
from tui.sources.jenkins.source import JenkinsSource

RUN = "org.jenkinsci.plugins.workflow.job.WorkflowRun"
TLS = Path(__file__).parents[2] / "recordings" / "tls"
LOGGED_IN: dict[str, Any] = {"user": "admin", "token": Secret("t0ken")}
NOW = 1795420800.0
DATE = {"Date": "Mon, 23 Nov 2026 08:00:00 GMT"}
"""NOW, as a server writes it."""


def clock(now: float) -> Callable[[], float]:
    """It goes on by a tenth of a second whenever it is looked at, so that no request waits for its turn."""
    ticks = count()
    return lambda: now + next(ticks) / 10


def build(number: int, timestamp: int, kind: str = RUN) -> dict[str, Any]:
    return {"_class": kind, "number": number, "result": "SUCCESS", "building": False, "timestamp": timestamp}


def controller(**more: Route) -> dict[str, Route]:
    old = {"name": "old", "color": "blue", "builds": [build(4, 1000)]}
    new = {"name": "new", "color": "blue", "builds": [build(7, 9000), build(6, 8000)]}
    free = {"name": "free", "color": "blue", "builds": [build(9, 99000, "hudson.model.FreeStyleBuild")]}
    return {
        "/whoAmI/api/json": core(body("whoAmI"), **DATE),
        "/api/json": core({"jobs": [old, new, free]}),
        "/queue/api/json": EMPTY_QUEUE,
        "/job/new/7/api/json": core(build(7, 9000)),
        "/job/new/7/pipeline-overview/tree": recorded("graphview-tree-failing-pipeline"),
        **more,
    }


async def check(
    routes: Mapping[str, Route], *, now: float = NOW, silent: bool = False, **settings: Any
) -> dict[str, list[Finding]]:
    """The findings by level and subject, as ``error credentials``."""
    async with jenkins(routes, clock=clock(now), **settings) as (source, stub):
        checking = source.check()
        findings = await (given_up(checking, lambda: stub.requests) if silent else checking)
    found: dict[str, list[Finding]] = {}
    for finding in findings:
        assert bool(finding.advice) is (finding.level != "ok") or finding.subject in ("clock", "jobs")
        found.setdefault(f"{finding.level} {finding.subject}", []).append(finding)
    return found


async def test_a_good_controller() -> None:
    async with jenkins(controller(), clock=clock(NOW), **LOGGED_IN) as (source, _):
        findings = await source.check()
        assert source.facts().user == "admin"
    assert [(finding.level, finding.subject, finding.message) for finding in findings] == [
        ("ok", "connection", "127.0.0.1 answers"),
        ("ok", "credentials", "logged in as admin"),
        ("ok", "version", "Jenkins 2.516.3"),
        ("ok", "clock", "agrees with this machine's"),
        ("ok", "jobs", "3 watched jobs can be read"),
        ("ok", "stages", "read from pipeline-graph-view before 777"),
    ]


async def test_anonymous_is_said() -> None:
    routes = controller(**{"/whoAmI/api/json": core(body("whoAmI-anonymous"), **DATE)})
    found = await check(routes)
    assert found["warning credentials"][0].message == "no user and token: reading as anonymous"
    found = await check(routes, user="admin")
    assert "user is set without token" in found["warning credentials"][0].message
    found = await check(routes, **LOGGED_IN)
    assert (
        "takes us for anonymous, although user and token are set" in found["warning credentials"][0].message
    )
    assert "Authorization" in found["warning credentials"][0].advice


@pytest.mark.parametrize(
    ("who", "expected", "advice"),
    [
        (recorded("auth-bad-token-401"), ["ok connection", "error credentials"], "make an API token"),
        (Reply(302, {"Location": "/login"}), ["ok connection", "error credentials"], "make an API token"),
        (recorded("notfound-job-404"), ["ok connection", "error connection"], "prefix such as /jenkins"),
        (recorded("startup-api-503-2"), ["ok connection", "error connection"], "wait until"),
        (Reply.text("<html>hello"), ["ok connection", "error connection"], "that of a Jenkins"),
        (Reply(hang=True), ["error connection"], "raise timeout"),
    ],
)
async def test_faults_that_end_the_check(who: Reply, expected: list[str], advice: str) -> None:
    found = await check({"/whoAmI/api/json": who}, silent=who.hang, **LOGGED_IN)
    assert list(found) == expected
    (finding,) = found[expected[-1]]
    assert advice in finding.advice
    assert "GET /whoAmI/api/json" in finding.message


async def test_nobody_there() -> None:
    async with jenkins({}) as (source, stub):
        stub.close()
        (finding,) = await source.check()
    assert (finding.level, finding.subject) == ("error", "connection")
    assert "refuses connections" in finding.message


async def test_a_user_who_may_not_read() -> None:
    found = await check(controller(**{"/api/json": recorded("job-config-xml-viewer")}), **LOGGED_IN)
    assert "viewer lacks hudson.model.Item.Configure" in found["error jobs"][0].message
    assert found["error jobs"][0].advice == "ask for Overall/Read and Job/Read"
    found = await check(controller(**{"/api/json": core({"jobs": []})}), **LOGGED_IN)
    assert "sees no job that watch matches" in found["warning jobs"][0].message


async def test_globs_that_match_nothing() -> None:
    found = await check(controller(), watch=("new", "ml/**", "job/new"), **LOGGED_IN)
    assert [finding.message for finding in found["warning watch"]] == [
        "watch: ml/** matches no job",
        "watch: job/new matches no job",
    ]
    assert "without /job/" in found["warning watch"][0].advice
    assert found["ok jobs"][0].message == "1 watched job can be read"


async def test_clocks_that_differ() -> None:
    found = await check(controller(), now=NOW + 90, **LOGGED_IN)
    assert found["warning clock"][0].message == "the server's clock is 90 s behind this machine's"
    assert "NTP" in found["warning clock"][0].advice


async def test_a_version_that_is_hidden() -> None:
    routes = {path: route for path, route in controller().items() if path != "/whoAmI/api/json"}
    bare = {path: Reply(200, {}, route.body) for path, route in routes.items() if isinstance(route, Reply)}
    found = await check({**bare, "/whoAmI/api/json": Reply.json(body("whoAmI"))}, **LOGGED_IN)
    assert "does not tell its version" in found["warning version"][0].message


@pytest.mark.parametrize(
    ("routes", "level", "message"),
    [
        ({}, "warning", "no stage plugin: stages come without times"),
        (
            {"/job/new/7/wfapi/describe": recorded("wfapi-describe-success")},
            "warning",
            "parallel branches are not",
        ),
        ({"/job/new/7/stages/tree": recorded("root-tree-bad-400")}, "error", "GET /job/new/7/stages/tree"),
        ({"/api/json": core({"jobs": []})}, "ok", "no Pipeline run to look for stages in"),
    ],
)
async def test_stage_sources(routes: dict[str, Route], level: str, message: str) -> None:
    rest = {path: route for path, route in controller().items() if "pipeline-overview" not in path}
    found = await check({**rest, **routes}, **LOGGED_IN)
    assert message in found[f"{level} stages"][0].message


async def test_a_server_that_does_not_tell_its_time() -> None:
    who = core(body("whoAmI"), Date="yesterday")
    found = await check(controller(**{"/whoAmI/api/json": who}), **LOGGED_IN)
    assert found["warning clock"][0].message == "the controller does not tell its time"


async def test_how_the_token_travels(monkeypatch: pytest.MonkeyPatch) -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(TLS / "server.pem", TLS / "server.key")
    async with jenkins(controller(), tls=tls, ca=TLS / "server.pem", **LOGGED_IN) as (source, _):
        assert Finding("ok", "TLS", "the certificate is trusted") in await source.check()
    async with jenkins(controller()) as (_, stub):
        monkeypatch.setenv("http_proxy", stub.url)
        monkeypatch.setenv("no_proxy", "")
        plain = JenkinsSource("ci", JenkinsSettings(url="http://jenkins.example", **LOGGED_IN))
        findings = await plain.check()
        await plain.close()
    assert Finding("warning", "TLS", "the credentials travel unencrypted", "use https in the url") in findings
