"""One step is one request: what is made of each answer, and of none (contracts: gitlab §1.4, §4, §7)."""

import asyncio
import json
from typing import Any

import pytest

from tests.contract.gitlab.conftest import PREFIX, Connect, paths, rest
from tests.http_stub import Reply as Answer
from tests.http_stub import Stub, http_stub
from tests.patience import given_up
from tui.domain.action import Reply, Step, WriteAccess

PATH = "/api/v4/projects/ml%2Ffraud/jobs/7/play"
PLAY = f"POST {PREFIX}{PATH}"
STEP = Step("start 'promote'", "POST", PATH, expect=(("path", "ml/fraud"),), kind="play")


async def sent(stub: Stub, connect: Connect, answer: Answer, step: Step = STEP) -> Reply:
    """What is made of an answer; the request was sent once, and nothing else."""
    stub.routes["*"] = answer
    sending = connect().send(step, {})
    reply = await (given_up(sending, lambda: stub.requests) if answer.hang else sending)
    assert len(stub.requests) == 1
    assert "glpat-secret" not in repr(reply)
    return reply


async def test_an_accepted_one_tells_the_id_of_what_was_made(stub: Stub, connect: Connect) -> None:
    reply = await sent(stub, connect, Answer.json({"id": 8, "status": "pending"}))
    assert reply == Reply("accepted", "", 200, (("id", "8"),))
    (request,) = stub.requests
    assert request.headers["authorization"] == "Bearer glpat-secret"
    assert request.body == b""


REFUSALS: list[tuple[int, Any, str]] = [
    (
        400,
        {"message": "400 Bad request - Unplayable Job"},
        "400 Bad request - Unplayable Job; it no longer waits",
    ),
    (400, {"message": {"base": ["Reference not found"]}}, "Reference not found"),
    (400, {"message": {"base": ["One", "Two"], "ref": ["is missing"]}}, "One; Two; ref: is missing"),
    (400, {"message": ["One", "Two"]}, "One; Two"),
    (400, {"error": "status does not have a valid value"}, "status does not have a valid value"),
    (400, {"message": "This deployment is not waiting for approvals."}, "This deployment is not waiting"),
    (401, {"message": "401 Unauthorized"}, "401 Unauthorized; check the token in the config"),
    (
        401,
        {"error": "invalid_token", "error_description": "Token was revoked."},
        "Token was revoked.; check the token",
    ),
    (403, {"message": "403 Forbidden"}, "403 Forbidden; GitLab gives no reason: you lack the role"),
    (
        403,
        {"message": "403 Forbidden - Job is not retryable"},
        "403 Forbidden - Job is not retryable; it was run",
    ),
    (404, {"message": "404 Not found"}, "404 Not found"),
    (
        405,
        {"message": "Non GET methods are not allowed for moved projects"},
        "Non GET methods are not allowed",
    ),
    (
        409,
        {"message": "409 Conflict: Resource lock"},
        "409 Conflict: Resource lock; something else changes it",
    ),
    (
        422,
        {"message": {"base": ["No stages / jobs for this pipeline."]}},
        "No stages / jobs for this pipeline.",
    ),
    (
        429,
        {"message": {"error": "This endpoint has been requested too many times."}},
        "This endpoint has been",
    ),
]


FIRST = ("status does", "401", "Token was", "403 Forbidden; GitLab", "404", "Non GET", "This endpoint")
"""How those begin that come before anything is done; the others may follow the effect and are read back."""


@pytest.mark.parametrize(("status", "body", "words"), REFUSALS)
async def test_a_refusal_says_what_gitlab_says(
    stub: Stub, connect: Connect, status: int, body: Any, words: str
) -> None:
    reply = await sent(stub, connect, Answer.json(body, status))
    certain = words.startswith(FIRST)
    assert (reply.state, reply.status, reply.over) == (
        "refused" if certain else "lost",
        status,
        not certain,
    )
    assert reply.words.startswith(words)


async def test_words_are_cleaned(stub: Stub, connect: Connect) -> None:
    reply = await sent(stub, connect, Answer.json({"message": "no\x1b[31m [red]way\n\u202e"}, 400))
    assert reply.words == "no [red]way "


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(stub: Stub, connect: Connect, status: int) -> None:
    there = f"{stub.url}/elsewhere"
    reply = await sent(stub, connect, Answer(status, {"Location": there}))
    assert (reply.state, reply.status) == ("refused", status)
    assert there in reply.words


@pytest.mark.parametrize(
    "answer",
    [
        Answer.json({"message": "500 Internal Server Error"}, 500),
        Answer.text("<html>502</html>", 502, "text/html"),
        Answer.json({"message": "maintenance"}, 503),
        Answer.text("", 504),
        Answer.text("<html>Sign in</html>", 200, "text/html"),
        Answer.json([1, 2], 201),
        Answer(200, {}, b'{"id": 8, "name": "promote"}', cut=True),
        Answer(hang=True),
    ],
    ids=["500", "502", "503", "504", "page", "wrong", "cut", "hang"],
)
async def test_what_may_have_happened_is_lost_and_not_sent_again(
    stub: Stub, connect: Connect, answer: Answer
) -> None:
    reply = await sent(stub, connect, answer)
    assert reply.state == "lost"
    assert reply.words


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n"


@pytest.mark.parametrize("read", [0, 1, 20, None], ids=["nothing", "a byte", "a line", "all"])
@pytest.mark.parametrize("answered", [0, 1, 12, 40, len(HEAD), len(HEAD) + 4])
@pytest.mark.parametrize("reset", [False, True])
async def test_a_connection_that_dies_at_any_point_is_never_tried_again(
    connect: Connect, read: int | None, answered: int, reset: bool
) -> None:
    """Whatever the server read and answered before: nobody knows what it did."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        if read is None:
            await reader.readuntil(b"\r\n\r\n")
        elif read:
            await reader.readexactly(read)
        writer.write((HEAD + b'{"id": 8}\n')[:answered])
        await writer.drain()
        if reset:
            writer.transport.abort()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reply = await connect(url=f"http://127.0.0.1:{port}{PREFIX}").send(STEP, {})
    assert reply.state == "lost"
    assert connections == 1


async def test_what_never_left_is_unsent(connect: Connect) -> None:
    with http_stub({}) as gone:
        url = gone.url
    reply = await connect(url=url + PREFIX).send(STEP, {})
    assert reply.state == "unsent"
    assert "refuses connections" in reply.words


async def test_during_a_pause_that_gitlab_asked_for_nothing_is_sent(stub: Stub, connect: Connect) -> None:
    stub.routes["*"] = Answer(429, {"Retry-After": "60", "Content-Type": "text/plain"}, b"Retry later\n")
    source = connect()
    first = await source.send(STEP, {})
    assert (first.state, first.words) == (
        "refused",
        "Retry later; nothing happened; wait before asking again",
    )
    second = await source.send(STEP, {})
    assert second.state == "unsent"
    assert paths(stub) == [f"POST {PATH}"]


async def test_a_form_and_json_are_sent_as_the_step_shows_them(stub: Stub, connect: Connect) -> None:
    stub.routes["*"] = Answer.json({"id": 1}, 201)
    source = connect()
    url = "/api/v4/projects/ml%2Ffraud/deployments/5/approval"
    await source.send(Step("", "POST", url, (("status", "approved"),), "json", kind="approve"), {})
    trigger = Step("", "POST", "/t", (("token", "***"), ("ref", "a b")), "form", kind="trigger")
    await source.send(trigger, {"token": "glptt-1"})
    approval, started = stub.requests
    assert json.loads(approval.body) == {"status": "approved"}
    assert approval.headers["content-type"] == "application/json"
    assert started.form == {"token": ["glptt-1"], "ref": ["a b"]}
    assert "authorization" not in started.headers


# --- may it write -------------------------------------------------------------------------------------------------

SELF = rest("/personal_access_tokens/self")


@pytest.mark.parametrize(
    ("answer", "write_access"),
    [
        (Answer.json({"scopes": ["api"]}), WriteAccess(False)),
        (
            Answer.json({"scopes": ["read_api"]}),
            WriteAccess(True, "the token has the scopes read_api; acting needs api"),
        ),
        (
            Answer.json({"message": "400 Bad request"}, 400),
            WriteAccess(None, "the token does not tell its scopes", by_trying=True),
        ),
    ],
)
async def test_a_token_tells_whether_it_may_write_and_is_asked_once(
    stub: Stub, connect: Connect, answer: Answer, write_access: WriteAccess
) -> None:
    stub.routes[SELF] = answer
    source = connect()
    assert await source.write_access() == write_access
    assert await source.write_access() == write_access
    assert len(stub.requests) == 1
    assert source.facts().read_only == write_access.read_only


async def test_without_a_token_nothing_is_written(stub: Stub, connect: Connect) -> None:
    assert await connect(token=None).write_access() == WriteAccess(True, "no token is set")
    assert stub.requests == []
