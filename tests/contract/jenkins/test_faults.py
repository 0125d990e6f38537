"""Controllers that are down, slow, wrong or unwilling."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.contract.jenkins.support import EMPTY_QUEUE, asked, core, jenkins, recorded
from tests.http_stub import Reply, Request
from tests.patience import given_up
from tui.config import ConfigError, JenkinsSettings, Secret
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.jenkins.source import JenkinsSource

TOKEN = "11s3cr3t0ken"
JOBS = core({"jobs": [{"name": "a", "color": "blue", "builds": []}]})


async def refusal(jobs: Reply, **settings: Any) -> SourceError:
    async with jenkins({"/api/json": jobs, "/queue/api/json": EMPTY_QUEUE}, **settings) as (source, stub):
        with pytest.raises(SourceError) as caught:
            await source.pipelines()
        assert sorted(asked(stub)) == ["/api/json", "/queue/api/json"]
    error = caught.value
    assert str(error) == error.message == error.fault.message
    assert error.message.isprintable()
    return error


def redirect(location: str, status: int = 302) -> Reply:
    return Reply(status, {"Location": location})


ANSWERS = {
    # what is answered: trouble, what the message says
    "auth-anonymous-403": (Trouble.UNAUTHORIZED, "it wants a log-in; set user and token"),
    "auth-bad-token-401": (
        Trouble.UNAUTHORIZED,
        "ci answered 401 to GET /api/json; check the user and token",
    ),
    "auth-unknown-user-401": (
        Trouble.UNAUTHORIZED,
        "ci answered 401 to GET /api/json; check the user and token",
    ),
    "auth-password-ok-200": (Trouble.WRONG_ANSWER, "JSON without jobs; is the url that of a Jenkins?"),
    "job-config-xml-viewer": (
        Trouble.FORBIDDEN,
        "403 to GET /api/json: viewer lacks hudson.model.Item.Configure",
    ),
    "notfound-job-404": (Trouble.NOT_FOUND, "it does not exist, or this user may not see it"),
    "root-tree-bad-400": (Trouble.SERVER_ERROR, "look for 7d16aad7-3389-4a73-aa36-020f49be4496 in its log"),
    "startup-api-503-2": (
        Trouble.UNAVAILABLE,
        "503 to GET /api/json: Starting Jenkins; the server is starting",
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_recorded_refusals(name: str) -> None:
    trouble, words = ANSWERS[name]
    error = await refusal(recorded(name))
    assert error.trouble is trouble
    assert words in error.message


REPLIES = {
    "log-in page on 200": (
        Reply.text("<!DOCTYPE html><title>Sign in</title>", content_type="text/html"),
        Trouble.WRONG_ANSWER,
        "answered a web page instead of JSON",
    ),
    "redirect to the log-in": (
        redirect("/login?from=%2Fapi%2Fjson"),
        Trouble.UNAUTHORIZED,
        "302 to GET /api/json: it sends to http://127.0.0.1:",
    ),
    "redirect to a log-in elsewhere": (
        redirect("https://user:pw@sso.example/saml?SAMLRequest=abc", 303),
        Trouble.UNAUTHORIZED,
        "it sends to https://sso.example/saml, probably a log-in page",
    ),
    "redirect to where it moved": (
        redirect("https://ci.example/jenkins/api/json?tree=x", 301),
        Trouble.REFUSED,
        "it has moved; set url = https://ci.example/jenkins in the config",
    ),
    "redirect to nowhere": (
        Reply(302),
        Trouble.UNAUTHORIZED,
        "it sends to somewhere that is no address, probably a log-in page",
    ),
    "redirect to nonsense": (redirect("http://[x"), Trouble.UNAUTHORIZED, "probably a log-in page"),
    "X-Error": (
        Reply(400, {"X-Error": "no \x1b[31msuch thing"}),
        Trouble.REFUSED,
        "answered 400 to GET /api/json: no such thing",
    ),
    "anonymous by header": (
        Reply(403, {"X-You-Are-Authenticated-As": "anonymous"}),
        Trouble.UNAUTHORIZED,
        "it wants a log-in",
    ),
    "a proxy's 502": (Reply(502), Trouble.UNAVAILABLE, "a proxy answers for a server that does not"),
    "a proxy's 504": (Reply(504), Trouble.TIMEOUT, "a proxy gave up waiting"),
    "cut off": (core(JOBS.body.decode() * 3), Trouble.WRONG_ANSWER, ""),
    "truncated JSON": (Reply(200, {}, JOBS.body[:-9]), Trouble.WRONG_ANSWER, "is cut off or not JSON"),
    "nothing": (Reply(200), Trouble.WRONG_ANSWER, "is cut off or not JSON"),
    "bytes": (Reply(200, {}, b'{"jobs":[{"name":"\xff\xfe"}]}'), Trouble.WRONG_ANSWER, ""),
    "null": (core(None), Trouble.WRONG_ANSWER, "Expected `object`, got `null`"),
    "wrong type": (core({"jobs": {"a": 1}}), Trouble.WRONG_ANSWER, "at `$.jobs`"),
    "too deep": (
        Reply(200, {}, b'{"jobs":[{"name":"a","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}]}"),
        Trouble.WRONG_ANSWER,
        "maximum recursion depth",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", REPLIES)
async def test_refusals(kind: str) -> None:
    """One request each: no redirect is followed, nothing is tried again, and no credential is in the message."""
    reply, trouble, words = REPLIES[kind]
    error = await refusal(reply, user="al", token=Secret(TOKEN))
    assert error.trouble is trouble
    assert words in error.message
    assert TOKEN not in error.message
    assert "pw@" not in error.message


async def test_with_credentials_an_anonymous_403_means_that_they_are_wrong() -> None:
    error = await refusal(recorded("auth-anonymous-403"), user="al", token=Secret(TOKEN))
    assert "check the user and token" in error.message


@pytest.mark.parametrize("status", [429, 503])
async def test_a_pause_that_was_asked_for_is_kept(status: int) -> None:
    now = [1000.0]
    routes = {"/job/j/1/api/json": Reply(status, {"Retry-After": "30"})}
    async with jenkins(routes, clock=lambda: now[0]) as (source, stub):
        for at in (1000.0, 1029.0):
            now[0] = at
            with pytest.raises(SourceError) as caught:
                await source.run(Address("ci", "j", 1))
            assert caught.value.retry_at == 1030.0
        assert len(stub.requests) == 1
        now[0] = 1031.0
        with pytest.raises(SourceError):
            await source.run(Address("ci", "j", 1))
        assert len(stub.requests) == 2


async def test_a_connection_whose_call_was_abandoned_is_not_used_again() -> None:
    """Its answer may still come, and would be taken for the next one's."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()

    def hang(request: Request) -> Reply:
        loop.call_soon_threadsafe(asked.set)
        return Reply(hang=True)

    async with jenkins({"/job/j/1/api/json": hang}) as (source, stub):
        first = asyncio.create_task(source.run(Address("ci", "j", 1)))
        await asked.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        stub.routes["GET /job/j/1/api/json"] = core({"number": 1, "result": "SUCCESS"})
        assert (await source.run(Address("ci", "j", 1))).vendor_status == "SUCCESS"
        assert len(stub.requests) == 2


async def test_the_event_loop_goes_on_while_a_server_hangs() -> None:
    async with jenkins({"/job/j/1/api/json": Reply(hang=True)}) as (source, stub):
        waiting = asyncio.create_task(source.run(Address("ci", "j", 1)))
        while not stub.requests:
            await asyncio.wait({waiting}, timeout=0.01)
        assert not waiting.done(), "the loop stood still until it was given up"
        with pytest.raises(SourceError):
            await given_up(waiting, lambda: True)
        assert all(thread.daemon for thread in threading.enumerate() if thread.name.startswith("pipedeck"))


async def test_a_credential_that_cannot_be_read_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PIPEDECK_TEST_TOKEN", raising=False)
    async with jenkins({}, user="al", token=Secret("env:PIPEDECK_TEST_TOKEN")) as (source, stub):
        with pytest.raises(SourceError) as caught:
            await source.pipelines()
        assert stub.requests == []
    assert caught.value.trouble is Trouble.UNAUTHORIZED
    assert "PIPEDECK_TEST_TOKEN is not set" in caught.value.message


async def test_a_rotated_token_is_picked_up(tmp_path: Path) -> None:
    file = tmp_path / "token"
    seen: list[str | None] = []

    def note(request: Request) -> Reply:
        seen.append(request.headers.get("authorization"))
        return core({"number": 1, "building": True})

    async with jenkins({"/job/j/1/api/json": note}, user="a", token=Secret(f"file:{file}")) as (source, _):
        for token in ("one", "two"):
            file.write_text(f"{token}\n")
            await source.run(Address("ci", "j", 1))
    assert seen == ["Basic YTpvbmU=", "Basic YTp0d28="]


async def test_anonymous_is_anonymous(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """requests would take a password for the host out of ~/.netrc."""
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password else\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with jenkins({"/api/json": JOBS, "/queue/api/json": EMPTY_QUEUE}, user="al") as (source, stub):
        await source.pipelines()
        assert not any("authorization" in request.headers for request in stub.requests)


async def test_no_cookie_is_kept() -> None:
    """A session's would outlive a token that was changed."""
    begun = core({"number": 1, "building": True}, **{"Set-Cookie": "JSESSIONID=1; Path=/"})
    async with jenkins({"/job/j/1/api/json": begun}) as (source, stub):
        for _ in range(2):
            await source.run(Address("ci", "j", 1))
        assert ["cookie" in request.headers for request in stub.requests] == [False, False]


async def test_headers_that_python_jenkins_is_told_to_add_are_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JENKINS_API_EXTRA_HEADERS", "X-Gate: open\nUser-Agent: other")
    async with jenkins({"/api/json": JOBS, "/queue/api/json": EMPTY_QUEUE}) as (source, stub):
        await source.pipelines()
        for request in stub.requests:
            assert request.headers["x-gate"] == "open"
            assert request.headers["user-agent"].startswith("pipedeck/")


async def test_nobody_guesses_the_charset_of_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    """python-jenkins wants it as text; to guess takes seconds for a few megabytes."""
    guessed: list[object] = []
    monkeypatch.setattr(requests.Response, "apparent_encoding", property(guessed.append))
    assert (await refusal(Reply(500, {}, bytes(range(256))))).status == 500
    assert guessed == []


async def test_a_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    async with jenkins({"/ci/api/json": JOBS, "/ci/queue/api/json": EMPTY_QUEUE}) as (_, stub):
        monkeypatch.setenv("http_proxy", stub.url)
        monkeypatch.setenv("no_proxy", "")
        source = JenkinsSource("ci", JenkinsSettings(url="http://jenkins.example/ci"))
        assert len((await source.pipelines()).pipelines) == 1
        await source.close()
        assert {request.headers["host"] for request in stub.requests} == {"jenkins.example"}


async def test_facts_are_learnt_in_passing() -> None:
    routes = {"/jenkins/api/json": JOBS, "/jenkins/queue/api/json": EMPTY_QUEUE}
    async with jenkins(
        {path.removeprefix("/jenkins"): reply for path, reply in routes.items()},
        prefix="/jenkins",
        clock=time.time,
    ) as (source, stub):
        assert source.name == "ci"
        before = source.facts()
        assert (before.version, before.requests, before.clock_skew, stub.requests) == ("", 0, None, [])
        await source.pipelines()
        facts = source.facts()
        assert (facts.name, facts.type, facts.url) == ("ci", "jenkins", f"{stub.url}/jenkins")
        assert (facts.version, facts.requests) == ("2.516.3", 2)
        assert facts.bytes_read == len(JOBS.body) + len(EMPTY_QUEUE.body)
        assert facts.clock_skew is not None
        assert abs(facts.clock_skew) < 5
        assert facts.read_only is None


def test_an_address_that_cannot_be_taken_apart() -> None:
    with pytest.raises(ConfigError, match=r"sources\.ci\.url: Invalid IPv6 URL"):
        JenkinsSource("ci", JenkinsSettings(url="http://[::1"))


def test_credentials_in_the_url_are_not_shown() -> None:
    source = JenkinsSource("ci", JenkinsSettings(url="http://al:hidden@jenkins.example/ci/"))
    assert source.facts().url == "http://jenkins.example/ci"
