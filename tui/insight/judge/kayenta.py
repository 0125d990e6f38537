"""Kayenta's judge, NetflixACAJudge, step by step and with its quirks, for teams that compare with Spinnaker's report.

What it does, and what is wrong with it, is told in contracts: canary, sections 1 and 3. Its tolerances are absolute
and hard-coded, so that verdicts depend on the unit: that is kept, for another result would not be Kayenta's. The
words it says (labels and reasons) are its own, too.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Literal

import msgspec

from tui.insight.judge.wilcoxon import AllTied, MannWhitney, cles, mann_whitney, mean_ratio, percentile

Label = Literal["Pass", "High", "Low", "Nodata", "NodataFailMetric", "Error"]
Rating = Literal["Pass", "Marginal", "Fail"]

CONFIDENCE = 0.98
TOLERANCE = 0.25
"""Both are settings of Kayenta that are read nowhere."""
PASS, MARGINAL = 75.0, 50.0
"""Thresholds of the score that Spinnaker's own form proposes."""
FEWEST_POINTS = 50
"""With fewer in a control series orca warns."""

_NOISE = 1e-5
_TOO_MANY_NODATA = 50.0


class KayentaRules(msgspec.Struct, frozen=True, kw_only=True):
    """The analysis configuration of one metric, with Kayenta's defaults."""

    direction: Literal["increase", "decrease", "either"] = "either"
    """Which way is bad."""
    nan: Literal["remove", "replace"] = "remove"
    """``replace`` puts 0 in the place of what is missing."""
    outliers: Literal["keep", "remove"] = "keep"
    outlier_factor: float = 3.0
    critical: bool = False
    required: bool = False
    """``mustHaveData``."""
    effect: Literal["meanRatio", "cles"] = "meanRatio"
    allowed_increase: float | None = None
    """None, here and below: 1, or 0.5 for ``cles``."""
    allowed_decrease: float | None = None
    critical_increase: float | None = None
    critical_decrease: float | None = None
    tolerance: float = TOLERANCE
    confidence: float = CONFIDENCE


class Classification(msgspec.Struct, frozen=True):
    label: Label
    reason: str | None = None
    critical: bool = False
    """It fails the canary."""
    deviation: float | None = 1.0
    """Mean of the experiment divided by the control's; NaN where one of them is 0, None for an error."""
    effect: float | None = None
    """None, as ``test``, where nothing was compared."""
    test: MannWhitney | None = None


class Result(msgspec.Struct, frozen=True):
    """What the score needs to know of a metric."""

    label: Label
    groups: tuple[str, ...] = ()
    critical: bool = False
    muted: bool = False
    reason: str | None = None


class ScoreGroup(msgspec.Struct, frozen=True):
    name: str
    score: float
    """0 to 100; 0 also where there was no data, which the summary counts as 100."""
    no_data: bool


class Score(msgspec.Struct, frozen=True):
    score: float
    groups: tuple[ScoreGroup, ...]
    reason: str | None = None
    """Why it is 0 whatever the groups say."""


class StageResult(msgspec.Struct, frozen=True):
    """How the stage of Spinnaker's pipeline ends."""

    succeeded: bool
    message: str


def classify(
    name: str,
    control: Sequence[float | None],
    experiment: Sequence[float | None],
    rules: KayentaRules | None = None,
    rng: Random | None = None,
) -> Classification:
    """The label of one metric.

    Args:
        control: values of the baseline; None and NaN are missing.
        experiment: values of the canary.
        rng: where the noise comes from that is added to two constants; the same for each call where not given.
    """
    rules = rules or KayentaRules()
    old, new = (_transformed(values, rules) for values in (control, experiment))
    if not old or not new:
        return _without_data(name, rules)
    if sorted(new) == sorted(old):
        return Classification("Pass", "The Canary and Baseline data are identical")
    if len({*new, *old}) == 1:
        return Classification("Pass")
    try:
        return _compared(name, old, new, rules, rng or Random(0))
    except AllTied:
        return Classification("Error", "Metric Classification Failed", deviation=None)


def score(results: Iterable[Result], group_weights: Mapping[str, float] | None = None) -> Score:
    """The score from 0 to 100 of all metrics that are not muted.

    Args:
        group_weights: per cent by group; groups without one share what is left of 100.
    """
    counted = [result for result in results if not result.muted]
    weights = group_weights or {}
    labels: dict[str, list[Label]] = {}
    for result in counted:
        for name in result.groups:
            labels.setdefault(name, []).append(result.label)
    groups = tuple(_group(name, members) for name, members in labels.items())
    for result in counted:
        if result.critical and result.label != "Pass":
            return Score(0.0, groups, f"Canary Failed: {result.reason}")
    missing = sum(result.label == "Nodata" for result in counted)
    if counted and missing / len(counted) * 100 >= _TOO_MANY_NODATA:
        return Score(0.0, groups, "Canary Failed: 50% or more metrics returned NODATA")
    unweighted = sum(group.name not in weights for group in groups)
    share = (100 - sum(weights.values())) / unweighted if unweighted else 0.0
    summary = 0.0
    for group in groups:
        summary += (100.0 if group.no_data else group.score) * (weights.get(group.name, share) / 100)
    return Score(_rounded(summary), groups)


def rate(score: float, pass_: float = PASS, marginal: float = MARGINAL) -> Rating:
    """The judge's own word for a score; the pipeline decides by :func:`interval_goes_on` and :func:`stage`."""
    return "Pass" if score >= pass_ else "Marginal" if score >= marginal else "Fail"


def interval_goes_on(score: float, marginal: float = MARGINAL) -> bool:
    """Whether orca's canary stage lives on after an interval: exactly the marginal score ends it."""
    return score > marginal


def stage(
    scores: Sequence[float], pass_: float | None = PASS, marginal: float | None = MARGINAL
) -> StageResult:
    """How orca's canary stage ends after its last interval, which alone must reach ``pass_``."""
    last = scores[-1]
    if marginal is None and pass_ is None:
        return StageResult(True, "No score thresholds were specified.")
    if marginal is not None and last <= marginal:
        return StageResult(False, f"Final canary score {last} is not above the marginal score threshold.")
    if pass_ is None:
        return StageResult(True, "No pass score threshold was specified.")
    if last < pass_:
        return StageResult(False, f"Final canary score {last} is below the pass score threshold.")
    return StageResult(True, f"Final canary score {last} met or exceeded the pass score threshold.")


def _transformed(values: Sequence[float | None], rules: KayentaRules) -> list[float]:
    if rules.nan == "replace":
        numbers = [0.0 if value is None or math.isnan(value) else value for value in values]
    else:
        numbers = [value for value in values if value is not None and not math.isnan(value)]
    if rules.outliers == "keep":
        return numbers
    first, third = percentile(numbers, 25), percentile(numbers, 75)
    reach = rules.outlier_factor * (third - first)
    lower = _or_nan(min, percentile(numbers, 1), first - reach)
    upper = _or_nan(max, percentile(numbers, 99), third + reach)
    # What is compared with NaN (a quartile is infinite) stays.
    return [number for number in numbers if not (number > upper or number < lower)]


def _or_nan(choose: Callable[[float, float], float], a: float, b: float) -> float:
    return math.nan if math.isnan(a) or math.isnan(b) else choose(a, b)


def _without_data(name: str, rules: KayentaRules) -> Classification:
    if rules.nan == "replace":
        return Classification("Pass")
    if rules.required and not rules.critical:
        return Classification("NodataFailMetric", f"Missing data for {name}")
    return Classification("Nodata", f"Missing data for {name}", critical=rules.critical)


def _compared(
    name: str, control: list[float], experiment: list[float], rules: KayentaRules, rng: Random
) -> Classification:
    if len(set(control)) == 1 and len(set(experiment)) == 1:
        experiment = [value + rng.gauss(0.0, abs(value) * _NOISE) for value in experiment]
        control = [value + rng.gauss(0.0, abs(value) * _NOISE) for value in control]
    test = mann_whitney(experiment, control, rules.confidence)
    deviation = mean_ratio(control, experiment)
    effect = cles(control, experiment) if rules.effect == "cles" else deviation
    neutral = 0.5 if rules.effect == "cles" else 1.0

    def above(limit: float | None) -> bool:
        return math.isnan(effect) or effect >= (neutral if limit is None else limit)

    def below(limit: float | None) -> bool:
        return math.isnan(effect) or effect <= (neutral if limit is None else limit)

    bound = rules.tolerance * abs(test.estimate)
    label: Label = "Pass"
    if rules.direction != "decrease" and test.low > bound and above(rules.allowed_increase):
        label, beyond = "High", above(rules.critical_increase)
    elif rules.direction != "increase" and test.high < -bound and below(rules.allowed_decrease):
        label, beyond = "Low", below(rules.critical_decrease)
    else:
        return Classification(label, None, False, deviation, effect, test)
    if rules.critical and beyond:
        reason = f"The metric {name} was classified as {label} (Critical)"
        return Classification(label, reason, True, deviation, effect, test)
    return Classification(label, f"{name} was classified as {label}", False, deviation, effect, test)


def _group(name: str, labels: Sequence[Label]) -> ScoreGroup:
    passed = labels.count("Pass")
    counted = sum(label not in ("Nodata", "Error") for label in labels)
    return ScoreGroup(name, passed / counted * 100 if counted else 0.0, not counted)


def _rounded(number: float) -> float:
    """To two digits, half up; what is too large to have any stays."""
    if not abs(number) < 1e15:
        return number
    from decimal import ROUND_HALF_UP, Decimal

    return float(Decimal(repr(number)).quantize(Decimal("0.01"), ROUND_HALF_UP))
