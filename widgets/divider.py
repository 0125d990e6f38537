"""What stands between two parts that are side by side, and can be dragged."""

from rich.segment import Segment
from textual.events import MouseDown, MouseMove, MouseUp
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget


class Divider(Widget):
    """A line from top to bottom."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Divider { width: 1; height: 1fr; color: $primary-muted; pointer: ew-resize; }
    Divider:ansi { color: ansi_default; }
    """

    class Dragged(Message):
        """It is to stand in column ``x`` of the screen."""

        def __init__(self, divider: "Divider", x: int) -> None:
            super().__init__()
            self.divider = divider
            self.x = x

        @property
        def control(self) -> "Divider":
            return self.divider

        def can_replace(self, message: Message) -> bool:
            return isinstance(message, Divider.Dragged) and message.divider is self.divider

    def render_line(self, y: int) -> Strip:
        return Strip([Segment("▏", self.rich_style)], 1)

    def on_mouse_down(self, event: MouseDown) -> None:
        self.capture_mouse()

    def on_mouse_up(self, event: MouseUp) -> None:
        self.release_mouse()

    def on_mouse_move(self, event: MouseMove) -> None:
        if self.app.mouse_captured is self:
            self.post_message(self.Dragged(self, event.screen_x))
