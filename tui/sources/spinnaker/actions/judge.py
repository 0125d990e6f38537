"""Judging a manual judgment (contracts: spinnaker §9.1). Gate takes any judgment of any stage in any state; what it
does of it is to be seen only afterwards."""

from collections.abc import Mapping

import msgspec

from tui.domain.action import ActionKind, ActionRequest, Observation, Plan, Reply, Step
from tui.sources.spinnaker.actions.live_state import (
    LiveState,
    note,
    path_to,
    quoted,
    run_of,
    stage_by_id,
)
from tui.sources.spinnaker.actions.steps import StepKind
from tui.sources.spinnaker.payload import Execution, Stage, text
from tui.sources.spinnaker.read.judgments import INPUT, Judgment, judgment
from tui.sources.spinnaker.read.tree import Node, find, tree, walk
from tui.sources.spinnaker.status import JUDGMENT, vendor, waits
from tui.text import format as fmt
from tui.text.safe import clean, shorten

CONTINUE, STOP = "continue", "stop"


async def plan_judgment(request: ActionRequest, look: LiveState) -> Plan:
    target, stop = request.target, request.kind is ActionKind.REJECT
    verb = "Stop" if stop else "Let go on"
    execution = await look.of(target)
    nodes = tree(execution.all_stages)
    node, why = _meant(nodes, target.gate or target.job or "")
    if node is None:
        return look.cannot(request, f"{verb}: {target} on {look.server}", why)
    stage, known = node.stage, judgment(node.stage)
    words = f"{verb}: {quoted(known.message)} of {target.of_run} on {look.server}"
    if why := await _why_not(execution, stage, known, look):
        return look.cannot(request, words, why)
    facts = [("stage", stage.called)]
    if known.instructions and known.instructions != known.message:
        facts.append(("instructions", shorten(" ".join(known.instructions.split()), 300)))
    if known.roles:
        facts.append(("may judge", f"one of {', '.join(known.roles)}; whether you may, is seen afterwards"))
    if known.deadline is not None:
        facts.append(("gives up", fmt.clock(known.deadline)))
    warnings = []
    if stop:
        facts.append(("effect", _stopped(known)))
    elif known.runs_as_judge:
        warnings.append("what comes after it runs as you")
    given = request.value(INPUT)
    if given and given not in known.choices:
        why = f"{quoted(given)} is none of its choices: {', '.join(known.choices) or 'it has none'}"
        return look.cannot(request, words, why, fields=known.field)
    body = {"judgmentStatus": STOP if stop else CONTINUE} | ({"judgmentInput": given} if given else {})
    step = Step(
        words=f"{'stop' if stop else 'continue'} {quoted(stage.called)} of {target.of_run}",
        method="PATCH",
        path=path_to(execution.id, "stages", stage.id),
        body=(("", msgspec.json.encode(body).decode()),),
        body_kind="raw json",
        kind=StepKind.JUDGE,
        expect=note(
            path=target.path,
            run=execution.id,
            stage=stage.id,
            want=STOP if stop else CONTINUE,
            roles=", ".join(known.roles),
            before=_modified(stage),
            effect=_stopped(known) if stop else "",
        ),
    )
    return look.plan(
        request,
        words,
        facts=tuple(facts),
        warnings=tuple(warnings),
        fields=known.field,
        steps=(step,),
        button="Stop" if stop else "Continue",
    )


def _meant(nodes: tuple[Node, ...], label: str) -> tuple[Node | None, str]:
    """The judgment of that name, else the only one that waits; or why there is none."""
    if label:
        node = find(nodes, label)
        if node is None:
            return None, f"it has no stage {quoted(label)}"
        if node.stage.type != JUDGMENT:
            return None, f"{quoted(label)} is no manual judgment"
        return node, ""
    waiting = [node for node in walk(nodes) if waits(node.stage)]
    if len(waiting) > 1:
        names = ", ".join(quoted(node.stage.called) for node in waiting)
        return None, f"several judgments wait in it, name one: {names}"
    return (waiting[0], "") if waiting else (None, "nothing in it waits for a judgment")


async def _why_not(execution: Execution, stage: Stage, known: Judgment, look: LiveState) -> str:
    if execution.status == "PAUSED":
        return "the run is paused: it takes a judgment only when it is resumed"
    if not waits(stage):
        return f"it does not wait: {vendor(stage.status) or 'not begun'}"
    if known.status:
        return f"it was judged already ({clean(known.status)}), and Orca takes that in within some seconds"
    if known.no_self_approval:
        started = clean((execution.authentication.user if execution.authentication else None) or "")
        # Deck alone keeps people from it; the server would take it.
        if not (me := await look.me()) or me == started:
            return f"it must not be judged by who started the run, {started or 'who is not told'}"
    return ""


def _stopped(known: Judgment) -> str:
    if known.stop_goes_on:
        return "the pipeline goes on all the same: that is how this judgment was made"
    if known.stop_ends_branch:
        return "its branch ends; the run goes on and may still end as SUCCEEDED"
    return "the run ends as TERMINAL"


def _modified(stage: Stage) -> str:
    at = stage.last_modified.last_modified_time if stage.last_modified is not None else None
    return f"{at:.0f}" if at else ""


async def observe_judgment(expect: Mapping[str, str], reply: Reply | None, look: LiveState) -> Observation:
    execution = await look.execution(expect["run"])
    at, want = run_of(expect, look.context), expect["want"]
    stage = stage_by_id(execution, expect["stage"])
    if stage is None:
        return Observation("unknown", f"{at} no longer has that stage")
    name, given = quoted(stage.called), text(stage.values, "judgmentStatus").lower()
    changed = _modified(stage) not in ("", expect.get("before", ""))
    by = clean((stage.last_modified.user if stage.last_modified is not None else None) or "")
    me = await look.me()
    ours = changed and (not by or not me or by == me)
    if waits(stage):
        if given == want and ours:
            return Observation("happening", f"{name} is judged; Orca takes it in within some seconds", at)
        if given and not ours:
            return Observation("happening", f"{by or 'somebody'} judged {name}: {clean(given)}", at)
        if changed and ours and not given:
            needs = f" (it needs one of {expect['roles']})" if expect.get("roles") else ""
            return Observation(
                "failed", f"your judgment of {name} was put back: your role is not allowed{needs}", at
            )
        return Observation("nothing", f"{name} still waits", at)
    if given != want:
        ended = vendor(stage.status)
        if not given:
            return Observation("failed", f"{name} ended as {ended} without a judgment", at, not_ours=True)
        return Observation("failed", f"{by or 'somebody'} judged {name} {clean(given)}", at, not_ours=True)
    if not ours:
        return Observation(
            "failed", f"{by or 'somebody'} judged {name} {clean(given)}, not you", at, not_ours=True
        )
    if want == STOP:
        effect = expect.get("effect", "")
        return Observation("done", f"{name} was stopped: {effect}" if effect else f"{name} was stopped", at)
    if stage.status == "SUCCEEDED":
        return Observation("done", f"{name} was let go on", at)
    return Observation("failed", f"{name} ended as {vendor(stage.status)}", at)
