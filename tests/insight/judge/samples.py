"""Measurements made up for judges, from fixed seeds."""

from collections.abc import Sequence
from random import Random

from tui.domain.series import Grid
from tui.insight.judge import MetricCase, MetricRule

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
