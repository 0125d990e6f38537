"""How long a chart takes to draw, and a cursor to move in it."""

import time
from random import Random

from benchmarks.table import Row
from widgets.chart.data import ChartData, ChartLine, Limit, Marker
from widgets.chart.rendering import picture
from widgets.chart.scene import large, small

TIMES = range(0, 14_400, 30)


def _data() -> ChartData:
    rng = Random(1)
    lines = tuple(
        ChartLine("2026.11.7", role, TIMES, tuple(rng.gauss(100, 5) for _ in TIMES))
        for role in ("baseline", "canary")
    )
    limits, markers = (Limit("warn", 130, "warn"),), (Marker(9000, "2026.11.7"),)
    return ChartData("p95", "ms", 0, 14_400, lines, limits, markers)


def rows(quick: bool) -> list[Row]:
    made, found = _data(), []
    for is_small, width, height, by in ((False, 120, 30, "plotext"), (True, 60, 12, "our own")):
        drawn, moved = list[float](), list[float]()
        for number in range(3 if quick else 20):
            large.cache_clear()
            small.cache_clear()
            shown = made._replace(small=is_small)
            for took, cursor in ((drawn, None), (moved, 600.0 * number)):
                began = time.perf_counter()
                picture(shown._replace(cursor=cursor), width, height)
                took.append(1000 * (time.perf_counter() - began))
        found += [
            Row(f"two series of {len(TIMES)} points drawn {width} x {height}, {by}", min(drawn), "ms"),
            Row("  a cursor moved in it", min(moved), "ms"),
        ]
    return found
