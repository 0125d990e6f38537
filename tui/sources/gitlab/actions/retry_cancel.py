"""Running a job or a run once more, and ending one (contracts: gitlab §4.3, §4.4)."""

from collections.abc import Mapping

import msgspec

from tui.domain.action import ActionRequest, Observation, Plan, Reply, Step
from tui.sources.gitlab.actions.live_state import (
    LiveState,
    note,
    noted,
    quoted,
    standing_words,
    status_of,
    version_of,
    who,
)
from tui.sources.gitlab.actions.live_state_reader import LiveStateReader
from tui.sources.gitlab.actions.progress import of_run, progress, put, seen_of
from tui.sources.gitlab.actions.steps import StepKind
from tui.sources.gitlab.payload import RestJob
from tui.sources.gitlab.rest_client import project_url
from tui.sources.gitlab.status import read_status
from tui.text.safe import clean, shorten

_AGAIN = ("failed", "canceled")
_ENDED = ("success", "failed", "canceled", "canceling")


async def plan_retry(request: ActionRequest, look: LiveStateReader) -> Plan:
    seen = await look.of(request.target)
    if request.target.job is None:
        return await _retry_run(request, seen, look)
    job = seen.find(request.target)
    words = f"Run {quoted(job.name)} of {seen.address} again on {look.server}"
    if request.value("stage"):
        return look.cannot(request, words, "GitLab restarts no stage; run its jobs again")
    if why := why_not_again(seen, job):
        return look.cannot(request, words, why)
    rights = await look.rights(seen, job)
    if rights is not None and (rights.retryable is False or rights.forbidden):
        why = "you may not: it is protected, outdated or archived, or you lack the role"
        return look.cannot(request, words, why)
    deployment = await look.deployment_of(seen.place.path, job)
    facts = [("job", f"{clean(job.name)}: {standing_words(job)}")]
    warnings = []
    environment = ""
    if deployment is not None and deployment.environment is not None:
        environment = clean(deployment.environment.name)
        now = version_of(await look.there(seen.place.path, environment))
        facts += [("environment", environment), ("version", f"{now} → {version_of(deployment)}")]
        warnings.append(f"it deploys: {environment} gets {version_of(deployment)} again")
    elif likely := await look.environments_of(seen.place.path, {job.name}):
        environment = likely[0]
        warnings.append(f"it deploys to {environment}")
    if rights is not None and rights.manual_job:
        warnings.append("it is a manual job, but run again it starts at once, without asking anybody")
    if job.id in seen.bridges:
        facts.append(("starts", "a new downstream run"))
    return look.plan(
        request,
        words,
        facts=tuple(facts),
        warnings=tuple(warnings),
        steps=(retry_step(seen, job, environment=environment),),
        environment=environment,
    )


def retry_step(seen: LiveState, job: RestJob, **expect: object) -> Step:
    newest = seen.newest(job.name) or job
    path = seen.place.path
    notes = note(path=path, run=seen.pipeline.id, job=job.id, name=job.name, last=newest.id)
    return Step(
        words=f"run {quoted(job.name)} of {seen.address} again",
        method="POST",
        path=f"/api/v4{project_url(path)}/jobs/{job.id}/retry",
        kind=StepKind.RETRY,
        expect=notes + note(**expect),
    )


def why_not_again(seen: LiveState, job: RestJob) -> str:
    newest = seen.newest(job.name)
    if newest is not None and newest.id != job.id:
        return f"it was run again since: {seen.at(newest)} is {standing_words(newest)}"
    if job.archived:
        return "it is archived: GitLab no longer runs it"
    if job.status == "manual":
        return "it has not run yet; it waits to be started"
    if job.status not in _ENDED:
        return f"it has not ended: {standing_words(job)}"
    if job.failure_reason == "deployment_rejected":
        return "its deployment was rejected, which is final; only a new run helps"
    return ""


async def _retry_run(request: ActionRequest, seen: LiveState, look: LiveStateReader) -> Plan:
    words = f"Run again what failed in {seen.address} on {look.server}"
    ended = [job for job in seen.current if job.status in _AGAIN]
    again = [job for job in ended if job.id not in seen.bridges and not job.archived]
    bridges = [job for job in ended if job.id in seen.bridges]
    if not again:
        why = "nothing in it failed or was canceled"
        if bridges:
            why = f"it would not start {_names(bridges)} again; retry that job itself"
        elif ended:
            why = "what failed in it is archived"
        return look.cannot(request, words, why)
    warnings = [f"{_names(bridges)} is not started again; retry that job itself"] if bridges else []
    path = seen.place.path
    environments = await look.environments_of(path, {job.name for job in again})
    if environments:
        warnings.append(f"among it is what deploys to {', '.join(environments)}")
    step = Step(
        words=f"run again what failed in {seen.address}",
        method="POST",
        path=f"/api/v4{project_url(path)}/pipelines/{seen.pipeline.id}/retry",
        kind=StepKind.RETRY_RUN,
        expect=note(path=path, run=seen.pipeline.id, last=seen.jobs[-1].id),
    )
    facts = (("jobs", _names(again)), ("manual jobs", "go back to waiting; the others start"))
    return look.plan(
        request,
        words,
        facts=facts,
        warnings=tuple(warnings),
        steps=(step,),
        environment=environments[0] if environments else "",
    )


async def plan_cancel(request: ActionRequest, look: LiveStateReader) -> Plan:
    seen = await look.of(request.target)
    if request.target.job is None:
        return _cancel_run(request, seen, look)
    job = seen.find(request.target)
    words = f"Cancel {quoted(job.name)} of {seen.address} on {look.server}"
    force = request.value("level") == "force"
    if why := _why_not_cancel(seen, job, force=force):
        return look.cannot(request, words, why)
    path = seen.place.path
    step = Step(
        words=f"cancel {quoted(job.name)} of {seen.address}{' by force' if force else ''}",
        method="POST",
        path=f"/api/v4{project_url(path)}/jobs/{job.id}/cancel",
        body=(("", '{"force":true}'),) if force else (),
        body_kind="raw json" if force else "none",
        kind=StepKind.CANCEL,
        expect=note(path=path, run=seen.pipeline.id, job=job.id, name=job.name),
    )
    warnings = []
    deployment = await look.deployment_of(path, job) if job.status == "running" else None
    environment = ""
    if deployment is not None and deployment.environment is not None:
        environment = clean(deployment.environment.name)
        warnings.append(
            f"it is putting {version_of(deployment)} into {environment}, which may stay half done"
        )
    return look.plan(
        request,
        words,
        facts=(("job", f"{clean(job.name)}: {standing_words(job)}"),),
        warnings=tuple(warnings),
        steps=(step,),
        environment=environment,
    )


def _why_not_cancel(seen: LiveState, job: RestJob, *, force: bool) -> str:
    if job.id in seen.bridges:
        return "GitLab cancels no job that starts a run; cancel the run it started"
    if job.status == "manual":
        return "it waits for a person: canceling would end the gate; cancel its run if you mean all of it"
    if status_of(job).finished:
        return f"it has ended: {standing_words(job)}"
    if force and job.status != "canceling":
        return "only what is being canceled already can be canceled by force"
    if job.status == "canceling" and not force:
        return "it is being canceled; its after_script runs"
    return ""


def _cancel_run(request: ActionRequest, seen: LiveState, look: LiveStateReader) -> Plan:
    words = f"Cancel {seen.address} on {look.server}"
    status = read_status(seen.pipeline.status).status
    if status.finished:
        return look.cannot(request, words, f"it has ended: {status}")
    if seen.pipeline.status == "canceling":
        return look.cannot(request, words, "it is being canceled")
    running = [job for job in seen.current if status_of(job).active and job.status != "manual"]
    warnings = []
    if seen.gates:
        warnings.append(
            f"it waits for a person at {_names(seen.gates)}: that gate is ended too, not answered"
        )
    children = [job for job in seen.current if job.downstream_pipeline is not None]
    facts = [("jobs", _names(running) if running else "none runs or waits for its turn")]
    if children:
        facts.append(("downstream", "its child runs are canceled too, those in other projects are not"))
    path = seen.place.path
    step = Step(
        words=f"cancel {seen.address}",
        method="POST",
        path=f"/api/v4{project_url(path)}/pipelines/{seen.pipeline.id}/cancel",
        kind=StepKind.CANCEL_RUN,
        expect=note(path=path, run=seen.pipeline.id),
    )
    return look.plan(request, words, facts=tuple(facts), warnings=tuple(warnings), steps=(step,))


def _names(jobs: "list[RestJob] | tuple[RestJob, ...]") -> str:
    return shorten(", ".join(quoted(job.name) for job in jobs), 120)


# --- what became of it --------------------------------------------------------------------------------------------


async def observe_retry(expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader) -> Observation:
    """The new job: the one the answer named, else a newer one of the name. Also of a rollback."""
    path = expect["path"]
    seen = await look.run(path, noted(expect, "run"))
    answered = noted(dict(reply.found), "id") if reply is not None else 0
    newest = seen.newest(expect["name"])
    job = seen_of(seen, answered) if answered else None
    if job is None and newest is not None and newest.id > noted(expect, "last"):
        job = newest
    if job is None:
        return Observation("nothing", f"no newer run of {quoted(expect['name'])} is to be seen")
    shown = progress(job, seen.at(job))
    environment = expect.get("environment", "")
    if job.status == "manual":
        words = f"{quoted(job.name)} was made anew and waits: for approvals, then for somebody to start it"
        shown = Observation("accepted", words, seen.at(job).at_gate("play"))
    elif shown.state == "done" and environment:
        made = await look.deployment_of(path, job)
        if made is None:
            shown = Observation(
                "happening", f"{shown.words}; its deployment is not to be seen yet", shown.result
            )
        else:
            shown = await put(path, made.id, environment, shown, look)
    by = who(job)
    ours = reply is not None and reply.state == "accepted"
    if not ours and by and by != await look.me():
        words = f"{clean(by)} started it, not you: {shown.words}"
        shown = msgspec.structs.replace(shown, words=words, not_ours=True)
    return msgspec.structs.replace(shown, found=(("id", str(job.id)),))


async def observe_retry_run(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader
) -> Observation:
    seen = await look.run(expect["path"], noted(expect, "run"))
    if not any(job.id > noted(expect, "last") for job in seen.jobs):
        yes = reply is not None and reply.state == "accepted"
        answer = "GitLab said yes, but started nothing: " if yes else ""
        return Observation("nothing", f"{answer}no job of it was started again", seen.address)
    return of_run(seen)


async def observe_cancel(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader
) -> Observation:
    """GitLab answers 201 also where it did nothing (contracts: gitlab §0)."""
    seen = await look.run(expect["path"], noted(expect, "run"))
    job = seen_of(seen, noted(expect, "job"))
    if job is None:
        return Observation("unknown", f"{seen.address} no longer has the job {quoted(expect['name'])}")
    at, name = seen.at(job), quoted(job.name)
    if job.status == "canceled":
        return Observation("done", f"{name} was canceled", at)
    if job.status == "canceling":
        return Observation("happening", f"{name} is being canceled; its after_script runs", at)
    if status_of(job).finished:
        words = f"{name} was not canceled: it is {standing_words(job)}"
        return Observation("failed", words, at, not_ours=True)
    return Observation("nothing", f"{name} is {standing_words(job)}", at)


async def observe_cancel_run(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader
) -> Observation:
    seen = await look.run(expect["path"], noted(expect, "run"))
    status = read_status(seen.pipeline.status).status
    at = seen.address
    if seen.pipeline.status == "canceled":
        return Observation("done", f"{at} was canceled", at)
    if status.finished:
        gone = any(job.status == "canceled" for job in seen.current)
        more = ", some of its jobs were canceled" if gone else ": it had ended before"
        return Observation("failed", f"{at} ended as {status}{more}", at, not_ours=not gone)
    if seen.pipeline.status == "canceling" or any(
        job.status in ("canceling", "canceled") for job in seen.current
    ):
        return Observation("happening", f"{at} is being canceled", at)
    return Observation("nothing", f"{at} is still {status}", at)
