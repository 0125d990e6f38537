"""Stopping a run, in three levels, and taking what waits out of the queue (contracts: jenkins §10.4, §5)."""

from collections.abc import Mapping

from tui.domain.action import ActionRequest, Observation, Plan, Reply, Step
from tui.sources.jenkins.actions.live_state import RunState, Started, same
from tui.sources.jenkins.actions.live_state_reader import LiveStateReader, address, note, noted, place, shown
from tui.sources.jenkins.actions.steps import StepKind
from tui.sources.jenkins.fields import text_of
from tui.sources.jenkins.names import job_path
from tui.text.safe import clean, shorten

LEVELS = {"stop": "Stop the run", "term": "End the run by force", "kill": "Kill the run"}
GRACE = 15.0
"""Seconds that a level has before the next is offered."""

_EFFECTS = {
    "stop": "its steps are interrupted; what it does at its end still runs",
    "term": "its steps are ended by force; what it does at its end may not run",
    "kill": "it is marked as ended at once; processes and locks of it may stay behind",
}


def milder(level: str, state: RunState) -> str:
    """The level that comes before one; only Pipelines have all three."""
    return {"term": "stop", "kill": "term" if state.is_pipeline else "stop"}.get(level, "")


async def plan_cancel(request: ActionRequest, look: LiveStateReader) -> Plan:
    if request.target.run is None:
        return await _plan_dequeue(request, look)
    run = request.target.of_run
    level = request.value("level") or "stop"
    words = f"{level.capitalize()} {run} on {look.server}"
    if level not in LEVELS:
        return look.cannot(request, words, f"there is no level {level}; it is one of {', '.join(LEVELS)}")
    state = await look.of(run)
    if not state.active:
        return look.cannot(request, words, f"it has ended: {state.ending}")
    if level == "term" and not state.is_pipeline:
        return look.cannot(request, words, "only Pipelines have this level; the next is kill")
    if before := milder(level, state):
        sent = look.stopped(look.sent_name(run.path), run.number or 0, before)
        if sent is None:
            why = f"{before} comes first, and has {GRACE:.0f} s: none was sent from here, as far as is known"
            return look.cannot(request, words, why)
        if (left := sent + GRACE - look.clock()) > 0:
            return look.cannot(request, words, f"{before} was sent just now; give it {left:.0f} s more")
    step = Step(
        words=f"{level} {run}",
        method="POST",
        path=f"{job_path(look.sent_name(run.path))}/{run.run}/{level}",
        kind=StepKind.CANCEL,
        expect=note(**place(request, look), level=level),
    )
    return look.plan(request, words, facts=(("effect", _EFFECTS[level]),), steps=(step,))


async def observe_cancel(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader
) -> Observation:
    at = address(expect)
    state = await look.run(expect["job"], noted(expect, "run"))
    if state.active:
        if reply is not None and reply.state == "accepted":
            return Observation("accepted", f"Jenkins said yes; {at} still runs", at)
        return Observation("nothing", f"{at} still runs", at)
    if state.result not in ("ABORTED", "NOT_BUILT"):
        return Observation("failed", f"it ended as {state.ending} by itself", at, not_ours=True)
    me = await look.me()
    by = [
        interruption.user
        for interruption in state.interruptions
        if interruption.user and not same(interruption.user, me)
    ]
    others = bool(by) and (reply is None or reply.state != "accepted")
    who = f" by {by[0]}, not you" if others else ""
    return Observation("done", f"{at} was stopped{who}", at, not_ours=others)


async def _plan_dequeue(request: ActionRequest, look: LiveStateReader) -> Plan:
    job = look.sent_name(request.target.path)
    words = f"Take what waits of {request.target} out of the queue of {look.server}"
    waiting = await look.queued(job)
    if not waiting:
        return look.cannot(request, words, "nothing of it waits in the queue; name a run to stop one")
    wanted = request.value("item")
    meant = [item for item in waiting if wanted in ("", str(item.id))]
    if not meant:
        return look.cannot(request, words, f"item {clean(wanted)} of it no longer waits in the queue")
    if len(meant) > 1:
        listed = shorten("; ".join(map(item_words, meant)), 300)
        return look.cannot(
            request, words, f"{len(meant)} of it wait in the queue, name one (--item): {listed}"
        )
    (item,) = meant
    words = f"Take {item_words(item)} of {request.target} out of the queue of {look.server}"
    step = Step(
        words=f"cancel item {item.id} of {request.target}",
        method="POST",
        path=f"/queue/cancelItem?id={item.id}",
        kind=StepKind.DEQUEUE,
        expect=note(**place(request, look), item=item.id),
    )
    facts = (("parameters", _given(item)),) if item.parameters else ()
    return look.plan(request, words, facts=facts, steps=(step,))


def item_words(item: Started) -> str:
    """An item of the queue, told from others of its job."""
    return f"item {item.id} ({_given(item)})" if item.parameters else f"item {item.id}"


def _given(item: Started) -> str:
    return shown({parameter.name: text_of(parameter) or "***" for parameter in item.parameters})


async def observe_dequeue(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader
) -> Observation:
    item = await look.item(noted(expect, "item"))
    if item is None:
        if reply is not None and reply.state == "accepted":
            return Observation("done", "it is no longer in the queue")
        return Observation("unknown", "it is no longer in the queue, and why is not told")
    if item.cancelled:
        return Observation("done", "it was canceled in the queue")
    if item.executable is not None and item.executable.number is not None:
        at = address(expect, item.executable.number)
        return Observation("failed", f"it had begun: {at}", at, not_ours=True)
    return Observation("nothing", "it still waits in the queue")
