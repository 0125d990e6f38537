"""What a curve of a training run tells: how far it has come, when it should end, what is wrong with it.

Pure functions of what was read; all of it may be nonsense (contracts: model §4, §8).
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Literal

from tui.domain.training import Noticed, Point, Progress
from tui.text import format as fmt

Better = Literal["lower", "higher"]

TOTALS = ("epochs", "num_epochs", "max_epochs", "num_train_epochs", "max_steps", "n_estimators")
"""Parameters that say how many steps there will be."""
DIVERGED, DIVERGING_POINTS = 3.0, 5
"""How many times its best a value is, for how many points, when a curve diverges."""
FLAT_POINTS, FLAT_SHARE, FLAT_RANGE = 8, 0.2, 0.001
"""How many points, and which share of all, do not beat the best by which share of the range, when a curve is flat."""
SILENT, SILENT_GAPS = 600.0, 5
"""Seconds, and usual gaps, without a value when a run is silent."""
_RATED = 20
"""The newest steps by which the time of a step is told."""


def by_step(points: Iterable[Point]) -> tuple[Point, ...]:
    """In the order of steps; where one was logged more than once, the newest value of it."""
    newest: dict[int, Point] = {}
    for point in sorted(points, key=lambda point: point.at):
        newest[point.step] = point
    return tuple(newest[step] for step in sorted(newest))


def stepless(points: Sequence[Point]) -> bool:
    """Several values, all of one step: it was logged without steps, and only time tells them apart."""
    return len(points) > 1 and all(point.step == points[0].step for point in points)


def resumed_at(points: Sequence[Point]) -> int | None:
    """The step at which the run last went on from an earlier one; None: it never went back."""
    ordered = sorted(points, key=lambda point: point.at)
    back = [after.step for before, after in pairwise(ordered) if after.step < before.step]
    return back[-1] if back else None


def value_at_step(points: Sequence[Point], step: int) -> float | None:
    """The value of a curve in the order of steps at ``step``, between its points on the line between them; None beyond
    its ends, and where a neighbour is not finite."""
    steps = [point.step for point in points]
    index = bisect_left(steps, step)
    if index < len(points) and steps[index] == step:
        return points[index].value
    if index in (0, len(points)):
        return None
    before, after = points[index - 1], points[index]
    if before.value is None or after.value is None:
        return None
    part = (step - before.step) / (after.step - before.step)
    found = before.value * (1 - part) + after.value * part
    return found if math.isfinite(found) else None


def best_of(points: Iterable[Point], better: Better) -> Point | None:
    """The first of the points with the best value."""
    finite = [(point.value, point) for point in points if point.value is not None]
    if not finite:
        return None
    return (min if better == "lower" else max)(finite, key=lambda pair: pair[0])[1]


def progress(
    points: Sequence[Point],
    *,
    now: float,
    better: Better | None,
    params: Mapping[str, str],
    total: str = "",
    champion: Sequence[Point] = (),
    going_on: bool = True,
    sampled: bool = False,
) -> Progress | None:
    """How far it has come; None before there is a point.

    Args:
        points: in any order.
        better: None: nobody says which way is better, so nothing is said of that.
        total: of the config: the parameter that holds the number of steps.
        champion: the points of the champion, which may tell how many steps there will be.
        going_on: its job runs; nothing ends or is silent otherwise.
        sampled: there are values between the points.
    """
    if not points:
        return None
    ordered = tuple(sorted(points, key=lambda point: point.at)) if stepless(points) else by_step(points)
    newest = max(points, key=lambda point: point.at)
    steps = 0 if stepless(points) else ordered[-1].step
    count, basis = _total(ordered, params, total, champion) if steps else (None, "")
    ends_at = _end(ordered, count) if going_on and count is not None else None
    return Progress(
        step=steps,
        total=count,
        basis=basis,
        ends_at=ends_at,
        best=best_of(ordered, better) if better is not None else None,
        noticed=noticed(ordered, newest, now=now, better=better, going_on=going_on, sampled=sampled),
    )


def noticed(
    ordered: Sequence[Point],
    newest: Point,
    *,
    now: float,
    better: Better | None,
    going_on: bool,
    sampled: bool = False,
) -> tuple[Noticed, ...]:
    """What is wrong with a curve, the worst first."""
    found = []
    if newest.value is None:
        since = newest.step
        for point in reversed(ordered):
            if point.value is not None:
                break
            since = point.step
        found.append(Noticed("not finite", f"not finite {'by' if sampled else 'since'} step {since}"))
    elif better is not None and (words := _diverging(ordered, better)):
        found.append(Noticed("diverging", words))
    elif better is not None and (words := _flat(ordered, better)):
        found.append(Noticed("flat", words))
    gap = _usual_gap(ordered)
    if going_on and now - newest.at > max(SILENT, SILENT_GAPS * gap):
        found.append(Noticed("silent", f"silent: no value for {fmt.elapsed(now - newest.at)}"))
    return tuple(found)


def _diverging(ordered: Sequence[Point], better: Better) -> str:
    """Of what should be low and has been above 0: elsewhere a multiple says nothing."""
    best = best_of(ordered, better)
    last = [point.value for point in ordered[-DIVERGING_POINTS:]]
    if better != "lower" or best is None or best.value is None or best.value <= 0:
        return ""
    limit = DIVERGED * best.value
    if len(last) < DIVERGING_POINTS or any(value is None or value <= limit for value in last):
        return ""
    return f"diverging: over {DIVERGED:g} times its best, {fmt.quantity(best.value)} at step {best.step}"


def _flat(ordered: Sequence[Point], better: Better) -> str:
    finite = [(point.value, point) for point in ordered if point.value is not None]
    if len(finite) <= FLAT_POINTS:
        return ""
    values = [value for value, _ in finite]
    spread = max(values) - min(values)
    sign = 1.0 if better == "lower" else -1.0
    best, at = math.inf, 0
    for index, value in enumerate(values):
        if sign * value < best - FLAT_RANGE * spread or index == 0:
            best, at = sign * value, index
    since = len(finite) - 1 - at
    if since < max(FLAT_POINTS, FLAT_SHARE * len(finite)):
        return ""
    where = finite[at][1]
    return f"flat: no better than {fmt.quantity(sign * best)} at step {where.step} for {since} values"


def _total(
    ordered: Sequence[Point], params: Mapping[str, str], name: str, champion: Sequence[Point]
) -> tuple[int | None, str]:
    """How many steps there will be, and what tells so. Counted from 0 or from 1, as the run does."""
    newest = ordered[-1].step
    for key in (*([name] if name else ()), *TOTALS):
        count = _whole(params.get(key, ""))
        if count is not None and newest <= count:
            return count, key
    steps = [point.step for point in champion]
    if steps and newest <= max(steps):
        return max(steps) + (1 if min(steps) == 0 else 0), "the champion"
    return None, ""


def _whole(text: str) -> int | None:
    """``40`` and ``40.0``; None for what is no count."""
    try:
        number = float(text) if len(text) <= 20 else math.nan
    except ValueError:
        return None
    return int(number) if math.isfinite(number) and number >= 1 and number == int(number) else None


def _end(ordered: Sequence[Point], total: int) -> float | None:
    """When the last step should come, by the median time of the newest ones: an evaluation now and then would make a
    mean too long."""
    last = total - 1 if ordered[0].step == 0 else total
    newest = ordered[-1]
    if newest.step >= last:
        return newest.at
    rates = [
        (after.at - before.at) / (after.step - before.step)
        for before, after in pairwise(ordered[-_RATED:])
        if after.step > before.step and after.at >= before.at
    ]
    if not rates:
        return None
    ends_at = newest.at + median(rates) * (last - newest.step)
    return ends_at if math.isfinite(ends_at) else None


def _usual_gap(ordered: Sequence[Point]) -> float:
    times = sorted(point.at for point in ordered[-_RATED:])
    gaps = [after - before for before, after in pairwise(times)]
    return median(gaps) if gaps else 0.0
