"""What the metrics pane looks like: no verdict, mark of age or reason is cut while there is room for it."""

import itertools
import math

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.panes.test_verdict import judged
from tui.config import MetricSettings
from tui.domain.health import Trouble
from tui.domain.series import Chart as ChartAnswer
from tui.domain.series import Series, Track
from tui.engine.queries import ChartOf, VerdictOf
from tui.engine.queries.charts import chart_grid
from tui.engine.store import Reading
from tui.panes.metrics import MetricsPane, project
from tui.panes.time_range import TimeRange
from tui.panes.verdict import VerdictLines
from tui.sources.base import SourceError
from widgets.chart.rendering import picture
from widgets.wrapped_lines import WrappedLines

LONG = "a model whose name is so long that nothing else would have a place in the line"


def told(lines: WrappedLines) -> str:
    return " ".join(" ".join(lines.render_line(y).text for y in range(lines.size.height)).split())


@pytest.mark.parametrize("size", [(40, 20), (55, 24), (80, 24), (110, 30), (160, 45)])
async def test_the_decision_is_read_and_so_is_each_reason(size: tuple[int, int]) -> None:
    async with judged(30.0, size, f'title = "{LONG}"') as work:
        await work.press("3", "plus")
        pane = work.screen.panes["metrics"]
        head, reasons = told(pane.query_one(".head", WrappedLines)), told(pane.query_one(VerdictLines))
        assert "last 1h" in head
        assert head.replace("last 1h ", "").startswith(
            "✗ DO NOT PROMOTE a model whose name is so long… WORSE: p95"
        )
        assert "over the baseline; 10 ms is allowed" in reasons
        assert "errors within its limits" in reasons
        assert "…" not in reasons


@pytest.mark.parametrize("size", [(40, 20), (55, 24), (80, 24)])
async def test_what_is_old_is_told_before_all_that_may_be_long(size: tuple[int, int]) -> None:
    async with judged(30.0, size, f'title = "{LONG}"') as work:
        await work.press("3", "plus")
        work.sources["prom"].default = SourceError(
            Trouble.TIMEOUT, "prom did not answer: " + "too long a story " * 20
        )
        queries = [
            query
            for query in work.screen.panes["metrics"].queries()
            if isinstance(query, ChartOf | VerdictOf)
        ]
        for query in queries:
            work.screen.runtime.poller.refresh(query)
        await work.settle(120)
        head = work.screen.panes["metrics"].query_one(".head", WrappedLines)
        assert "m old" in head.render_line(0).text
        assert "~ timed out" in "".join(head.render_line(y).text for y in (0, 1))
        assert work.screen.panes["metrics"].query_one("ChartBox").size.height >= 4, (
            "the charts keep their room"
        )


@pytest.mark.parametrize("size", [(80, 24), (110, 30), (160, 45)])
async def test_how_it_looks(size: tuple[int, int], snapshot: SnapshotAssertion) -> None:
    async with judged(30.0, size) as work:
        await work.press("3", "plus")
        pane = work.screen.panes["metrics"]
        assert isinstance(pane, MetricsPane)
        assert not [chart for chart in pane.charts.values() if chart.in_sight and chart.stale]
        lines = work.text.splitlines()[pane.region.y : pane.region.bottom]
        assert "\n".join(line.rstrip() for line in lines) == snapshot


def test_a_new_value_changes_few_cells() -> None:
    """Of the charts of what goes on: the time they show stays for a while, and so do the points of a long series."""
    metric, span = MetricSettings(source="prom", query="p95", warn=115.0), TimeRange(3600)
    pictures = []
    for refresh in range(24):
        now = 1_767_225_611.0 + 18 * refresh
        grid = chart_grid(now, span.seconds, 100, "1m")
        tracks: tuple[tuple[Track, float], ...] = (("baseline", 100.0), ("canary", 108.0))
        series = tuple(
            Series("p95", track, grid, tuple(middle + 9 * math.sin(at / 200) for at in grid.times))
            for track, middle in tracks
        )
        data = project("p95", metric, span, Reading(ChartAnswer(series), now), now)
        assert data.end - data.start == 3600 * 17 / 16
        assert data.start <= grid.times[1] <= grid.times[-1] <= data.end
        rows = ["".join(text for text, _ in row) for row in picture(data._replace(small=True), 90, 14)[1:]]
        pictures.append({(x, y, letter) for y, row in enumerate(rows) for x, letter in enumerate(row)})
    changed = sorted(len(after - before) for before, after in itertools.pairwise(pictures))
    assert changed[-3] <= 12
    assert changed[0] < 6
    assert changed[-1] > 50, "from time to time all goes on"
