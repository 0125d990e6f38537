"""Shares: how much of what was counted is bad."""

import re
from collections.abc import Sequence
from typing import Literal

import msgspec

from tui.domain.series import Counts

Kind = Literal["rate", "increase", "total"]
"""What the numbers of a query are: events per second, events in a window, or all events since some beginning."""

MOST_EXCESS = 1.1
"""So many times the total may be bad: a server extrapolates both by itself."""


class Share(msgspec.Struct, frozen=True):
    """Two queries that count, with placeholders in them."""

    bad: str
    """What the share is of; with ``better = "higher"`` the good ones."""
    whole: str
    scale: float
    """What 1 is in the shown unit."""
    rest: bool = False
    """``whole`` counts the others only, without what ``bad`` counts."""
    split: bool = False
    """Made of one query by :func:`tui.domain.split.split`."""


class NoShare(ValueError):
    """The words say what is wrong with a query that is to count."""


TEXT = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`'
"""A pattern for PromQL's texts."""
_HIDDEN = re.compile(rf"\#[^\n]*|{TEXT}|\{{[^{{}}]*\}}", re.DOTALL)
_FACTOR = re.compile(r"\b\d+(?:\.\d+)?\s*[*/%^]|[*/%^]\s*\d")
_PER_SECOND = re.compile(r"\bi?rate\s*\(|:i?rate\d")
_IN_A_WINDOW = re.compile(r"\b(?:increase|i?delta|(?:count|sum)_over_time)\s*\(|:increase\d")


def kind(query: str) -> Kind:
    """What the numbers of a query in PromQL are, told by the functions in it, or by the name of a recorded rule."""
    bare = _bare(query)
    return "rate" if _PER_SECOND.search(bare) else "increase" if _IN_A_WINDOW.search(bare) else "total"


def check_count(query: str) -> None:
    """Raises:
    NoShare: the query does not give a number of events, but one made from it.
    """
    if _FACTOR.search(_bare(query)):
        raise NoShare("must count events: leave out factors such as 100 * or / 60")


def _bare(query: str) -> str:
    """Without texts, matchers and comments."""
    return _HIDDEN.sub(" ", re.sub(TEXT, '""', query, flags=re.DOTALL))


def counts(
    bad: Sequence[float | None],
    whole: Sequence[float | None],
    *,
    kinds: tuple[Kind, Kind],
    window: float,
    steps: int = 1,
    rest: bool = False,
) -> Counts:
    """What was counted in each window, by the numbers of two queries at the ends of windows.

    A counter that has not been needed yet is not there: where only one of the two is missing it counted nothing. Of a
    total that is missing nothing is known.

    Args:
        kinds: of the numbers. Where one of them is a running total both begin ``steps`` before the first window.
        window: seconds that a rate was measured over.
        steps: how many a window is long.
        rest: as in :class:`Share`.

    Raises:
        NoShare: more is bad than there is at all.
    """
    first = _nothing_where_missing(bad, whole, kinds[0])
    second = _nothing_where_missing(whole, bad, kinds[1]) if rest else whole
    earlier = steps if "total" in kinds else 0
    one, other = (
        _risen(numbers, steps)
        if kind == "total"
        else [None if number is None else number * (window if kind == "rate" else 1) for number in numbers][
            earlier:
        ]
        for numbers, kind in zip((first, second), kinds, strict=True)
    )
    total = (
        [None if b is None or w is None else b + w for b, w in zip(one, other, strict=True)]
        if rest
        else other
    )
    both = [(b, w) if b is not None and w is not None else None for b, w in zip(one, total, strict=True)]
    found, there = (sum(pair[number] for pair in both if pair) for number in (0, 1))
    if found > MOST_EXCESS * there + 1:
        raise NoShare(f"bad counts {found:.0f} of a total of {there:.0f}: total must count the bad ones, too")
    return Counts(
        tuple(None if pair is None else min(pair) for pair in both),
        tuple(None if pair is None else pair[1] for pair in both),
    )


def values(counted: Counts, scale: float) -> tuple[float | None, ...]:
    """The share in each window, in the shown unit; None where there was nothing to count."""
    return tuple(
        scale * bad / total if bad is not None and total else None
        for bad, total in zip(counted.bad, counted.total, strict=True)
    )


def _nothing_where_missing(
    numbers: Sequence[float | None], beside: Sequence[float | None], kind: Kind
) -> list[float | None]:
    """``numbers``, which count nothing where they are missing and ``beside`` is not."""
    filled: list[float | None] = []
    nothing = 0.0
    for number, other in zip(numbers, beside, strict=True):
        if kind == "total" and number is not None:
            nothing = number
        filled.append(nothing if number is None and other is not None else number)
    return filled


def _risen(totals: Sequence[float | None], steps: int) -> list[float | None]:
    """What a running total counted in the ``steps`` before each of ``totals`` from the one of that number on.

    A total that fell began anew: what it is now was counted since. Where it was not read nothing is known, and what
    was counted then is found at the next reading.
    """
    rises: list[float | None] = []
    last = totals[0]
    for now in totals[1:]:
        rises.append(None if now is None or last is None else now - last if now >= last else now)
        last = last if now is None else now
    return [
        None if rises[end - 1] is None else sum(rise or 0.0 for rise in rises[end - steps : end])
        for end in range(steps, len(rises) + 1)
    ]
