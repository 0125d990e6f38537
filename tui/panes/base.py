"""What all panes are to the deck."""

from collections.abc import Sequence
from importlib import import_module
from typing import Any, ClassVar

import msgspec
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from tui.config import ModelSettings, Settings
from tui.domain.action import ActionRequest
from tui.domain.address import Address
from tui.domain.pipeline import Pipeline
from tui.domain.status import Status
from tui.engine.queries import AnyQuery
from tui.engine.runtime import Runtime
from tui.engine.store import AnyKey, Reading
from tui.keys import bindings
from tui.pane_registry import PaneSpec, Shows
from widgets.cells import pieces
from widgets.dialog.help_sheet import Section
from widgets.status_line import StatusItem
from widgets.table.columns import Column
from widgets.table.line_table import LineTable, Row
from widgets.theme import status_style


class Selection(msgspec.Struct, frozen=True):
    """What the cursor is on, in whatever pane: every pane shows its side of it, and keys mean it. The deck owns it."""

    address: Address | None = None
    """What is under the cursor; None where that is the run or the pipeline itself."""
    run: Address | None = None
    """The run that it is in, or that is behind it; None: the newest of its pipeline, also when another one begins."""
    pipeline: Pipeline | None = None
    """The row of the list that it belongs to; None where it is in no pipeline that is listed."""
    model: str | None = None
    """The name of the model that it belongs to."""
    version: str | None = None
    """The earlier version of the environment that it is."""
    url: str | None = None
    """Its web page, where that is not the run's."""

    @property
    def run_address(self) -> Address | None:
        if self.run is not None:
            return self.run
        last = self.pipeline.last if self.pipeline else None
        return last.address if last else None

    @property
    def target(self) -> Address | None:
        """What an action is done to."""
        return self.address or self.run_address or (self.pipeline.address if self.pipeline else None)

    @property
    def log(self) -> Address | None:
        """The job, stage or run whose log is meant."""
        address = self.address
        if address is None or address.run is None or address.gate is not None:
            return self.run_address
        return address

    def shows_the_same(self, other: "Selection") -> bool:
        """Whether panes that show what is selected look the same with both."""
        return (self.run, self.pipeline, self.model) == (other.run, other.pipeline, other.model)


class Pane(Vertical):
    """A part of the deck. The deck tells it what is selected and when to look at the store again."""

    scope: ClassVar[str]
    """Of its line in the registry, which has its title and its keys."""

    def __init_subclass__(cls, **options: Any) -> None:
        if "scope" in vars(cls):
            cls.BINDINGS = bindings(cls.scope)
        super().__init_subclass__(**options)

    class Wants(Message):
        """What :meth:`questions` says has changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Pane.Wants)

    class Moved(Message):
        """Its cursor is on something else."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Pane.Moved)

    class Jump(Message):
        """Go to a run, a pipeline or an environment in the deck."""

        def __init__(self, to: Address) -> None:
            super().__init__()
            self.to = to

    class Go(Message):
        """Go to the pane that shows this of what is selected."""

        def __init__(self, what: Shows) -> None:
            super().__init__()
            self.what = what

    class ActionRequested(Message):
        """This very thing is wanted: the plan comes next, as with every key that acts."""

        def __init__(self, request: ActionRequest) -> None:
            super().__init__()
            self.request = request

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(id=self.scope)
        self.runtime = runtime
        self.selection = Selection()
        self._read: set[AnyKey] = set()
        """What it looked at when it was projected last."""

    def show_news(self, changed: frozenset[AnyKey] | None) -> None:
        """Project, unless it has to do with nothing of what has ``changed``; None: with whatever has."""
        if changed is not None and changed.isdisjoint(self._read) and changed.isdisjoint(self.queries()):
            return
        with self.runtime.store.noting() as self._read:
            self.project()

    def queries(self) -> tuple[AnyQuery, ...]:
        """What is to be kept current while this pane can be seen."""
        raise NotImplementedError

    def project(self) -> None:
        """Show what the store holds now. Cheap where nothing changed."""
        raise NotImplementedError

    def open_log(self, address: Address) -> None:
        """Show the log of a run, a stage or a job from its end; only of the pane for logs."""
        raise NotImplementedError

    def choose_view(self, name: str) -> None:
        """Show the view of that name, empty: the usual one; only of the list."""
        raise NotImplementedError

    def clear_filter(self) -> bool:
        """Take its filter away; False where it has none."""
        return False

    def step_back(self) -> bool:
        """Escape, back to what it showed before; False where it shows nothing else than at first."""
        return False

    @property
    def status(self) -> Status | None:
        """Of what its cursor is on; None where that has none."""
        address, pipeline = self.selection.run_address, self.selection.pipeline
        runs = pipeline.runs if pipeline is not None else ()
        return next((run.status for run in runs if run.address == address), None)

    @property
    def texts(self) -> Section | None:
        """All that the row under its cursor holds, whole; None where there is no row."""
        for table in self.query(LineTable):
            if table.row is not None and (table.has_focus or table is self.focus_target):
                return _row_texts(table.columns, table.row)
        return None

    @property
    def marked(self) -> tuple[Address, ...]:
        """What the next action is for, in place of what is under the cursor."""
        return ()

    def clear_marks(self) -> bool:
        """Mark nothing any more; False where nothing was."""
        return False

    @property
    def selected(self) -> Selection:
        """What its cursor is on. The deck adds the pipeline and the model, where it does not say them."""
        return self.selection

    def enter(self, at: Address | None) -> None:
        """It has been gone into, and not come back to.

        Args:
            at: what was selected where one came from.
        """

    def reveal(self, key: str) -> bool:
        """Put its cursor on the row of ``key``; False where there is none."""
        return False

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """What the menu offers beside what can be done: words, and an action of this pane."""
        return ()

    @property
    def width_needed(self) -> int:
        """Columns in which all that it shows is whole; 0: not known."""
        return 0

    @property
    def focus_target(self) -> Widget:
        """The one widget in it that takes keys."""
        raise NotImplementedError


def _row_texts(columns: Sequence[Column], row: Row) -> Section:
    """The title of each column, and what stands there."""
    cells = [
        (column.title, text)
        for column, cell in zip(columns, row.cells, strict=False)
        if column.title and (text := "".join(text for text, _ in pieces(cell)).strip())
    ]
    return (cells[0][1] if cells else ""), cells


def pane_class(spec: PaneSpec) -> type[Pane]:
    """The class of a line of the registry, imported now."""
    module, _, name = spec.class_name.partition(":")
    found: type[Pane] = getattr(import_module(module), name)
    assert found.scope == spec.scope, f"{spec.class_name} is not the pane of {spec.scope}"
    return found


def model_of(selection: Selection, settings: Settings) -> tuple[str, ModelSettings] | None:
    """The model that is selected; the only one there is where nothing is selected that another would have."""
    if selection.model is not None:
        return selection.model, settings.models[selection.model]
    if len(settings.models) == 1:
        return next(iter(settings.models.items()))
    return None


def owner_of(address: Address, settings: Settings) -> str | None:
    """The name of the model that ships the pipeline, or has the registry entry, of ``address``."""
    pipeline = address.pipeline
    for name, model in settings.models.items():
        registry = model.registry
        if model.ships(pipeline) or (
            registry is not None and pipeline == Address(registry.source, registry.model)
        ):
            return name
    return None


def stale(reading: Reading[Any]) -> list[StatusItem]:
    """What the line above a pane says of a picture that is not the newest."""
    if reading.fault is None:
        return []
    shown = status_style("stale")
    words = f"{shown.glyph} {reading.fault.trouble.value}"
    return [StatusItem(words, "warning"), StatusItem("", detail=reading.fault.message, drop=5)]
