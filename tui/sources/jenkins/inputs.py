"""Answering an input, the gate of a Pipeline (contracts: jenkins §7)."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec

from tui.domain.action import Kind, Observation, Plan, Reply, Step, Wish
from tui.sources.jenkins.look import (
    Look,
    WrongValue,
    address,
    filled,
    in_browser,
    note,
    noted,
    place,
    quoted,
    secret_note,
)
from tui.sources.jenkins.names import job_path
from tui.sources.jenkins.state import RunState, Waiting, same
from tui.text import clean, shorten


async def plan_input(wish: Wish, look: Look) -> Plan:
    run = wish.target.of_run
    reject = wish.kind is Kind.REJECT
    doing = "Reject" if reject else "Approve"
    state = await look.of(run)
    gate, why = _gate(state, wish)
    if gate is None:
        return look.cannot(wish, f"{doing} {wish.target}", why)
    words = f"{doing} {quoted(gate.message)} of {run} on {look.server}"
    facts: tuple[tuple[str, str], ...] = (("gate", clean(gate.id)), ("run", str(run)))
    facts += (("who may answer", gate.submitter),) if gate.submitter else ()
    url = f"{job_path(look.sent_name(run.path))}/{run.run}/input/{quote(gate.id, safe='')}"
    notes: dict[str, Any] = {**place(wish, look), "id": gate.id, "approvals": len(state.approvers)}
    if reject:
        warning = "the run ends as ABORTED, unless its script goes on after a rejection"
        step = Step(
            f"reject {quoted(gate.message)}", "POST", f"{url}/abort", expect=note(do="reject", **notes)
        )
        return look.plan(wish, words, facts=facts, warnings=(warning,), steps=(step,))
    if names := in_browser(gate.fields):
        why = f"it asks for {names}, which cannot be given here; open it in the browser"
        return look.cannot(wish, words, why, facts=facts, fields=gate.fields)
    try:
        values, secrets = filled(gate.fields, wish)
    except WrongValue as error:
        return look.cannot(wish, words, str(error), facts=facts, fields=gate.fields)
    step = Step(
        f"approve {quoted(gate.message)}", "POST", f"{url}/proceedEmpty", expect=note(do="approve", **notes)
    )
    if gate.fields:
        # Those left out would be missing: no default stands in for them.
        booleans = {field.name for field in gate.fields if field.kind == "boolean"}
        sent = [
            {"name": name, "value": value == "true" if name in booleans else value}
            for name, value in values.items()
        ]
        document = msgspec.json.encode({"parameter": sent}).decode()
        step = msgspec.structs.replace(
            step,
            path=f"{url}/proceed",
            body=(("json", document),),
            body_kind="form",
            expect=(*step.expect, *note(secrets=secret_note(secrets))),
        )
    return look.plan(wish, words, facts=facts, fields=gate.fields, steps=(step,))


def _gate(state: RunState, wish: Wish) -> tuple[Waiting | None, str]:
    """The input that is meant, or why there is none."""
    if not state.active:
        return None, f"the run has ended: {state.ending}"
    name = wish.target.gate
    if name is not None:
        return state.gate(name), "it no longer waits: somebody has answered it, or its time was up"
    if len(state.waiting) == 1:
        return state.waiting[0], ""
    if not state.waiting:
        return None, "nothing in it waits for a person"
    names = ", ".join(str(wish.target.of_run.at_gate(clean(each.id))) for each in state.waiting)
    return None, f"it has {len(state.waiting)} gates, name one: {shorten(names, 200)}"


async def observe_input(expect: Mapping[str, str], reply: Reply | None, look: Look) -> Observation:
    """Whether it still waits, and who answered it, if the server tells."""
    at = address(expect)
    state = await look.run(expect["job"], noted(expect, "run"))
    yes = reply is not None and reply.state == "accepted"
    if any(each.id == expect["id"] for each in state.waiting):
        if yes:
            return Observation("accepted", "Jenkins said yes; it still waits", at)
        return Observation("nothing", "it still waits", at)
    me = await look.me()
    approved = state.approvers[noted(expect, "approvals") :]
    rejections = [each for each in state.interruptions if each.kind == "Rejection"]
    rejected = yes or any(not each.user or same(each.user, me) for each in rejections)
    if expect["do"] == "reject":
        if rejections:
            words = (
                "rejected"
                if rejected
                else f"{_names([each.user for each in rejections])} rejected it, not you"
            )
            return Observation("done", f"{words}; {_ended(state)}", at)
        if approved:
            return Observation("failed", f"{_names(approved)} approved it; {_ended(state)}", at)
        if yes:
            return Observation("done", f"rejected; {_ended(state)}", at)
        if why := next((each.words for each in state.interruptions if each.words), ""):
            return Observation("failed", f"the run was aborted before it was rejected: {why}", at)
        return Observation(
            "unknown", f"it no longer waits, and who answered it is not told; {_ended(state)}", at
        )
    if approved:
        if any(same(each, me) for each in approved) or (yes and not all(approved)):
            return Observation("done", f"approved; {_ended(state)}", at)
        return Observation("done", f"{_names(approved)} approved it, not you; {_ended(state)}", at)
    if rejections:
        return Observation("failed", f"{_names([each.user for each in rejections])} rejected it", at)
    if not state.active and state.result == "ABORTED":
        why = next((each.words for each in state.interruptions if each.words), "")
        return Observation("failed", f"the run was aborted{f': {why}' if why else ''}", at)
    if yes:
        return Observation("done", f"approved; {_ended(state)}", at)
    return Observation("unknown", f"it no longer waits, and who answered it is not told; {_ended(state)}", at)


def _ended(state: RunState) -> str:
    return "the run goes on" if state.active else f"the run ended as {state.ending}"


def _names(users: Sequence[str]) -> str:
    return clean(", ".join(dict.fromkeys(each for each in users if each))) or "somebody"
