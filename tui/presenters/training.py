"""Training runs as rows and words: beside the job that trains, and where no job says so."""

from collections.abc import Iterable, Iterator, Sequence

from tui.config import TrainingSettings
from tui.domain.status import Status
from tui.domain.training import LatestMetric, LinkedTraining, Noticed, Point, Progress, TrainingRun
from tui.insight.training import Better, value_at_step
from tui.insight.training_links import says_its_job
from tui.presenters.pipelines import StageLine, status_word
from tui.presenters.preview import Line
from tui.text import format as fmt
from tui.text.safe import shorten

MARK = "∿"
"""Before the name of a training run."""
_FIRST_CHOICES = ("val_loss", "validation_loss", "eval_loss", "loss", "train_loss")
_MOST_NAME = 60
_BRANCHES = {"├─ ": "│  ", "└─ ": "   "}
_LINES = {
    "CI_JOB_ID": r'export MLFLOW_RUN_CONTEXT="{\"gitlab.CI_JOB_ID\": \"$CI_JOB_ID\", \"ci.url\": \"$CI_JOB_URL\"}"',
    "BUILD_TAG": r'export MLFLOW_RUN_CONTEXT="{\"ci.url\": \"$BUILD_URL\"}"',
}
"""What makes a link when it stands in the job, by the variable that the job has."""


def shown_metric(training: TrainingRun, settings: TrainingSettings) -> LatestMetric | None:
    """The metric that is told of a run: of the config, else a loss, else its first."""
    for name in (settings.metric, *_FIRST_CHOICES):
        if name and (found := training.metric(name)) is not None:
            return found
    return next(iter(training.metrics), None)


def metric_words(metric: LatestMetric | None) -> str:
    """``val_loss 0.3581 at step 27``."""
    if metric is None:
        return "no metric yet"
    value = "not finite" if metric.value is None else fmt.quantity(metric.value)
    return f"{shorten(metric.key, _MOST_NAME)} {value} at step {metric.step}"


def standing(found: LinkedTraining, read_at: float | None) -> tuple[Status, str, str]:
    """How a training run stands: its status, a word for it, and what is to be said of that.

    A server says of what was killed that it goes on, for ever: once the job has ended that is not believed
    (contracts: model §4).

    Args:
        read_at: when the training was read, by the clock of the job.
    """
    training, word = found.training, status_word(found.training.status, found.training.vendor_status)
    if not training.going_on or not found.ended:
        return training.status, word, ""
    if not found.link.certain:
        return Status.UNKNOWN, "unclear", f"{training.vendor_status}, but its likely job has ended"
    if found.ended_at is not None and read_at is not None and read_at <= found.ended_at:
        return Status.UNKNOWN, "ending", "its job has ended; not read again since"
    return (
        found.its_status,
        "left running",
        f"{training.vendor_status}, but its job has ended: {found.its_status}",
    )


def link_words(found: LinkedTraining) -> str:
    """``by job id``, or that the link is only likely."""
    if found.link.certain:
        return f"by {found.link.basis}"
    return f"likely, by {found.link.basis}"


def _part_words(found: LinkedTraining, settings: TrainingSettings) -> str:
    """How many parts there are, and the best of them."""
    if not found.parts:
        return ""
    measured = [each for part in found.parts if (each := shown_metric(part, settings)) is not None]
    key = settings.metric or (measured[0].key if measured else "")
    values = [each.value for each in measured if each.key == key and each.value is not None]
    best = (min if settings.better == "lower" else max)(values) if values else None
    told = f", best {shorten(key, _MOST_NAME)} {fmt.quantity(best)}" if best is not None else ""
    return f"{fmt.count(len(found.parts), 'part')}{told}"


def notes_of(found: LinkedTraining, settings: TrainingSettings, read_at: float | None) -> str:
    """What stands beside the row of a training run, what is unusual first."""
    _, _, unusual = standing(found, read_at)
    likely = "" if found.link.certain else link_words(found)
    metric = metric_words(shown_metric(found.training, settings))
    sure = link_words(found) if found.link.certain else ""
    return "; ".join(filter(None, (unusual, likely, metric, _part_words(found, settings), sure)))


def with_trainings(
    lines: Sequence[StageLine],
    found: Iterable[LinkedTraining],
    settings: TrainingSettings,
    now: float,
    read_at: float | None,
) -> list[StageLine]:
    """The rows of a run's stages with those of what they train, each below its job; below all where it is not told
    which job it is."""
    rows = list(lines)
    for linked in reversed(tuple(found)):  # the newest comes to stand first
        at = next((i for i, line in enumerate(rows) if line.address == linked.link.address), None)
        above = rows[at] if at is not None else None
        rows.insert(len(rows) if at is None else at + 1, _row(linked, above, settings, now, read_at))
    return rows


def row_key(found: LinkedTraining) -> str:
    """Of its row."""
    return f"training {found.training.id}"


def _row(
    found: LinkedTraining,
    above: StageLine | None,
    settings: TrainingSettings,
    now: float,
    read_at: float | None,
) -> StageLine:
    training = found.training
    status, word, _ = standing(found, read_at)
    end = training.ended_at
    if end is None and training.going_on and found.ended:
        end = found.ended_at
    gone = (now if end is None else end) - training.started_at if training.started_at is not None else None
    prefix = above.prefix[:-3] + _BRANCHES.get(above.prefix[-3:], "") if above is not None else ""
    return StageLine(
        key=row_key(found),
        prefix=f"{prefix}{MARK} ",
        name=shorten(training.name, _MOST_NAME),
        status=status,
        word=word,
        time=fmt.elapsed(max(0.0, gone)) if gone is not None else "",
        note=notes_of(found, settings, read_at),
        slow="",
        critical=False,
        queued_at=None,
        started_at=training.started_at,
        ended_at=end,
        dim=not found.link.certain,
        address=found.link.address,
    )


def unlinked_lines(trainings: Iterable[TrainingRun], variable: str, tag: str) -> Iterator[Line]:
    """What goes on and says of no job that it trains it, with the line that makes a link.

    Args:
        variable: of the jobs of the run that is looked at.
    """
    silent = [each for each in trainings if each.going_on and not says_its_job(each, tag)]
    if not silent:
        return
    names = ", ".join(shorten(each.name, _MOST_NAME) for each in silent[:3])
    more = f" and {len(silent) - 3} more" if len(silent) > 3 else ""
    yield f"{MARK} not linked to any job: {names}{more}", "warning"
    if line := _LINES.get(variable):
        yield "  what links it, in the job that trains:", "dim"
        yield f"  {line}", ""


def training_lines(
    found: Iterable[LinkedTraining], settings: TrainingSettings, now: float, read_at: float | None
) -> Iterator[Line]:
    """What is trained in a run, for its preview."""
    for linked in found:
        status, word, _ = standing(linked, read_at)
        training = linked.training
        began = training.started_at
        took = f" {fmt.elapsed(max(0.0, now - began))}" if training.going_on and began is not None else ""
        where = f" in {linked.link.address.job}" if linked.link.address.job is not None else ""
        name = shorten(training.name, _MOST_NAME)
        yield f"{MARK} {name}  {word}{took}{where}", status.value if linked.link.certain else "dim"
        yield f"  {notes_of(linked, settings, read_at)}", ""


def better_of(metric: str, settings: TrainingSettings) -> Better | None:
    """Which way a metric is better: as the config says of its own; a loss is better the lower it is."""
    if metric == settings.metric:
        return settings.better
    return "lower" if "loss" in metric.lower() else None


def progress_words(progress: Progress, now: float) -> str:
    """``step 27 of 40, ~3m left, by its steps``."""
    of = f" of {progress.total}" if progress.total is not None else ""
    words = f"step {progress.step}{of}" if progress.step or of else ""
    if progress.ends_at is not None:
        left = progress.ends_at - now
        told = f"~{fmt.elapsed(left)} left" if left > 0 else "should have ended by now"
        words += (
            f", {told}, by its steps" if progress.basis != "the champion" else f", {told}, as the champion"
        )
    return words


def champion_words(champion: Sequence[Point], step: int) -> str:
    """What the champion had at that step."""
    value = value_at_step(champion, step)
    return f"champion {fmt.quantity(value)} at {step}" if value is not None else ""


def curve_lines(
    progress: Progress | None, champion: Sequence[Point], curves: str, now: float
) -> Iterator[Line]:
    """How a training run does, for the preview.

    Args:
        champion: its points, in the order of steps.
        curves: both, drawn.
    """
    if progress is None:
        return
    words = filter(None, (progress_words(progress, now), champion_words(champion, progress.step)))
    if line := "   ".join(words):
        yield f"  {line}", ""
    if curves:
        yield f"  {curves}", ""
    for noticed in progress.noticed:
        yield f"  {noticed.words}", role_of(noticed)


def role_of(noticed: Noticed) -> str:
    """The colour of what was noticed."""
    return "failed" if noticed.finding in ("not finite", "diverging") else "warning"
