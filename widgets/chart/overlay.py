"""What is laid over a canvas where it is empty: limits, and the cursor. And the letters that tell lines apart."""

from collections.abc import Iterator, Sequence
from itertools import cycle, groupby

from rich.cells import cell_len

from widgets.cells import Piece
from widgets.chart.axis import value_text
from widgets.chart.data import Limit
from widgets.chart.scene import BRAILLE, LEFT, LINES, Picture, Scene

CURSOR = "┃"
LETTERS = {"baseline": "b", "canary": "c", "champion": "c", "run": "r"}
"""Stands on the line of a role here and there, as heights do on a map: colours do not tell everybody the two apart."""
_LETTER_GAP = 24
_EMPTY = " \u2800"
_BLANK: Piece = (" ", "")


def limit_words(limit: Limit) -> str:
    return f"{limit.label} {value_text(limit.value)}"


def limits_width(limits: Sequence[Limit]) -> int:
    """Cells to the right of the canvas for the names of ``limits``: as many wherever these lie."""
    return max((cell_len(limit_words(limit)) + 3 for limit in limits), default=0)


def overlaid(canvas: Picture, scene: Scene, limits: Sequence[Limit], cursor: float | None) -> Picture:
    """``canvas`` with ``limits`` and the cursor behind its lines, letters on them, and the limits' names beside it."""
    rows = [[(letter, role) for text, role in line for letter in text] for line in canvas[: scene.rows]]
    for row in rows:
        row += [_BLANK] * (LEFT + scene.columns - len(row))
    tracks = [role for role, _ in scene.lines if role in LETTERS]
    for number, role in enumerate(tracks if len(set(tracks)) > 1 else ()):
        _letter(rows, role, _LETTER_GAP // 4 + number * _LETTER_GAP // 2)
    for limit in limits:
        if 0 <= scene.scale.height(limit.value) <= 1:
            row, dashes = rows[scene.row(limit.value)], _dashes(scene, limit)
            row[LEFT:] = [
                (dash, limit.role) if dash and _empty(cell) else cell
                for cell, dash in zip(row[LEFT:], cycle(dashes), strict=False)
            ]
    if cursor is not None:
        at = LEFT + scene.column(cursor)
        for row in rows:
            if row[at][1] not in LINES or _empty(row[at]):
                row[at] = (CURSOR, "cursor")
    beside = _beside(scene, limits)
    return (*((*_joined(row), *beside.get(y, ())) for y, row in enumerate(rows)), *canvas[scene.rows :])


def _joined(row: Sequence[Piece]) -> Iterator[Piece]:
    for role, cells in groupby(row, key=lambda cell: cell[1]):
        yield "".join(letter for letter, _ in cells), role


def _empty(cell: Piece) -> bool:
    return cell[0] in _EMPTY


def _dashes(scene: Scene, limit: Limit) -> tuple[str, str]:
    """What two cells of the line of ``limit`` look like: fine dots for a warning, dashes for a failure."""
    left, right = BRAILLE[scene.dots(scene.start, limit.value)[1] % 4]
    return (chr(0x2800 + left),) * 2 if limit.role == "warn" else (chr(0x2800 + left + right), "")


def _letter(rows: Sequence[list[Piece]], role: str, first: int) -> None:
    """Put the letter of ``role`` on its line where this is level, about every so many columns; once, if it is short
    or steep all along."""

    def there(column: int) -> list[int]:
        return [y for y, row in enumerate(rows) if row[column][1] == role and not _empty(row[column])]

    def put(column: int) -> None:
        rows[there(column)[-1]][column] = (LETTERS[role], role)

    width = len(rows[0])
    chosen = 0
    for wanted in range(LEFT + first, width, _LETTER_GAP):
        near = (column for column in sorted(range(wanted - 4, wanted + 5), key=lambda at: abs(at - wanted)))
        level = next((column for column in near if LEFT <= column < width and len(there(column)) == 1), None)
        if level is not None:
            put(level)
            chosen += 1
    if not chosen:
        drawn = [column for column in range(LEFT, width) if there(column)]
        for column in drawn[len(drawn) // 2 :][:1]:
            put(column)


def _beside(scene: Scene, limits: Sequence[Limit]) -> dict[int, tuple[Piece, ...]]:
    """The name of each limit, in its row; one that is out of sight has an arrow, and those that would lie in the same
    row are one below the other."""
    last = scene.rows - 1
    places: list[int] = []
    ordered = sorted(limits, key=lambda limit: (-limit.value, limit.role))
    for limit in ordered:
        places.append(max(scene.row(limit.value), places[-1] + 1 if places else 0))
    for number in range(len(places) - 1, -1, -1):
        places[number] = min(places[number], places[number + 1] - 1 if number + 1 < len(places) else last)
    found: dict[int, tuple[Piece, ...]] = {}
    for place, limit in zip(places, ordered, strict=True):
        height = scene.scale.height(limit.value)
        arrow = " ↑" if height > 1 else " ↓" if height < 0 else ""
        found[place] = ((f" {limit_words(limit)}{arrow}", limit.role),)
    return found
