"""When something ran, as a bar in a fixed number of cells."""

from math import isfinite

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_WAITED = "╌"


def timeline(
    start: float | None,
    end: float | None,
    lo: float,
    hi: float,
    width: int,
    running: bool = False,
    queued: float | None = None,
) -> str:
    """A bar from ``start`` to ``end`` on a scale from ``lo`` to ``hi``, all in seconds of one clock.

    The result is ``width`` cells wide: blank when it has not started, else at least a sliver. ``end`` None means
    that it lasts until ``hi``. The end is drawn to an eighth of a cell, the start to half of one (there are no
    other block characters); a ``running`` bar ends in ``▸`` instead. What lies outside the scale is cut. From
    ``queued`` to its start it is a thin line: there it waited.
    """
    if width <= 0:
        return ""
    end = hi if end is None else end
    if start is None or not all(map(isfinite, (start, end, lo, hi))):
        return " " * width
    span = hi - lo

    def eighths(moment: float) -> int:
        return round(8 * width * min(1.0, max(0.0, (moment - lo) / span))) if span > 0 else 0

    first = min(eighths(start), 8 * width - 1)
    last = max(eighths(end), first + 1)
    left, skipped = divmod(first, 8)
    right, part = divmod(last, 8)
    if running:
        tip = min(right, width - 1)
        bar = "█" * (tip - left) + "▸"
    elif left == right:
        bar = _EIGHTHS[max(1, part - skipped)]  # within one cell: its length counts, not its place
    else:
        bar = "█" * (right - left) + (_EIGHTHS[part] if part else "")
    if skipped >= 4 and bar[0] == "█":
        bar = "▐" + bar[1:]
    waited = left - min(left, eighths(queued) // 8) if queued is not None and isfinite(queued) else 0
    return (" " * (left - waited) + _WAITED * waited + bar).ljust(width)
