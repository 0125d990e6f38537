"""What a deployed version brought, beside the one that was there before it, as lines of short texts. Pure."""

from collections.abc import Iterator

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import Deployment
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.insight.comparison import ComparisonAnswers, DeploymentPair, pair_of
from tui.insight.delivery import MEANING, Figure
from tui.presenters.environments import SHORT, EnvironmentLine
from tui.presenters.pipelines import run_state, status_word, tests_text
from tui.text import format as fmt

MOST_RUNS = 10
"""Runs listed below a figure."""


def compared(line: EnvironmentLine) -> DeploymentPair | None:
    """What the deployment of a line is measured by; None where there is no deployment."""
    if line.deployment is None:
        return None
    return pair_of(line.environment, line.deployment, older=line.part in ("past", "colour"))


class ComparisonFact(msgspec.Struct, frozen=True):
    """One line about what is under the cursor."""

    key: str
    label: str
    text: str
    status: Status | None = None
    """How to mark it, where it is a matter of good and bad."""
    run: Address | None = None
    """The run it is about, to be opened."""


def facts(
    pair: DeploymentPair, answers: ComparisonAnswers, file: str | None, now: float
) -> list[ComparisonFact]:
    """What is known of the deployment of ``pair``, the most important first.

    Args:
        file: the model's validation file; None where the config names none.
    """
    return [
        *_run_facts(pair, answers, now),
        *_rollback(pair),
        *_numbers(answers, file),
        *_changes(pair, answers, now),
        *(
            ComparisonFact(f"fault {n}", "not read", words, Status.FAILED)
            for n, words in enumerate(answers.faults)
        ),
        *(ComparisonFact(f"note {n}", "note", words) for n, words in enumerate(pair.environment.notes)),
    ]


def _run_facts(pair: DeploymentPair, answers: ComparisonAnswers, now: float) -> Iterator[ComparisonFact]:
    this, run = pair.this, answers.run
    if this.run is None:
        yield ComparisonFact("run", "run", "none: another tool put it there and only said so")
        return
    if run is None:
        yield ComparisonFact("run", "run", str(this.run), run=this.run.of_run)
    else:
        word = status_word(run.status, run.vendor_status)
        state = run_state(run, (), now)
        words = "  ".join(part for part in (str(this.run), word, state, run.title) if part)
        yield ComparisonFact("run", "run", words, run.status, this.run.of_run)
    if this.waits_for:
        yield ComparisonFact("waits", "waits for", this.waits_for, Status.WAITING)
    ours, theirs = _tests(run), _tests(answers.other_run)
    if ours or theirs:
        against = f"  ({_name(pair.other)}: {theirs or 'none'})" if pair.other is not None else ""
        bad = run is not None and run.tests is not None and run.tests.failed > 0
        yield ComparisonFact(
            "tests",
            "tests",
            f"{ours or 'none'}{against}",
            Status.FAILED if bad else Status.PASSED if ours else None,
            this.run.of_run,
        )


def _tests(run: Run | None) -> str:
    return tests_text(run) if run is not None else ""


def _rollback(pair: DeploymentPair) -> Iterator[ComparisonFact]:
    rollback = pair.this.rollback
    if rollback is not None and pair.backwards:
        yield ComparisonFact(
            "rollback",
            "roll back",
            rollback.words,
            Status.PASSED if rollback.possible else Status.FAILED,
            rollback.target.of_run if rollback.target is not None and rollback.target.run else None,
        )


def _numbers(answers: ComparisonAnswers, file: str | None) -> Iterator[ComparisonFact]:
    if file is None or answers.numbers is None:
        return
    others = dict(answers.other_numbers.metrics) if answers.other_numbers is not None else {}
    for name, value in answers.numbers.metrics:
        text = fmt.quantity(value)
        if (other := others.pop(name, None)) is not None:
            difference = value - other
            sign = "+" if difference > 0 else "-" if difference < 0 else "±"
            text += f"  ({fmt.quantity(other)} {sign}{fmt.quantity(abs(difference))})"
        yield ComparisonFact(f"metric {name}", name, text)
    for name, value in others.items() if answers.numbers.metrics else ():
        yield ComparisonFact(f"metric {name}", name, f"not told  ({fmt.quantity(value)})")
    for number, note in enumerate(answers.numbers.notes):
        yield ComparisonFact(f"no metric {number}", "validation", note)


def _changes(pair: DeploymentPair, answers: ComparisonAnswers, now: float) -> Iterator[ComparisonFact]:
    if pair.other is None:
        yield ComparisonFact(
            "changes", "changes", "there was no other version before it, as far as it was read"
        )
        return
    changes = answers.changes
    if changes is None:
        return
    count = fmt.count(len(changes.commits), "commit")
    if changes.commits:
        by = f" by {', '.join(changes.authors)}" if changes.authors else ""
        since = "would be taken back" if pair.backwards else f"since {_name(pair.other)}"
        yield ComparisonFact("changes", "changes", f"{count}{by} {since}")
    for commit in changes.commits:
        age = fmt.ago(now - commit.at) if commit.at is not None else ""
        words = "  ".join(part for part in (age, commit.author, commit.title) if part)
        yield ComparisonFact(f"commit {commit.revision}", commit.revision[:SHORT], words, run=commit.run)
    for number, note in enumerate(changes.notes):
        yield ComparisonFact(f"unchanged {number}", "changes", note)


def _name(deployment: Deployment | None) -> str:
    return deployment.version if deployment is not None else ""


# --- figures ------------------------------------------------------------------------------------------------------


def figure_text(figure: Figure) -> str:
    """``2.3 a week``, ``3h 05m``, ``8%``; ``-`` where there is nothing to tell it from."""
    if figure.value is None:
        return "-"
    match figure.unit:
        case "a week":
            return f"{figure.value:.3g} a week"
        case "seconds":
            return fmt.duration(figure.value)
        case "percent":
            return f"{figure.value:.0f}%"


def figures_line(figures: tuple[Figure, ...]) -> str:
    """The figures that there is something to tell from, in one line."""
    return "  ".join(
        figure_text(figure) if figure.name == "frequency" else f"{figure.name} {figure_text(figure)}"
        for figure in figures
        if figure.value is not None
    )


def figure_facts(figures: tuple[Figure, ...]) -> list[ComparisonFact]:
    """Each figure with what it means, and the runs it came from below it."""
    lines: list[ComparisonFact] = []
    for figure in figures:
        count = "nothing to tell it from" if figure.value is None else f"from {figure.count}"
        lines.append(
            ComparisonFact(
                figure.name, figure.name, f"{figure_text(figure)}  ({count}: {MEANING[figure.name]})"
            )
        )
        lines += [
            ComparisonFact(f"{figure.name} {run}", "", str(run), run=run) for run in figure.runs[:MOST_RUNS]
        ]
        if (more := len(figure.runs) - MOST_RUNS) > 0:
            lines.append(ComparisonFact(f"{figure.name} more", "", f"and {more} older"))
    return lines
