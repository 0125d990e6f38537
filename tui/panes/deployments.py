"""The deployments pane: which version stands where, what it brought, and to what one can go back."""

from collections.abc import Iterator

from textual import on
from textual.app import ComposeResult
from textual.getters import query_one
from textual.timer import Timer
from textual.widget import Widget

from tui.config import ModelSettings
from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Validation
from tui.domain.pipeline import Pipeline, Run
from tui.engine.queries import (
    AnyQuery,
    ChangesBetween,
    EnvironmentsOf,
    HistoryOf,
    PipelinesOf,
    RunAt,
    ValidationOf,
)
from tui.engine.runtime import Runtime
from tui.insight.activities import on_environment
from tui.insight.comparison import ComparisonAnswers, DeploymentPair
from tui.insight.environments import EnvironmentGroup, all_groups, front_place, group_of, model_group
from tui.panes.action_progress import progress, recent
from tui.panes.base import Selection
from tui.panes.deployment_rows import GroupRows, find, rows
from tui.panes.selectable import SelectablePane
from tui.presenters.comparison import ComparisonFact, compared, facts, figure_facts
from tui.presenters.environments import EnvironmentLine
from tui.text import format as fmt
from widgets.cells import Cell, pieces
from widgets.status_line import StatusItem, StatusLine
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.theme import status_style

DAY = 86400.0
WINDOWS = (7 * DAY, 30 * DAY, 90 * DAY, 365 * DAY)
"""What the delivery figures may be told over."""
REST = 0.3
"""Seconds the cursor must rest on a deployment before what it brought is asked for."""
MOST_PIPELINES = 40
"""Pipelines asked for their environments at once: a GitLab project costs a request."""
ROOMY = 14
"""Lines of the pane from which a part of them tells about what is under the cursor."""

COLUMNS = (
    Column("", 1),
    Column("Environment", 14, flex=2),
    Column("Version", 10, flex=1),
    Column("Commit", 8, drop=4),
    Column("State, traffic", 13, flex=4),
    Column("Age", 4, align="right", drop=1),
    Column("Who", 8, flex=1, drop=2),
    Column("Note", 12, flex=3, drop=3),
)
FACT_COLUMNS = (
    Column("", 1),
    Column("About it", 11, flex=1),
    Column("What it brought, how it went, the way back", 30, flex=6),
)


class DeploymentsPane(SelectablePane):
    scope = "deployments"
    DEFAULT_CSS = """
    DeploymentsPane > #facts { height: 45%; border-top: solid $primary-muted; display: none; }
    DeploymentsPane.roomy > #facts { display: block; }
    DeploymentsPane.inside > #facts { display: block; height: 1fr; }
    DeploymentsPane.inside > #places { display: none; }
    DeploymentsPane.roomy.inside > #places { display: block; }
    """

    line = query_one(StatusLine)
    table = query_one("#places", LineTable)
    about = query_one("#facts", LineTable)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.sources = runtime.settings.pipeline_sources
        self.everything = False
        self.open: frozenset[str] = frozenset()
        self.window = WINDOWS[1]
        self._found: list[GroupRows] = []
        self._lines: dict[str, EnvironmentLine] = {}
        self._facts: dict[str, ComparisonFact] = {}
        self._looked_at: str | None = None
        """The row that the cursor rests on."""
        self._resting: Timer | None = None
        self._wanted: tuple[AnyQuery, ...] = ()
        self._left_out = 0

    def compose(self) -> ComposeResult:
        yield StatusLine()
        yield LineTable(COLUMNS, empty="No pipeline is selected.", id="places")
        yield LineTable(FACT_COLUMNS, id="facts")

    @property
    def focus_target(self) -> Widget:
        return self.table

    # -- what it wants

    @property
    def groups(self) -> tuple[EnvironmentGroup, ...]:
        """What is shown: the model of the selected pipeline, or all; of very many the first, models before others."""
        if self.everything:
            return self._first(all_groups(self._pipelines, self.runtime.settings))
        pipeline, name, settings = self.selection.pipeline, self.selection.model, self.runtime.settings
        if name is not None:
            return (model_group(name, settings.models[name], self._pipelines, settings),)
        return (group_of(pipeline, self._pipelines, settings),) if pipeline else ()

    def _first(self, groups: tuple[EnvironmentGroup, ...]) -> tuple[EnvironmentGroup, ...]:
        room = MOST_PIPELINES
        for number, group in enumerate(groups):
            room -= len(group.pipelines)
            if room < 0 and number:
                self._left_out = len(groups) - number
                return groups[:number]
        self._left_out = 0
        return groups

    @property
    def _pipelines(self) -> list[Pipeline]:
        readings = (self.runtime.store.get(PipelinesOf(name)) for name in self.sources)
        return [pipeline for reading in readings if reading.value for pipeline in reading.value.pipelines]

    def _model(self, group: EnvironmentGroup) -> ModelSettings | None:
        return self.runtime.settings.models.get(group.model)

    def queries(self) -> tuple[AnyQuery, ...]:
        """The environments first; then the past of those that are open, looked at or counted, and what the
        deployment under the cursor brought."""
        wanted: list[AnyQuery] = [
            EnvironmentsOf(pipeline) for group in self.groups for pipeline in group.pipelines
        ]
        past: list[Address] = []
        for found in self._found:
            front = front_place(found.places, self._model(found.group))
            if front is not None and not self.everything:
                past.append(front.environment.address)
            past += [
                place.environment.address
                for place in found.places
                if str(place.environment.address) in self.open and not place.environment.stopped
            ]
        line = self._lines.get(self._looked_at or "")
        if line is not None:
            past.append(line.environment.address)
        wanted += [HistoryOf(address) for address in dict.fromkeys(past)]
        if line is not None and (pair := compared(line)) is not None and self._telling:
            wanted += self._about(pair, line)
        return tuple(wanted)

    @property
    def _telling(self) -> bool:
        """What is under the cursor is told of: in a part of a roomy pane, or in place of the list."""
        return self.has_class("roomy") or self.has_class("inside")

    def _about(self, pair: DeploymentPair, line: EnvironmentLine) -> Iterator[AnyQuery]:
        """What it takes to tell about a deployment."""
        both = [thi for thi in (pair.this, pair.other) if thi is not None]
        runs = list(dict.fromkeys(each.run.of_run for each in both if each.run is not None))
        yield from (RunAt(run) for run in runs)
        if pair.versions is not None:
            yield ChangesBetween(*pair.versions)
        if file := self._file(line):
            yield from (ValidationOf(run, file) for run in runs)

    def _file(self, line: EnvironmentLine) -> str | None:
        for found in self._found:
            if any(place.environment.address == line.environment.address for place in found.places):
                model = self._model(found.group)
                return model.validation if model is not None else None
        return None

    # -- what it shows

    def project(self) -> None:
        pipelines = self._pipelines
        store, now = self.runtime.store, self.runtime.clock()
        self._found = []
        for group in self.groups:
            answers = {address: store.get(EnvironmentsOf(address)) for address in group.pipelines}
            past: dict[Address, Environment] = {}
            for reading in answers.values():
                for environment in reading.value.environments if reading.value else ():
                    if (known := store.get(HistoryOf(environment.address)).value) is not None:
                        past[environment.address] = known
            model = self._model(group)
            self._found.append(find(group, model, answers, past, pipelines, self.window, now))
        times = {name: self.runtime.sources.now(name) for name in self.sources}
        made, self._lines = rows(self._found, self.open, times)
        for key, cell in self._told_progress().items():
            made = [row._replace(cells=(*row.cells[:-1], cell)) if row.key == key else row for row in made]
        self._show_heading()
        self.table.empty = "No pipeline is selected."
        self.table.set_rows(self.with_marks(made))
        self._show_facts()
        self._want()

    def _told_progress(self) -> dict[str, Cell]:
        """How far actions have come, by the rows of the environments that they change."""
        acting = recent(self.runtime)
        return {
            str(place.environment.address): progress(each)
            for found in self._found
            for place in found.places
            for each in reversed(acting)
            if on_environment(each, place.environment.address, found.group.pipelines)
        }

    def _show_heading(self) -> None:
        known = [place for found in self._found for place in found.places]
        canaries = sum(place.standing.canary is not None for place in known)
        what = "all" if self.everything else self._found[0].group.title if self._found else ""
        items = [
            StatusItem(what, "strong"),
            StatusItem("", detail=fmt.count(len(known), "environment"), drop=2),
        ]
        if self.everything and self._left_out:
            items.append(StatusItem(f"{self._left_out} more: select one in the list", "dim", drop=1))
        items += [StatusItem(*pieces(cell)[0]) for cell in self._told_progress().values()]
        if canaries:
            items.append(StatusItem(fmt.count(canaries, "canary", "canaries"), "accent", drop=1))
        self.line.show(items, [StatusItem(f"figures over {self.window / DAY:.0f} days", "dim", drop=3)])

    def _show_facts(self) -> None:
        """What is known of what is under the cursor."""
        title, facts_shown = self._told()
        self._facts = {fact.key: fact for fact in facts_shown}
        made = [Row("title", ("", title), "group")] if title else []
        made += [_fact_row(fact) for fact in facts_shown]
        self.about.set_rows(made)

    def _told(self) -> tuple[str, list[ComparisonFact]]:
        key = self.table.key or ""
        if (line := self._lines.get(key)) is not None:
            return self._told_of(line)
        for found in self._found:
            if key == found.group.key:
                days = f"{self.window / DAY:.0f} days"
                if found.figures:
                    return f"{found.group.title}, last {days}", figure_facts(found.figures)
                words = "what was deployed to production is not read, or is nothing"
                return found.group.title, [ComparisonFact("none", "figures", words)]
        return "", []

    def _told_of(self, line: EnvironmentLine) -> tuple[str, list[ComparisonFact]]:
        if (pair := compared(line)) is None:
            return line.environment.name, [
                ComparisonFact("nothing", "deployed", "nothing, as far as is known")
            ]
        store = self.runtime.store
        file = self._file(line)
        readings = [store.get(each) for each in self._about(pair, line)]
        readings.append(store.get(HistoryOf(line.environment.address)))
        faults = [reading.fault.message for reading in readings if reading.fault is not None]
        answers = ComparisonAnswers(
            run=self._run_of(pair.this),
            other_run=self._run_of(pair.other),
            changes=store.get(ChangesBetween(*pair.versions)).value if pair.versions else None,
            numbers=self._numbers_of(pair.this, file),
            other_numbers=self._numbers_of(pair.other, file),
            faults=tuple(dict.fromkeys(faults)),
        )
        against = f", against {pair.other.version} that is there" if pair.other else ""
        if line.part == "stable" and pair.other is not None:
            against = f", against {pair.other.version} before it"
        now = self.runtime.sources.now(line.environment.address.source)
        return f"{pair.this.version} in {line.environment.name}{against}", facts(pair, answers, file, now)

    def _run_of(self, deployment: Deployment | None) -> Run | None:
        if deployment is None or deployment.run is None:
            return None
        return self.runtime.store.get(RunAt(deployment.run.of_run)).value

    def _numbers_of(self, deployment: Deployment | None, file: str | None) -> Validation | None:
        if deployment is None or deployment.run is None or not file:
            return None
        return self.runtime.store.get(ValidationOf(deployment.run.of_run, file)).value

    def _want(self) -> None:
        if (queries := self.queries()) != self._wanted:
            self._wanted = queries
            self.post_message(self.Wants())

    # -- the cursor

    @property
    def busy(self) -> bool:
        """The cursor does not rest yet."""
        return self._resting is not None

    @property
    def selected(self) -> Selection:
        """The environment or the deployment under the cursor with the run behind it, or the run of the fact."""
        key = self.table.key or ""
        group = next((each.group for each in self._found if self._is_of(key, each)), None)
        if group is None:
            return self.selection
        model, line = group.model or None, self._lines.get(key)
        if line is None:
            return self.selection if model == self.selection.model else Selection(model=model)
        run = line.deployment.run if line.deployment is not None else None
        if self.about.has_focus and (fact := self._facts.get(self.about.key or "")) and fact.run is not None:
            return Selection(fact.run, fact.run.of_run, model=model)
        return Selection(
            line.environment.address,
            run.of_run if run is not None else None,
            model=model,
            version=self._version(line),
            url=_url(line),
        )

    def _is_of(self, key: str, found: GroupRows) -> bool:
        """The row of ``key`` is one of the group's."""
        line = self._lines.get(key)
        if line is None:
            return key.startswith(found.group.key)
        return any(place.environment.address == line.environment.address for place in found.places)

    def reveal(self, key: str) -> bool:
        return self.table.highlight(key)

    def target_of(self, key: str) -> Address | None:
        """The environment; earlier versions of it are gone back to one by one."""
        line = self._lines.get(key)
        return line.environment.address if line is not None and line.part == "stable" else None

    def _version(self, line: EnvironmentLine) -> str | None:
        """Of an earlier deployment; None of what is there now."""
        past = line.part in ("past", "colour") and not self.about.has_focus
        return line.deployment.version if past and line.deployment is not None else None

    @on(LineTable.Highlighted, "#places")
    def _cursor_moved(self, event: LineTable.Highlighted) -> None:
        event.stop()
        if self._resting is not None:
            self._resting.stop()
        self._resting = self.set_timer(REST, self._rested)
        self._show_facts()
        self.post_message(self.Moved())

    @on(LineTable.Highlighted, "#facts")
    def _fact_moved(self, event: LineTable.Highlighted) -> None:
        event.stop()
        self.post_message(self.Moved())

    def _rested(self) -> None:
        self._resting = None
        self._looked_at = self.table.key
        self._want()

    @on(LineTable.Selected)
    def _entered(self, event: LineTable.Selected) -> None:
        event.stop()
        if self.about.has_focus:
            self.action_open_deployment()
        else:
            self._step_inside()

    @on(LineTable.Toggled, "#places")
    def _folded(self, event: LineTable.Toggled) -> None:
        event.stop()
        if event.key not in self._lines:
            return
        opened = event.key not in self.open if event.open is None else event.open
        self.open = self.open | {event.key} if opened else self.open - {event.key}
        self.project()

    @on(LineTable.Toggled, "#facts")
    def _fact_folded(self, event: LineTable.Toggled) -> None:
        event.stop()

    # -- keys

    def action_open_deployment(self) -> None:
        """Go to the run behind what is under the cursor."""
        run: Address | None = None
        if self.about.has_focus:
            fact = self._facts.get(self.about.key or "")
            run = fact.run if fact is not None else None
        elif (line := self._lines.get(self.table.key or "")) is not None and line.deployment is not None:
            run = line.deployment.run
        if run is None:
            self.notify("No run is known behind it.", markup=False, timeout=3)
        else:
            self.post_message(self.Jump(run.of_run))

    def _step_inside(self) -> None:
        """Into what is told of the deployment, and back to the list."""
        inside = not self.about.has_focus
        self.set_class(inside, "inside")
        self._want()
        (self.about if inside else self.table).focus()

    def step_back(self) -> bool:
        if not self.about.has_focus:
            return False
        self._step_inside()
        return True

    def action_all_models(self) -> None:
        self.everything = not self.everything
        self.project()

    def action_shorter_window(self) -> None:
        self._step_window(-1)

    def action_longer_window(self) -> None:
        self._step_window(1)

    def _step_window(self, step: int) -> None:
        index = WINDOWS.index(self.window) + step
        if 0 <= index < len(WINDOWS):
            self.window = WINDOWS[index]
            self.project()

    def on_resize(self) -> None:
        self.set_class(self.size.height >= ROOMY, "roomy")
        self._want()


def _url(line: EnvironmentLine) -> str | None:
    own = line.deployment.web_url if line.deployment is not None and line.part != "stable" else ""
    return own or line.environment.web_url or (line.deployment.web_url if line.deployment else "") or None


def _fact_row(fact: ComparisonFact) -> Row:
    shown = status_style(fact.status.value) if fact.status is not None else None
    glyph: Cell = (shown.glyph, shown.role) if shown is not None else ""
    return Row(fact.key, (glyph, (fact.label, "dim"), fact.text))
