"""What an evaluation said of a model, case by case, and how two evaluations differ."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import msgspec


class CaseResult(StrEnum):
    """How a case ended."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    """It could not be evaluated, which says nothing of the model."""
    SKIPPED = "skipped"
    MEASURED = "measured"
    """It has a number, and the report does not say whether that is good."""


class EvaluationCase(msgspec.Struct, frozen=True, gc=False):
    """One thing that was tried or measured."""

    key: str
    """What it is known by in every report: never where it stands, nor an id that is new each time."""
    name: str
    result: CaseResult
    score: float | None = None
    better: Literal["lower", "higher", ""] = ""
    """Which way a score is better; empty: nobody said, and no score of it is judged."""
    error: float = 0.0
    """Standard error of the score."""
    measured_by: str = ""
    """Version of the task, who judged: two that differ are not comparable."""
    judged: bool = False
    """A language model judged it: it may judge otherwise the next time."""
    reason: str = ""


class Evaluation(msgspec.Struct, frozen=True):
    """One report of one run."""

    file: str
    kind: str = ""
    """The tool that wrote it."""
    cases: tuple[EvaluationCase, ...] = ()
    """One for each key, in the order of the report."""
    problem: str = ""
    """Why it could not be read, in words; there are no cases then."""
    missing: bool = False
    """It is certain that the run has none, of those who may see what it has."""


class CaseStanding(StrEnum):
    """How a case stands beside the evaluation before, those that decide most first."""

    WORSE = "worse"
    NEW_FAILURE = "new failing"
    """Failed, and nobody had tried it before."""
    UNCLEAR = "unclear"
    """The two cannot be compared."""
    GONE = "gone"
    BETTER = "better"
    NEW = "new"
    SAME = "same"


class CaseChange(msgspec.Struct, frozen=True, gc=False):
    standing: CaseStanding
    name: str
    words: str
    """What it was and is, and why."""


class EvaluationComparison(msgspec.Struct, frozen=True):
    """One report beside the one of the version that it is compared with."""

    file: str
    kind: str
    total: int
    """Cases of the report."""
    failed: int
    changes: tuple[CaseChange, ...] = ()
    """All that are not the same, those that decide most first."""
    same: int = 0
    against: str = ""
    """What it was compared with; empty: with nothing."""
    problem: str = ""
    """Why it is not known what changed."""
    missing: bool = False
    """The run left no such report, for certain."""

    def of(self, standing: CaseStanding) -> tuple[CaseChange, ...]:
        return tuple(each for each in self.changes if each.standing is standing)

    def counts(self) -> Sequence[tuple[CaseStanding, int]]:
        """How many cases stand how; of those that do."""
        found = [(standing, len(self.of(standing))) for standing in CaseStanding]
        found[-1] = (CaseStanding.SAME, self.same)
        return [(standing, number) for standing, number in found if number]
