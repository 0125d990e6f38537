"""Whether something that should happen again and again has not: it takes proof that one may look there. Pure."""

from collections.abc import Callable, Iterable

from tui.domain.absence import LastSeen, Recurring
from tui.domain.deployment import Deployment, Environment
from tui.domain.pipeline import Pipeline, Run
from tui.domain.status import Status
from tui.domain.training import TrainingRun
from tui.insight.alarms import UNKNOWN, AlarmReading
from tui.text import format as fmt

_DONE: dict[Recurring, str] = {
    "training": "been trained",
    "evaluation": "been evaluated",
    "deployment": "been deployed",
    "schedule": "been started by its schedule",
}
_BY_CLOCK = ("schedule", "timer", "cron")
"""How the cause of a run begins that the clock started: GitLab's, Jenkins', Spinnaker's."""


def reading(
    model: str,
    of: Recurring,
    longer_than: float,
    last: LastSeen | None,
    now: float,
    watched_since: float,
    expected: str = "",
) -> AlarmReading:
    """Bad only where all was seen that could have happened meanwhile. What was never seen at all is bad once it was
    watched for so long."""
    if last is None:
        return UNKNOWN
    if last.at is not None and now - last.at < longer_than:
        return AlarmReading("good", f"{model} has {_DONE[of]}: {last.what}", last.at)
    if last.covered is None:
        return AlarmReading("unknown", last.why or "nobody tells")
    if last.covered > now - longer_than:
        return AlarmReading(
            "unknown", f"only what happened in the last {fmt.duration(now - last.covered)} is seen"
        )
    tried = f", tried {fmt.count(last.tried, 'time')} since" if last.tried else ""
    expected = f"expected every {expected or fmt.duration(longer_than)}"
    seen_since = max(last.at or 0.0, last.covered)
    if not seen_since:
        if now - watched_since < longer_than:
            watched = fmt.duration(now - watched_since)
            return AlarmReading("unknown", f"{model} has never {_DONE[of]}; watched for {watched}")
        never = f"{model} has never {_DONE[of]}, as far as is seen{tried}"
        return AlarmReading("bad", f"{never}; {expected}", watched_since + longer_than)
    least = "" if seen_since == last.at else " or longer"
    words = f"{model} has not {_DONE[of]} for {fmt.duration(now - seen_since)}{least}"
    known = f"last: {last.what}" if last.at is not None else last.what
    about = ", ".join(filter(None, (known, tried.removeprefix(", "))))
    return AlarmReading(
        "bad", f"{words}{f' ({about})' if about else ''}; {expected}", seen_since + longer_than
    )


def changes_at(longer_than: float, last: LastSeen | None, watched_since: float) -> float | None:
    """When time alone makes something else of it."""
    if last is None or last.covered is None:
        return None
    return (max(last.at or 0.0, last.covered) or watched_since) + longer_than


def of_runs(
    pipelines: Iterable[Pipeline], counts: Callable[[Run], bool], failed: Callable[[Run], bool]
) -> LastSeen:
    """The newest run that counts, of lists that hold the newest of each pipeline. A list may be cut: nothing is known
    of before its oldest run."""
    runs: list[Run] = []
    covered = 0.0
    disabled = ""
    for pipeline in pipelines:
        if pipeline.disabled:
            disabled = f"{pipeline.address} is disabled"
        times = [at for run in pipeline.runs if (at := _began(run)) is not None]
        covered = max(covered, min(times, default=0.0))
        runs += pipeline.runs
    found = max((run for run in runs if counts(run)), key=_ended, default=None)
    at = _ended(found) if found is not None else 0.0
    tried = sum(failed(run) and _ended(run) > at for run in runs)
    if found is None:
        return LastSeen(None, disabled, covered, tried=tried)
    what = f"{found.address}, {found.status.value}"
    return LastSeen(at, f"{what}, {disabled}" if disabled else what, covered, tried=tried)


def by_the_clock(run: Run) -> bool:
    return run.cause.startswith(_BY_CLOCK)


def of_deployments(environment: Environment) -> LastSeen:
    """The newest that came to its end there; a canary is not there for all."""

    def ended(deployment: Deployment) -> float:
        return deployment.finished_at or deployment.started_at or 0.0

    passed = [each for each in environment.deployments if each.status is Status.PASSED and not each.canary]
    found = max(passed, key=ended, default=None)
    failed = [each for each in environment.deployments if each.status in (Status.FAILED, Status.CANCELED)]
    if found is None:
        return LastSeen(None, "", environment.read_since or 0.0, tried=len(failed))
    tried = sum(ended(each) > ended(found) for each in failed)
    return LastSeen(ended(found), f"{found.version} to {environment.name}", 0.0, tried=tried)


def of_trainings(finished: TrainingRun | None, recent: Iterable[TrainingRun]) -> LastSeen:
    """Of experiments that one may see: a search among others finds nothing, too."""
    at = finished.ended_at if finished is not None else None
    tried = sum(
        each.status in (Status.FAILED, Status.CANCELED) and (each.started_at or 0.0) > (at or 0.0)
        for each in recent
    )
    if finished is None or at is None:
        return LastSeen(None, "", 0.0, tried=tried)
    return LastSeen(at, f"training run {finished.name}", 0.0, tried=tried)


def _began(run: Run) -> float | None:
    return run.created_at if run.created_at is not None else run.started_at


def _ended(run: Run) -> float:
    return (run.started_at or run.created_at or 0.0) + (run.duration or 0.0)
