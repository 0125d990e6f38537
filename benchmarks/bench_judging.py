"""How long judging takes, beside Kayenta's judge."""

from functools import partial
from random import Random

from benchmarks.bench_judge import best
from benchmarks.table import Row
from tests.insight.samples import case, noise
from tui.insight.judge import Rule, judge_metric
from tui.insight.kayenta import classify


def rows(quick: bool) -> list[Row]:
    points = 60 if quick else 500
    one = case(noise(Random(4), points), noise(Random(5), points), Rule(max_worse=0.0))
    own = best(partial(judge_metric, one))
    return [
        Row(
            f"one metric judged, {points} against {points} points",
            own,
            "ms",
            "Kayenta's judge here",
            best(partial(classify, "m", one.baseline, one.canary)),
            most=10,
        )
    ]
