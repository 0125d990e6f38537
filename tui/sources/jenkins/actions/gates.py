"""Answering an input, the gate of a Pipeline (contracts: jenkins §7)."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import msgspec

from tui.domain.action import ActionKind, ActionRequest, Observation, Plan, Reply, Step, at_fault
from tui.sources.jenkins.actions.live_state import PendingInput, RunState, same
from tui.sources.jenkins.actions.live_state_reader import (
    LiveStateReader,
    WrongValue,
    address,
    filled,
    in_browser,
    names_note,
    note,
    noted,
    place,
    quoted,
    shown,
)
from tui.sources.jenkins.actions.steps import StepKind
from tui.sources.jenkins.names import job_path
from tui.text.safe import clean, shorten


async def plan_input(request: ActionRequest, look: LiveStateReader) -> Plan:
    run = request.target.of_run
    reject = request.kind is ActionKind.REJECT
    doing = "Reject" if reject else "Approve"
    state = await look.of(run)
    gate, why = _gate(state, request)
    if gate is None:
        return look.cannot(request, f"{doing} {request.target}", why)
    words = f"{doing} {quoted(gate.message)} of {run} on {look.server}"
    facts: tuple[tuple[str, str], ...] = (("gate", clean(gate.id)), ("run", str(run)))
    facts += (("its button", gate.button),) if gate.button and not reject else ()
    facts += (("who may answer", gate.submitter),) if gate.submitter else ()
    url = f"{job_path(look.sent_name(run.path))}/{run.run}/input/{quote(gate.id, safe='')}"
    waiting = msgspec.json.encode([gate_input.id for gate_input in state.waiting]).decode()
    notes: dict[str, Any] = {
        **place(request, look),
        "id": gate.id,
        "approvals": len(state.approvers),
        "waiting": waiting,
    }
    if reject:
        warning = "the run ends as ABORTED, unless its script goes on after a rejection"
        rejecting = f"reject {quoted(gate.message)}"
        step = Step(rejecting, "POST", f"{url}/abort", expect=note(**notes), kind=StepKind.REJECT)
        return look.plan(request, words, facts=facts, warnings=(warning,), steps=(step,))
    if names := in_browser(gate.fields):
        why = f"it asks for {names}, which cannot be given here; open it in the browser"
        return look.cannot(request, words, why, facts=facts, fields=gate.fields)
    try:
        values, secrets = filled(gate.fields, request)
    except WrongValue as error:
        return look.cannot(
            request, words, str(error), facts=facts, fields=at_fault(gate.fields, error.field, str(error))
        )
    approving = f"approve {quoted(gate.message)}"
    step = Step(approving, "POST", f"{url}/proceedEmpty", expect=note(**notes), kind=StepKind.APPROVE)
    if values:
        facts += (("values", shown(values)),)
    if gate.fields:
        # Those left out would be missing: no default stands in for them.
        kinds = {field.name: field.kind for field in gate.fields}
        sent = [
            {
                "name": name,
                # Under ``value`` a run is answered with 500 (contracts: jenkins_observed, inputs).
                "runId" if kinds[name] == "run" else "value": value == "true"
                if kinds[name] == "boolean"
                else value,
            }
            for name, value in values.items()
        ]
        document = msgspec.json.encode({"parameter": sent}).decode()
        step = msgspec.structs.replace(
            step,
            path=f"{url}/proceed",
            body=(("json", document),),
            body_kind="form",
            expect=(*step.expect, *note(secrets=names_note(secrets))),
        )
    return look.plan(request, words, facts=facts, fields=gate.fields, steps=(step,), button=gate.button)


def _gate(state: RunState, request: ActionRequest) -> tuple[PendingInput | None, str]:
    """The input that is meant, or why there is none."""
    if not state.active:
        return None, f"the run has ended: {state.ending}"
    name = request.target.gate
    if name is not None:
        return state.gate(name), "it no longer waits: somebody has answered it, or its time was up"
    if len(state.waiting) == 1:
        return state.waiting[0], ""
    if not state.waiting:
        return None, "nothing in it waits for a person"
    names = ", ".join(
        str(request.target.of_run.at_gate(clean(gate_input.id))) for gate_input in state.waiting
    )
    return None, f"it has {len(state.waiting)} gates, name one: {shorten(names, 200)}"


async def observe_input(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader, *, reject: bool = False
) -> Observation:
    """Whether it still waits, and what became of it. Of an approval the server keeps who gave it and not of which
    input: without a yes to our own request, it is told by how many were answered since."""
    at = address(expect)
    state = await look.run(expect["job"], noted(expect, "run"))
    yes = reply is not None and reply.state == "accepted"
    waiting = {gate_input.id for gate_input in state.waiting}
    if expect["id"] in waiting:
        if yes:
            return Observation("accepted", "Jenkins said yes; it still waits", at)
        return Observation("nothing", "it still waits", at)
    me = await look.me()
    approved = state.approvers[noted(expect, "approvals") :]
    rejected = [interruption.user for interruption in state.interruptions if interruption.kind == "Rejection"]
    gone = len({*_gates.decode(expect.get("waiting", "[]")), expect["id"]} - waiting)
    tell = _answered if yes else _unanswered
    outcome, words, others = tell(reject, approved, rejected, gone, state, me)
    return Observation(outcome, f"{words}; {_ended(state)}", at, not_ours=others)


_gates = msgspec.json.Decoder(tuple[str, ...])
_Told = tuple[Literal["done", "failed", "unknown"], str, bool]
"""How it came out, in words, and whether that is not of our doing."""


def _answered(
    reject: bool, approved: Sequence[str], rejected: Sequence[str], gone: int, state: RunState, me: str
) -> _Told:
    """The server said yes to our answer; somebody else's may have been first all the same. ``gone`` of the inputs that
    waited do so no more."""
    all_approved = len(approved) >= gone
    if reject:
        if all_approved and not rejected:
            return "failed", f"{_names(approved)} approved it", True
        return "done", "rejected", False
    if approved:
        others = all_approved and all(approved) and not any(same(user, me) for user in approved)
        return "done", f"{_names(approved)} approved it, not you" if others else "approved", others
    if rejected:
        return "failed", f"{_names(rejected)} rejected it", True
    if not state.active and state.result == "ABORTED":
        return "failed", f"the run was aborted{_why(state)}", True
    return "done", "approved", False


def _unanswered(
    reject: bool, approved: Sequence[str], rejected: Sequence[str], gone: int, state: RunState, me: str
) -> _Told:
    """No answer came to ours."""
    if len(approved) == gone:
        users = {"you" if same(user, me) else user for user in approved}
        ours = users == {"you"}
        who = "somebody" if "" in users else " or ".join(sorted(users))
        outcome = f"{clean(who)} approved it{'' if 'you' in users or '' in users else ', not you'}"
        if reject:
            return "failed", outcome, True
        return "done", "approved" if ours else outcome, not users & {"you", ""}
    if gone > 1 and (approved or rejected):
        return "unknown", f"{gone} of its gates are answered, and which of them how is not told", False
    if rejected:
        ours = any(same(user, me) for user in rejected)
        if reject:
            return "done", "rejected" if ours else f"{_names(rejected)} rejected it, not you", not ours
        return "failed", f"{_names(rejected)} rejected it", True
    if not approved and not state.active and state.result == "ABORTED":
        return "failed", f"the run was aborted before it was answered{_why(state)}", True
    return "unknown", "it no longer waits, and who answered it is not told", False


def _why(state: RunState) -> str:
    return next((f": {interruption.words}" for interruption in state.interruptions if interruption.words), "")


def _ended(state: RunState) -> str:
    return "the run goes on" if state.active else f"the run ended as {state.ending}"


def _names(users: Sequence[str]) -> str:
    return clean(", ".join(dict.fromkeys(user for user in users if user))) or "somebody"
