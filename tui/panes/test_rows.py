"""What the tests pane shows: a pure picture of a report beside earlier ones."""

from collections.abc import Iterator

import msgspec

from tui.domain.address import Address, spelled_run
from tui.domain.evaluation import CaseStanding, EvaluationComparison
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.domain.tests import CaseOutcome, TestReport
from tui.insight.tests import Comparison, EarlierRun, compare
from tui.presenters.evaluation import EVALUATION, counts_words, evaluation_role
from tui.presenters.tests import CaseGroup, CaseLine, counts_text, group_cases
from widgets.cells import Piece
from widgets.status_line import StatusItem
from widgets.table.columns import Column
from widgets.table.line_table import Row
from widgets.theme import CLOSED, OPEN, status_style

COLUMNS = (
    Column("", 1),
    Column("Test", 20, flex=4),
    Column("In", 16, flex=3, drop=2),
    Column("Time", 7, align="right", drop=1),
    Column("Note", 14, flex=3),
)


class TestRowsInput(msgspec.Struct, frozen=True):
    """All that the rows depend on."""

    run: Run
    report: TestReport
    earlier: tuple[EarlierRun, ...]
    pending: bool
    """Earlier reports are still being read."""
    minute: int
    """The time in minutes: ages are told in the notes."""
    needle: str
    closed: frozenset[str]
    evaluations: tuple[EvaluationComparison, ...] = ()

    def same(self, other: "TestRowsInput | None") -> bool:
        """Nothing in it differs."""
        return (
            other is not None
            and self.compares_as(other)
            and (self.pending, self.minute, self.needle, self.closed, self.evaluations)
            == (other.pending, other.minute, other.needle, other.closed, other.evaluations)
        )

    def compares_as(self, other: "TestRowsInput") -> bool:
        """The comparison will come out the same. Reports are told apart by identity: the store keeps the equal one."""
        ours, theirs = (
            (EarlierRun(self.run, self.report), *self.earlier),
            (EarlierRun(other.run, other.report), *other.earlier),
        )
        return len(ours) == len(theirs) and all(
            a.report is b.report and a.run == b.run for a, b in zip(ours, theirs, strict=True)
        )


class TestRows(msgspec.Struct, frozen=True):
    """What the pane shows of its inputs."""

    inputs: TestRowsInput
    found: Comparison
    groups: tuple[CaseGroup, ...]
    rows: tuple[Row, ...]


def draw(inputs: TestRowsInput, before: TestRows | None) -> TestRows:
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
    rows = (*_evaluation_rows(inputs), *_rows(groups, inputs.closed))
    return TestRows(inputs, found, tuple(groups), rows)


def _evaluation_rows(inputs: TestRowsInput) -> Iterator[Row]:
    """A group for each report; the key of a case has two parts, of a test three."""
    words = inputs.needle.lower().split()
    for place, found in enumerate(inputs.evaluations):
        id = f"{EVALUATION}-{place}"
        shown = [
            (number, change)
            for number, change in enumerate(found.changes)
            if all(word in f"{change.name} {change.words}".lower() for word in words)
        ]
        if words and not shown:
            continue
        against = f", beside {found.against}" if found.against else ""
        title = (
            (f"{found.kind or 'Evaluation'} {found.file}  ", evaluation_role(found)),
            (f"{counts_words(found)}{against}", ""),
        )
        yield Row(id, (CLOSED if id in inputs.closed else OPEN, title), "group")
        if id in inputs.closed:
            continue
        if found.problem and not words:
            yield Row(f"{id} -", (status_style("unknown")[:2], "not compared", "", "", found.problem))
        for number, change in shown:
            glyph = status_style(_STANDINGS.get(change.standing, "unknown"))[:2]
            yield Row(f"{id} {number}", (glyph, change.name, change.standing.value, "", change.words))


_STANDINGS = {
    CaseStanding.WORSE: "failed",
    CaseStanding.NEW_FAILURE: "failed",
    CaseStanding.GONE: "warning",
    CaseStanding.BETTER: "passed",
    CaseStanding.NEW: "queued",
}
"""The status that a case looks like."""


def _rows(groups: list[CaseGroup], closed: frozenset[str]) -> Iterator[Row]:
    for group in groups:
        role = "failed" if group.id == "new" else ""
        mark = CLOSED if group.id in closed else OPEN
        yield Row(group.id, (mark, ((f"{group.title}  ", role), (f"{group.size:,}", ""))), "group")
        yield from map(_row, group.lines)


def _row(line: CaseLine) -> Row:
    return Row(line.key, (_GLYPHS[line.outcome], line.name, line.where, line.time, line.note))


_GLYPHS: dict[CaseOutcome | None, Piece] = {
    outcome: status_style(outcome.value if outcome else "unknown")[:2] for outcome in (*CaseOutcome, None)
}


def heading(picture: TestRows, address: Address) -> list[StatusItem]:
    """What the line above the cases says of the report."""
    counts, found = picture.inputs.report.counts, picture.found
    shown = status_style(Status.FAILED.value if counts.failed else Status.PASSED.value)
    items = [StatusItem(f"{shown.glyph} {counts_text(counts)}", shown.role), StatusItem(str(address), drop=1)]
    if any(suite.problem for suite in picture.inputs.report.suites):
        items.insert(1, StatusItem("not all is known", "warning"))
    if picture.inputs.pending:
        items.append(StatusItem("", detail="reading the runs before …", drop=3))
    elif found.against:
        numbers = " ".join(f"#{spelled_run(run)}" for run in found.against)
        items.append(StatusItem("", detail=f"compared with {numbers}", drop=3))
    items += [StatusItem("", detail=note, drop=4) for note in picture.inputs.report.notes]
    return items
