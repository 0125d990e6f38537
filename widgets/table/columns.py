"""How wide the columns of a table are."""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from widgets.cells import Align


class Column(NamedTuple):
    """One column of a table."""

    title: str
    width: int
    """In cells; of a flexible column, the least it is useful with."""
    flex: int = 0
    """Its share of the cells that are left over."""
    align: Align = "left"
    drop: int = 0
    """When there is no room, the column with the highest number goes first; those with 0 stay."""


Needs = tuple[int, ...]
"""For each column the cells of its longest text; 0: it is empty."""


@lru_cache(256)
def fit_columns(columns: tuple[Column, ...], width: int, needs: Needs | None = None) -> tuple[int, ...]:
    """The width in cells of each column in a line of ``width``, 0 for those that are left out.

    One cell between columns is counted. What is empty is left out. Flexible ones grow until their texts are whole,
    each by its share; what none of them needs then is for the last of those with the greatest share. Too narrow even
    for those that stay, flexible ones shrink, to one cell.
    """
    least = [_least(column, needs[i] if needs else None) for i, column in enumerate(columns)]
    kept = [i for i, _ in enumerate(columns) if least[i]]

    def spare() -> int:
        return width - sum(least[i] for i in kept) - (len(kept) - 1)

    for i in sorted(kept, key=lambda i: (columns[i].drop, i), reverse=True):
        if spare() >= 0 or not columns[i].drop:
            break
        kept.remove(i)
    widths = [least[i] if i in kept else 0 for i, _ in enumerate(columns)]
    left, flexible = spare(), [i for i in kept if columns[i].flex]
    if needs is not None and left > 0:
        left = _grow(widths, [i for i in flexible if widths[i] < needs[i]], columns, needs, left)
        flexible = [max(flexible, key=lambda i: (columns[i].flex, i))] if flexible else []
    shares = sum(columns[i].flex for i in flexible)
    for i in flexible:
        extra = left * columns[i].flex // shares
        left, shares = left - extra, shares - columns[i].flex
        widths[i] = max(1, widths[i] + extra)
    return tuple(widths)


def _least(column: Column, need: int | None) -> int:
    """Cells that it is not to be without."""
    if need is None or not column.title or (need and not column.flex):
        return column.width  # what has no title is for marks, which come and go
    return min(column.width, max(need, len(column.title))) if need else 0


def _grow(widths: list[int], wanting: list[int], columns: Sequence[Column], needs: Needs, left: int) -> int:
    """Give of ``left`` cells to those ``wanting`` some, each by its share; what is left then."""
    while wanting and left > 0:
        shares = sum(columns[i].flex for i in wanting)
        given = {i: min(needs[i] - widths[i], max(1, left * columns[i].flex // shares)) for i in wanting}
        for i, cells in given.items():
            cells = min(cells, left)
            widths[i] += cells
            left -= cells
        wanting = [i for i in wanting if widths[i] < needs[i]]
    return left
