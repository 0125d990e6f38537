"""One step is one request: what is made of each recorded answer (contracts: jenkins §1.2, §1.3, §7, §10)."""

import re
from typing import Any

import pytest

from tests.contract.jenkins.support import RECORDINGS, jenkins, recorded, recording
from tests.http_stub import Reply as Answer
from tests.patience import given_up
from tui.config import Secret
from tui.domain.action import Reply, Step

TOKEN = "11" + "0123456789abcdef" * 2
"""As Jenkins makes them."""
YES = [
    *("build-cause-text", "build-collapse-1", "build-collapse-2", "build-delay0-201", "build-offline-201"),
    *("build-other-host-location", "build-plain-201", "build-quiet-201", "build-quiet-again-same-item"),
    *("build-stuck-201", "build-while-quiet", "build-with-params-defaults", "build-with-params-form"),
    *("build-with-params-unknown-name", "csrf-crumb-with-session-201", "graphview-rerun"),
    # and those that tell of no item of the queue
    *("build-description", "build-doDelete", "build-json-params", "build-keep-toggle", "freestyle-kill"),
    *(
        "freestyle-stop",
        "freestyle-term-404",
        "graphview-cancel",
        "input-abort",
        "input-proceed-json-partial",
    ),
    *("input-proceedEmpty-noparams", "input-proceedEmpty-with-params", "input-submit-json"),
    *("input-submit-password-param", "input-submit-single", "input2-proceedEmpty-tolerant"),
    *("input2-submit-bool-string", "input2-submit-empty-text", "input2-submit-no-proceed-field"),
    *("input2-wfapi-inputSubmit-tolerant", "kill-running-pipeline", "queue-item-cancel"),
    *("queue-item-cancel-via-item", "queue-item-cancelQueue-viewer", "replay-dev", "replay-rebuild"),
    *("replay-run-json", "stop-dev-user", "stop-finished-build", "stop-other-host-location"),
    *("stop-running-pipeline", "stop-running-pipeline-second-time", "stop-viewer-403", "stop-while-input"),
    *("term-running-pipeline", "wfapi-inputSubmit", "wfapi-inputSubmit-emptyjson-noparams"),
]
"""Whether it was done, reading back tells: some of them did nothing."""
QUEUED = 16
"""The first so many of them name an item of the queue."""

_GONE = "it is no longer there, or this user may not do it"
_DISABLED = "it cannot be built: it, or what holds it, is disabled"
_CRUMB = "it wants a crumb, as with a password in place of an API token; ask again, with a crumb this time"
_SUBMITTER = "You need to be admin,dev to submit this."
_CANCEL = "You need to be 'admin,dev' (or have Job/Cancel permissions) to cancel this."
_OTHERS = "its parameters are others now; look at it again (Error 400 Nothing is submitted)"
_NO_FORM = "Error 400 This page expects a form submission"
NO = {
    "auth-anonymous-post-403": _CRUMB,
    "auth-viewer-build-403": "viewer lacks hudson.model.Item.Build",
    "build-disabled-409": _DISABLED,
    "build-folder-404": _GONE,
    "build-parameterised-plain": _OTHERS,
    "csrf-crumb-without-session-403": _CRUMB,
    "csrf-missing-403": _CRUMB,
    "csrf-wrong-403": _CRUMB,
    "input-abort-again": _GONE,
    "input-abort-viewer": _CANCEL,
    "input-already-settled": _GONE,
    "input-proceed-no-json": _NO_FORM,
    "input-submit-viewer-denied": _SUBMITTER,
    "input-viewer-submit-denied": _SUBMITTER,
    "input-wrong-id-404": _GONE,
    "input-wrong-id-lowercase": _GONE,
    "pipeline-build-disabled": _DISABLED,
    "queue-item-cancel-viewer": "it could not be canceled: it may have begun, or this user may not do it",
    "replay-run-nojson": _NO_FORM,
    "replay-viewer": _GONE,
    "stop-running-viewer-403": "viewer lacks hudson.model.Item.Cancel",
    "wfapi-inputSubmit-nobody-noparams": _NO_FORM,
}

MAY_FOLLOW = {
    *("input-abort-again", "input-abort-viewer", "input-already-settled", "input-proceed-no-json"),
    *("input-submit-viewer-denied", "input-viewer-submit-denied", "input-wrong-id-404"),
    *("input-wrong-id-lowercase", "queue-item-cancel-viewer"),
}
"""Those that are given, too, when the same was done a moment before: they are read back."""

_VALUE = ", as for a value that a parameter cannot have"
_START = f"{_VALUE}, or where there are no parameters any more"
ERRORS = {
    "build-with-params-bad-choice": _START,
    "build-with-params-not-parameterised-500": _START,
    "input-bad-choice": _VALUE,
    "input-wfapi-submit-bad-json": "",
    "input2-submit-unknown-param": _VALUE,
    "queue-item-cancel-again": ", as for what has left the queue",
    "wfapi-inputSubmit-unknown-id": "",
    "wfapi-inputSubmit-viewer": "",
}
"""Of the server's own: they may come after the effect, but not before the end of it."""


async def judged(answer: Answer, path: str = "/job/deploy-model/2/stop", **settings: Any) -> Reply:
    """What is said of an answer to the step that such a path is of."""
    settings = {"user": "me", "token": Secret(TOKEN), **settings}
    notes = ("job", "deploy-model"), ("run", "2")
    step = Step("do it", "POST", path, expect=notes, kind=_kind(path))
    async with jenkins({}, **settings) as (source, stub):
        stub.routes["*"] = answer
        sending = source.send(step, {})
        reply = await (given_up(sending, lambda: stub.requests) if answer.hang else sending)
        (request,) = stub.requests
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        assert request.headers["content-length"] == "0"
        assert TOKEN not in repr(reply)
        return reply


def _kind(path: str) -> str:
    for pattern, kind in (
        ("/build", "start"),
        ("/(proceed|submit)", "approve"),
        ("/abort", "reject"),
        ("/(stop|term|kill)$", "cancel"),
        ("/cancelItem", "dequeue"),
    ):
        if re.search(pattern, path):
            return kind
    return "keep"


def test_every_recorded_write_has_an_expectation() -> None:
    names = {path.stem for path in RECORDINGS.glob("*.json")}
    written = {name for name in names if recording(name)["method"] == "POST"}
    assert written - {*YES, *NO, *ERRORS, "log-progressiveText-post"} == set()
    assert len(written) > 80


@pytest.mark.parametrize("name", YES)
async def test_yes(name: str) -> None:
    reply = await judged(recorded(name), recording(name)["path"])
    assert (reply.state, reply.status, reply.over) == ("accepted", recording(name)["status"], False)
    assert [key for key, _ in reply.found] == (["queue"] if YES.index(name) < QUEUED else [])


@pytest.mark.parametrize("name", NO)
async def test_no(name: str) -> None:
    reply = await judged(recorded(name), recording(name)["path"])
    after = name in MAY_FOLLOW
    assert reply == Reply("lost" if after else "refused", NO[name], recording(name)["status"], over=after)


@pytest.mark.parametrize("name", ERRORS)
async def test_error_of_the_servers_own_may_come_after_the_effect(name: str) -> None:
    reply = await judged(recorded(name), recording(name)["path"])
    said = f"an error of the server's own{ERRORS[name]}: look for "
    assert (reply.state, reply.status, reply.over) == ("lost", 500, True)
    assert reply.words.startswith(said), reply.words


async def test_error_that_the_contract_tells_of() -> None:
    """§10: 400 for parameters where there are none; here it was 500."""
    said = Answer(400, {"X-Error": "This job is not parameterized", "X-Jenkins": "2.570"})
    reply = await judged(said, "/job/x/buildWithParameters")
    assert reply == Reply("refused", "This job is not parameterized", 400)


async def test_after_an_error_it_may_still_be_stopping() -> None:
    reply = await judged(Answer(500, {"X-Jenkins": "2.516.3"}))
    assert (reply.state, reply.over) == ("lost", False)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_error_of_a_proxy_tells_nothing(status: int) -> None:
    reply = await judged(
        Answer.text("<html>Bad gateway</html>", status, content_type="text/html"), "/x/build"
    )
    assert (reply.state, reply.over) == ("lost", False)
    assert reply.words.startswith(f"it, or a proxy in front of it, answered {status}")


async def test_while_it_starts_nothing_is_done() -> None:
    page = "<html>Jenkins is getting ready to work</html>"
    reply = await judged(Answer.text(page, 503, content_type="text/html"))
    assert (reply.state, reply.words) == ("refused", "it is starting and does nothing yet")


async def test_nobody_is_told_to_log_in() -> None:
    reply = await judged(recorded("auth-anonymous-post-403"), user=None, token=None)
    assert (reply.state, "log-in" in reply.words) == ("refused", True)


async def test_login_page_is_no_yes() -> None:
    assert (await judged(Answer(302, {"Location": "/login?from=x"}))).state == "refused"
    assert (await judged(Answer.text("<html>Sign in</html>", content_type="text/html"))).state == "lost"


async def test_cut_and_silence_are_lost() -> None:
    assert (await judged(Answer(200, {}, b"some text", cut=True))).state == "lost"
    assert (await judged(Answer(hang=True))).state == "lost"
