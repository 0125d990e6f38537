"""Times and counts as people read them; the same on every screen and in every command."""

from datetime import datetime
from math import ceil

LONGEST = 100 * 365.25 * 86400
"""Seconds beyond which nobody wants to know how many: whatever somebody sends can be shown."""
_TOO_LONG = ">100y"


def duration(seconds: float) -> str:
    """How long something took: ``8s``, ``3m 12s``, ``1h 05m``, ``2d 03h``."""
    if not seconds < LONGEST:
        return _TOO_LONG
    whole = round(max(seconds, 0.0))
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    return _hours(minutes)


def elapsed(seconds: float) -> str:
    """How long something has been going on, so coarse that a screen seldom changes: 5 s steps, then minutes."""
    if not seconds < LONGEST:
        return _TOO_LONG
    whole = int(max(seconds, 0.0))
    if whole < 60:
        return f"{whole - whole % 5}s"
    minutes = whole // 60
    return f"{minutes}m" if minutes < 60 else _hours(minutes)


def ago(seconds: float) -> str:
    """How long ago something was, in one unit: ``<1m``, ``12m``, ``3h``, ``2d``."""
    if not seconds < LONGEST:
        return _TOO_LONG
    whole = int(max(seconds, 0.0))
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if whole >= size:
            return f"{whole // size}{unit}"
    return "<1m"


def until(seconds: float) -> str:
    """How long until something is, in one unit and never too little: ``15s`` in steps of 5, ``12m``, ``3h``."""
    soon = max(0, ceil(seconds / 5) * 5)
    return f"{soon}s" if soon < 60 else ago(seconds + 59)


def _hours(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    if hours < 24:
        return f"{hours}h {rest:02d}m"
    days, hours = divmod(hours, 24)
    return f"{days}d {hours:02d}h"


def clock(at: float) -> str:
    """The local time of day, with the date when it is not today's; ``?`` for a time that no calendar has."""
    try:
        then = datetime.fromtimestamp(at).astimezone()
    except (ValueError, OverflowError, OSError):
        return "?"
    now = datetime.now().astimezone()
    return then.strftime("%H:%M" if then.date() == now.date() else "%Y-%m-%d %H:%M")


def count(number: int, singular: str, plural: str = "") -> str:
    """``1 gate``, ``3 gates``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def quantity(value: float, unit: str = "") -> str:
    """A measured value in four digits: ``0.9412``, ``12.5 ms``, ``125,000``."""
    text = f"{value:,.0f}" if 10_000 <= abs(value) < 1e12 else f"{value:.4g}"
    return f"{text} {unit}" if unit else text


def level(value: float | None, unit: str = "", *, at_least: bool = False) -> str:
    """A measured value, ``≥ 500 ms`` where it may be more; empty where there is none."""
    if value is None:
        return ""
    return f"≥ {quantity(value, unit)}" if at_least else quantity(value, unit)
