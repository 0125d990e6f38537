"""Measurements made up for judges, from fixed seeds."""

from collections.abc import Sequence
from random import Random

import msgspec

from tui.domain.series import Grid
from tui.domain.verdict import MetricVerdict, Verdict
from tui.insight.judge import MetricCase, MetricRule, decide, judge_metric

STEP = 60
END = 1_800_000_000


def noise(rng: Random, count: int, mean: float = 0.0, deviation: float = 1.0) -> tuple[float, ...]:
    return tuple(rng.gauss(mean, deviation) for _ in range(count))


def overlapping(rng: Random, count: int, steps: int) -> tuple[float, ...]:
    """Means over windows of ``steps`` steps each."""
    raw = noise(rng, count + steps)
    return tuple(sum(raw[start : start + steps]) / steps for start in range(count))


def held(rng: Random, count: int, steps: int) -> tuple[float, ...]:
    """A gauge that is updated every ``steps`` steps."""
    return tuple(value for value in noise(rng, count // steps + 1) for _ in range(steps))[:count]


def case(
    baseline: Sequence[float | None],
    canary: Sequence[float | None],
    rule: MetricRule | None = None,
    *,
    metric: str = "m",
    problem: str = "",
) -> MetricCase:
    """A metric measured every minute until :data:`END`."""
    count = max(len(baseline), len(canary))
    return MetricCase(
        metric=metric,
        rule=rule or MetricRule(max_worse=0.0),
        grid=Grid(END - (count - 1) * STEP, END, STEP),
        baseline=tuple(baseline),
        canary=tuple(canary),
        problem=problem,
    )


LATENCY = MetricRule(unit="ms", max_worse=10.0)
BASE = tuple(100.0 + (number * 7 % 5) for number in range(30))


def moved(by: float) -> tuple[float, ...]:
    return tuple(value + by for value in BASE)


def judged(
    canary: Sequence[float | None], rule: MetricRule = LATENCY, baseline: Sequence[float | None] = BASE
) -> MetricVerdict:
    return judge_metric(case(baseline, canary, rule))


def verdict(model: str, cases: Sequence[MetricCase], pass_: float = 100.0) -> Verdict:
    return decide(model, [judge_metric(one) for one in cases], pass_)


def ruled(one: MetricCase, **more: object) -> MetricCase:
    return msgspec.structs.replace(one, rule=msgspec.structs.replace(one.rule, **more))
