"""Lines over time: a canary against its baseline, with limits and moments marked.

plotext draws the lines and axes. It is imported when the first chart is drawn, in a thread. It has one figure for the
whole process, so it is used in the event loop's thread only, for one chart at a time.
"""

import asyncio
import re
import textwrap
from collections.abc import Callable, Sequence
from threading import Event, Thread
from typing import Any, ClassVar, TypeAlias
from weakref import WeakKeyDictionary

from rich.cells import cell_len
from rich.segment import Segment
from textual.app import App
from textual.dom import NoScreen
from textual.errors import NoWidget
from textual.geometry import Region, Size
from textual.strip import Strip
from textual.widget import Widget

from widgets.axis import clock_text, time_ticks, value_labels, value_text, value_ticks
from widgets.cells import Piece, fit, width_of
from widgets.chart_data import (
    MOST_POINTS,
    ChartData,
    Limit,
    Line,
    Marker,
    Run,
    last_value,
    runs,
    scale,
)

__all__ = ["Chart", "ChartData", "Limit", "Line", "Marker", "Picture", "picture"]

Picture: TypeAlias = tuple[tuple[Piece, ...], ...]
"""The lines of a chart from the top, each in pieces with the name of their role."""

_LABEL_WIDTH = 8
_LEFT = _LABEL_WIDTH + 1
"""Cells before the canvas: as many as ever, so that the axis does not jump when the values change."""
_LEAST_COLUMNS = 15
_LEAST_ROWS = 4
_AXIS_ROWS = 2
_GAP = 3
_VALUE_WIDTH = 6
_MOST_NOTES = 2

_MARKS = {"baseline": "braille", "canary": "hd", "other": "braille"}
_SAMPLES = {"baseline": "⠤⠤", "canary": "▀▀", "other": "⠤⠤", "warn": "┈┈", "fail": "──"}
_LIMIT_STYLES = {"warn": "dotted", "fail": "default"}

# plotext is given their indexes as colours, and they come back in its answer.
_ROLES = ("axis", "baseline", "canary", "other", "warn", "fail", "marker")
_SGR = re.compile(r"((?:\x1b\[[\d;]*m)+)")
_COLOUR = re.compile(r"38;5;(\d+)")


def picture(data: ChartData, width: int, height: int) -> Picture:
    """``data`` in at most ``height`` lines of at most ``width`` cells; in words where there is nothing to draw.

    Raises:
        ImportError: plotext is missing, or does not run on this system.
    """
    columns = width - _LEFT
    points = min(MOST_POINTS, 2 * max(1, columns))
    drawn = [(line.role, runs(line, data.start, data.end, points)) for line in data.lines]
    values = [value for _, found in drawn for run in found for _, value in run]
    lo, hi, limits = scale(min(values), max(values), data.limits) if values else (0.0, 0.0, data.limits)
    # A legend that would leave the lines no room is cut.
    head = _flow(_entries(data, limits), width)[: max(1, height - _LEAST_ROWS - _AXIS_ROWS)]
    spare = height - len(head) - _LEAST_ROWS - _AXIS_ROWS
    if data.message:
        return _instead(head, data.message, width, height)
    if data.end <= data.start:
        return _instead(head, "no data", width, height)
    if not values:
        span = f"no data from {clock_text(data.start)} to {clock_text(data.end)}"
        return _instead(head, "; ".join((span, *data.notes)), width, height)
    if spare < 0 or columns < _LEAST_COLUMNS:
        return _instead(head, "too small to draw", width, height)
    markers = [marker for marker in data.markers if data.start <= marker.time <= data.end]
    above = (_marker_line(markers, data, columns),) if markers and spare else ()
    below = tuple(tuple(fit((note, "note"), width)) for note in data.notes[: min(_MOST_NOTES, spare // 3)])
    rows = height - len(head) - len(above) - len(below) - _AXIS_ROWS
    return (*head, *above, *_plot(data, drawn, (lo, hi), limits, markers, columns, rows), *below)


def _instead(head: Picture, words: str, width: int, height: int) -> Picture:
    """``words`` under ``head``, or alone where there is room for one line only."""
    lines = tuple(tuple(fit(f" {line}", width)) for line in textwrap.wrap(words, max(1, width - 2)))
    return (*head, *lines)[:height] if height > len(head) else lines[:height]


def _entries(data: ChartData, shown: Sequence[Limit]) -> list[tuple[Piece, ...]]:
    """The title and the legend, with the newest value of each line."""
    entries: list[tuple[Piece, ...]] = []
    if data.title or data.unit:
        entries.append(((data.title, "title"), (f" {data.unit}" if data.unit else "", "unit")))
    for line in data.lines:
        words = line.label if line.role == "other" else f"{line.role} {line.label}".rstrip()
        newest = last_value(line)
        value = value_text(newest[0]) if newest else "no data"
        when = f" at {clock_text(newest[1])}" if newest and not newest[2] else ""
        entries.append(
            (
                (_SAMPLES[line.role], line.role),
                (f" {words} " if words else " ", ""),
                (value.rjust(_VALUE_WIDTH), "value"),
                (when, ""),
            )
        )
    for limit in data.limits:
        words = f" {limit.label} {value_text(limit.value)}"
        entries.append(
            ((_SAMPLES[limit.role], limit.role), (words if limit in shown else f"{words}, not in sight", ""))
        )
    return entries


def _flow(entries: Sequence[tuple[Piece, ...]], width: int) -> Picture:
    """Entries side by side, in as many lines as they need; one that is wider than a line is cut."""
    lines: list[tuple[Piece, ...]] = []
    for entry in entries:
        beside = (*lines[-1], (" " * _GAP, ""), *entry) if lines else entry
        if lines and width_of(beside) <= width:
            lines[-1] = beside
        else:
            lines.append(tuple(fit(entry, width)) if width_of(entry) > width else entry)
    return tuple(lines)


def _marker_line(markers: Sequence[Marker], data: ChartData, columns: int) -> tuple[Piece, ...]:
    """The labels over the markers' lines; where they would touch, the newer one stays."""
    placed: list[tuple[int, str]] = []
    free = _LEFT + columns
    for marker in sorted(markers, reverse=True):
        at = _LEFT + round((marker.time - data.start) / (data.end - data.start) * (columns - 1))
        before = at - cell_len(marker.label)
        if at + 1 + cell_len(marker.label) <= free:
            placed.append((at, f"▾{marker.label}"))
        elif at < free and before >= _LEFT:
            placed.append((before, f"{marker.label}▾"))
        elif at < free:
            placed.append((at, "▾"))
        else:
            continue
        free = placed[-1][0] - 1
    line, used = [], 0
    for start, text in reversed(placed):
        line += [(" " * (start - used), ""), (text, "marker")]
        used = start + cell_len(text)
    return tuple(line)


def _plot(
    data: ChartData,
    drawn: Sequence[tuple[str, Sequence[Run]]],
    values: tuple[float, float],
    limits: Sequence[Limit],
    markers: Sequence[Marker],
    columns: int,
    rows: int,
) -> Picture:
    """Lines and axes on a canvas of ``columns`` by ``rows`` cells."""
    import plotext

    ticks = value_ticks(*values, rows // 3 + 1)
    times = time_ticks(data.start, data.end, columns // 12)

    # plotext gets numbers from 0 to 1: time stamps and large values would lose their last digits in it.
    def x(time: float) -> float:
        return (time - data.start) / (data.end - data.start)

    def y(value: float) -> float:
        return (value - ticks[0]) / (ticks[-1] - ticks[0])

    def colour(role: str) -> Any:
        return plotext.pixel(_ROLES.index(role))

    figure = plotext.figure
    plotext.terminal.limit(False, False)
    figure.clear.data()
    figure.clear.settings()
    figure.plot_size(_LEFT + columns, rows + _AXIS_ROWS)
    figure.canvas("default")
    figure.axes(False)
    labels = ["".join(text for text, _ in fit(label, _LABEL_WIDTH, "right")) for label in value_labels(ticks)]
    for axis, side, at, named in (
        ("y", "left", [y(tick) for tick in ticks], labels),
        ("x", "lower", [x(time) for time, _ in times], [name for _, name in times]),
    ):
        figure.axes(True, pixel=colour("axis"), axis=axis, side=side)
        figure.ruler(axis, side).pixel(colour("axis")).lim(0, 1).ticks(at, named)
    for limit in limits:
        figure.line(y(limit.value), 0, pixel=colour(limit.role), style=_LIMIT_STYLES[limit.role])
    for marker in markers:
        figure.line(x(marker.time), 1, pixel=colour("marker"))
    for role, found in drawn:
        for run in found:
            mark = plotext.marker(_MARKS[role], colour(role))
            signal = figure.signal([x(time) for time, _ in run], [y(value) for _, value in run], marker=mark)
            figure.draw(signal.lines())
    return tuple(map(_pieces, figure.build().string().split("\n")[: rows + _AXIS_ROWS]))


def _pieces(line: str) -> tuple[Piece, ...]:
    """A line of plotext's answer, its colours turned back into roles."""
    pieces = []
    role = ""
    for part in _SGR.split(line):
        if part.startswith("\x1b"):
            number = _COLOUR.search(part)
            role = _ROLES[int(number[1])] if number else ""
        elif part:
            pieces.append((part, role))
    return tuple(pieces)


class Chart(Widget):
    """A chart of what :meth:`show` gave it last. It is drawn again when that or the size changes, never otherwise."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"chart--{role}" for role in (*_ROLES, "title", "unit", "value", "note"))
    }
    DEFAULT_CSS = """
    Chart {
        height: 1fr;
        & > .chart--title { text-style: bold; }
        & > .chart--unit { text-style: dim; }
        & > .chart--value { text-style: bold; }
        & > .chart--note { text-style: italic; }
        & > .chart--axis { text-style: dim; }
        & > .chart--baseline { color: $text-primary; }
        & > .chart--canary { color: $text-accent; }
        & > .chart--other { color: $text-primary; }
        & > .chart--warn { color: $text-warning; }
        & > .chart--fail { color: $text-error; }
        & > .chart--marker { color: $text-secondary; }
    }
    """

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._data = ChartData()
        self._drawn: tuple[ChartData, Size] | None = None
        self._picture: Picture = ()
        self._strips: dict[int, Strip] = {}

    def show(self, data: ChartData) -> None:
        """Draw ``data`` when the charts that wait already are drawn, and once it can be seen."""
        if data != self._data:
            self._data = data
            self.refresh(Region(0, 0, self.size.width, 1))  # painting that line asks for the rest

    @property
    def stale(self) -> bool:
        """What is painted is not what should be."""
        return self._drawn != (self._data, self.size)

    @property
    def has_lines(self) -> bool:
        """There may be something for plotext to draw."""
        return bool(self._data.lines) and not self._data.message

    @property
    def in_sight(self) -> bool:
        """The next frame has the chart, or a part of it."""
        try:
            return self.screen.is_current and bool(self.screen.find_widget(self).visible_region)
        except (NoScreen, NoWidget):
            return False

    def draw(self) -> bool:
        """Make the picture and have it painted; False when it is the one that is painted already."""
        try:
            new = picture(self._data, *self.size)
        except ImportError as error:
            reason = f"charts cannot be drawn: {str(error).splitlines()[0]}"
            new = picture(self._data._replace(message=reason), *self.size)
        old, self._picture = self._picture, new
        self._drawn = self._data, self.size
        changed = [y for y in range(self.size.height) if old[y : y + 1] != new[y : y + 1]]
        for y in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))
        return bool(changed)

    def render_line(self, y: int) -> Strip:
        _queue(self.app).painted(self)
        width = self.size.width
        strip = self._strips.get(y)
        if strip is None or strip.cell_length != width:
            base = self.rich_style
            segments = [
                Segment(
                    text,
                    base + self.get_component_rich_style(f"chart--{role}", partial=True) if role else base,
                )
                for text, role in (self._picture[y] if y < len(self._picture) else ())
            ]
            strip = self._strips[y] = Strip(segments).adjust_cell_length(width, base)
        return strip

    def notify_style_update(self) -> None:
        """Forget the old colours."""
        self._strips.clear()
        super().notify_style_update()

    def on_unmount(self) -> None:
        _queue(self.app).forget(self)


class _Queue:
    """The charts of an app that wait to be drawn: one between two frames, as a picture takes most of a frame's time.

    A chart asks for its turn by being painted while it is stale, so those out of sight cost nothing.
    """

    def __init__(self) -> None:
        self._waiting: dict[Chart, None] = {}
        self._drawn: Chart | None = None  # to be painted by the next frame
        self._called = False

    def painted(self, chart: Chart) -> None:
        """``chart`` is being painted."""
        if chart is self._drawn:
            self._drawn = None
        if chart.stale:
            self._waiting[chart] = None
        if self._waiting and not self._called and not (self._drawn and self._drawn.in_sight):
            self._called = True
            chart.app.call_later(self._next, chart.app)

    def forget(self, chart: Chart) -> None:
        """``chart`` is gone."""
        self._waiting.pop(chart, None)
        if chart is self._drawn:
            self._drawn = None

    def _next(self, app: App[Any]) -> None:
        while self._waiting:
            chart = min(self._waiting, key=lambda chart: (chart.region.y, chart.region.x))
            if chart.has_lines and not _loaded.is_set():
                _load_plotext(lambda: app.call_later(self._next, app))
                return
            del self._waiting[chart]
            if chart.in_sight and chart.stale:
                if chart.draw():
                    self._drawn = chart  # goes on when it is painted
                    break
                app.call_later(self._next, app)
                return
        self._called = False


_queues: WeakKeyDictionary[App[Any], _Queue] = WeakKeyDictionary()
_loaded = Event()


def _queue(app: App[Any]) -> _Queue:
    return _queues.setdefault(app, _Queue())


def _load_plotext(then: Callable[[], object]) -> None:
    """Import plotext in a thread, because it takes a fifth of a second, and call ``then`` in this one."""
    loop = asyncio.get_running_loop()

    def load() -> None:
        try:
            import plotext  # noqa: F401
        except ImportError:
            pass  # said by the charts
        _loaded.set()
        try:
            loop.call_soon_threadsafe(then)
        except RuntimeError:
            pass  # the loop has ended meanwhile

    Thread(target=load, name="plotext", daemon=True).start()
