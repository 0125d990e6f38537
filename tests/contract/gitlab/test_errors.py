"""Servers that refuse, break or lie: the message says what happened, where, and what to do."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.contract.gitlab.bodies import basic, full, node
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, paths, projects, rest
from tests.http_stub import Reply, Request, Stub
from tui.config import Secret
from tui.domain.address import parse_address
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.gitlab.source import GitLabSource

RUN = parse_address("gl:ml/fraud#1842")
LOOKUP = rest("/projects/ml%2Ffraud/pipelines/1842")


async def refusal(source: GitLabSource) -> SourceError:
    """What reading a run by REST first ends in."""
    with pytest.raises(SourceError) as caught:
        await source.run(RUN)
    assert "glpat-secret" not in caught.value.message
    assert "\x1b" not in caught.value.message
    return caught.value


@pytest.mark.parametrize(
    ("status", "body", "trouble", "words"),
    [
        (
            400,
            {"error": "scope does not have a valid value"},
            Trouble.REFUSED,
            "scope does not have a valid value",
        ),
        (400, {"message": "400 Bad request - no"}, Trouble.REFUSED, "400 Bad request - no"),
        (400, {"message": {"base": ["Reference not found"]}}, Trouble.REFUSED, ": Reference not found"),
        (400, {"message": {"ref": ["is bad", "is long"]}}, Trouble.REFUSED, "ref: is bad; is long"),
        (409, {"message": ["Another one", "is open"]}, Trouble.REFUSED, "Another one; is open"),
        (401, {"message": "401 Unauthorized"}, Trouble.UNAUTHORIZED, "401 Unauthorized"),
        (
            401,
            {"error": "invalid_token", "error_description": "Token was revoked."},
            Trouble.UNAUTHORIZED,
            "Token was revoked.",
        ),
        (
            403,
            {"error": "insufficient_scope", "error_description": "Needs more.", "scope": "api"},
            Trouble.FORBIDDEN,
            "Needs more.",
        ),
        (404, {"message": "404 Project Not Found"}, Trouble.NOT_FOUND, "404 Project Not Found"),
        (
            429,
            {"message": {"error": "This endpoint has been requested too many times."}},
            Trouble.RATE_LIMITED,
            "requested too many times",
        ),
        (500, {"message": "500 Internal Server Error"}, Trouble.SERVER_ERROR, "(request id 01HX)"),
        (400, {"message": "\x1b[31mred\x1b]0;t\x07"}, Trouble.REFUSED, ": red"),
        (400, {"odd": {"deep": [1, None, True]}}, Trouble.REFUSED, "odd: deep: 1; True"),
        (400, {}, Trouble.REFUSED, "answered 400"),
        (400, [], Trouble.REFUSED, "answered 400"),
    ],
)
async def test_every_shape_of_refusal_is_put_into_words(
    stub: Stub, connect: Connect, status: int, body: Any, trouble: Trouble, words: str
) -> None:
    stub.routes[LOOKUP] = Reply.json(body, status, **{"X-Request-Id": "01HX"})
    error = await refusal(connect())
    assert (error.trouble, error.status) == (trouble, status)
    assert words in error.message
    assert "GET /api/v4/projects/ml%2Ffraud/pipelines/1842" in error.message


@pytest.mark.parametrize(
    ("reply", "trouble", "words"),
    [
        (Reply.text("Retry later\n", 429), Trouble.RATE_LIMITED, "Retry later"),
        (
            Reply.text("<html><h1>502 Bad Gateway</h1></html>", 502, "text/html"),
            Trouble.UNAVAILABLE,
            "a web page, not GitLab's API",
        ),
        (
            Reply.text("<html>log in</html>", 200, "text/html"),
            Trouble.WRONG_ANSWER,
            "a web page instead of JSON",
        ),
        (Reply.text("API V3 is no longer supported", 410), Trouble.REFUSED, "API V3 is no longer supported"),
        (Reply(200, {}, b'{"id": 1842, "sta'), Trouble.WRONG_ANSWER, "cut off or not JSON"),
        (Reply(200, {}, b'{"id": 1842, "status": "\xff"}'), Trouble.WRONG_ANSWER, "cut off or not JSON"),
        (Reply(200, {}, b'{"x":' + b"[" * 5000), Trouble.WRONG_ANSWER, "cut off or not JSON"),
        (Reply.json({**full(1842), "id": "1842"}), Trouble.WRONG_ANSWER, "$.id"),
        (Reply.json({**full(1842), "created_at": "yesterday"}), Trouble.WRONG_ANSWER, "$.created_at"),
        (
            Reply(302, {"Location": "https://u:p@sso.example.com/login?a=b"}),
            Trouble.REFUSED,
            "https://sso.example.com/login;",
        ),
        (Reply(302, {"Location": "http://[bad"}), Trouble.REFUSED, "no url"),
        (Reply(400, {}, b"[" * 5000), Trouble.REFUSED, "answered 400"),
    ],
)
async def test_answers_that_are_none(
    stub: Stub, connect: Connect, reply: Reply, trouble: Trouble, words: str
) -> None:
    stub.routes[LOOKUP] = reply
    error = await refusal(connect())
    assert error.trouble is trouble
    assert words in error.message
    assert len(stub.requests) == 1, "nothing is repeated, no redirect is followed"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"data": {"projects": {"nodes": [{"fullPath": 7}]}}}, "$.data.projects.nodes[0].fullPath"),
        (
            {
                "data": {
                    "projects": {
                        "nodes": [{"fullPath": "ml/fraud", "pipelines": {"nodes": [{**node(1), "id": "1"}]}}]
                    }
                }
            },
            "$.data.projects.nodes[0].pipelines.nodes[0].id",
        ),
        ({"data": 5}, "$.data"),
        ([], "Expected `object`"),
    ],
)
async def test_wrong_types_in_graphql_name_their_place(
    stub: Stub, connect: Connect, body: Any, path: str
) -> None:
    stub.routes[GRAPHQL] = Reply.json(body)
    with pytest.raises(SourceError) as caught:
        await connect().pipelines()
    assert caught.value.trouble is Trouble.WRONG_ANSWER
    assert path in caught.value.message
    assert paths(stub) == ["POST /api/graphql"]


async def test_graphql_without_data_says_why(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = Reply.json({"data": None, "errors": [{"message": "Internal server error"}]})
    with pytest.raises(SourceError, match="could not answer Dashboard: Internal server error"):
        await connect().pipelines()
    stub.routes[GRAPHQL] = Reply.json(
        {"data": {"projects": None}, "errors": [{"message": "no projects today"}]}
    )
    with pytest.raises(SourceError, match="no projects today"):
        await connect().pipelines()


@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_obeyed_without_sending(
    stub: Stub, connect: Connect, clock: Clock, status: int
) -> None:
    busy = Reply.json({"message": "busy"}, status, **{"Retry-After": "60"})
    stub.routes[GRAPHQL] = (busy, Reply.json({"data": {"projects": {"nodes": []}}}))
    stub.routes[LOOKUP] = Reply.json(basic(1842))
    source = connect()
    with pytest.raises(SourceError) as caught:
        await source.pipelines()
    assert caught.value.retry_at == pytest.approx(clock() + 60, abs=5)
    for _ in range(2):
        with pytest.raises(SourceError, match="asked for a pause"):
            await source.pipelines()
        with pytest.raises(SourceError, match="asked for a pause"):
            await source.run(RUN)
    assert paths(stub) == ["POST /api/graphql"]
    clock.ahead = 61
    stub.routes[rest("/projects/ml%2Ffraud")] = Reply.json({"message": "404 Project Not Found"}, 404)
    await source.pipelines()
    assert len(stub.requests) == 3


async def test_a_limit_that_is_used_up_holds_until_it_begins_anew(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    reset = {"RateLimit-Remaining": "0", "RateLimit-Reset": str(int(clock()) + 1800)}
    stub.routes[LOOKUP] = Reply(429, {"Content-Type": "text/plain", **reset}, b"Retry later\n")
    source = connect()
    error = await refusal(source)
    assert error.retry_at == pytest.approx(clock() + 1800, abs=5)
    assert "; to be asked again at " in error.message
    assert error.message.endswith(" UTC")
    error = await refusal(source)
    assert "asked for a pause until " in error.message
    assert "next request in 29m" in error.message or "next request in 30m" in error.message
    assert len(stub.requests) == 1


async def test_rest_hands_retry_after_to_the_wire_too(stub: Stub, connect: Connect, clock: Clock) -> None:
    stub.routes[LOOKUP] = Reply(429, {"Retry-After": "30", "Content-Type": "text/plain"}, b"Retry later\n")
    error = await refusal(connect())
    assert error.retry_at == pytest.approx(clock() + 30, abs=5)
    assert len(stub.requests) == 1


async def test_a_call_that_is_given_up_leaves_its_client_alone(stub: Stub, connect: Connect) -> None:
    loop, arrived = asyncio.get_running_loop(), asyncio.Event()

    def hang(_: Request) -> Reply:
        loop.call_soon_threadsafe(arrived.set)
        return Reply(hang=True)

    stub.routes[LOOKUP] = hang
    source = connect()
    call = asyncio.create_task(source.run(RUN))
    await arrived.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    stub.routes[LOOKUP] = Reply.json({"message": "404 Not found"}, 404)
    assert (await refusal(source)).status == 404


async def test_a_missing_credential_is_said_without_sending(
    stub: Stub, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_SUCH_TOKEN", raising=False)
    source = connect(token=Secret("env:NO_SUCH_TOKEN"))
    error = await refusal(source)
    assert error.trouble is Trouble.UNAUTHORIZED
    assert "NO_SUCH_TOKEN is not set" in error.message
    assert stub.requests == []


@pytest.mark.parametrize("token", ["glpat-secret\nX: y", "glpat-secret€"])
async def test_a_token_that_http_cannot_carry_is_not_told(connect: Connect, token: str) -> None:
    source = connect(token=Secret(token))
    error = await refusal(source)
    assert error.trouble is Trouble.UNAUTHORIZED
    assert "line break or a letter" in error.message


async def test_a_rotated_token_is_picked_up(stub: Stub, connect: Connect, tmp_path: Path) -> None:
    stub.routes[LOOKUP] = Reply.json({"message": "404 Not found"}, 404)
    file = tmp_path / "token"
    source = connect(token=Secret(f"file:{file}"))
    for token in ("one", "two"):
        file.write_text(f"{token}\n")
        await refusal(source)
    assert [request.headers["authorization"] for request in stub.requests] == ["Bearer one", "Bearer two"]


async def test_without_a_token_nothing_is_sent_even_with_a_netrc(
    stub: Stub, connect: Connect, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login eve password other\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    stub.routes[LOOKUP] = Reply.json({"message": "404 Not found"}, 404)
    await refusal(connect(token=None))
    assert "authorization" not in stub.requests[0].headers


async def test_a_large_answer_is_read_whole(stub: Stub, connect: Connect) -> None:
    found = [node(1000 + n, name="x" * 40_000) for n in range(10)]
    stub.routes[GRAPHQL] = projects(fraud=found)
    source = connect()
    [row] = (await source.pipelines()).pipelines
    assert len(row.runs) == 10
    assert source.facts().bytes_read > 400_000
    assert len(json.dumps(found)) > 256 * 1024
