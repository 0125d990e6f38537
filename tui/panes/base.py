"""What all panes are to the deck."""

from typing import Any, ClassVar

import msgspec
from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from tui.config import ModelSettings, Settings
from tui.domain.action import ActionRequest
from tui.domain.address import Address
from tui.domain.pipeline import Pipeline
from tui.engine.engine import Engine
from tui.engine.queries.queries import AnyQuery
from tui.engine.store import Reading
from tui.keys import Scope
from widgets.status_line import StatusItem
from widgets.theme import status_style


class Selection(msgspec.Struct, frozen=True):
    """What the deck looks at; every pane shows its side of the same thing."""

    pipeline: Pipeline | None = None
    run: Address | None = None
    """One of the pipeline's runs, when it is not the newest."""

    @property
    def run_address(self) -> Address | None:
        if self.run is not None:
            return self.run
        last = self.pipeline.last if self.pipeline else None
        return last.address if last else None


class Pane(Vertical):
    """A part of the deck. The deck tells it what is selected and when to look at the store again."""

    scope: ClassVar[Scope]
    title: ClassVar[str]

    class Wants(Message):
        """What :meth:`questions` says has changed."""

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Pane.Wants)

    class Jump(Message):
        """Go to a run, a pipeline or an environment in the deck."""

        def __init__(self, to: Address) -> None:
            super().__init__()
            self.to = to

    class Menu(Message):
        """Enter: what can be done to what is under the cursor."""

    class ActionRequested(Message):
        """This very thing is wanted: the plan comes next, as with every key that acts."""

        def __init__(self, request: ActionRequest) -> None:
            super().__init__()
            self.request = request

    class Closed(Message):
        """The person has seen enough of it."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(id=self.scope)
        self.engine = engine
        self.selection = Selection()

    def queries(self) -> tuple[AnyQuery, ...]:
        """What is to be kept current while this pane can be seen."""
        raise NotImplementedError

    def project(self) -> None:
        """Show what the store holds now. Cheap where nothing changed."""
        raise NotImplementedError

    def clear_filter(self) -> bool:
        """Take its filter away; False where it has none."""
        return False

    @property
    def marked(self) -> tuple[Address, ...]:
        """What the next action is for, in place of what is under the cursor."""
        return ()

    def clear_marks(self) -> bool:
        """Mark nothing any more; False where nothing was."""
        return False

    @property
    def address(self) -> Address | None:
        """What is under its cursor; None: nothing but what the deck looks at anyway."""
        return None

    @property
    def ways(self) -> tuple[tuple[str, str], ...]:
        """Where Enter can lead from here, before what can be done: words, and an action of this pane."""
        return ()

    @property
    def version(self) -> str:
        """Of the earlier deployment under its cursor; empty on everything else."""
        return ""

    @property
    def url(self) -> str:
        """The web page of what is under its cursor; empty where there is none."""
        return ""

    @property
    def focus_target(self) -> Widget:
        """The one widget in it that takes keys."""
        raise NotImplementedError


def model_of(pipeline: Pipeline | None, settings: Settings) -> tuple[str, ModelSettings] | None:
    """The model that ``pipeline`` ships; the only one there is where none names it."""
    if pipeline is not None:
        for name, model in settings.models.items():
            if model.ships(pipeline.address):
                return name, model
    if len(settings.models) == 1:
        return next(iter(settings.models.items()))
    return None


def stale(reading: Reading[Any]) -> list[StatusItem]:
    """What the line above a pane says of a picture that is not the newest."""
    if reading.fault is None:
        return []
    shown = status_style("stale")
    words = f"{shown.glyph} {reading.fault.trouble.value}"
    return [StatusItem(words, "warning"), StatusItem("", detail=reading.fault.message, drop=5)]
