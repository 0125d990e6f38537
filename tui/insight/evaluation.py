"""How an evaluation differs from the one before: which cases got worse. Pure."""

import math

from tui.domain.evaluation import (
    CaseChange,
    CaseResult,
    CaseStanding,
    Evaluation,
    EvaluationCase,
    EvaluationComparison,
)

_STANDARD_ERRORS = 2.0
"""A difference within so many of them is what chance explains (contracts: model §6)."""
_ORDER = {standing: place for place, standing in enumerate(CaseStanding)}
_BAD = (CaseResult.FAILED, CaseResult.ERROR)


def compare(
    after: Evaluation, before: Evaluation | None, against: str, why_not: str = ""
) -> EvaluationComparison:
    """``after`` beside ``before``, paired by the keys of the cases.

    Args:
        against: what ``before`` is of.
        why_not: why there is none.
    """
    failed = sum(case.result in _BAD for case in after.cases)
    problem = after.problem
    if not problem and (before is None or before.problem):
        problem = f"nothing to compare it with: {before.problem if before is not None else why_not}"
        problem += f" ({against})" if before is not None and against else ""
    elif not problem and before is not None and before.kind != after.kind:
        problem = f"it is of {after.kind}, that of {against} of {before.kind}"
    if problem or before is None:
        fails = tuple(
            CaseChange(CaseStanding.NEW_FAILURE, case.name, _now(case))
            for case in after.cases
            if case.result in _BAD
        )
        return EvaluationComparison(
            after.file, after.kind, len(after.cases), failed, fails, problem=problem, missing=after.missing
        )
    old = {case.key: case for case in before.cases}
    changes = [_change(case, old.pop(case.key, None)) for case in after.cases]
    changes += [CaseChange(CaseStanding.GONE, case.name, f"was {_shown(case)}") for case in old.values()]
    same = sum(change.standing is CaseStanding.SAME for change in changes)
    told = [change for change in changes if change.standing is not CaseStanding.SAME]
    told.sort(key=lambda change: _ORDER[change.standing])
    return EvaluationComparison(after.file, after.kind, len(after.cases), failed, tuple(told), same, against)


def _change(case: EvaluationCase, old: EvaluationCase | None) -> CaseChange:
    if old is None:
        standing = CaseStanding.NEW_FAILURE if case.result in _BAD else CaseStanding.NEW
        return CaseChange(standing, case.name, _now(case))
    if old.measured_by != case.measured_by:
        words = "was measured in another way"
        if case.judged or old.judged:
            words = f"judged by {case.measured_by or 'nobody who is named'}, before by {old.measured_by or 'others'}"
        return CaseChange(CaseStanding.UNCLEAR, case.name, f"{words}; {_now(case)}")
    standing = _standing(case, old)
    words = f"{_shown(old)} → {_shown(case)}"
    if standing in (CaseStanding.WORSE, CaseStanding.BETTER) and case.judged:
        words += " (a model judged: once may be chance)"
    return CaseChange(standing, case.name, f"{words}{': ' if case.reason else ''}{case.reason}")


def _standing(case: EvaluationCase, old: EvaluationCase) -> CaseStanding:
    match old.result, case.result:
        case (CaseResult.PASSED, CaseResult.FAILED | CaseResult.ERROR):
            return CaseStanding.WORSE
        case (CaseResult.MEASURED, CaseResult.ERROR):
            return CaseStanding.WORSE
        case (CaseResult.FAILED | CaseResult.ERROR, CaseResult.PASSED):
            return CaseStanding.BETTER
        case (CaseResult.ERROR | CaseResult.SKIPPED | CaseResult.MEASURED, CaseResult.FAILED):
            return CaseStanding.NEW_FAILURE  # nobody knows what it would have been
        case (_, CaseResult.ERROR):
            return CaseStanding.UNCLEAR
        case (CaseResult.SKIPPED, CaseResult.SKIPPED):
            return CaseStanding.SAME
        case (_, CaseResult.SKIPPED):
            return CaseStanding.GONE
        case (CaseResult.SKIPPED, _):
            return CaseStanding.NEW
        case (one, other) if one is not other:
            return CaseStanding.UNCLEAR
    return _by_score(case, old)


def _by_score(case: EvaluationCase, old: EvaluationCase) -> CaseStanding:
    if not case.better or (case.score is None and old.score is None):
        undecided = case.result is CaseResult.MEASURED and case.score != old.score
        return CaseStanding.UNCLEAR if undecided else CaseStanding.SAME
    if case.score is None or old.score is None:
        return CaseStanding.UNCLEAR
    gain = case.score - old.score if case.better == "higher" else old.score - case.score
    chance = _STANDARD_ERRORS * math.hypot(case.error, old.error)
    if abs(gain) <= max(chance, 1e-9 * max(abs(case.score), abs(old.score))):
        return CaseStanding.SAME
    return CaseStanding.BETTER if gain > 0 else CaseStanding.WORSE


def _shown(case: EvaluationCase) -> str:
    """``passed``, ``0.84 ± 0.02``, ``failed (0.5)``."""
    score = f"{case.score:.4g}" if case.score is not None else ""
    if case.result is CaseResult.MEASURED:
        return f"{score or 'no number'}{f' ± {_STANDARD_ERRORS * case.error:.2g}' if case.error else ''}"
    return f"{case.result} ({score})" if score else str(case.result)


def _now(case: EvaluationCase) -> str:
    return f"{_shown(case)}{': ' if case.reason else ''}{case.reason}"
