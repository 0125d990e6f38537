"""Data to draw, and what is to be seen of a picture."""

import math

from rich.cells import cell_len

from widgets.chart.chart import ChartData, ChartLine, Picture

T = 1_767_225_600  # 2026-01-01 00:00 UTC
TIMES = range(T, T + 3601, 30)
BRAILLE = range(0x2801, 0x2900)


def wave(middle: float, gap: range = range(0), size: float = 20.0) -> tuple[float | None, ...]:
    return tuple(
        None if i in gap else middle + size * math.sin(i / (len(TIMES) - 1) * math.tau)
        for i in range(len(TIMES))
    )


BASELINE = ChartLine("1.4", "baseline", TIMES, wave(210))
CANARY = ChartLine("1.5", "canary", TIMES, wave(270, range(50, 80)))
DATA = ChartData("latency p95", "ms", T, T + 3600, (BASELINE, CANARY))


def lines_of(drawn: Picture) -> list[str]:
    return ["".join(text for text, _ in line) for line in drawn]


def role_cells(drawn: Picture, role: str) -> set[tuple[int, int]]:
    """Where (column, row) something of ``role`` is drawn."""
    cells = set()
    for row, line in enumerate(drawn):
        column = 0
        for text, its_role in line:
            if its_role == role:
                cells |= {(column + i, row) for i, letter in enumerate(text) if letter != " "}
            column += cell_len(text)
    return cells


def braille_dots(drawn: Picture) -> set[tuple[int, int]]:
    """Where (x, y) there are dots, each cell being two by four."""
    places = ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (0, 3), (1, 3))
    return {
        (2 * column + x, 4 * row + y)
        for row, text in enumerate(lines_of(drawn))
        for column, letter in enumerate(text)
        if ord(letter) in BRAILLE
        for bit, (x, y) in enumerate(places)
        if (ord(letter) - 0x2800) >> bit & 1
    }
