"""Gates: manual jobs that are played, and deployments that wait for approval (contracts: gitlab §4.2, §4.6)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from tui.domain.action import ActionField, ActionKind, ActionRequest, Observation, Plan, Reply, Step, at_fault
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
from tui.sources.gitlab.actions.progress import progress, put, seen_of
from tui.sources.gitlab.actions.rights import Rights
from tui.sources.gitlab.actions.steps import StepKind
from tui.sources.gitlab.actions.variables import InvalidVariables, parse_variables, shown
from tui.sources.gitlab.payload import RestJob, User
from tui.sources.gitlab.read.deployment_payload import RestDeployment
from tui.sources.gitlab.rest_client import project_url
from tui.text.safe import clean, shorten

LONGEST_COMMENT = 255
_NO_REJECTION = (
    "GitLab cannot reject a manual job, only a deployment that waits for approvals; "
    "leave it, or cancel its run"
)
_VARIABLES = ActionField(
    "variables",
    "lines",
    help="KEY=VALUE lines for this job only; GitLab does not tell which it takes",
    omitted=True,
)


class Approval(msgspec.Struct, frozen=True):
    status: str = ""
    user: User | None = None
    created_at: datetime | None = None


class Approved(msgspec.Struct, frozen=True):
    """A deployment and what was said of it."""

    status: str = ""
    pending_approval_count: int | None = None
    approvals: Sequence[Approval] | None = None

    @property
    def decided(self) -> tuple[tuple[str, str], ...]:
        """Who has decided what, as a fact of a plan."""
        decisions = [
            f"{clean(approval.user.username)} {clean(approval.status)}"
            for approval in self.approvals or ()
            if approval.user
        ]
        return (("decided so far", ", ".join(decisions)),) if decisions else ()

    def by(self, name: str) -> str:
        """What somebody has decided."""
        for approval in self.approvals or ():
            if approval.user is not None and approval.user.username == name:
                return approval.status
        return ""


_approved = msgspec.json.Decoder(Approved)


# --- plans --------------------------------------------------------------------------------------------------------


async def plan_gate(request: ActionRequest, look: LiveStateReader) -> Plan:
    """To approve, promote or reject."""
    target = request.target
    if target.environment is not None:
        return await _of_environment(request, look)
    if target.run is None:
        return look.cannot(request, f"{request.kind} {target}", "it names no run; a gate is in one")
    seen = await look.of(target)
    if target.job is None:
        return await _of_run(request, seen, look)
    return await _of_job(request, seen, seen.find(target), look)


async def _of_environment(request: ActionRequest, look: LiveStateReader) -> Plan:
    """The newest gate that stands before an environment."""
    path, name = request.target.path, request.target.environment or ""
    words = f"{request.kind} what waits before {request.target}"
    blocked = await look.deployments(path, "blocked", name)
    if request.kind is ActionKind.PROMOTE:
        blocked = await _promoting(path, name, blocked, look)
    job = blocked[0].deployable if blocked else None
    if job is None or job.pipeline is None:
        return look.cannot(
            request, words, f"nothing waits for a person before {clean(name)}", environment=clean(name)
        )
    seen = await look.run(path, job.pipeline.id)
    gate = next((current for current in seen.jobs if current.id == job.id), None)
    if gate is None:
        return look.cannot(request, words, f"{seen.address} no longer has the job {quoted(job.name)}")
    return await _of_job(request, seen, gate, look)


async def _promoting(
    path: str, name: str, blocked: Sequence[RestDeployment], look: LiveStateReader
) -> Sequence[RestDeployment]:
    """Of what waits what is no canary itself; that of the version put there last, where there is such."""
    words = look.environments.words(path)
    gates = [deployment for deployment in blocked if not words.of_deployment(deployment).canary]
    newest = await look.newest(path, name)
    return [gate for gate in gates if newest is not None and gate.sha == newest.sha] or gates


async def _of_run(request: ActionRequest, seen: LiveState, look: LiveStateReader) -> Plan:
    """The gate of a run, where it is clear which: the only one, or the only one that it waits for, or that deploys."""
    gates = tuple(gate for gate in seen.gates if not gate.allow_failure) or seen.gates
    if len(gates) > 1:
        gates = tuple([gate for gate in gates if await look.deployment_of(seen.place.path, gate)]) or gates
    if len(gates) == 1:
        return await _of_job(request, seen, gates[0], look)
    why = "nothing in it waits for a person"
    if gates:
        names = ", ".join(str(seen.at(gate).at_gate("play")) for gate in gates)
        why = f"it has {len(gates)} gates, name one: {shorten(names, 200)}"
    return look.cannot(request, f"{request.kind} {seen.address}", why)


async def _of_job(request: ActionRequest, seen: LiveState, job: RestJob, look: LiveStateReader) -> Plan:
    path = seen.place.path
    reject = request.kind is ActionKind.REJECT
    doing = "Reject the deployment of" if reject else "Start"
    words = f"{doing} {quoted(job.name)} of {seen.address} on {look.server}"
    facts: dict[str, Any] = {"facts": _facts(seen, job)}
    if why := _not_waiting(seen, job):
        rights = await look.rights(seen, job)
        if rights is not None and rights.manual_job is False:
            why = f"it is no manual job: {standing_words(job)}"
        return look.cannot(request, words, why, **facts)
    deployment = await look.deployment_of(path, job)
    approved = None
    if deployment is not None:
        environment = _environment(deployment)
        now = await look.there(path, environment)
        approved = await look.read(_approved, f"{project_url(path)}/deployments/{deployment.id}")
        facts["environment"] = environment
        facts["facts"] += (
            ("environment", environment),
            ("version", f"{version_of(now)} → {version_of(deployment)}"),
        )
    elif likely := await look.environments_of(path, {job.name}):
        facts["environment"] = likely[0]
        facts["facts"] += (("environment", likely[0]),)
    pending = (approved and approved.pending_approval_count) or 0
    if reject and not pending:
        return look.cannot(request, words, _NO_REJECTION, **facts)
    rights = await look.rights(seen, job)
    if not reject and not pending and rights is not None and _forbidden(rights):
        return look.cannot(request, words, await _why_forbidden(path, deployment, look), **facts)
    if rights is not None and rights.asks:
        facts["facts"] += (("it asks", rights.asks),)
    try:
        variables = parse_variables(request)
        play = _play(seen, job, deployment, variables)
    except InvalidVariables as error:
        fields = at_fault((_VARIABLES,), error.field, str(error))
        return look.cannot(request, words, str(error), fields=fields, **facts)
    with_variables = (("variables", shown(variables)),) if variables else ()
    if not pending or approved is None or deployment is None:
        facts["facts"] += with_variables
        return look.plan(request, words, fields=(_VARIABLES,), steps=(play,), **facts)
    facts["facts"] += (("approvals missing", str(pending)), *approved.decided)
    step = _approve(seen, job, deployment, request)
    if reject:
        final = "rejecting is final: the job fails and cannot be run again; only a new run helps"
        return look.plan(request, words, warnings=(final,), steps=(step,), **facts)
    mine = approved.by(await look.me())
    if mine == "approved":
        why = f"you have approved it; {_more(pending)} needed before it can be started"
        return look.cannot(request, words, why, **facts)
    words = f"Approve the deployment by {quoted(job.name)} of {seen.address} on {look.server}"
    if pending > 1:
        later = f"{_more(pending - 1)} needed after yours; then somebody has to start the job"
        return look.plan(request, words, warnings=(later,), steps=(step,), **facts)
    words = f"{words}, then start it"
    facts["facts"] += with_variables
    return look.plan(request, words, fields=(_VARIABLES,), steps=(step, play), **facts)


def _more(count: int) -> str:
    return f"{count} more approval{'s are' if count > 1 else ' is'}"


def _facts(seen: LiveState, job: RestJob) -> tuple[tuple[str, str], ...]:
    pipeline = seen.pipeline
    revision = clean(pipeline.sha or "")[:8]
    progress = " ".join(
        filter(None, (str(seen.address), clean(pipeline.name or ""), clean(pipeline.ref or ""), revision))
    )
    blocks = "the run does not wait for it" if job.allow_failure else "the run waits for it"
    return (("job", clean(job.name)), ("run", progress), ("blocks", blocks))


def _not_waiting(seen: LiveState, job: RestJob) -> str:
    """Why a job is no gate now. Playing one that ended would run it once more (contracts: gitlab §4.2)."""
    newest = seen.newest(job.name)
    if newest is not None and newest.id != job.id:
        return f"it was run again since: {seen.at(newest)} is {standing_words(newest)}"
    if job.status in ("manual", "scheduled"):
        return "it is archived: GitLab no longer runs it" if job.archived else ""
    if job.status == "created":
        return "its turn has not come"
    if job.status == "skipped":
        return "it was skipped"
    ended = "; starting it again would be a second run" if status_of(job).finished else ""
    return f"it no longer waits: {standing_words(job)}{ended}"


def _forbidden(rights: Rights) -> bool:
    return (rights.can_play_job is False and rights.manual_job is not False) or rights.forbidden


async def _why_forbidden(path: str, deployment: RestDeployment | None, look: LiveStateReader) -> str:
    """GitLab gives no reason; that it is outdated can be told (contracts: gitlab §4.7)."""
    if deployment is not None:
        newest = await look.newest(path, _environment(deployment))
        if newest is not None and newest.id > deployment.id and newest.sha != deployment.sha:
            where = _environment(deployment)
            return f"it is outdated: {version_of(newest)} was put into {where} since"
    return "you may not start it: it waits for approvals, its branch or environment is protected, or you lack the role"


def _environment(deployment: RestDeployment) -> str:
    return clean(deployment.environment.name) if deployment.environment is not None else ""


# --- steps --------------------------------------------------------------------------------------------------------


def _play(
    seen: LiveState, job: RestJob, deployment: RestDeployment | None, variables: Mapping[str, str]
) -> Step:
    sent = {"job_variables_attributes": [{"key": key, "value": value} for key, value in variables.items()]}
    path = seen.place.path
    return Step(
        words=f"start {quoted(job.name)} of {seen.address}",
        method="POST",
        path=f"/api/v4{project_url(path)}/jobs/{job.id}/play",
        body=(("", msgspec.json.encode(sent).decode()),) if variables else (),
        body_kind="raw json" if variables else "none",
        kind=StepKind.PLAY,
        expect=note(
            path=path,
            run=seen.pipeline.id,
            job=job.id,
            name=job.name,
            deployment=deployment.id if deployment is not None else None,
            environment=_environment(deployment) if deployment is not None else None,
        ),
    )


def _approve(seen: LiveState, job: RestJob, deployment: RestDeployment, request: ActionRequest) -> Step:
    decision = "rejected" if request.kind is ActionKind.REJECT else "approved"
    comment = shorten(request.reason, LONGEST_COMMENT)
    return Step(
        words=f"{'reject' if decision == 'rejected' else 'approve'} the deployment to {_environment(deployment)}",
        method="POST",
        path=f"/api/v4{project_url(seen.place.path)}/deployments/{deployment.id}/approval",
        body=(("status", decision), *((("comment", comment),) if comment else ())),
        body_kind="json",
        kind=StepKind.REJECT if decision == "rejected" else StepKind.APPROVE,
        expect=note(
            path=seen.place.path,
            run=seen.pipeline.id,
            job=job.id,
            name=job.name,
            deployment=deployment.id,
        ),
    )


# --- what became of it --------------------------------------------------------------------------------------------


async def observe_play(expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader) -> Observation:
    """How a job that was played does; a job that had ended before is run a second time under a new id."""
    path, id = expect["path"], noted(expect, "job")
    seen = await look.run(path, noted(expect, "run"))
    job, newest = seen_of(seen, id), seen.newest(expect["name"])
    answered = noted(dict(reply.found), "id") if reply is not None else 0
    second = seen_of(seen, answered) if answered not in (0, id) else None
    if second is None and newest is not None and newest.id > id:
        second = newest
    if second is not None or answered not in (0, id):
        what = f"{seen.at(second)} is {standing_words(second)}" if second else f"job {answered}"
        words = f"it had been started before, and a second run of {quoted(expect['name'])} was: {what}"
        return Observation("failed", words, seen.at(second) if second else None)
    if job is None:
        return Observation("unknown", f"{seen.address} no longer has the job {quoted(expect['name'])}")
    if job.status in ("manual", "scheduled"):
        waiting_words = "GitLab said yes, but it still waits" if _accepted(reply) else "it still waits"
        return Observation("nothing", waiting_words, seen.at(job))
    seen_now = progress(job, seen.at(job))
    if seen_now.state == "done" and "deployment" in expect:
        seen_now = await put(path, noted(expect, "deployment"), expect.get("environment", ""), seen_now, look)
    by = who(job)
    if by and by != await look.me():
        named = (
            f"GitLab names {clean(by)} as who started it"
            if _accepted(reply)
            else f"{clean(by)} started it, not you"
        )
        words = f"{named}: {seen_now.words}"
        return msgspec.structs.replace(seen_now, words=words, not_ours=not _accepted(reply))
    return seen_now


async def observe_rejection(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader
) -> Observation:
    found = await _deployment(expect, look)
    if found is None:
        return Observation("unknown", "its deployment is no longer shown")
    if found.by(await look.me()) == "rejected":
        return Observation("done", "rejected: the job has failed and cannot be run again")
    if found.status == "blocked":
        return Observation("nothing", "it still waits for approvals")
    if found.status == "failed":
        return Observation("done", "it was rejected, though not by you", not_ours=True)
    words = f"it was not rejected: its deployment is {clean(found.status)}"
    return Observation("failed", words, not_ours=True)


async def observe_approval(
    expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader
) -> Observation:
    found = await _deployment(expect, look)
    if found is None:
        return Observation("unknown", "its deployment is no longer shown")
    mine = found.by(await look.me())
    pending = found.pending_approval_count or 0
    if mine == "approved":
        left = f"{_more(pending)} needed" if pending else "the job can be started now"
        return Observation("done", f"approved; {left}" if found.status == "blocked" else "approved")
    if found.status == "blocked" and pending:
        return Observation("nothing", f"{pending} approval{'s' if pending > 1 else ''} missing")
    if found.status == "blocked":
        return Observation("done", "others have approved it; the job can be started now", not_ours=True)
    words = f"it no longer waits: its deployment is {clean(found.status)}"
    return Observation("failed", words, not_ours=True)


async def _deployment(expect: Mapping[str, str], look: LiveStateReader) -> Approved | None:
    return await look.read(_approved, f"{project_url(expect['path'])}/deployments/{expect['deployment']}")


def _accepted(reply: Reply | None) -> bool:
    return reply is not None and reply.state == "accepted"
