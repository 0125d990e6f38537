"""A PromQL query that divides one count by another, taken apart.

Only what is surely a count over a count is a share. A mean (seconds over requests) is none, nor is a part of the time
or of the bytes; taken for counts these would look much surer than they are. The grammar has the few forms that are
understood, and gives up all others.
"""

import re
from functools import lru_cache

import msgspec

from tui.domain.share import TEXT, Share


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
    rf"(?:\s|\#[^\n]*)*(?:(?P<text>{TEXT})|(?P<number>\d+(?:\.\d*)?(?:e[-+]?\d+)?(?![\w.]))"
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
            if (token := self._next()) and (token["name"] or "").lower() == "on":
                self._at = token.end()
                self._expect("(")
                self._expect(")")
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
                token = self._next()
                if token is None or not (token["name"] or token["text"]):
                    raise _Other
                self._at = token.end()
                label = token["name"] or token["text"][1:-1]
                if token["text"] and (self._sees(",") or self._ends("}")):
                    name = label
                    continue
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

    def _ends(self, sign: str) -> bool:
        token = self._next()
        return token is not None and token["sign"] == sign

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
