"""A judged metric as short texts."""

from tui.domain.verdict import MetricOutcome, MetricVerdict
from tui.presenters.judged_metrics import metric_line

NOW = 1_000_000.0


def test_all_that_is_known_of_a_metric_is_in_its_texts() -> None:
    metric = MetricVerdict(
        metric="p99",
        outcome=MetricOutcome.WORSE,
        reason="slower",
        baseline=100.0,
        canary=112.0,
        difference=12.0,
        margin=5.0,
        points=45,
        effective=3.2,
        newest=NOW - 120,
        gaps=0.25,
    )
    line = metric_line(metric, "ms", NOW)
    assert (line.baseline, line.canary, line.difference) == ("100 ms", "112 ms", "+12 ms")
    assert (line.values, line.sample) == ("45 (3 independent)", "45 values, 3 independent, 2m old")
    assert line.why == "difference +12 ms; allowed 5 ms worse; slower; no value at 25% of the looks"


def test_what_is_not_known_is_empty() -> None:
    line = metric_line(MetricVerdict(metric="p99", outcome=MetricOutcome.UNCLEAR, reason="no value"), "", NOW)
    assert (line.difference, line.limit, line.values, line.sample, line.age) == ("", "", "", "", "")
    assert line.why == "no value"
