"""A chart as lines of text: what stands around the canvas, the words where there is none, and the cursor upon it."""

import math
import textwrap
from collections.abc import Sequence

from rich.cells import cell_len

from widgets.cells import Piece, fit, width_of
from widgets.chart.axis import ValueAxis, clock_text, moment_text, value_text
from widgets.chart.data import (
    MOST_POINTS,
    ChartData,
    ChartLine,
    drawable,
    last_value,
    runs,
    scale,
    value_at,
)
from widgets.chart.overlay import CURSOR, LETTERS, limits_width, overlaid
from widgets.chart.scene import LEFT, Picture, Scene, large, small
from widgets.chart.sparkline import sparkline

_LEAST_COLUMNS = 15
_LEAST_ROWS = 3
"""Of a canvas: on fewer there are no even ticks."""
_LEAST_LARGE = 7
"""Lines of a chart with an axis drawn below it, too."""
_MOST_SPARKLINES = 3
"""A chart of no more lines has no axis: it is a sparkline for each of its series."""
_GAP = 3
_VALUE_WIDTH = 6
_MOST_NOTES = 2
_NOTHING = 1e-290
"""Not above 0, as far as a logarithmic scale is concerned."""


def picture(data: ChartData, width: int, height: int, axis: ValueAxis | None = None) -> Picture:
    """``data`` in at most ``height`` lines of at most ``width`` cells; in words where there is nothing to draw.

    Args:
        axis: the value axis of the picture before, which stays where it can.

    Raises:
        ImportError: plotext is missing, or does not run on this system.
    """
    limits = [limit for limit in data.limits if drawable(limit.value)]
    columns = canvas_columns(data, width)
    compact = data.small or height < _LEAST_LARGE
    below = (1 if height > _LEAST_ROWS + 1 else 0) if compact else 2  # lines of the axis under the canvas
    points = min(MOST_POINTS, 2 * max(1, columns))
    above = _NOTHING if data.log else -math.inf
    drawn = tuple((line.role, runs(line, data.start, data.end, points, above)) for line in data.lines)
    values = [value for _, found in drawn for run in found for _, value in run]
    # A legend that would leave the lines no room is shortened, and then cut.
    most = max(1, height - _LEAST_ROWS - below)
    head = _flow(_entries(data), width)
    if len(head) > most:
        head = _flow(_entries(data, brief=True), width)[:most]
    if data.message:
        return _instead(head, data.message, width, height)
    if data.end <= data.start:
        return _instead(head, "no data", width, height)
    if not values:
        return _instead(head, "; ".join((_emptiness(data), *data.notes)), width, height)
    spare = height - len(head) - _LEAST_ROWS - below
    if height <= _MOST_SPARKLINES or spare < 0 or columns < _LEAST_COLUMNS:
        return _sparklines(data, width, height)
    markers = tuple(marker for marker in data.markers if data.start <= marker.time <= data.end)
    labelled = bool(markers) and spare > 1
    notes = tuple(tuple(fit((note, "note"), width)) for note in data.notes[: min(_MOST_NOTES, spare // 3)])
    rows = height - len(head) - labelled - len(notes) - below
    bounds = scale(min(values), max(values), [limit for limit in limits if limit.value > above])
    subject = (data.title, data.unit, data.end - data.start)
    shown = (axis or ValueAxis()).scale(*bounds, rows, 2 if compact else 3, log=data.log, of=subject)
    scene = Scene(data.start, data.end, shown, drawn, markers, columns, rows, data.steps)
    over = (_marker_line(scene),) if labelled else ()
    canvas = small(scene, bool(below)) if compact else large(scene)
    cursor = data.cursor if data.cursor is not None and data.start <= data.cursor <= data.end else None
    return (*head, *over, *overlaid(canvas, scene, limits, cursor), *notes)


def canvas_columns(data: ChartData, width: int) -> int:
    """Cells of the canvas in a chart ``width`` cells wide: between the axis and the names of the limits."""
    return width - LEFT - limits_width([limit for limit in data.limits if drawable(limit.value)])


def _sparklines(data: ChartData, width: int, height: int) -> Picture:
    """A line for each series, on the same scale: what it is, its newest value, and its shape. The canary's comes
    first where there is no room for all."""
    lines = sorted(data.lines, key=lambda line: line.role not in ("canary", "run"))[:height]
    windows = [
        [value for at, value in zip(line.times, line.values, strict=False) if data.start <= at <= data.end]
        for line in lines
    ]
    present = [value for window in windows for value in window if value is not None and drawable(value)]
    bounds = min(present, default=0.0), max(present, default=0.0)
    title = f"{data.title} {data.unit}".strip()
    apart = height > len(lines)  # the title has a line of its own
    names = [_name(line) for line in lines]
    if max(map(cell_len, names)) + (0 if apart else cell_len(title)) > width // 2:
        names = ["" if line.role == "other" else line.role for line in lines]
    if not apart:
        names = [f"{title} {name}".strip() for name in names]
    values = ["".join(_told(line, data)) for line in lines]
    widths = max(map(cell_len, names)), max(map(cell_len, values))
    drawn = [
        fit(
            (
                *fit(name, widths[0]),
                (f" {value.rjust(widths[1])} ", "value"),
                (sparkline(window, width - sum(widths) - 2, bounds), line.role),
            ),
            width,
        )
        for line, name, value, window in zip(lines, names, values, windows, strict=True)
    ]
    return (*((tuple(fit((title, "title"), width)),) if apart else ()), *map(tuple, drawn))


def _emptiness(data: ChartData) -> str:
    span = data.end - data.start
    if data.steps:
        words = f"no data from step {data.start:.0f} to {data.end:.0f}"
    else:
        words = f"no data from {moment_text(data.start, span)} to {moment_text(data.end, span)}"
    if data.log and any(run for line in data.lines for run in runs(line, data.start, data.end, 1)):
        return "nothing is above 0, and a logarithmic scale shows nothing else"
    return words


def _instead(head: Picture, words: str, width: int, height: int) -> Picture:
    """``words`` under ``head``, or alone where there is room for one line only."""
    lines = tuple(tuple(fit(f" {line}", width)) for line in textwrap.wrap(words, max(1, width - 2)))
    return (*head, *lines)[:height] if height > len(head) else lines[:height]


def _entries(data: ChartData, brief: bool = False) -> list[tuple[Piece, ...]]:
    """The title and the legend, with the value of each line under the cursor, or else its newest."""
    entries: list[tuple[Piece, ...]] = []
    if data.title or data.unit:
        entries.append(((data.title, "title"), (f" {data.unit}" if data.unit else "", "unit")))
    for line in data.lines:
        sample = (f"⠤{LETTERS.get(line.role, '')}⠤", line.role)
        words = "" if brief else f" {_name(line)}".rstrip()
        value, when = _told(line, data)
        entries.append(
            (sample, (f"{words} ", ""), (value.rjust(0 if brief else _VALUE_WIDTH), "value"), (when, ""))
        )
    if data.cursor is not None:
        entries.append(((CURSOR, "cursor"), (f" {_moment(data, data.cursor)}", "value")))
    if data.log:
        entries.append((("log scale", "note"),))
    return entries


def _name(line: ChartLine) -> str:
    return line.label if line.role == "other" else f"{line.role} {line.label}".rstrip()


def _told(line: ChartLine, data: ChartData) -> tuple[str, str]:
    """The value that the legend tells of ``line``, and when that was, where it is not plain."""

    def text(value: float) -> str:
        least = line.ceiling is not None and value >= line.ceiling
        return f"≥{value_text(value)}" if least else value_text(value)

    if data.cursor is not None:
        value = value_at(line, data.cursor)
        return (text(value) if value is not None else "no value"), ""
    newest = last_value(line)
    if newest is None:
        return "no data", ""
    where = value_text(newest[1]) if data.steps else clock_text(newest[1])
    return text(newest[0]), f" at {where}" if not newest[2] else ""


def _moment(data: ChartData, cursor: float) -> str:
    """When the cursor is, and how far the canary is from the baseline there: ``14:05 canary 60 higher, +28.6%``."""
    step = min((line.times[1] - line.times[0] for line in data.lines if len(line.times) > 1), default=60.0)
    when = moment_text(cursor, data.end - data.start, step)
    values = {line.role: value_at(line, cursor) for line in data.lines}
    canary, baseline = values.get("canary"), values.get("baseline")
    if canary is None or baseline is None:
        return when
    if canary == baseline:
        return f"{when} canary equal"
    share = f", {(canary - baseline) / abs(baseline) * 100:+.1f}%" if baseline else ""
    return f"{when} canary {value_text(abs(canary - baseline))} {'higher' if canary > baseline else 'lower'}{share}"


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


def _marker_line(scene: Scene) -> tuple[Piece, ...]:
    """The labels over the markers' lines; where they would touch, the newer one stays."""
    placed: list[tuple[int, str]] = []
    free = LEFT + scene.columns
    for marker in sorted(scene.markers, reverse=True):
        at = LEFT + scene.column(marker.time)
        before = at - cell_len(marker.label)
        if at + 1 + cell_len(marker.label) <= free:
            placed.append((at, f"▾{marker.label}"))
        elif at < free and before >= LEFT:
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
