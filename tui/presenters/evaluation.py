"""Evaluations in words: rows for the tests pane and the command, facts for a question, a document. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from tui.domain.evaluation import CaseChange, CaseStanding, EvaluationComparison
from tui.presenters.fact import Fact
from tui.text import format as fmt
from tui.text.safe import shorten

EVALUATION = "evaluation"
MOST_CASES = 3
"""Named in a question; more are counted."""
_WORDS = 60
_ASKED = {
    CaseStanding.WORSE: ("failed", "got worse"),
    CaseStanding.NEW_FAILURE: ("failed", "failed that nobody had tried before"),
    CaseStanding.GONE: ("warning", "are gone"),
    CaseStanding.UNCLEAR: ("unknown", "cannot be compared"),
}
"""What is asked about before a promotion, and how it looks."""


class CaseChangeDoc(msgspec.Struct, frozen=True):
    standing: str
    name: str
    words: str


class EvaluationDoc(msgspec.Struct, frozen=True):
    file: str
    kind: str
    against: str
    total: int
    failed: int
    same: int
    problem: str
    changes: tuple[CaseChangeDoc, ...]


def evaluation_documents(found: Sequence[EvaluationComparison]) -> tuple[EvaluationDoc, ...]:
    return tuple(
        EvaluationDoc(
            file=each.file,
            kind=each.kind,
            against=each.against,
            total=each.total,
            failed=each.failed,
            same=each.same,
            problem=each.problem,
            changes=tuple(
                CaseChangeDoc(change.standing.value, change.name, change.words) for change in each.changes
            ),
        )
        for each in found
    )


def counts_words(found: EvaluationComparison) -> str:
    """``3 worse, 1 gone, 36 same``; what it is, where that is not known."""
    if found.missing:
        return "this run left none"
    if found.problem and not found.total:
        return "could not be read"
    if found.problem:
        return f"{found.failed} of {fmt.count(found.total, 'case')} failed, not compared"
    return ", ".join(f"{number:,} {standing}" for standing, number in found.counts())


def evaluation_role(found: EvaluationComparison) -> str:
    """The status that it looks like."""
    if found.of(CaseStanding.WORSE) or found.of(CaseStanding.NEW_FAILURE):
        return "failed"
    if found.missing:
        return "dim"
    return "warning" if found.problem or found.of(CaseStanding.UNCLEAR) or found.of(CaseStanding.GONE) else ""


def evaluation_facts(found: Sequence[EvaluationComparison]) -> Iterator[Fact]:
    """What a question says of them: what got worse first, of all of them."""
    for standing, (role, verb) in _ASKED.items():
        for each in found:
            if changes := each.of(standing):
                of_all = f" of {each.total:,}" if standing is not CaseStanding.GONE else ""
                cases = "case" if len(changes) == 1 and not of_all else "cases"
                verb_now = "is gone" if standing is CaseStanding.GONE and len(changes) == 1 else verb
                words = f"{len(changes):,}{of_all} {cases} {verb_now} ({each.file}): {_named(changes)}"
                yield Fact(EVALUATION, words, role)
    for each in found:
        if each.problem:
            yield Fact(EVALUATION, f"{each.file}: {counts_words(each)}: {each.problem}", "unknown")
        elif not any(each.of(standing) for standing in _ASKED):
            yield Fact(EVALUATION, f"{each.file}: {counts_words(each)}, beside {each.against}")


def _named(changes: Sequence[CaseChange]) -> str:
    first = [f"{change.name} ({shorten(change.words, _WORDS)})" for change in changes[:MOST_CASES]]
    more = len(changes) - MOST_CASES
    return "; ".join([*first, *([f"{more:,} more"] if more > 0 else [])])


def case_lines(found: EvaluationComparison, place: str) -> list[tuple[str, str]]:
    """What is to be said of one case by its place among the changes, or of the whole report."""
    against = f"beside {found.against}" if found.against else "compared with nothing"
    head = (f"{found.kind} {found.file}, {fmt.count(found.total, 'case')}, {against}".strip(), "dim")
    if not place.isdigit():
        return [(found.problem, "warning"), head] if found.problem else [(counts_words(found), ""), head]
    change = found.changes[int(place)]
    return [(change.name, "strong"), (change.standing.value, ""), (change.words, ""), head]
