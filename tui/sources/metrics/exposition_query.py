"""What may be asked of a metrics page: a few forms of PromQL that mean what they mean there. Pure.

::

    NAME{label="x", other=~"a|b"}               the value itself; = != =~ !~
    {"my.name", "my.label"="x"}                 the same where a name has other characters
    rate(NAME{…}[5m])                           a counter's rise a second
    quantile(0.95, NAME_bucket{…}[5m])          of a histogram, by its buckets' rise, summed over all other labels
    sum(…)  avg(…)  min(…)  max(…)              over all series
    a / (a + b)   1 - a   100 * a               of one series on each side, or of any number of them with a number
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache

import msgspec

from tui.domain.series import Grid, Histogram
from tui.sources.metrics.sample_history import Point, held, increase, within

Labels = tuple[tuple[str, str], ...]
Values = tuple[float | None, ...]
Rows = dict[Labels, Values]
Past = Mapping["Selector", Mapping[Labels, Sequence[Point]]]

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_:][\w:]*)|(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<unit>[smhd]\b)?"
    r'|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<sign>=~|!~|!=|[=(){}\[\],/*+-]))'
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORMS = (
    'allowed: NAME{label="x"}, {"my.name", label="x"}, rate(NAME{…}[5m]), quantile(0.95, NAME_bucket{…}[5m]), '
    "sum(…), avg(…), min(…), max(…), numbers, + - * / and ( )"
)
_MOST_PARTS = 100
"""Of a query, which is read and evaluated recursively."""


class NoQuery(ValueError):
    """The words say what is wrong with it."""


class Matcher(msgspec.Struct, frozen=True):
    label: str
    sign: str
    value: str


class Selector(msgspec.Struct, frozen=True):
    name: str
    matchers: tuple[Matcher, ...] = ()

    def matches(self, labels: Labels) -> bool:
        values = dict(labels)
        return all(_holds(matcher, values.get(matcher.label, "")) for matcher in self.matchers)


class Rate(msgspec.Struct, frozen=True):
    of: Selector
    window: float


class Quantile(msgspec.Struct, frozen=True):
    q: float
    of: Selector
    window: float


class Over(msgspec.Struct, frozen=True):
    how: str
    of: "Tree"


class Number(msgspec.Struct, frozen=True):
    value: float


class Operation(msgspec.Struct, frozen=True):
    sign: str
    left: "Tree"
    right: "Tree"


Tree = Selector | Rate | Quantile | Over | Number | Operation


def parse(query: str) -> Tree:
    """Raises:
    NoQuery
    """
    return _Parser(query).whole()


def selectors(tree: Tree) -> tuple[Selector, ...]:
    """Those in ``tree``, each once."""
    match tree:
        case Selector():
            return (tree,)
        case Operation():
            return tuple(dict.fromkeys((*selectors(tree.left), *selectors(tree.right))))
        case Over():
            return selectors(tree.of)
        case Number():
            return ()
    return (tree.of,)


def evaluate(tree: Tree, past: Past, grid: Grid) -> tuple[Rows, tuple[str, ...]]:
    """The series of ``tree`` on the grid, and what one should know of them.

    Raises:
        NoQuery: what was seen does not fit.
    """
    match tree:
        case Selector():
            return {labels: held(points, grid) for labels, points in past[tree].items()}, ()
        case Rate():
            return {
                labels: tuple(_rate(points, at - tree.window, at) for at in grid.times)
                for labels, points in past[tree.of].items()
            }, ()
        case Quantile():
            return _quantiles(tree, past[tree.of], grid)
        case Over():
            rows, notes = evaluate(tree.of, past, grid)
            return ({(): _over(tree.how, tuple(rows.values()))} if rows else {}), notes
        case Number():
            return {(): (tree.value,) * len(grid.times)}, ()
        case Operation():
            left, notes = evaluate(tree.left, past, grid)
            right, more = evaluate(tree.right, past, grid)
            return _pairs(tree, left, right), tuple(dict.fromkeys((*notes, *more)))


def _pairs(tree: Operation, left: Rows, right: Rows) -> Rows:
    if isinstance(tree.left, Number):
        (number,) = left.values()
        return {labels: _calculated(tree.sign, number, row) for labels, row in right.items()}
    if isinstance(tree.right, Number):
        (number,) = right.values()
        return {labels: _calculated(tree.sign, row, number) for labels, row in left.items()}
    for rows in (left, right):
        if len(rows) > 1:
            raise NoQuery(
                f"a side of {tree.sign} yields {len(rows)} series instead of one; put it into sum(…)"
            )
    if not left or not right:
        return {}
    return {(): _calculated(tree.sign, *left.values(), *right.values())}


def _calculated(sign: str, left: Values, right: Values) -> Values:
    return tuple(
        None if a is None or b is None else _value(sign, a, b) for a, b in zip(left, right, strict=True)
    )


def _value(sign: str, a: float, b: float) -> float | None:
    match sign:
        case "+":
            return a + b
        case "-":
            return a - b
        case "*":
            return a * b
    # Without traffic there is nothing to tell: a gap, never 0 (contracts: metrics §2).
    return a / b if b else None


def _rate(points: Sequence[Point], start: float, end: float) -> float | None:
    seen = within(points, start, end)
    return increase(seen) / (seen[-1][0] - seen[0][0]) if len(seen) > 1 else None


def _over(how: str, rows: Sequence[Values]) -> Values:
    take = _AGGREGATES[how]
    columns = ([value for value in column if value is not None] for column in zip(*rows, strict=True))
    return tuple(take(column) if column else None for column in columns)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


_AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": sum,
    "avg": _mean,
    "min": min,
    "max": max,
}


def _quantiles(
    tree: Quantile, series: Mapping[Labels, Sequence[Point]], grid: Grid
) -> tuple[Rows, tuple[str, ...]]:
    bounds: dict[float, list[Sequence[Point]]] = {}
    for labels, points in series.items():
        try:
            bounds.setdefault(float(dict(labels)["le"]), []).append(points)
        except (KeyError, ValueError):
            raise NoQuery(
                f"{tree.of.name} has no label le: quantile(…) is for a histogram's …_bucket"
            ) from None
    if not bounds:
        return {}, ()
    clamped = False
    values: list[float | None] = []
    highest = max((bound for bound in bounds if math.isfinite(bound)), default=None)
    for at in grid.times:
        rises = {
            bound: sum(increase(within(points, at - tree.window, at)) for points in many)
            for bound, many in sorted(bounds.items())
        }
        value = _quantile(tree.q, rises)
        clamped |= value is not None and value == highest
        values.append(value)
    note = f"a value at {highest:g}, the highest bucket's bound, means at least that" if clamped else ""
    return {(): tuple(values)}, ((note,) if note else ())


def histogram(tree: Tree, past: Past, at: float) -> Histogram | None:
    """What the one quantile in ``tree`` is made of at that time; None where there is none, or several are."""
    quantiles = [part for part in _parts(tree) if isinstance(part, Quantile)]
    if len(quantiles) != 1:
        return None
    (one,) = quantiles
    newest = max((points[-1][0] for points in past[one.of].values()), default=0.0)
    bounds, events = set(), 0.0
    for labels, points in past[one.of].items():
        bound = float(dict(labels)["le"])
        if points[-1][0] == newest:
            bounds.add(bound)
        if math.isinf(bound):
            events += increase(within(points, at - one.window, at))
    return Histogram(tuple(sorted(bounds)), one.q, events) if bounds else None


def _parts(part: msgspec.Struct) -> list[msgspec.Struct]:
    """It and all below it."""
    below = (getattr(part, field) for field in part.__struct_fields__)
    return [part, *(inner for one in below if isinstance(one, msgspec.Struct) for inner in _parts(one))]


def _quantile(q: float, rises: Mapping[float, float]) -> float | None:
    """As Prometheus': linear within a bucket; beyond the highest finite bound, that bound."""
    total = max(rises.values())
    if total <= 0:
        return None
    rank, low, below = q * total, 0.0, 0.0
    for bound, count in rises.items():
        if count >= rank and count > below:
            if math.isinf(bound):
                return low if len(rises) > 1 else None
            low = min(low, bound)
            return low + (bound - low) * (rank - below) / (count - below)
        low, below = bound, max(below, count)
    return low if math.isfinite(low) else None


def _holds(matcher: Matcher, value: str) -> bool:
    match matcher.sign:
        case "=":
            return value == matcher.value
        case "!=":
            return value != matcher.value
    found = _compiled(matcher.value).fullmatch(value) is not None
    return found is (matcher.sign == "=~")


@lru_cache(256)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except re.error as error:
        raise NoQuery(f"{pattern!r} is no regular expression: {error}") from None


class _Parser:
    def __init__(self, query: str) -> None:
        self._query = query
        self._at = 0
        self._parts = 0

    def whole(self) -> Tree:
        tree = self._tree()
        if self._query[self._at :].strip():
            raise self._wrong()
        if not selectors(tree):
            raise NoQuery(f"the query names no metric; {_FORMS}")
        return tree

    def _tree(self) -> Tree:
        tree = self._product()
        while sign := self._one_of("+", "-"):
            tree = Operation(sign, tree, self._product())
        return tree

    def _product(self) -> Tree:
        tree = self._item()
        while sign := self._one_of("*", "/"):
            tree = Operation(sign, tree, self._item())
        return tree

    def _item(self) -> Tree:
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise NoQuery(f"the query has more than {_MOST_PARTS} parts")
        if self._sees("("):
            tree = self._tree()
            self._expect(")")
            return tree
        match = self._next()
        if match is not None and match["number"]:
            return Number(float(self._take("number")))
        if match is not None and match["name"] and self._query[match.end() :].lstrip()[:1] == "(":
            return self._function(self._take("name"))
        return self._selector()

    def _function(self, name: str) -> Tree:
        self._expect("(")
        tree: Tree
        match name:
            case "rate":
                tree = Rate(*self._ranged())
            case "quantile":
                q = float(self._take("number"))
                if q > 1:
                    raise NoQuery("quantile(…) takes a share from 0 to 1, such as 0.95")
                self._expect(",")
                tree = Quantile(q, *self._ranged())
            case _ if name in _AGGREGATES:
                tree = Over(name, self._tree())
            case _:
                raise NoQuery(f"a metrics page knows no {name}(…); {_FORMS}")
        self._expect(")")
        return tree

    def _ranged(self) -> tuple[Selector, float]:
        selector = self._selector()
        self._expect("[")
        match = self._next()
        if match is None or not match["unit"]:
            raise self._wrong()
        self._at = match.end()
        self._expect("]")
        return selector, float(match["number"]) * _UNITS[match["unit"]]

    def _selector(self) -> Selector:
        """The name stands before the braces, or in quotes within them."""
        quoted = self._sees("{")
        name = "" if quoted else self._take("name")
        matchers = []
        if quoted or self._sees("{"):
            while not self._sees("}"):
                match = self._next()
                is_text = match is not None and match["text"]
                label = self._text() if is_text else self._take("name")
                if sign := self._one_of("=", "!=", "=~", "!~"):
                    value = self._text()
                    if "~" in sign:
                        _compiled(value)
                    matchers.append(Matcher(label, sign, value))
                elif is_text and not name:
                    name = label
                else:
                    raise self._wrong()
                if not self._sees(","):
                    self._expect("}")
                    break
        if not name:
            raise NoQuery(f"the braces name no metric; {_FORMS}")
        return Selector(name, tuple(matchers))

    def _next(self) -> re.Match[str] | None:
        return _TOKEN.match(self._query, self._at)

    def _text(self) -> str:
        return re.sub(r"\\(.)", _unescaped, self._take("text")[1:-1])

    def _one_of(self, *signs: str) -> str | None:
        """The sign that comes next, where it is one of those."""
        return next((sign for sign in signs if self._sees(sign)), None)

    def _take(self, kind: str) -> str:
        match = self._next()
        if match is None or match[kind] is None or match["unit"]:
            raise self._wrong()
        self._at = match.end()
        return match[kind]

    def _sees(self, sign: str) -> bool:
        match = self._next()
        if match is None or match["sign"] != sign:
            return False
        self._at = match.end()
        return True

    def _expect(self, sign: str) -> None:
        if not self._sees(sign):
            raise self._wrong()

    def _wrong(self) -> NoQuery:
        rest = self._query[self._at :].strip()
        where = f"at {rest[:40]!r}" if rest else "at its end"
        return NoQuery(f"the query cannot be read {where}; {_FORMS}")


def _unescaped(match: re.Match[str]) -> str:
    return "\n" if match[1] == "n" else match[1]
