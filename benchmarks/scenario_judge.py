"""The judge behind the interface of the runner of scenarios, which simulates canaries and counts how often it errs:

python scenarios.py benchmarks.scenario_judge:judge 200
"""

from collections.abc import Mapping, Sequence
from typing import Any

from tui.domain.series import Counts, Grid
from tui.domain.verdict import MetricOutcome
from tui.insight.judge import MetricCase, MetricRule, judge_metric

STEP = 60


def judge(
    baseline: Sequence[float | None],
    canary: Sequence[float | None],
    ask: Mapping[str, Any],
    counts: Sequence[Sequence[int]] | None,
) -> str:
    """``WORSE``, ``OK`` or ``UNCLEAR`` at the newest of the values, one a minute.

    Args:
        ask: ``better``, ``max_worse``, ``relative``, and perhaps ``fail``.
        counts: bad and total requests of the baseline, then of the canary; values are ``100 * bad / total``.
    """
    of_baseline = of_canary = None
    if counts is not None:
        bad_old, old, bad_new, new = (tuple(map(float, column)) for column in counts)
        of_baseline, of_canary = Counts(bad_old, old), Counts(bad_new, new)
    found = judge_metric(
        MetricCase(
            metric="m",
            rule=MetricRule(**ask),
            grid=Grid(0, (max(len(baseline), len(canary)) - 1) * STEP, STEP),
            baseline=tuple(baseline),
            canary=tuple(canary),
            baseline_counts=of_baseline,
            canary_counts=of_canary,
        )
    )
    if found.outcome.good:
        return "OK"
    return "WORSE" if found.outcome is MetricOutcome.WORSE else "UNCLEAR"
