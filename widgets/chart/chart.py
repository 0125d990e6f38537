"""Lines over time: a canary against its baseline, with limits and moments marked.

plotext draws the large ones. It is imported when the first of them is drawn, in a thread.
"""

import asyncio
from collections.abc import Callable
from importlib import import_module
from threading import Event, Thread
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

from rich.segment import Segment
from textual.app import App
from textual.dom import NoScreen
from textual.errors import NoWidget
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from widgets.chart.axis import ValueAxis
from widgets.chart.data import ChartData, ChartLine, Limit, Marker
from widgets.chart.rendering import canvas_columns, picture
from widgets.chart.scene import LEFT, ROLES, Picture

__all__ = ["Chart", "ChartData", "ChartLine", "Limit", "Marker", "Picture", "picture"]


class Chart(Widget):
    """A chart of what :meth:`show` gave it last. It is drawn again when that or the size changes, never otherwise."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"chart--{role}" for role in (*ROLES, "title", "unit", "value", "note"))
    }
    DEFAULT_CSS = """
    Chart {
        height: 1fr;
        & > .chart--title { text-style: bold; }
        & > .chart--unit { text-style: dim; }
        & > .chart--value { text-style: bold; }
        & > .chart--note { text-style: italic; }
        & > .chart--axis { text-style: dim; }
        & > .chart--baseline { color: $text-primary; }
        & > .chart--canary { color: $text-accent; }
        & > .chart--champion { color: $text-primary; }
        & > .chart--run { color: $text-accent; }
        & > .chart--other { color: $text-primary; }
        & > .chart--warn { color: $text-warning; }
        & > .chart--fail { color: $text-error; }
        & > .chart--marker { color: $text-secondary; }
        & > .chart--cursor { color: $foreground; text-style: bold; }
    }
    """

    class Pointed(Message):
        """A moment was clicked."""

        def __init__(self, chart: "Chart", time: float) -> None:
            super().__init__()
            self.chart = chart
            self.time = time

    def __init__(self, *, name: str | None = None, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(name=name, id=id, classes=classes)
        self._data = ChartData()
        self._drawn: tuple[ChartData, Size] | None = None
        self._picture: Picture = ()
        self._axis = ValueAxis()
        self._strips: dict[int, Strip] = {}

    def show(self, data: ChartData) -> None:
        """Draw ``data`` when the charts that wait already are drawn, and once it can be seen."""
        if data != self._data:
            self._data = data
            self.refresh(Region(0, 0, self.size.width, 1))  # painting that line asks for the rest

    @property
    def stale(self) -> bool:
        """What is painted is not what should be."""
        return self._drawn != (self._data, self.size)

    @property
    def needs_plotext(self) -> bool:
        """There may be something for it to draw."""
        return bool(self._data.lines) and not self._data.message and not self._data.small

    @property
    def in_sight(self) -> bool:
        """The next frame has the chart, or a part of it."""
        try:
            return self.screen.is_current and bool(self.screen.find_widget(self).visible_region)
        except (NoScreen, NoWidget):
            return False

    def draw(self) -> bool:
        """Make the picture and have it painted; False when it is the one that is painted already."""
        try:
            new = picture(self._data, *self.size, self._axis)
        except ImportError as error:
            reason = f"charts cannot be drawn: {str(error).splitlines()[0]}"
            new = picture(self._data._replace(message=reason), *self.size, self._axis)
        old, self._picture = self._picture, new
        self._drawn = self._data, self.size
        changed = [y for y in range(self.size.height) if old[y : y + 1] != new[y : y + 1]]
        for y in changed:
            self._strips.pop(y, None)
        if changed:
            self.refresh(*(Region(0, y, self.size.width, 1) for y in changed))
        return bool(changed)

    def render_line(self, y: int) -> Strip:
        _queue(self.app).painted(self)
        width = self.size.width
        strip = self._strips.get(y)
        if strip is None or strip.cell_length != width:
            base = self.rich_style
            segments = [
                Segment(
                    text,
                    base + self.get_component_rich_style(f"chart--{role}", partial=True) if role else base,
                )
                for text, role in (self._picture[y] if y < len(self._picture) else ())
            ]
            strip = self._strips[y] = Strip(segments).adjust_cell_length(width, base)
        return strip

    def on_click(self, event: Click) -> None:
        at = (event.x - LEFT) / max(1, canvas_columns(self._data, self.size.width) - 1)
        start, end = self._data.start, self._data.end
        self.post_message(self.Pointed(self, start + min(max(0.0, at), 1.0) * (end - start)))

    def notify_style_update(self) -> None:
        """Forget the old colours."""
        self._strips.clear()
        super().notify_style_update()

    def on_unmount(self) -> None:
        _queue(self.app).forget(self)


class _Queue:
    """The charts of an app that wait to be drawn: one between two frames, as a picture takes most of a frame's time.

    A chart asks for its turn by being painted while it is stale, so those out of sight cost nothing.
    """

    def __init__(self) -> None:
        self._waiting: dict[Chart, None] = {}
        self._drawn: Chart | None = None  # to be painted by the next frame
        self._called = False

    def painted(self, chart: Chart) -> None:
        """``chart`` is being painted."""
        if chart is self._drawn:
            self._drawn = None
        if chart.stale:
            self._waiting[chart] = None
        if self._waiting and not self._called and not (self._drawn and self._drawn.in_sight):
            self._called = True
            chart.app.call_later(self._next, chart.app)

    def forget(self, chart: Chart) -> None:
        """``chart`` is gone."""
        self._waiting.pop(chart, None)
        if chart is self._drawn:
            self._drawn = None

    def _next(self, app: App[Any]) -> None:
        while self._waiting:
            chart = min(self._waiting, key=lambda chart: (chart.region.y, chart.region.x))
            if chart.needs_plotext and not _loaded.is_set():
                _load_plotext(lambda: app.call_later(self._next, app))
                return
            del self._waiting[chart]
            if chart.in_sight and chart.stale:
                if chart.draw():
                    self._drawn = chart  # goes on when it is painted
                    break
                app.call_later(self._next, app)
                return
        self._called = False


_queues: WeakKeyDictionary[App[Any], _Queue] = WeakKeyDictionary()
_loaded = Event()


def _queue(app: App[Any]) -> _Queue:
    return _queues.setdefault(app, _Queue())


def _load_plotext(then: Callable[[], object]) -> None:
    """Import plotext in a thread, because it takes a fifth of a second, and call ``then`` in this one."""
    loop = asyncio.get_running_loop()

    def load() -> None:
        try:
            import_module("plotext")
        except ImportError:
            pass  # said by the charts
        _loaded.set()
        try:
            loop.call_soon_threadsafe(then)
        except RuntimeError:
            pass  # the loop has ended meanwhile

    Thread(target=load, name="plotext", daemon=True).start()
