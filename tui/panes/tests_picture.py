"""What the tests pane shows: a pure picture of a report beside earlier ones."""

from collections.abc import Iterator

import msgspec

from tui.case_lines import CaseGroup, CaseLine, counts_text, group_cases
from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.domain.tests import Outcome, TestReport
from tui.insight.tests import Comparison, Earlier, compare
from widgets.cells import Piece
from widgets.line_table import Column, Row
from widgets.status_line import Item
from widgets.theme import CLOSED, OPEN, look

COLUMNS = (
    Column("", 1),
    Column("Test", 20, flex=4),
    Column("In", 16, flex=3, drop=2),
    Column("Time", 7, align="right", drop=1),
    Column("Note", 14, flex=3),
)


class Inputs(msgspec.Struct, frozen=True):
    """All that the rows depend on."""

    run: Run
    report: TestReport
    earlier: tuple[Earlier, ...]
    pending: bool
    """Earlier reports are still being read."""
    minute: int
    """The time in minutes: ages are told in the notes."""
    needle: str
    closed: frozenset[str]

    def same(self, other: "Inputs | None") -> bool:
        """Nothing in it differs."""
        return (
            other is not None
            and self.compares_as(other)
            and (self.pending, self.minute, self.needle, self.closed)
            == (other.pending, other.minute, other.needle, other.closed)
        )

    def compares_as(self, other: "Inputs") -> bool:
        """The comparison will come out the same. Reports are told apart by identity: the store keeps the equal one."""
        mine, its = (
            (Earlier(self.run, self.report), *self.earlier),
            (Earlier(other.run, other.report), *other.earlier),
        )
        return len(mine) == len(its) and all(
            a.report is b.report and a.run == b.run for a, b in zip(mine, its, strict=True)
        )


class Picture(msgspec.Struct, frozen=True):
    """What the pane shows of its inputs."""

    inputs: Inputs
    found: Comparison
    groups: tuple[CaseGroup, ...]
    rows: tuple[Row, ...]


def draw(inputs: Inputs, before: Picture | None) -> Picture:
    """The rows. For a thread: of 50 000 cases it takes some 200 ms."""
    found = before.found if before and before.inputs.compares_as(inputs) else None
    if found is None:
        found = compare(inputs.report, inputs.run, inputs.earlier)
    groups = group_cases(
        inputs.report,
        found,
        inputs.minute * 60.0,
        pending=inputs.pending,
        needle=inputs.needle,
        closed=inputs.closed,
    )
    return Picture(inputs, found, tuple(groups), tuple(_rows(groups, inputs.closed)))


def _rows(groups: list[CaseGroup], closed: frozenset[str]) -> Iterator[Row]:
    for group in groups:
        role = "failed" if group.id == "new" else ""
        mark = CLOSED if group.id in closed else OPEN
        yield Row(group.id, (mark, ((f"{group.title}  ", role), (f"{group.size:,}", ""))), "group")
        yield from map(_row, group.lines)


def _row(line: CaseLine) -> Row:
    return Row(line.key, (_GLYPHS[line.outcome], line.name, line.where, line.time, line.note))


_GLYPHS: dict[Outcome | None, Piece] = {
    outcome: look(outcome.value if outcome else "unknown")[:2] for outcome in (*Outcome, None)
}


def heading(picture: Picture, address: Address) -> list[Item]:
    """What the line above the cases says of the report."""
    counts, found = picture.inputs.report.counts, picture.found
    shown = look(Status.FAILED.value if counts.failed else Status.PASSED.value)
    items = [Item(f"{shown.glyph} {counts_text(counts)}", shown.role), Item(str(address), drop=1)]
    if any(suite.problem for suite in picture.inputs.report.suites):
        items.insert(1, Item("not all is known", "warning"))
    if picture.inputs.pending:
        items.append(Item("", detail="reading the runs before …", drop=3))
    elif found.against:
        numbers = " ".join(f"#{number}" for number in found.against)
        items.append(Item("", detail=f"compared with {numbers}", drop=3))
    items += [Item("", detail=note, drop=4) for note in picture.inputs.report.notes]
    return items
