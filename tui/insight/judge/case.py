"""What a verdict on one metric is made from: what is asked of it, what was read, and the time over which both tracks
are compared; and what a comparison finds."""

import math
from collections.abc import Sequence
from typing import Literal

import msgspec

from tui.domain.series import Counts, Grid
from tui.domain.verdict import MetricOutcome, MetricVerdict

MOST_STEPS = 240
"""Windows that are compared at most, the newest; longer series need not be read."""
LOOKS = 2
"""What is bad must be so this often in a row; what is to be good again, too."""
LEAST = 8
"""Pairs of windows, without which a canary is not called WORSE by comparison."""
LEAST_FOR_OK = 15
"""And without which it is not called OK."""
RECENT = 15
"""Newest pairs that must be within the margin on average: before that it is not OK, and what was WORSE stays so."""
SILENT_STEPS = 3
"""So long may the canary, or the baseline, say nothing where ``max_age`` is not configured."""
SPANS = (8, 15, 30, 60)
"""Newest pairs that are compared, beside all of them, so that a change is seen soon after it happened."""

Values = Sequence[float | None]


class MetricRule(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of one metric, in its shown unit."""

    better: Literal["lower", "higher"] = "lower"
    unit: str = ""
    warn: float | None = None
    fail: float | None = None
    max_worse: float | None = None
    """How much worse than the baseline is still fine; None: it is not compared."""
    relative: bool = False
    """``max_worse`` is a share of the baseline's value."""
    max_age: float | None = None
    """Seconds that the newest value may be old."""
    no_data: Literal["unknown", "fail", "ignore"] = "unknown"
    group: str = ""
    weight: float = 1.0
    critical: bool = False
    """When it is WORSE, the score is 0."""
    required: bool = False
    """While it is UNCLEAR, so is the model; so with a critical one."""
    share_scale: float = 100.0
    """Of a counted share: what 1 is in the shown unit. A value is ``share_scale * bad / total``."""

    @property
    def lower(self) -> bool:
        return self.better == "lower"


class MetricCase(msgspec.Struct, frozen=True, kw_only=True):
    """What was read of one metric, and what is asked of it."""

    metric: str
    rule: MetricRule
    grid: Grid
    baseline: tuple[float | None, ...] = ()
    """A value for each time of ``grid``, None where there is none; empty where there is no baseline."""
    canary: tuple[float | None, ...] = ()
    baseline_ceiling: float | None = None
    """A value that says no more than "at least": the bound of the highest bucket, where they are quantiles."""
    canary_ceiling: float | None = None
    baseline_counts: Counts | None = None
    """Of a share, what its values were made of; on ``grid``."""
    canary_counts: Counts | None = None
    problem: str = ""
    """Why it could not be read."""
    since: float | None = None
    """When the canary was deployed, seconds since the epoch; windows that begin before it do not count on either side.
    None: not known."""
    notes: tuple[str, ...] = ()
    """What has to be remarked about what was read, such as a partial answer."""
    incomparable: str | None = None
    """Why the two tracks cannot be compared; limits still apply to the canary."""


class JudgedWindow(msgspec.Struct, frozen=True):
    """Both series from the first value of the canary on, and what stands in every verdict on them."""

    canary: tuple[float | None, ...]
    baseline: tuple[float | None, ...]
    grid: Grid
    verdict: MetricVerdict
    """UNCLEAR, with the facts filled in."""
    start: int = 0
    """Steps of the case's grid that are left out before it."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """How the canary stands to its baseline by the newest windows that tell most, or by all of them."""

    outcome: MetricOutcome
    first: bool = False
    """It is worse, but was not so one look before."""
    why: str = ""
    """Why it is UNCLEAR, in one clause."""
    more: int | None = None
    """Windows after which it should be clear; None where it is clear, or more of the same will not settle it."""
    points: int = 0
    """Pairs of windows compared."""
    effective: float | None = None
    """Independent ones to which they amount."""
    level: float | None = None
    """Where the canary is, in the shown unit."""
    difference: float | None = None
    """How far that is above the baseline."""
    low: float | None = None
    high: float | None = None
    margin: float | None = None
    ratio: float | None = None
    """The canary divided by the baseline, where that is how they are compared."""
    trend: Literal[-1, 0, 1] = 0
    """Whether the difference grows or shrinks."""
    method: str = ""
    """How it was found, in the method's numbers."""


def window(case: MetricCase) -> JudgedWindow:
    """The time over which both are compared: since the canary is measured, and deployed, where that is known.

    A value is of the window that ends at its time.
    """
    canary, grid, rule = case.canary, case.grid, case.rule
    deployed = 0 if case.since is None else math.ceil((case.since - grid.start) / grid.step) + 1
    start = next(
        (index for index, value in enumerate(canary) if value is not None and index >= deployed), len(canary)
    )
    new, old = canary[start:], case.baseline[start:]
    cut = Grid(grid.start + start * grid.step, grid.end, grid.step)
    silent = silence(new)
    middle_old, middle_new = median(old), median(new)
    return JudgedWindow(
        new,
        old,
        cut,
        MetricVerdict(
            metric=case.metric,
            outcome=MetricOutcome.UNCLEAR,
            reason=case.problem,
            baseline=middle_old,
            canary=middle_new,
            baseline_at_least=reaches(middle_old, case.baseline_ceiling),
            canary_at_least=reaches(middle_new, case.canary_ceiling),
            points=min(_count(new), _count(old)),
            since=float(cut.start) if new else None,
            newest=float(grid.end - silent * grid.step) if new else None,
            gaps=1 - _count(new) / len(new) if new else 0.0,
            baseline_values=old,
            canary_values=new,
            fail=rule.fail,
            group=rule.group,
            weight=rule.weight,
            critical=rule.critical,
            required=rule.required,
        ),
        start,
    )


def youth_reason(case: MetricCase, seen: JudgedWindow) -> str | None:
    """That the canary was deployed so lately that it need not have a value yet; None where it should.

    Then ``no_data`` says nothing: to ignore the metric could make a canary OK that nobody has measured, to fail it
    could take back a healthy one.
    """
    grid = case.grid
    if (
        case.since is None
        or seen.canary
        or grid.end - case.since > silence_borne(case.rule, grid.step) + grid.step
    ):
        return None
    return f"too young: no value yet of a whole window ({minutes(grid.step)}) since it was deployed"


def silence_borne(rule: MetricRule, step: int) -> float:
    """Seconds that a track may say nothing."""
    return SILENT_STEPS * step if rule.max_age is None else rule.max_age


def minutes(seconds: float) -> str:
    """``20 seconds``, ``1 minute``, ``40 minutes``, ``5 hours``; rounded up."""
    for size, word in ((1, "second"), (60, "minute"), (3600, "hour")):
        number = math.ceil(seconds / size)
        if number < {"second": 60, "minute": 120, "hour": math.inf}[word]:
            break
    return f"{number} {word}{'' if number == 1 else 's'}"


def median(values: Values) -> float | None:
    """Of what is there; None where nothing is."""
    ordered = sorted(value for value in values if value is not None)
    if not ordered:
        return None
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    return low if low == high else low + (high - low) / 2


def silence(values: Values) -> int:
    """Steps since the last value; all of them where there is none."""
    return next((index for index, value in enumerate(reversed(values)) if value is not None), len(values))


def reaches(value: float | None, ceiling: float | None) -> bool:
    return value is not None and ceiling is not None and value >= ceiling


def latched(worse: Sequence[bool], beyond: Sequence[bool]) -> bool:
    """Whether a canary is WORSE at the newest look: it was called so at two looks in a row, and since then there was
    none at which nothing called it so and the newest pairs were within the margin.

    Args:
        worse: for each look, whether the comparison calls it so.
        beyond: for each look, whether the newest pairs are beyond the margin on average.
    """
    state = before = False
    for is_worse, far in zip(worse, beyond, strict=True):
        state = (is_worse and before) or (state and (is_worse or far))
        before = is_worse
    return state


def _count(values: Values) -> int:
    return sum(value is not None for value in values)
