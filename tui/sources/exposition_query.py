"""What may be asked of a metrics page: a few forms of PromQL that mean what they mean there. Pure.

::

    NAME{label="x", other=~"a|b"}               the value itself; = != =~ !~
    rate(NAME{…}[5m])                           a counter's rise a second
    quantile(0.95, NAME_bucket{…}[5m])          of a histogram, by its buckets' rise, summed over all other labels
    sum(…)  max(…)                              over all series
    … / …                                       of one series each: errors over requests, a sum over its count
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import msgspec

from tui.domain.series import Grid, Histogram
from tui.sources.scrapes import Point, held, increase, within

Labels = tuple[tuple[str, str], ...]
Values = tuple[float | None, ...]
Rows = dict[Labels, Values]
Past = Mapping["Selector", Mapping[Labels, Sequence[Point]]]

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_:][\w:]*)|(?P<number>\d+(?:\.\d*)?|\.\d+)(?P<unit>[smhd]\b)?"
    r'|(?P<text>"(?:[^"\\\n]|\\.)*")|(?P<sign>=~|!~|!=|[=(){}\[\],/]))'
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_FORMS = (
    'allowed: NAME{label="x"}, rate(NAME{…}[5m]), quantile(0.95, NAME_bucket{…}[5m]), sum(…), max(…), … / …'
)


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
        return all(_holds(each, values.get(each.label, "")) for each in self.matchers)


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


class Ratio(msgspec.Struct, frozen=True):
    above: "Tree"
    below: "Tree"


Tree = Selector | Rate | Quantile | Over | Ratio


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
        case Ratio():
            return tuple(dict.fromkeys((*selectors(tree.above), *selectors(tree.below))))
        case Over():
            return selectors(tree.of)
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
        case Ratio():
            above, notes = evaluate(tree.above, past, grid)
            below, more = evaluate(tree.below, past, grid)
            for rows in (above, below):
                if len(rows) > 1:
                    raise NoQuery(f"a side of / yields {len(rows)} series instead of one; put it into sum(…)")
            if not above or not below:
                return {}, (*notes, *more)
            pairs = zip(*above.values(), *below.values(), strict=True)
            # Without traffic there is nothing to tell: a gap, never 0 (contracts: metrics §2).
            return {(): tuple(a / b if a is not None and b else None for a, b in pairs)}, (*notes, *more)


def _rate(points: Sequence[Point], start: float, end: float) -> float | None:
    seen = within(points, start, end)
    return increase(seen) / (seen[-1][0] - seen[0][0]) if len(seen) > 1 else None


def _over(how: str, rows: Sequence[Values]) -> Values:
    take = sum if how == "sum" else max
    columns = ([value for value in column if value is not None] for column in zip(*rows, strict=True))
    return tuple(take(column) if column else None for column in columns)


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
    return [part, *(each for one in below if isinstance(one, msgspec.Struct) for each in _parts(one))]


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

    def whole(self) -> Tree:
        tree = self._tree()
        if self._query[self._at :].strip():
            raise self._wrong()
        return tree

    def _tree(self) -> Tree:
        tree = self._item()
        if self._sees("/"):
            return Ratio(tree, self._item())
        return tree

    def _item(self) -> Tree:
        name = self._take("name")
        if not self._sees("("):
            return self._selector(name)
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
            case "sum" | "max":
                tree = Over(name, self._tree())
            case _:
                raise NoQuery(f"a metrics page knows no {name}(…); {_FORMS}")
        self._expect(")")
        return tree

    def _ranged(self) -> tuple[Selector, float]:
        selector = self._selector(self._take("name"))
        self._expect("[")
        match = self._next()
        if match is None or not match["unit"]:
            raise self._wrong()
        self._at = match.end()
        self._expect("]")
        return selector, float(match["number"]) * _UNITS[match["unit"]]

    def _selector(self, name: str) -> Selector:
        matchers = []
        if self._sees("{"):
            while not self._sees("}"):
                label = self._take("name")
                sign = self._take("sign")
                if sign not in ("=", "!=", "=~", "!~"):
                    raise self._wrong()
                value = re.sub(r"\\(.)", _unescaped, self._take("text")[1:-1])
                if "~" in sign:
                    _compiled(value)
                matchers.append(Matcher(label, sign, value))
                if not self._sees(","):
                    self._expect("}")
                    break
        return Selector(name, tuple(matchers))

    def _next(self) -> re.Match[str] | None:
        return _TOKEN.match(self._query, self._at)

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
