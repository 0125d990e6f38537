"""The verdict on a canary: absolute limits, and a comparison with the baseline over the same windows, metric by
metric; the worst of both counts (docs/verdict.md; contracts: canary, section 5).

Series are judged as they come: one value for each step of a grid whose step is no shorter than the window each value
was measured over.
"""

from tui.insight.judge.case import (
    LEAST,
    MOST_STEPS,
    JudgedWindow,
    MetricCase,
    MetricRule,
    median,
    window,
    youth_reason,
)
from tui.insight.judge.limits import limit_state
from tui.insight.judge.verdict import PASS, decide, judge_metric

__all__ = [
    "LEAST",
    "MOST_STEPS",
    "PASS",
    "JudgedWindow",
    "MetricCase",
    "MetricRule",
    "decide",
    "judge_metric",
    "limit_state",
    "median",
    "window",
    "youth_reason",
]
