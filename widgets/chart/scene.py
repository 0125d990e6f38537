"""What is left to draw of a chart when everything is decided, and the canvases that draw it.

The large one is plotext's. It has one figure for the whole process, so it is used in the event loop's thread only,
for one chart at a time. The small one is our own: a tenth of the time, for many charts side by side.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from widgets.cells import Piece, fit
from widgets.chart.axis import time_ticks, value_labels, value_text
from widgets.chart.data import Limit, Marker, Run

Picture: TypeAlias = tuple[tuple[Piece, ...], ...]
"""The lines of a chart from the top, each in pieces with the name of their role."""

LABEL_WIDTH = 8
LEFT = LABEL_WIDTH + 1
"""Cells before the canvas: as many as ever, so that the axis does not jump when the values change."""
# plotext is given their indexes as colours, and they come back in its answer.
ROLES = ("axis", "baseline", "canary", "other", "warn", "fail", "marker", "cursor")
LINES = ("baseline", "canary", "other")
_MARKS = {"baseline": "braille", "canary": "hd", "other": "braille"}
_LIMIT_STYLES = {"warn": "dotted", "fail": "default"}
_LIMIT_SIGNS = {"warn": "┈", "fail": "─"}
_QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
_BRAILLE = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))

_SGR = re.compile(r"((?:\x1b\[[\d;]*m)+)")
_COLOUR = re.compile(r"38;5;(\d+)")


class Scene(NamedTuple):
    """Lines, limits and moments between axes, on a canvas of so many cells."""

    start: float
    end: float
    ticks: tuple[float, ...]
    lines: tuple[tuple[str, tuple[Run, ...]], ...]
    """The role of each and its points."""
    limits: tuple[Limit, ...]
    markers: tuple[Marker, ...]
    columns: int
    rows: int
    log: bool = False

    def x(self, time: float) -> float:
        """Where a time is, from 0 to 1."""
        return (time - self.start) / (self.end - self.start)

    def y(self, value: float) -> float:
        """Where a value is, from 0 to 1."""
        first, last = self.ticks[0], self.ticks[-1]
        if self.log:
            first, last, value = math.log10(first), math.log10(last), math.log10(value)
        return (value - first) / (last - first)

    @property
    def labels(self) -> list[str]:
        words = map(value_text, self.ticks) if self.log else value_labels(self.ticks)
        return ["".join(text for text, _ in fit(label, LABEL_WIDTH, "right")) for label in words]

    @property
    def times(self) -> tuple[tuple[float, str], ...]:
        return time_ticks(self.start, self.end, self.columns // 12)


@lru_cache(maxsize=16)
def large(scene: Scene) -> Picture:
    """The canvas with both axes, drawn by plotext: two lines more than ``scene.rows``.

    Raises:
        ImportError: plotext is missing, or does not run on this system.
    """
    import plotext

    def colour(role: str) -> Any:
        return plotext.pixel(ROLES.index(role))

    figure = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear.data()
    figure.clear.settings()
    figure.plot_size(LEFT + scene.columns, scene.rows + 2)
    figure.canvas("default")
    figure.axes(False)
    # plotext gets numbers from 0 to 1: time stamps and large values would lose their last digits in it.
    for axis, side, at, named in (
        ("y", "left", [scene.y(tick) for tick in scene.ticks], scene.labels),
        ("x", "lower", [scene.x(time) for time, _ in scene.times], [name for _, name in scene.times]),
    ):
        figure.axes(True, pixel=colour("axis"), axis=axis, side=side)
        figure.ruler(axis, side).pixel(colour("axis")).lim(0, 1).ticks(at, named)
    for limit in scene.limits:
        figure.line(scene.y(limit.value), 0, pixel=colour(limit.role), style=_LIMIT_STYLES[limit.role])
    for marker in scene.markers:
        figure.line(scene.x(marker.time), 1, pixel=colour("marker"))
    for role, found in scene.lines:
        for run in found:
            mark = plotext.marker(_MARKS[role], colour(role))
            xs, ys = [scene.x(time) for time, _ in run], [scene.y(value) for _, value in run]
            figure.draw(figure.signal(xs, ys, marker=mark).lines())
    return tuple(map(_pieces, figure.build().string().split("\n")[: scene.rows + 2]))


def _pieces(line: str) -> tuple[Piece, ...]:
    """A line of plotext's answer, its colours turned back into roles."""
    pieces = []
    role = ""
    for part in _SGR.split(line):
        if part.startswith("\x1b"):
            number = _COLOUR.search(part)
            role = ROLES[int(number[1])] if number else ""
        elif part:
            pieces.append((part, role))
    return tuple(pieces)


@lru_cache(maxsize=64)
def small(scene: Scene) -> Picture:
    """The canvas drawn by ourselves, with the times below it: one line more than ``scene.rows``."""
    columns, rows = scene.columns, scene.rows
    cells: list[list[Piece]] = [[(" ", "")] * columns for _ in range(rows)]

    def row(value: float) -> int:
        return rows - 1 - round(scene.y(value) * (rows - 1))

    for limit in scene.limits:
        cells[row(limit.value)] = [(_LIMIT_SIGNS[limit.role], limit.role)] * columns
    for marker in scene.markers:
        for line in cells:
            line[round(scene.x(marker.time) * (columns - 1))] = ("│", "marker")
    for role, found in sorted(scene.lines, key=lambda each: each[0] == "canary"):  # the canary lies on top
        deep = 2 if role == "canary" else 4
        bits: dict[tuple[int, int], int] = {}
        for x, y in {dot for run in found for dot in _dots(scene, run, 2 * columns, deep * rows)}:
            bit = 1 << (2 * (y % 2) + x % 2) if deep == 2 else _BRAILLE[y % 4][x % 2]
            bits[y // deep, x // 2] = bits.get((y // deep, x // 2), 0) | bit
        for (y, x), bit in bits.items():
            cells[y][x] = (_QUADRANTS[bit] if deep == 2 else chr(0x2800 + bit), role)
    named = dict(zip(map(row, scene.ticks), scene.labels, strict=True))
    canvas = [
        ((named.get(y, " " * LABEL_WIDTH) + ("┤" if y in named else "│"), "axis"), *line)
        for y, line in enumerate(cells)
    ]
    return (*canvas, ((_times(scene), "axis"),))


def _dots(scene: Scene, run: Run, wide: int, high: int) -> Iterator[tuple[int, int]]:
    """The dots of a line through the points of ``run``, ``wide`` by ``high`` dots from the upper left."""
    before: tuple[int, int] | None = None
    for time, value in run:
        x, y = round(scene.x(time) * (wide - 1)), high - 1 - round(scene.y(value) * (high - 1))
        x0, y0 = before or (x, y)
        steps = max(abs(x - x0), abs(y - y0), 1)
        yield from (
            (x0 + round((x - x0) * i / steps), y0 + round((y - y0) * i / steps)) for i in range(steps + 1)
        )
        before = x, y


def _times(scene: Scene) -> str:
    """The names of times under their places; one that would touch the one before is left out."""
    text = " " * LABEL_WIDTH
    for time, name in scene.times:
        at = LEFT + round(scene.x(time) * (scene.columns - 1)) - len(name) // 2
        if at > len(text) and at + len(name) <= LEFT + scene.columns:
            text = text.ljust(at) + name
    return text
