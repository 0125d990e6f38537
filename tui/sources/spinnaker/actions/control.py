"""Canceling, pausing, resuming, and restarting a stage (contracts: spinnaker §9.2, §9.3)."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from tui.domain.action import ActionKind, ActionRequest, Observation, Plan, Reply, Step
from tui.sources.spinnaker.actions.live_state import (
    LiveState,
    note,
    path_to,
    place_of,
    progress,
    quoted,
    run_of,
    stage_by_id,
    top_of,
)
from tui.sources.spinnaker.actions.start import plan_again
from tui.sources.spinnaker.actions.steps import StepKind
from tui.sources.spinnaker.payload import Stage, at, number
from tui.sources.spinnaker.read.links import BUILDS
from tui.sources.spinnaker.read.tree import Node, find, tree
from tui.sources.spinnaker.status import FAILED, is_active, vendor, waits
from tui.text.safe import clean, shorten


async def plan_cancel(request: ActionRequest, look: LiveState) -> Plan:
    run = request.target.of_run
    words = f"Cancel {run} on {look.server}"
    execution = await look.of(run)
    if not is_active(execution):
        # Gate would mark it as canceled all the same, and tell people so.
        return look.cannot(request, words, f"it has ended: {vendor(execution.status)}")
    if execution.canceled:
        return look.cannot(request, words, "it is being canceled")
    if request.target.job is not None or request.value("level"):
        return look.cannot(request, words, "Spinnaker cancels whole runs, in one way")
    running = [stage for stage in execution.all_stages if stage.status == "RUNNING"]
    kills = [
        stage.called for stage in running if stage.type in (*BUILDS, "pipeline", "runJobManifest", "runJob")
    ]
    facts = [("runs now", shorten(", ".join(quoted(stage.called) for stage in running), 200) or "nothing")]
    if kills:
        facts.append(("ends, too", f"what {', '.join(map(quoted, kills))} started"))
    warnings = ["what was deployed stays"] if any(map(_deploys, execution.all_stages)) else []
    if any(map(waits, running)):
        warnings.append("it waits for a judgment: that is ended, not answered")
    query = f"?{urlencode({'reason': request.reason})}" if request.reason else ""
    step = Step(
        words=f"cancel {run}",
        method="PUT",
        path=f"{path_to(execution.id, 'cancel')}{query}",
        kind=StepKind.CANCEL,
        expect=note(path=run.path, run=execution.id),
    )
    return look.plan(request, words, facts=tuple(facts), warnings=tuple(warnings), steps=(step,))


def _deploys(stage: Stage) -> bool:
    return "deploy" in (stage.type or "").lower() and stage.status not in (None, "NOT_STARTED", "SKIPPED")


async def observe_cancel(expect: Mapping[str, str], reply: Reply | None, look: LiveState) -> Observation:
    execution = await look.execution(expect["run"])
    run = run_of(expect, look.context)
    if execution.status == "CANCELED":
        by = clean(execution.canceled_by or "")
        me = await look.me()
        return Observation("done", f"{run} was canceled", run, not_ours=bool(by and me and by != me))
    if not is_active(execution):
        return Observation("failed", f"{run} ended as {vendor(execution.status)} before", run, not_ours=True)
    if execution.canceled:
        # Not "happening": one whose message was lost never comes further.
        return Observation("accepted", f"{run} is asked to end", run)
    return Observation("nothing", f"{run} still goes on ({vendor(execution.status)})", run)


async def plan_pause(request: ActionRequest, look: LiveState) -> Plan:
    run, pause = request.target.of_run, request.kind is ActionKind.PAUSE
    words = f"{'Pause' if pause else 'Resume'} {run} on {look.server}"
    execution = await look.of(run)
    wanted = "RUNNING" if pause else "PAUSED"
    if execution.status != wanted:
        return look.cannot(request, words, f"it is {vendor(execution.status)}, not {wanted}")
    step = Step(
        words=words[0].lower() + words.partition(" on ")[0][1:],
        method="PUT",
        path=path_to(execution.id, request.kind.value),
        kind=StepKind.PAUSE if pause else StepKind.RESUME,
        expect=note(path=run.path, run=execution.id, want="PAUSED" if pause else "RUNNING"),
    )
    warnings = ("what has begun goes on; a paused run has been seen to end",) if pause else ()
    return look.plan(request, words, warnings=warnings, steps=(step,))


async def observe_pause(expect: Mapping[str, str], reply: Reply | None, look: LiveState) -> Observation:
    execution = await look.execution(expect["run"])
    run = run_of(expect, look.context)
    if execution.status == expect["want"]:
        return Observation("done", f"{run} is {vendor(execution.status)}", run)
    if not is_active(execution):
        return Observation("failed", f"{run} ended as {vendor(execution.status)}", run, not_ours=True)
    return Observation("nothing", f"{run} is {vendor(execution.status)}", run)


# --- once more ----------------------------------------------------------------------------------------------------


async def plan_retry(request: ActionRequest, look: LiveState) -> Plan:
    target = request.target
    execution = await look.of(target)
    nodes = tree(execution.all_stages)
    wanted = request.value("stage") or target.job or ""
    run = target.of_run
    if not wanted:
        failed = [node.stage for node in nodes if node.stage.status in (*FAILED, "CANCELED")]
        if not failed:
            return await plan_again(request, execution, look)
        stage = failed[0]
    else:
        node = find(nodes, wanted)
        if node is None:
            why = f"it has no stage {quoted(wanted)}"
            return look.cannot(request, f"Restart {quoted(wanted)} of {run} on {look.server}", why)
        # Orca restarts the author's stage, whichever of it is named.
        stage = top_of(nodes, node.stage)
    words = f"Restart {quoted(stage.called)} of {run} on {look.server}"
    if stage.status in ("RUNNING", "PAUSED", "SUSPENDED"):
        return look.cannot(request, words, f"it has not ended: {vendor(stage.status)}")
    after = _behind(nodes, stage)
    facts = [("stage", f"{stage.called}: {vendor(stage.status)}")]
    if after:
        facts.append(("runs again, too", shorten(", ".join(quoted(below.called) for below in after), 300)))
    again = [deploying for deploying in (stage, *after) if "deploy" in (deploying.type or "").lower()]
    warnings = []
    environment = next(filter(None, (place_of(deploying, look.places) for deploying in again)), "")
    if again:
        there = f" into {environment}" if environment else ""
        warnings.append(
            f"{', '.join(quoted(deploying.called) for deploying in again)} puts the version of this run{there} again"
        )
    if is_active(execution):
        warnings.append(
            "the run has not ended; Deck restarts stages of such a run only where that is allowed"
        )
    if execution.limit_concurrent:
        warnings.append("one run of it goes on at a time: while another one does, this is queued")
    warnings.append("checks of preconditions are those of the pipeline as it is now")
    step = Step(
        words=f"restart {quoted(stage.called)} of {run}",
        method="PUT",
        path=path_to(execution.id, "stages", stage.id, "restart"),
        body=(("", "{}"),),
        body_kind="raw json",
        kind=StepKind.RESTART,
        expect=note(path=run.path, run=execution.id, stage=stage.id, before=_restarted(stage)),
    )
    return look.plan(
        request,
        words,
        facts=tuple(facts),
        warnings=tuple(warnings),
        steps=(step,),
        environment=environment,
    )


def _behind(nodes: Sequence[Node], stage: Stage) -> list[Stage]:
    """The stages that come after it, and begin anew with it."""
    reached = {stage.id}
    found = []
    for node in nodes:  # in the order of their needs
        if not reached.isdisjoint(node.needs) and node.stage.id not in reached:
            reached.add(node.stage.id)
            found.append(node.stage)
    return found


def _restarted(stage: Stage) -> str:
    at_ = number(at(stage.values, "restartDetails"), "restartTime")
    return f"{at_:.0f}" if at_ is not None else ""


async def observe_restart(expect: Mapping[str, str], reply: Reply | None, look: LiveState) -> Observation:
    execution = await look.execution(expect["run"])
    run = run_of(expect, look.context)
    stage = stage_by_id(execution, expect["stage"])
    if stage is None:
        return Observation("unknown", f"{run} no longer has that stage")
    if _restarted(stage) in ("", expect.get("before", "")):
        return Observation(
            "nothing", f"{quoted(stage.called)} was not restarted: {vendor(stage.status)}", run
        )
    return progress(execution, run)
