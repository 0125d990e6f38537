"""What the metrics pane looks like: no verdict, mark of age or reason is cut while there is room for it."""

import pytest
from syrupy.assertion import SnapshotAssertion

from tests.panes.test_verdict import judged
from tui.domain.health import Trouble
from tui.engine.queries import ChartOf, VerdictOf
from tui.panes.metrics import MetricsPane
from tui.panes.verdict import VerdictLines
from tui.sources.base import SourceError
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
