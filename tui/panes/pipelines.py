"""The pipelines pane: every source in one list, what needs a person first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from textual import on
from textual.app import ComposeResult
from textual.getters import query_one
from textual.widget import Widget

from tui.config import ViewSettings
from tui.config.views import Group, Sort
from tui.domain.action import Activity
from tui.domain.address import Address
from tui.domain.pipeline import Listing, Pipeline
from tui.engine.queries import AnyQuery, PipelinesOf
from tui.engine.runtime import Runtime
from tui.engine.store import Reading
from tui.insight.activities import on_pipeline
from tui.insight.priority import Priority, priority_of, priority_order
from tui.panes.action_progress import progress, recent
from tui.panes.base import Selection
from tui.panes.filterable import FilterablePane
from tui.panes.pipeline_views import USUAL, admits, columns_of
from tui.panes.selectable import SelectablePane
from tui.presenters.pipelines import PipelineLine, other_lines, pipeline_line, settled_age
from tui.text import format as fmt
from widgets.cells import Cell
from widgets.filter_bar import FilterBar
from widgets.status_line import StatusItem, StatusLine
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.theme import CLOSED, OPEN, status_style

SORTS: tuple[Sort, ...] = ("need", "name", "time")
GROUPS: tuple[Group, ...] = ("nothing", "source", "folder")

SORTED_BY: Mapping[str, Sort] = {"": "need", "Pipeline": "name", "Now": "need", "Age": "time"}
"""What a click on the title of a column sorts by."""

RUN_WIDTH = 5
COLUMNS = (
    Column("", 1),
    Column("Pipeline", 20, flex=5),
    Column("Ref", 9, flex=2, drop=3),
    Column("Run", RUN_WIDTH, drop=5),
    Column("Now", 24, flex=5),
    Column("Age", 4, align="right", drop=4),
    Column("Tests", 12, drop=6),
    Column("Cause", 10, flex=1, drop=8),
    Column("Source", 8, drop=7),
)

NOW = 4

Readings = Mapping[str, Reading[Listing]]


def _end_of_id(text: str) -> str:
    """``#12``; of a long id, as of a ULID, the end: in that the runs of a pipeline differ."""
    return text if len(text) <= RUN_WIDTH else f"…{text[1 - RUN_WIDTH :]}"


def matches(needle: str, pipeline: Pipeline, line: PipelineLine) -> bool:
    """Every word of ``needle`` is somewhere in what the row shows."""
    shown = f"{pipeline.address} {line.name} {line.ref} {line.word} {line.cause}".lower()
    return all(word in shown for word in needle.lower().split())


def project(
    readings: Readings,
    now: Callable[[str], float],
    *,
    sort: Sort = "need",
    group: Group = "nothing",
    reverse: bool = False,
    needle: str = "",
    view: ViewSettings = USUAL,
    closed: frozenset[str] = frozenset(),
    held: str = "",
    memory: "dict[str, MadeRow] | None" = None,
) -> tuple[list[Row], dict[str, Pipeline]]:
    """The rows of the list, and the pipeline behind each row's key. A source that never answered is a row too.

    Args:
        held: the key of the row that stays among its neighbours, whatever has become of it since.
        memory: rows made before, by key; those of which nothing changed, not even the age, are not made again.
    """
    memory = {} if memory is None else memory
    needle = f"{view.filter} {needle}".strip()
    rows = [
        _fault_row(name, reading) for name, reading in readings.items() if reading.fault and not reading.value
    ]
    found: list[tuple[str, Pipeline, Row]] = []
    for source, reading in readings.items():
        at = now(source)
        for pipeline in reading.value.pipelines if reading.value else ():
            key, age = pipeline.key, None if reading.stale else settled_age(pipeline, at)
            made = memory.get(key)
            if made is None or age is None or (made.sort, made.age, made.pipeline) != (sort, age, pipeline):
                line = pipeline_line(pipeline, at)
                row = _row(source, line, reading, at, disabled=pipeline.disabled)
                stays = made is not None and key == held and made.sort == sort
                order = made.order if made is not None and stays else _SORT_KEYS[sort](pipeline)
                made = memory[key] = MadeRow(pipeline, age, sort, line, row, order)
            if admits(view, pipeline) and (not needle or matches(needle, pipeline, made.line)):
                found.append((source, pipeline, made.row))
    found.sort(key=lambda entry: memory[entry[2].key].order, reverse=reverse)
    if len(memory) > 2 * len(found) and not needle and view == USUAL:
        for gone in memory.keys() - {row.key for _, _, row in found}:
            del memory[gone]
    pipelines = {row.key: pipeline for _, pipeline, row in found}
    if group == "nothing":
        return rows + [row for _, _, row in found], pipelines
    groups: dict[str, list[tuple[str, Pipeline, Row]]] = {}
    for entry in found:
        name = entry[0] if group == "source" else f"{entry[0]}:{entry[1].folder}"
        groups.setdefault(name, []).append(entry)
    for name, members in groups.items() if sort != "name" else sorted(groups.items()):
        rows.append(_group_row(name, [pipeline for _, pipeline, _ in members], open=name not in closed))
        if name not in closed:
            rows += [row for _, _, row in members]
    return rows, pipelines


class MadeRow(NamedTuple):
    """A row, and what it was made of."""

    pipeline: Pipeline
    age: str | None
    """None: it changes with time."""
    sort: Sort
    line: PipelineLine
    row: Row
    order: tuple[object, ...]


def _began(pipeline: Pipeline) -> float:
    return (pipeline.last.started_at or pipeline.last.created_at or 0.0) if pipeline.last else 0.0


_SORT_KEYS: Mapping[Sort, Callable[[Pipeline], tuple[object, ...]]] = {
    "need": priority_order,
    "name": lambda pipeline: (pipeline.folder, pipeline.name, pipeline.key),
    "time": lambda pipeline: (-_began(pipeline), pipeline.key),
}


def _row(source: str, line: PipelineLine, reading: Reading[Listing], now: float, *, disabled: bool) -> Row:
    shown = status_style(line.status.value) if line.status else status_style("skipped")
    folder: Cell = ((f"{line.folder}/", "dim"), (line.name, "")) if line.folder else line.name
    # What is stale says of when it is: `~12m` is what was known twelve minutes ago.
    age = f"~{fmt.ago(now - (reading.read_at or now))}" if reading.stale else line.age
    cells: tuple[Cell, ...] = (
        (shown.glyph, shown.role),
        folder,
        line.ref,
        _end_of_id(line.run),
        ((line.word, shown.role), (f" {line.state}" if line.state else "", "")),
        age,
        (line.tests, "failed" if line.tests.endswith("failed") else ""),
        line.cause,
        (source, "dim"),
    )
    return Row(line.key, cells, dim=disabled or reading.stale or line.status is None)


def _fault_row(name: str, reading: Reading[Listing]) -> Row:
    assert reading.fault is not None
    shown = status_style("failed")
    words: Cell = ((f"{name}: {reading.fault.trouble.value}: ", shown.role), (reading.fault.message, ""))
    return Row(f"source {name}", ((shown.glyph, shown.role), words))


def _group_row(name: str, members: Sequence[Pipeline], *, open: bool) -> Row:
    needs = [priority_of(pipeline) for pipeline in members]
    parts = [fmt.count(len(members), "pipeline")]
    for rank, word in (
        (Priority.PERSON, "waiting"),
        (Priority.FAILING, "failing"),
        (Priority.RUNNING, "running"),
    ):
        if number := needs.count(rank):
            parts.append(f"{number} {word}")
    worst = {Priority.PERSON: "waiting", Priority.FAILING: "failed", Priority.RUNNING: "running"}.get(
        min(needs), ""
    )
    words: Cell = ((f"{name}  ", "strong"), (", ".join(parts), worst))
    return Row(f"group {name}", (OPEN if open else CLOSED, words), "group")


class PipelinesPane(SelectablePane, FilterablePane):
    scope = "pipelines"

    DEFAULT_CSS = "PipelinesPane > .unusual { display: none; }"

    table = query_one(LineTable)
    unusual = query_one(StatusLine)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.sources = runtime.settings.pipeline_sources
        self.sort: Sort = "need"
        self.reverse = False
        self.view = ""
        """The name of the view that is shown; empty: the usual one."""
        self.group: Group = "nothing"
        self.pipelines: dict[str, Pipeline] = {}
        self.others: dict[str, tuple[Pipeline, Address]] = {}
        """Behind the rows below those of pipelines."""
        self._made: dict[str, MadeRow] = {}
        self._held = ""
        """The key of the pipeline under the cursor, whose row keeps its place while the cursor rests on it."""
        self._filling = True

    def compose(self) -> ComposeResult:
        yield StatusLine(classes="unusual")
        yield LineTable(columns_of(self._view, COLUMNS), empty=f"Reading {', '.join(self.sources)} …")
        yield FilterBar()

    def queries(self) -> tuple[AnyQuery, ...]:
        return tuple(PipelinesOf(name) for name in self.sources)

    @property
    def width_needed(self) -> int:
        return 0 if self._filling or self.filter.text else self.table.need

    @property
    def focus_target(self) -> Widget:
        return self.table

    def project(self) -> None:
        self._hold()
        readings = {name: self.runtime.store.get(PipelinesOf(name)) for name in self.sources}
        rows, self.pipelines = project(
            readings,
            self.runtime.sources.now,
            sort=self.sort,
            group=self.group,
            reverse=self.reverse,
            needle=self.filter.text,
            view=self._view,
            closed=self.closed,
            held=self._held,
            memory=self._made,
        )
        known = sum(len(reading.value.pipelines) for reading in readings.values() if reading.value)
        if any(reading.value for reading in readings.values()):
            what = "filter" if self.filter.text or not self.view else f"view {self.view}"
            self.table.empty = f"No pipeline matches the {what}." if known else self._nothing(readings)
        for each in reversed(recent(self.runtime)):
            rows = [self._acted(row, each) for row in rows]
        rows = list(self._with_others(rows, readings))
        self._show_unusual()
        on_top = self.table.cursor == 0
        self.table.set_rows(self.with_marks(rows))
        # A cursor on the first row belongs to no pipeline yet while sources are still to be heard of.
        if self._filling and on_top and rows:
            self.table.highlight(rows[0].key)
        self._filling = any(
            (reading.value is None or reading.recalled) and reading.fault is None
            for reading in readings.values()
        )
        self.filter.count(f"{len(self.pipelines)} of {known}")

    def _hold(self) -> None:
        """Neither does the cursor run after a row that an action or a server has moved, nor does another pipeline come
        under it, which the next key would mean."""
        key = "" if self._filling else self._pipeline_key
        if key != self._held:
            self._made.pop(self._held, None)
            self._held = key

    @property
    def _pipeline_key(self) -> str:
        """Of the pipeline that the row under the cursor belongs to."""
        key = self.table.key or ""
        return self.others[key][0].key if key in self.others else key

    def _show_unusual(self) -> None:
        """Say above the list what is not as usual: an order or a group that one forgot of hides things."""
        order = f"by {self.sort}{', the other way round' if self.reverse else ''}"
        unusual = {
            f"view {self.view}": bool(self.view),
            f"sorted {order}": self.sort != self._view.sort or self.reverse,
            f"grouped by {self.group}": self.group != self._view.group,
        }
        words = [words for words, so in unusual.items() if so]
        self.unusual.show([StatusItem(each, "dim") for each in words])
        self.unusual.display = bool(words)

    def _with_others(self, rows: Sequence[Row], readings: Readings) -> Iterator[Row]:
        """The rows, below those of pipelines the other runs that go on in them, and what is queued."""
        self.others = {}
        for row in rows:
            yield row
            pipeline = self.pipelines.get(row.key)
            if pipeline is None or self._made[row.key].age is not None:
                continue  # nothing goes on in it
            source = pipeline.address.source
            now, reading = self.runtime.sources.now(source), readings[source]
            for line in other_lines(pipeline, now):
                self.others[line.key] = pipeline, line.address
                made = _row(source, line, reading, now, disabled=pipeline.disabled)
                yield made._replace(cells=(made.cells[0], f"  └ {line.name}", *made.cells[2:]))

    def target_of(self, key: str) -> Address | None:
        if key in self.others:
            return self.others[key][1]
        pipeline = self.pipelines.get(key)
        if pipeline is None:
            return None
        return pipeline.last.address if pipeline.last is not None else pipeline.address

    def _acted(self, row: Row, activity: Activity) -> Row:
        """The row with how far the action has come, where it acts on that."""
        pipeline = self.pipelines.get(row.key)
        if pipeline is None or not on_pipeline(activity, pipeline):
            return row
        return row._replace(cells=(*row.cells[:NOW], progress(activity), *row.cells[NOW + 1 :]))

    def _nothing(self, readings: Readings) -> str:
        notes = [note for reading in readings.values() if reading.value for note in reading.value.notes]
        return "; ".join(["No pipeline is watched", *notes])

    @property
    def selected(self) -> Selection:
        key, before = self.table.key or "", self.selection.pipeline
        if key in self.others:
            of, address = self.others[key]
            return Selection(pipeline=of, run=address if address.run is not None else None)
        pipeline = self.pipelines.get(key)
        if pipeline is None:
            return Selection()
        same = before is not None and pipeline.key == before.key
        return Selection(pipeline=pipeline, run=self.selection.run if same else None)

    def reveal(self, key: str) -> bool:
        """Put the cursor on the pipeline of ``key``; False when it is not in the list, or hidden by the filter."""
        return self.table.highlight(key)

    @on(LineTable.Highlighted)
    def _cursor_moved(self, event: LineTable.Highlighted) -> None:
        event.stop()
        left = self._made.get(self._held) if self._held != self._pipeline_key else None
        if left is not None and left.order != _SORT_KEYS[left.sort](left.pipeline):
            self.project()  # it goes where it belongs when the cursor leaves it, and not by itself later
        self.post_message(self.Moved())

    @on(LineTable.Selected)
    def _entered(self, event: LineTable.Selected) -> None:
        event.stop()
        if event.key.startswith("group "):
            self.fold(event.key, None)
        elif event.key in self.pipelines or event.key in self.others:
            self.action_open_run()

    def action_open_run(self) -> None:
        self.post_message(self.Go("run"))

    def action_sort(self) -> None:
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        self.project()

    @property
    def _view(self) -> ViewSettings:
        return self.runtime.settings.views[self.view] if self.view else USUAL

    def action_next_view(self) -> None:
        """The next of the configured ones, after the last the usual one."""
        names = ["", *self.runtime.settings.views]
        if len(names) == 1:
            self.notify("No view is configured; add [views.NAME] to the config.", markup=False)
            return
        self.choose_view(names[(names.index(self.view) + 1) % len(names)])
        self.table.show_columns(columns_of(self._view, COLUMNS))
        self.project()

    def choose_view(self, name: str) -> None:
        """Show that view from the next projection on; empty: the usual one."""
        self.view = name
        view = self._view
        self.sort, self.group, self.reverse = view.sort, view.group, False

    def action_reverse(self) -> None:
        self.reverse = not self.reverse
        self.project()

    @on(LineTable.HeadingPressed)
    def _heading_pressed(self, event: LineTable.HeadingPressed) -> None:
        """Sort by that column; the other way round where that is so already."""
        event.stop()
        sort = SORTED_BY.get(COLUMNS[event.column].title)
        if sort == self.sort:
            self.action_reverse()
        elif sort is not None:
            self.sort, self.reverse = sort, False
            self.project()

    def action_group(self) -> None:
        self.group = GROUPS[(GROUPS.index(self.group) + 1) % len(GROUPS)]
        self.project()
