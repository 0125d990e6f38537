"""Rolling back: the job of an older deployment is run again (contracts: gitlab §4.7)."""

from collections.abc import Sequence
from datetime import datetime

from tui.domain.action import ActionRequest, Plan
from tui.domain.deployment import Deployment
from tui.domain.status import Status
from tui.insight.environment_state import EnvironmentState, environment_state
from tui.sources.gitlab.actions.live_state import LiveState, quoted, standing_words
from tui.sources.gitlab.actions.live_state_reader import LiveStateReader
from tui.sources.gitlab.actions.retry_cancel import retry_step, why_not_again
from tui.sources.gitlab.payload import RestJob, seconds
from tui.text.safe import clean

_OUTDATED = (
    "the project lets no older deployment be run again: its setting 'Prevent outdated deployment jobs' is on "
    "without 'Allow job retries for rollback deployments'"
)


async def plan_rollback(request: ActionRequest, look: LiveStateReader) -> Plan:
    target = request.target
    if target.environment is None:
        return look.cannot(
            request, f"Roll back {target}", f"it names no environment; write {target.pipeline}@NAME"
        )
    words = f"Roll back {target} on {look.server}"
    environment, raw = await look.environments.past(target)
    name = environment.name
    stand = environment_state(environment.deployments)
    chosen = _chosen(request.value("version"), environment.deployments, stand)
    if isinstance(chosen, str):
        return look.cannot(request, words, chosen, environment=name)
    words = f"Roll back {target} to {chosen.version} on {look.server}"
    here = stand.canary or stand.stable
    facts = [("environment", name), ("version", f"{here.version if here else 'nothing'} → {chosen.version}")]
    if stand.canary is not None:
        facts.append(("canary", f"{stand.canary.version} goes; {chosen.version} was there before it"))
    job = raw[chosen.id].deployable
    if job is None or job.pipeline is None:
        why = "it has no job: another tool only told GitLab of it; start a new run on its branch"
        return look.cannot(request, words, why, facts=tuple(facts), environment=name)
    seen = await look.run(target.path, job.pipeline.id)
    again = _newest_attempt(seen, job.id, job.name)
    if again is None:
        why = f"its run {seen.address} no longer has the job {quoted(job.name)}"
        return look.cannot(request, words, why, facts=tuple(facts), environment=name)
    facts.append(("job", f"{clean(again.name)} of {seen.address}"))
    if again.id != job.id:
        facts.append(("its latest attempt", str(seen.at(again))))
    why = await _why_not(seen, again, look, retried=again.id != job.id)
    if why:
        return look.cannot(request, words, why, facts=tuple(facts), environment=name)
    warnings = _artifacts(seen, look.began)
    if approvals := await look.approvals(target.path, name):
        people = f"{approvals} {'people have' if approvals > 1 else 'person has'}"
        warnings.append(f"{people} to approve it afterwards, then somebody has to start the job")
    if environment.stopped:
        warnings.append(f"{name} is stopped; this makes it available again")
    step = retry_step(seen, again, environment=name, version=chosen.version)
    return look.plan(
        request, words, facts=tuple(facts), warnings=tuple(warnings), steps=(step,), environment=name
    )


def _chosen(wanted: str, deployments: Sequence[Deployment], stand: EnvironmentState) -> Deployment | str:
    """The deployment to go back to; or why there is none."""
    there = stand.stable
    if not wanted:
        back = there if stand.canary is not None else stand.previous
        return back or "there is no earlier version of it, as far back as was read"
    found = [deployment for deployment in deployments if _is(deployment, wanted)]
    if not found:
        return f"it never had {clean(wanted)}, as far back as was read"
    passed = [
        deployment for deployment in found if deployment.status is Status.PASSED and not deployment.canary
    ]
    if not passed:
        return f"{clean(wanted)} was only a canary there, or never got there: {found[0].vendor_status}"
    best = max(passed, key=lambda deployment: deployment.finished_at or 0.0)
    if there is not None and best.version == there.version and stand.canary is None:
        return f"it is already at {there.version}"
    return best


def _is(deployment: Deployment, wanted: str) -> bool:
    if wanted in (deployment.version, deployment.id):
        return True
    return len(wanted) >= 7 and deployment.revision.startswith(wanted)


def _newest_attempt(seen: LiveState, id: int, name: str) -> RestJob | None:
    """The job of a deployment, or the newest of its name where that was run again since."""
    return seen.newest(name) or next((job for job in seen.jobs if job.id == id), None)


async def _why_not(seen: LiveState, job: RestJob, look: LiveStateReader, *, retried: bool) -> str:
    if retried and job.status != "success":
        return f"its job was run again since, and {seen.at(job)} is {standing_words(job)}"
    if why := why_not_again(seen, job):
        return why
    rights = await look.rights(seen, job)
    if rights is None:
        return ""
    if rights.retryable is False:
        return "GitLab says that its job cannot be run again"
    if not rights.forbidden:
        return ""
    project = await look.project(seen.place.path)
    if project.ci_forward_deployment_rollback_allowed is False:
        return _OUTDATED
    return (
        "you may not: the environment or branch is protected, you lack the role, "
        "or the project forbids running outdated deployments again"
    )


def _artifacts(seen: LiveState, now: float) -> list[str]:
    """Only that job is run again; what it takes from others has to be there still."""

    def expired(at: datetime | None) -> bool:
        return at is not None and (seconds(at) or 0.0) < now

    gone = [clean(job.name) for job in seen.current if expired(job.artifacts_expire_at)]
    if not gone:
        return []
    names = ", ".join(gone[:3])
    return [
        f"the artifacts of {names} have expired; if the job needs them it fails, and they have to be made again"
    ]
