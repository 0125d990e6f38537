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
    Limit,
    Marker,
    last_value,
    runs,
    scale,
    value_at,
)
from widgets.chart.scene import LEFT, LINES, Picture, Scene, large, small

_LEAST_COLUMNS = 15
_GAP = 3
_VALUE_WIDTH = 6
_MOST_NOTES = 2
_SAMPLES = {"baseline": "⠤⠤", "canary": "▀▀", "other": "⠤⠤", "warn": "┈┈", "fail": "──"}
_CURSOR = "┃"
_NOTHING = 1e-290
"""Not above 0, as far as a logarithmic scale is concerned."""


def picture(data: ChartData, width: int, height: int, axis: ValueAxis | None = None) -> Picture:
    """``data`` in at most ``height`` lines of at most ``width`` cells; in words where there is nothing to draw.

    Args:
        axis: the value axis of the picture before, which stays where it can.

    Raises:
        ImportError: plotext is missing, or does not run on this system.
    """
    columns = width - LEFT
    least, below = (3, 1) if data.small else (4, 2)  # lines of the canvas, and of the axis under it
    points = min(MOST_POINTS, 2 * max(1, columns))
    above = _NOTHING if data.log else -math.inf
    drawn = tuple((line.role, runs(line, data.start, data.end, points, above)) for line in data.lines)
    values = [value for _, found in drawn for run in found for _, value in run]
    ticks: tuple[float, ...] = ()
    limits = data.limits
    if values and data.end > data.start:
        fitting = [limit for limit in data.limits if limit.value > above]
        room = max(1, height - 1 - below)
        most = room // (2 if data.small else 3) + 1
        subject = (data.title, data.unit, data.end - data.start)
        ticks = (axis or ValueAxis()).ticks(
            *scale(min(values), max(values), fitting), most, log=data.log, of=subject
        )
        limits = tuple(limit for limit in data.limits if ticks[0] <= limit.value <= ticks[-1])
    # A legend that would leave the lines no room is cut.
    head = _flow(_entries(data, limits), width)[: max(1, height - least - below)]
    spare = height - len(head) - least - below
    if data.message:
        return _instead(head, data.message, width, height)
    if data.end <= data.start:
        return _instead(head, "no data", width, height)
    if not values:
        return _instead(head, "; ".join((_emptiness(data), *data.notes)), width, height)
    if spare < 0 or columns < _LEAST_COLUMNS:
        return _instead(head, "too small to draw", width, height)
    markers = tuple(marker for marker in data.markers if data.start <= marker.time <= data.end)
    over = (_marker_line(markers, data, columns),) if markers and spare else ()
    notes = tuple(tuple(fit((note, "note"), width)) for note in data.notes[: min(_MOST_NOTES, spare // 3)])
    rows = height - len(head) - len(over) - len(notes) - below
    scene = Scene(data.start, data.end, ticks, drawn, limits, markers, columns, rows, data.log)
    canvas = small(scene) if data.small else large(scene)
    if data.cursor is not None and data.start <= data.cursor <= data.end:
        at = LEFT + round(scene.x(data.cursor) * (columns - 1))
        canvas = (*(_crossed(line, at) for line in canvas[:rows]), *canvas[rows:])
    return (*head, *over, *canvas, *notes)


def _emptiness(data: ChartData) -> str:
    span = data.end - data.start
    words = f"no data from {moment_text(data.start, span)} to {moment_text(data.end, span)}"
    if data.log and any(run for line in data.lines for run in runs(line, data.start, data.end, 1)):
        return "nothing is above 0, and a logarithmic scale shows nothing else"
    return words


def _instead(head: Picture, words: str, width: int, height: int) -> Picture:
    """``words`` under ``head``, or alone where there is room for one line only."""
    lines = tuple(tuple(fit(f" {line}", width)) for line in textwrap.wrap(words, max(1, width - 2)))
    return (*head, *lines)[:height] if height > len(head) else lines[:height]


def _entries(data: ChartData, shown: Sequence[Limit]) -> list[tuple[Piece, ...]]:
    """The title and the legend, with the value of each line under the cursor, or else its newest."""
    entries: list[tuple[Piece, ...]] = []
    if data.title or data.unit:
        entries.append(((data.title, "title"), (f" {data.unit}" if data.unit else "", "unit")))
    for line in data.lines:
        words = line.label if line.role == "other" else f"{line.role} {line.label}".rstrip()
        value, when = _told(line, data.cursor)
        entries.append(
            (
                (_SAMPLES[line.role], line.role),
                (f" {words} " if words else " ", ""),
                (value.rjust(_VALUE_WIDTH), "value"),
                (when, ""),
            )
        )
    if data.cursor is not None:
        entries.append(((_CURSOR, "cursor"), (f" {_moment(data, data.cursor)}", "value")))
    for limit in data.limits:
        words = f" {limit.label} {value_text(limit.value)}"
        entries.append(
            ((_SAMPLES[limit.role], limit.role), (words if limit in shown else f"{words}, not in sight", ""))
        )
    if data.log:
        entries.append((("log scale", "note"),))
    return entries


def _told(line: ChartLine, cursor: float | None) -> tuple[str, str]:
    """The value that the legend tells of ``line``, and when that was, where it is not plain."""

    def text(value: float) -> str:
        least = line.ceiling is not None and value >= line.ceiling
        return f"≥{value_text(value)}" if least else value_text(value)

    if cursor is not None:
        value = value_at(line, cursor)
        return (text(value) if value is not None else "no value"), ""
    newest = last_value(line)
    if newest is None:
        return "no data", ""
    return text(newest[0]), f" at {clock_text(newest[1])}" if not newest[2] else ""


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


def _marker_line(markers: Sequence[Marker], data: ChartData, columns: int) -> tuple[Piece, ...]:
    """The labels over the markers' lines; where they would touch, the newer one stays."""
    placed: list[tuple[int, str]] = []
    free = LEFT + columns
    for marker in sorted(markers, reverse=True):
        at = LEFT + round((marker.time - data.start) / (data.end - data.start) * (columns - 1))
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


def _crossed(line: tuple[Piece, ...], at: int) -> tuple[Piece, ...]:
    """``line`` with the cursor in the cell ``at``, behind what is drawn there of a series."""
    crossed: list[Piece] = []
    column = 0
    for text, role in line:
        inside = at - column
        if 0 <= inside < len(text):
            kept = role in LINES and text[inside] not in " \u2800"
            sign = (text[inside], role) if kept else (_CURSOR, "cursor")
            crossed += [(text[:inside], role), sign, (text[inside + 1 :], role)]
        else:
            crossed.append((text, role))
        column += len(text)
    if column <= at:
        crossed.append((" " * (at - column), ""))
        crossed.append((_CURSOR, "cursor"))
    return tuple(piece for piece in crossed if piece[0])
