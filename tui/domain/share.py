"""Shares: how much of what was counted is bad, and how a query that divides one count by another is taken apart.

Only what is surely a count over a count is a share. A mean (seconds over requests) is none, nor is a part of the time
or of the bytes; taken for counts these would look much surer than they are.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
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
    """Made by :func:`split`."""


class NoShare(ValueError):
    """The words say what is wrong with a query that is to count."""


_TEXT = r'"(?:[^"\\]|\\.)*"|\'(?:[^\'\\]|\\.)*\'|`[^`]*`'
_HIDDEN = re.compile(rf"\#[^\n]*|{_TEXT}|\{{[^{{}}]*\}}", re.DOTALL)
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
    return _HIDDEN.sub(" ", re.sub(_TEXT, '""', query, flags=re.DOTALL))


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

    A counter that has not been needed yet is not there: where only one of the two is missing it is 0. Of a total that
    is missing nothing is known.

    Args:
        kinds: of the numbers. Where one of them is a running total both begin ``steps`` before the first window.
        window: seconds that a rate was measured over.
        steps: how many a window is long.
        rest: as in :class:`Share`.

    Raises:
        NoShare: more is bad than there is at all.
    """
    pairs = list(zip(bad, whole, strict=True))
    first = [0.0 if one is None and other is not None else one for one, other in pairs]
    second = [0.0 if rest and other is None and one is not None else other for one, other in pairs]
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
    found, there = sum(each or 0.0 for each in one), sum(each or 0.0 for each in total)
    if found > MOST_EXCESS * there + 1:
        raise NoShare(f"bad counts {found:.0f} of a total of {there:.0f}: total must count the bad ones, too")
    both = [
        (min(b, w), w) if b is not None and w is not None else (None, None)
        for b, w in zip(one, total, strict=True)
    ]
    return Counts(tuple(b for b, _ in both), tuple(w for _, w in both))


def values(counted: Counts, scale: float) -> tuple[float | None, ...]:
    """The share in each window, in the shown unit; None where there was nothing to count."""
    return tuple(
        scale * bad / total if bad is not None and total else None
        for bad, total in zip(counted.bad, counted.total, strict=True)
    )


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


@lru_cache(256)
def split(query: str, scale: float) -> Share | None:
    """The two counts that a PromQL query divides, None where it does not surely do that.

    It does where it divides a sum of rates by one of the same metric over the same time with fewer matchers, or is
    ``a / (a + b)`` of rates of events. A factor such as ``100 *`` may stand beside it, and ``or vector(0)`` after it
    or what it counts.
    """
    try:
        tree, factor = _without_factor(_Parser(query).whole())
    except _Other:
        return None
    if not isinstance(tree, _Binary) or tree.sign != "/":
        return None
    above, below = tree.left, tree.right
    numerator, denominator = _counted(above), _counted(below)
    if numerator and denominator:
        fewer = numerator.of == denominator.of and denominator.matchers < numerator.matchers
        if fewer and numerator.summed and denominator.summed:
            return Share(
                query[above.start : above.end], query[below.start : below.end], scale * factor, split=True
            )
        return None
    if numerator and isinstance(below, _Binary) and below.sign == "+":
        for same, other in ((below.left, below.right), (below.right, below.left)):
            rest, again = _counted(other), _counted(same)
            if rest and again and numerator.same(again) and numerator.beside(rest):
                whole = query[other.start : other.end]
                return Share(query[above.start : above.end], whole, scale * factor, rest=True, split=True)
    return None


# --- A grammar of the few forms that are understood; all others are given up.


class _Other(Exception):
    """It is something else."""


class _Count(msgspec.Struct, frozen=True):
    """``sum(rate(NAME{…}[5m]))``, or without the sum."""

    of: tuple[str, str, str]
    """Function, range, name."""
    matchers: frozenset[tuple[str, str, str]]
    summed: bool
    start: int
    end: int

    def same(self, other: "_Count") -> bool:
        return (self.of, self.matchers, self.summed) == (other.of, other.matchers, other.summed)

    def beside(self, other: "_Count") -> bool:
        """Whether the other counts something else in the same way, as far as can be seen."""
        function, over, name = self.of
        apart = other.of[2] != name or not (
            self.matchers <= other.matchers or other.matchers <= self.matchers
        )
        return apart and other.of[:2] == (function, over) and self.summed == other.summed


class _Number(msgspec.Struct, frozen=True):
    value: float
    start: int
    end: int


class _Zero(msgspec.Struct, frozen=True):
    """``vector(0)``."""

    start: int
    end: int


class _Binary(msgspec.Struct, frozen=True):
    sign: str
    left: "_Tree"
    right: "_Tree"
    start: int
    end: int


_Tree = _Count | _Number | _Zero | _Binary

_TOKEN = re.compile(
    rf"(?:\s|\#[^\n]*)*(?:(?P<text>{_TEXT})|(?P<number>\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w.]))"
    r"|(?P<name>[A-Za-z_:][\w:]*)|(?P<range>\[\s*(?:\d+[smhdwy]|\{window\}|\{step\})+\s*\])"
    r"|(?P<sign>=~|!~|!=|[=(){},/*+]))",
    re.DOTALL | re.IGNORECASE,
)
_END = re.compile(r"(?:\s|\#[^\n]*)*\Z")
_RATES = ("rate", "irate", "increase")
_MEASURED = re.compile(
    r"(?:_(?:seconds|milliseconds|microseconds|nanoseconds|minutes|hours|ms|us|ns|bytes|bits|joules|watts|celsius|"
    r"duration|ratio|percent|sum|bucket))(?:_sum)?(?:_total|\(_total\)\?)?$",
    re.IGNORECASE,
)
"""Names of metrics that measure rather than count events."""


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._at = 0

    def whole(self) -> _Tree:
        tree = self._alternatives()
        if not _END.match(self._query, self._at):
            raise _Other
        return tree

    def _alternatives(self) -> _Tree:
        tree = self._sum()
        while (token := self._next()) and (token["name"] or "").lower() == "or":
            self._at = token.end()
            right = self._sum()
            tree = _Binary("or", tree, right, tree.start, right.end)
        return tree

    def _sum(self) -> _Tree:
        tree = self._product()
        while self._sees("+"):
            right = self._product()
            tree = _Binary("+", tree, right, tree.start, right.end)
        return tree

    def _product(self) -> _Tree:
        tree = self._item()
        while sign := next((sign for sign in "*/" if self._sees(sign)), None):
            right = self._item()
            tree = _Binary(sign, tree, right, tree.start, right.end)
        return tree

    def _item(self) -> _Tree:
        token = self._next()
        if token is None:
            raise _Other
        if token["number"]:
            self._at = token.end()
            return _Number(float(token["number"]), token.start("number"), token.end())
        if token["sign"] == "(":
            self._at = token.end()
            tree = self._alternatives()
            self._expect(")")
            return msgspec.structs.replace(tree, start=token.start("sign"), end=self._at)
        match (token["name"] or "").lower():
            case "vector":
                self._at = token.end()
                self._expect("(")
                if (number := self._next()) is None or number["number"] not in ("0", "0.0"):
                    raise _Other
                self._at = number.end()
                self._expect(")")
                return _Zero(token.start("name"), self._at)
            case "sum":
                self._at = token.end()
                self._no_labels()
                self._expect("(")
                count = self._rate()
                self._expect(")")
                end = self._at
                if self._no_labels():
                    end = self._at
                return msgspec.structs.replace(count, summed=True, start=token.start("name"), end=end)
        return self._rate()

    def _no_labels(self) -> bool:
        """``by ()``, which is as good as nothing."""
        token = self._next()
        if token is None or (token["name"] or "").lower() not in ("by", "without"):
            return False
        if token["name"].lower() == "without":
            raise _Other
        self._at = token.end()
        self._expect("(")
        self._expect(")")
        return True

    def _rate(self) -> _Count:
        function = self._take("name")
        if function["name"].lower() not in _RATES:
            raise _Other
        self._expect("(")
        name, matchers = self._selector()
        spoken = re.sub(r"\s", "", self._take("range")["range"])
        self._expect(")")
        if _MEASURED.search(name):
            raise _Other
        of = (function["name"].lower(), spoken, name)
        return _Count(of, matchers, False, function.start("name"), self._at)

    def _selector(self) -> tuple[str, frozenset[tuple[str, str, str]]]:
        """Its name, also where that is given by a matcher, and the other matchers."""
        name = ""
        token = self._next()
        if token is not None and token["name"]:
            name = token["name"]
            self._at = token.end()
        matchers = set()
        if self._sees("{"):
            while not self._sees("}"):
                label = self._take("name")["name"]
                sign = self._take("sign")["sign"]
                if sign not in ("=", "!=", "=~", "!~"):
                    raise _Other
                value = self._take("text")["text"]
                if label == "__name__":
                    name += sign + value[1:-1]
                else:
                    matchers.add((label, sign, value[1:-1] if value[0] != "`" else re.escape(value)))
                if not self._sees(","):
                    self._expect("}")
                    break
        if not name:
            raise _Other
        return name, frozenset(matchers)

    def _next(self) -> re.Match[str] | None:
        return _TOKEN.match(self._query, self._at)

    def _take(self, group: str) -> re.Match[str]:
        token = self._next()
        if token is None or token[group] is None:
            raise _Other
        self._at = token.end()
        return token

    def _sees(self, sign: str) -> bool:
        token = self._next()
        if token is None or token["sign"] != sign:
            return False
        self._at = token.end()
        return True

    def _expect(self, sign: str) -> None:
        if not self._sees(sign):
            raise _Other


def _without_factor(tree: _Tree) -> tuple[_Tree, float]:
    """``100 * a / b`` and ``a / b * 100`` without the 100, and that; ``or vector(0)`` after it is left out, too."""
    if isinstance(tree, _Binary) and tree.sign == "or" and isinstance(tree.right, _Zero):
        return _without_factor(tree.left)
    if isinstance(tree, _Binary) and tree.sign == "*":
        for number, other in ((tree.left, tree.right), (tree.right, tree.left)):
            if isinstance(number, _Number):
                inner, factor = _without_factor(other)
                return inner, number.value * factor
    if isinstance(tree, _Binary) and tree.sign == "/" and isinstance(tree.left, _Binary):
        inner, factor = _without_factor(tree.left)
        if factor != 1 and not isinstance(inner, _Binary):
            return msgspec.structs.replace(tree, left=inner), factor
    return tree, 1.0


def _counted(tree: _Tree) -> _Count | None:
    """What a count counts, also where ``or vector(0)`` follows."""
    if isinstance(tree, _Binary) and tree.sign == "or" and isinstance(tree.right, _Zero):
        tree = tree.left
    return tree if isinstance(tree, _Count) else None
