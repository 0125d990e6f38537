"""How long a chart takes to draw, and a cursor to move in it: ``python -m benchmarks.bench_chart``."""

import time
from random import Random

from widgets.chart_data import ChartData, Limit, Line, Marker
from widgets.chart_picture import picture
from widgets.chart_scene import large, small

TIMES = range(0, 14_400, 30)
SIZES = ((False, 120, 30), (False, 71, 16), (True, 120, 30), (True, 60, 12))


def data() -> ChartData:
    rng = Random(1)
    lines = tuple(
        Line("2026.11.7", role, TIMES, tuple(rng.gauss(100, 5) for _ in TIMES))
        for role in ("baseline", "canary")
    )
    return ChartData(
        "p95", "ms", 0, 14_400, lines, (Limit("warn", 130, "warn"),), (Marker(9000, "2026.11.7"),)
    )


def main() -> None:
    made = data()
    print(f"two series of {len(TIMES)} points, thinned to 240 or two a column")
    for is_small, width, height in SIZES:
        drawn, moved = [], []
        for number in range(20):
            large.cache_clear()
            small.cache_clear()
            shown = made._replace(small=is_small)
            for took, cursor in ((drawn, None), (moved, 600.0 * number)):
                began = time.perf_counter()
                picture(shown._replace(cursor=cursor), width, height)
                took.append(1000 * (time.perf_counter() - began))
        by = "our own" if is_small else "plotext"
        print(f"{width:4} x {height:2} {by}: {min(drawn):5.1f} ms, a cursor in it {min(moved):4.1f} ms")


if __name__ == "__main__":
    main()
