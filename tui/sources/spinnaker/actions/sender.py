"""The one place that writes to a Gate: one step is one request, and its answer is judged here."""

from collections.abc import Mapping

import msgspec

from tui.domain.action import Reply, Step
from tui.sources.http.limiter import HttpResponse
from tui.sources.http.send_once import send_once
from tui.sources.spinnaker.actions.steps import StepHandler
from tui.sources.spinnaker.client import Gate, is_page, words_of
from tui.sources.spinnaker.payload import REF
from tui.text.safe import shorten


async def send(gate: Gate, step: Step, handler: StepHandler) -> Reply:
    content = step.body[0][1].encode() if step.body else b""

    def headers() -> Mapping[str, str]:
        kind = {"Content-Type": "application/json"} if step.body else {}
        return {**gate.headers(), **kind}

    answer = await send_once(gate.wire, gate.settings, step.method, step.path, content, headers)
    return answer if isinstance(answer, Reply) else judged(answer, gate, handler)


def judged(answer: HttpResponse, gate: Gate, handler: StepHandler) -> Reply:
    """What an answer says of the write. That nothing happened is said only where it is certain, and a yes means
    nothing: Orca answers 200 with nothing in it whether it did anything or not (contracts: spinnaker §9)."""
    status = answer.status
    if 200 <= status < 300 and is_page(answer):
        return Reply("lost", "a web page answered; a login page or a proxy?", status)
    if 200 <= status < 300:
        if not answer.body.strip():
            return Reply("accepted", "it answered with nothing in it, which says neither yes nor no", status)
        try:
            found = REF.decode(answer.body).ref or ""
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Reply("lost", "its answer cannot be read", status)
        kind, _, id_ = found.strip("/").partition("/")
        known = {"pipelines": "run", "tasks": "task"}.get(kind)
        return Reply("accepted", "", status, ((known, id_),) if known and id_ else ())
    error = gate.refusal(answer)
    words = shorten(error.message if error is not None else words_of(answer), 300)
    if status >= 500 or status == 408 or (status == 400 and handler.leaves_a_trace):
        return Reply("lost", words, status, over=True)
    return Reply("refused", words, status)
