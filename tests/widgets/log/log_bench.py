"""A log view that fills the screen, over lines in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from typing import Any, ClassVar, NamedTuple

from rich.cells import set_cell_size
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.pilot import Pilot

from tests.app_pilot import running
from tests.widgets.counting import Counting
from widgets.log.source import LogSource
from widgets.log.view import LogView


class Part(NamedTuple):
    first: int
    last: int | None
    collapsed: bool = False
    duration: float | None = None


class Lines:
    """A log in memory that notes how much is read of it."""

    def __init__(
        self, *lines: str, sections: tuple[Part, ...] = (), gap: tuple[int, int] | None = None
    ) -> None:
        self.lines = [line.encode() for line in lines]
        self.sections = list(sections)
        self.gap = gap
        self.generation = 0
        self.loose = 0
        """How many of the last lines may still change."""
        self.bytes_read = 0

    @property
    def settled(self) -> int:
        return len(self.lines) - self.loose

    def __len__(self) -> int:
        return len(self.lines)

    def read(self, line: int, limit: int) -> bytes:
        data = self.lines[line][:limit]
        self.bytes_read += len(data)
        return data

    def time(self, line: int) -> float | None:
        return None if line == 2 else 1_700_000_000.0 + line

    def line_at(self, when: float) -> int | None:
        line = round(when - 1_700_000_000)
        return max(0, line) if line < len(self.lines) else None

    def add(self, *lines: str) -> None:
        self.lines += [line.encode() for line in lines]


class CountingView(Counting, LogView):
    pass


class LogApp(App[None]):
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "note"), Binding("enter", "note")]

    def __init__(self, source: LogSource) -> None:
        super().__init__()
        self.log_view = CountingView(source, zone=UTC)
        self.said: list[Message] = []
        self.notes = 0

    def compose(self) -> ComposeResult:
        yield self.log_view

    def on_log_view_followed(self, event: LogView.Followed) -> None:
        self.said.append(event)

    def on_log_view_asked(self, event: LogView.Asked) -> None:
        self.said.append(event)

    async def on_log_view_sought(self, event: LogView.Sought) -> None:
        self.said.append(event)

    def on_log_view_copied(self, event: LogView.Copied) -> None:
        self.said.append(event)

    def on_log_view_cancelled(self, event: LogView.Cancelled) -> None:
        self.said.append(event)

    def action_note(self) -> None:
        self.notes += 1


class Bench(NamedTuple):
    app: LogApp
    view: CountingView
    hands: Pilot[Any]

    def rows(self) -> list[str]:
        """The lines of the log on the screen, without the one below them."""
        width = self.view.scrollable_content_region.width
        lines = [set_cell_size(line, width).rstrip() for line in self.all_rows()[:-1]]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def all_rows(self) -> list[str]:
        return [strip.text for strip in self.app.screen._compositor.render_strips()]

    def status(self) -> str:
        return " ".join(set_cell_size(self.all_rows()[-1], self.view.scrollable_content_region.width).split())

    def following(self) -> bool:
        return self.view.following

    def selection(self) -> tuple[int, int] | None:
        return self.view.selection

    def said(self, kind: type[Message]) -> list[Any]:
        return [message for message in self.app.said if isinstance(message, kind)]


@asynccontextmanager
async def shown(source: LogSource, size: tuple[int, int] = (40, 6)) -> AsyncIterator[Bench]:
    app = LogApp(source)
    async with running(app, size) as hands:
        app.log_view.focus()
        await hands.pause()
        yield Bench(app, app.log_view, hands)


def numbered(count: int, start: int = 0) -> list[str]:
    return [f"line {number}" for number in range(start, start + count)]
