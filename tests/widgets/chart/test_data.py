"""A long series is thinned, and keeps what matters of it."""

import math

from tests.widgets.chart.charts import BASELINE, TIMES, T
from widgets.chart.chart import ChartLine
from widgets.chart.data import runs


class TestThinning:
    def test_few_points_stay_as_they_are(self) -> None:
        assert runs(BASELINE, T, T + 3600, 240) == (tuple(zip(TIMES, BASELINE.values, strict=True)),)

    def test_spikes_stay(self) -> None:
        values: list[float | None] = [1.0] * 10_000
        values[1234], values[7777] = 99.0, -99.0
        (run,) = runs(ChartLine("", "other", range(10_000), values), 0, 10_000, 240)
        assert len(run) <= 240
        assert (1234, 99.0) in run
        assert (7777, -99.0) in run
        assert list(run) == sorted(run)

    def test_the_shortest_gap_divides(self) -> None:
        values: list[float | None] = [float(i % 7) for i in range(10_000)]
        values[5000] = math.nan
        first, second = runs(ChartLine("", "other", range(10_000), values), 0, 10_000, 240)
        assert first[-1][0] < 5000 < second[0][0]

    def test_only_what_is_shown_counts(self) -> None:
        (run,) = runs(BASELINE, T + 60, T + 120, 240)
        assert [at for at, _ in run] == [T + 60, T + 90, T + 120]
