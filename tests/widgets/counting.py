"""What was drawn: a widget that tells, and how much of it is kept."""

import gc
from typing import TYPE_CHECKING, Any, Self

from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

# Textual takes the styles of a widget from its first base, which is to be the widget that is counted.
if TYPE_CHECKING:
    Base = Widget
else:
    Base = object


class Counting(Base):
    """Remembers which lines of the screen it was asked to draw, and how often it wanted a new layout."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.forget()

    def render_line(self, y: int) -> Strip:
        self.drawn.append(y)
        return super().render_line(y)

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        self.layouts += layout
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def forget(self) -> None:
        self.drawn: list[int] = []
        self.layouts = 0


def strips() -> int:
    """How many drawn lines, whole or cut, the program holds."""
    gc.collect()
    return sum(isinstance(kept, Strip) for kept in gc.get_objects())
