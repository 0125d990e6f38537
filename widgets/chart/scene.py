"""What is left to draw of a chart when everything is decided, and the canvases that draw its lines.

On both a value has its place by the same rule: a tick is in the middle of its row, and what is nearest to it is in
that row too. The large one is plotext's. It has one figure for the whole process, so it is used in the event loop's
thread only, for one chart at a time. The small one is our own: a tenth of the time, for many charts side by side.
"""

import math
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple, TypeAlias

from widgets.cells import Piece, fit
from widgets.chart.axis import LABEL_WIDTH, Scale, step_ticks, time_ticks, value_labels, value_text
from widgets.chart.data import Marker, Run

Picture: TypeAlias = tuple[tuple[Piece, ...], ...]
"""The lines of a chart from the top, each in pieces with the name of their role."""

LEFT = LABEL_WIDTH + 1
"""Cells before the canvas."""
# plotext is given their indexes as colours, and they come back in its answer.
ROLES = (
    "axis",
    "baseline",
    "canary",
    "champion",
    "run",
    "other",
    "warn",
    "fail",
    "marker",
    "cursor",
)
LINES = ("baseline", "canary", "champion", "run", "other")
BRAILLE = ((0x40, 0x80), (0x04, 0x20), (0x02, 0x10), (0x01, 0x08))
"""The dots of a cell from the lowest."""

_SGR = re.compile(r"((?:\x1b\[[\d;]*m)+)")
_COLOUR = re.compile(r"38;5;(\d+)")


class Scene(NamedTuple):
    """Lines and moments between axes, on a canvas of so many cells."""

    start: float
    end: float
    scale: Scale
    lines: tuple[tuple[str, tuple[Run, ...]], ...]
    """The role of each and its points."""
    markers: tuple[Marker, ...]
    columns: int
    rows: int
    steps: bool = False

    def dots(self, time: float, value: float) -> tuple[int, int]:
        """The dot of a point, from the lower left: there are two by four in a cell."""
        return math.floor(2 * self._x(time) + 1), math.floor(4 * self._y(value) + 2)

    def column(self, time: float) -> int:
        """The cell that a time is in, from the left."""
        return math.floor(self._x(time) + 0.5)

    def row(self, value: float) -> int:
        """The row that a value is in, from the top."""
        return self.rows - 1 - math.floor(self._y(value) + 0.5)

    def _x(self, time: float) -> float:
        return (time - self.start) / (self.end - self.start) * (self.columns - 1)

    def _y(self, value: float) -> float:
        return min(max(0.0, self.scale.height(value)), 1.0) * (self.rows - 1)

    @property
    def labels(self) -> list[str]:
        ticks = self.scale.ticks
        words = map(value_text, ticks) if self.scale.log else value_labels(ticks)
        return ["".join(text for text, _ in fit(label, LABEL_WIDTH, "right")) for label in words]

    @property
    def times(self) -> tuple[tuple[float, str], ...]:
        ticks = step_ticks if self.steps else time_ticks
        return ticks(self.start, self.end, self.columns // 12)


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
    # plotext gets rows and columns: time stamps and large values would lose their last digits in it, and it would
    # round the place of a tick in another way than that of a value.
    wide, high = scene.columns - 1, scene.rows - 1
    rows, columns = (
        [high - scene.row(tick) for tick in scene.scale.ticks],
        [scene.column(at) for at, _ in scene.times],
    )
    for axis, side, last, at, named in (
        ("y", "left", high, rows, scene.labels),
        ("x", "lower", wide, columns, [name for _, name in scene.times]),
    ):
        figure.axes(True, pixel=colour("axis"), axis=axis, side=side)
        figure.ruler(axis, side).pixel(colour("axis")).lim(0, last).ticks(at, named)
    for marker in scene.markers:
        figure.line(scene.column(marker.time), 1, pixel=colour("marker"))
    for role, found in scene.lines:
        for run in found:
            dots = [scene.dots(*point) for point in run]
            # A quarter of a dot from its edge, where nothing is left to be rounded.
            xs, ys = (
                [min((x - 0.75) / 2, wide) for x, _ in dots],
                [min((y - 1.75) / 4, high) for _, y in dots],
            )
            figure.draw(figure.signal(xs, ys, marker=plotext.marker("braille", colour(role))).lines())
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
def small(scene: Scene, timed: bool = True) -> Picture:
    """The canvas drawn by ourselves; the times are one line more than ``scene.rows``."""
    columns, rows = scene.columns, scene.rows
    cells: list[list[Piece]] = [[(" ", "")] * columns for _ in range(rows)]
    for marker in scene.markers:
        for line in cells:
            line[scene.column(marker.time)] = ("│", "marker")
    bits: dict[tuple[int, int], int] = {}
    for role, found in scene.lines:
        for x, y in {dot for run in found for dot in _dots(scene, run)}:
            cell = y // 4, x // 2
            bits[cell] = bits.get(cell, 0) | BRAILLE[y % 4][x % 2]
            cells[rows - 1 - cell[0]][cell[1]] = (chr(0x2800 + bits[cell]), role)
    named = dict(zip(map(scene.row, scene.scale.ticks), scene.labels, strict=True))
    canvas = [
        ((named.get(y, " " * LABEL_WIDTH) + ("┤" if y in named else "│"), "axis"), *line)
        for y, line in enumerate(cells)
    ]
    return (*canvas, ((_times(scene), "axis"),)) if timed else tuple(canvas)


def _dots(scene: Scene, run: Run) -> Iterator[tuple[int, int]]:
    """The dots of a line through the points of ``run``, two by four in a cell, from the lower left."""
    before: tuple[int, int] | None = None
    for point in run:
        x, y = scene.dots(*point)
        x0, y0 = before or (x, y)
        steps = max(abs(x - x0), abs(y - y0), 1)
        yield from (
            (x0 + round((x - x0) * i / steps), y0 + round((y - y0) * i / steps)) for i in range(steps + 1)
        )
        before = x, y


def _times(scene: Scene) -> str:
    """The names of times under their places; one that would touch the one before is left out."""
    text = ""
    for time, name in scene.times:
        at = LEFT + scene.column(time) - len(name) // 2
        if at > len(text) and at + len(name) <= LEFT + scene.columns:
            text = text.ljust(at) + name
    return text
