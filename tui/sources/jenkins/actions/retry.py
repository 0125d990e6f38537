"""Running a run once more, as it was or from one of its stages (contracts: jenkins §10.2, §10.3)."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from tui.domain.action import ActionField, ActionRequest, Plan, Step
from tui.sources.jenkins.actions.live_state import RunState
from tui.sources.jenkins.actions.live_state_reader import LiveStateReader, note, place, quoted, shown
from tui.sources.jenkins.actions.start import plan_start
from tui.sources.jenkins.actions.steps import StepKind
from tui.sources.jenkins.fields import text_of
from tui.sources.jenkins.names import job_path

_NOT_FROM_STAGE = (
    "Jenkins offers no stage of it: it is no declarative Pipeline, forbids it, or you may not build it"
)


async def plan_retry(request: ActionRequest, look: LiveStateReader) -> Plan:
    run = request.target.of_run
    words = f"Run {request.target} again on {look.server}"
    state = await look.of(run)
    if state.active:
        return look.cannot(request, words, "it still runs")
    if request.target.job is not None or request.value("stage"):
        return await _from_stage(request, look)
    job = await look.job(look.sent_name(run.path))
    if not state.is_pipeline:
        had = {parameter.name: text_of(parameter) for parameter in state.parameters}
        known = {field.name: field for field in job.fields}
        same = {
            name: value
            for name, value in had.items()
            if value is not None and name in known and known[name].kind != "unsupported"
        } | dict(request.values)
        # What the run had for a password nobody can read, and the job's own may be another.
        fields = tuple(
            msgspec.structs.replace(field, required=field.required or field.kind == "secret")
            for field in job.fields
        )
        job = msgspec.structs.replace(job, fields=fields)
        plan = plan_start(
            msgspec.structs.replace(request, values=tuple(same.items())), run.pipeline, job, look, words
        )
        warnings = (*plan.warnings, "with the newest code: the revision is not kept")
        if gone := [name for name in had if name not in known]:
            warnings += (f"it no longer has {', '.join(quoted(name) for name in gone)}",)
        if unread := [
            name for name, value in had.items() if value is None and _is_left(known.get(name), same)
        ]:
            words = ", ".join(quoted(name) for name in unread)
            warnings += (f"what {words} was is not told: the job's default is taken",)
        fields = tuple(
            msgspec.structs.replace(field, default=same.get(field.name, field.default))
            for field in plan.fields
        )
        return msgspec.structs.replace(plan, request=request, fields=fields, warnings=warnings)
    if not job.buildable:
        return look.cannot(request, words, "it cannot be built: it, or what holds it, is disabled")
    step = Step(
        words=f"run {run} again",
        method="POST",
        path=f"{job_path(look.sent_name(run.path))}/{run.run}/replay/rebuild",
        kind=StepKind.REPLAY,
        expect=note(**place(request, look), next=job.next_number, cause="ReplayCause"),
    )
    facts = (("how", "the same script and parameters"), *_parameters(state))
    return look.plan(request, words, facts=facts, steps=(step,))


async def _from_stage(request: ActionRequest, look: LiveStateReader) -> Plan:
    run = request.target.of_run
    full_name, number = look.sent_name(run.path), run.number or 0
    stage = request.value("stage") or request.target.job or ""
    words = f"Run {run} again from {quoted(stage)} on {look.server}"
    stages = tuple(await look.restartable(full_name, number))
    if not stages:
        return look.cannot(request, words, _NOT_FROM_STAGE)
    fields = (ActionField("stage", "choice", stage if stage in stages else stages[0], stages),)
    if stage not in stages:
        why = f"it can begin at {', '.join(quoted(stage_name) for stage_name in stages)} only"
        return look.cannot(request, words, why, fields=fields)
    job = await look.job(full_name)
    step = Step(
        words=f"run {run} again from {quoted(stage)}",
        method="POST",
        path=f"{job_path(full_name)}/{number}/restart/restartPipeline?stageName={quote(stage, safe='')}",
        kind=StepKind.RESTART,
        expect=note(
            **place(request, look),
            next=job.next_number,
            cause="RestartDeclarativePipelineCause",
        ),
    )
    facts = (("how", "the same script and parameters; the stages before are skipped"),)
    return look.plan(request, words, facts=facts, fields=fields, steps=(step,))


def _is_left(field: ActionField | None, given: Mapping[str, str]) -> bool:
    """Whether a field is left to the server."""
    return field is not None and field.omitted and not given.get(field.name)


def _parameters(state: RunState) -> tuple[tuple[str, str], ...]:
    values = {parameter.name: text_of(parameter) or "***" for parameter in state.parameters}
    return (("parameters", shown(values)),) if values else ()
