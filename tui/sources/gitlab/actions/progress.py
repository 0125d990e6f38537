"""How what was started does, as an action's outcome. The server's state alone counts (rule 12 of the design)."""

import msgspec

from tui.domain.action import Observation
from tui.domain.address import Address
from tui.domain.status import Status
from tui.sources.gitlab.actions.live_state import LiveState, quoted, status_of
from tui.sources.gitlab.actions.live_state_reader import LiveStateReader
from tui.sources.gitlab.payload import RestJob
from tui.sources.gitlab.status import read_status
from tui.text.safe import clean


def seen_of(seen: LiveState, id: int) -> RestJob | None:
    return next((job for job in seen.jobs if job.id == id), None)


def progress(job: RestJob, at: Address) -> Observation:
    """A job that somebody started."""
    name, status = quoted(job.name), status_of(job)
    reason = read_status(job.status).reason
    match status:
        case Status.QUEUED:
            return Observation("happening", f"{name} {reason or 'waits for its turn'}", at)
        case Status.WAITING:
            return Observation("accepted", f"{name} waits for a person", at)
        case Status.RUNNING:
            return Observation("happening", f"{name} {reason or 'runs'}", at)
        case Status.PASSED | Status.WARNING:
            return Observation("done", f"{name} passed", at)
        case Status.FAILED:
            why = clean(job.failure_reason or "").replace("_", " ")
            return Observation("failed", f"{name} failed{f': {why}' if why else ''}", at)
        case Status.CANCELED | Status.SKIPPED:
            return Observation("failed", f"{name} was {status}", at)
    return Observation("happening", f"{name} is {clean(job.status)}", at)


def of_run(seen: LiveState) -> Observation:
    """A run that was started, or started again."""
    status = read_status(seen.pipeline.status).status
    at = seen.address
    match status:
        case Status.QUEUED:
            return Observation("happening", f"{at} is queued", at)
        case Status.RUNNING:
            return Observation("happening", f"{at} runs", at)
        case Status.WAITING:
            return Observation("done", f"{at} ran up to a gate and waits for a person", at)
        case Status.PASSED | Status.WARNING:
            return Observation("done", f"{at} passed", at)
        case Status.FAILED | Status.CANCELED | Status.SKIPPED:
            return Observation("failed", f"{at} ended as {status}", at)
    return Observation("happening", f"{at} is {clean(seen.pipeline.status)}", at)


async def put(
    path: str, deployment: int, environment: str, passed: Observation, look: LiveStateReader
) -> Observation:
    """What its deployment says of a job that passed; the two may disagree for a moment (contracts: gitlab §2)."""
    found = await look.deployment(path, deployment)
    if found is None:
        return passed
    if found.status == "success":
        where = clean(environment) or "its environment"
        words = f"{passed.words}: {where} has {clean(found.sha or '')[:8]}"
        return msgspec.structs.replace(passed, words=words)
    if found.status in ("failed", "canceled", "skipped"):
        return Observation("failed", f"{passed.words}, but its deployment is {found.status}", passed.result)
    return Observation("happening", f"{passed.words}; its deployment is {clean(found.status)}", passed.result)
