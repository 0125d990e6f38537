"""Text in a fixed number of terminal cells, in pieces of one colour role each."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size

Piece: TypeAlias = tuple[str, str]
"""Text and the name of its role (:mod:`widgets.theme`), ``""`` for none."""
Cell: TypeAlias = str | Piece | tuple[Piece, ...]
"""What stands in one place: plain text, text with a role, or several such pieces side by side.

It is text and nothing else: markup is never parsed. Those who make it have removed control characters.
"""
Align: TypeAlias = Literal["left", "right"]


def pieces(cell: Cell) -> tuple[Piece, ...]:
    """``cell`` in its longest form."""
    if isinstance(cell, str):
        return ((cell, ""),)
    if cell and isinstance(cell[0], str):
        return (cell,)
    return cell


def width_of(cell: Cell) -> int:
    """Cells that ``cell`` takes in full."""
    return sum(cell_len(text) for text, _ in pieces(cell))


def fit(cell: Cell, width: int, align: Align = "left") -> list[Piece]:
    """``cell`` in exactly ``width`` cells: padded with spaces, or cut with ``…`` at its end."""
    if width <= 0:
        return []
    spare = width - width_of(cell)
    if spare < 0:
        return list(_cut(pieces(cell), width))
    padding = [(" " * spare, "")] if spare else []
    return [*padding, *pieces(cell)] if align == "right" else [*pieces(cell), *padding]


def _cut(parts: Iterable[Piece], width: int) -> Iterable[Piece]:
    room = width - 1  # the last cell is the …
    for text, role in parts:
        size = cell_len(text)
        if size > room:
            # A wide character that would stick out by half is replaced by a space.
            yield set_cell_size(text, room) + "…", role
            return
        yield text, role
        room -= size
