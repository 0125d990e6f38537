"""The answers of a dialog in one line."""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from widgets.cells import Piece, width_of
from widgets.theme import ROLE_CLASSES, role_css, role_style


class Buttons(Widget, can_focus=True):
    """Answers side by side, the first one chosen. Left, right and Enter, the mouse, or a letter of its own each.

    Args:
        answers: a key (one letter) and the word of each; the first is the one that does nothing.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "step(-1)", "Answer to the left", id="buttons.left", show=False),
        Binding("right,l", "step(1)", "Answer to the right", id="buttons.right", show=False),
        Binding("enter", "press", "Give the chosen answer", id="buttons.press", show=False),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLE_CLASSES | {"buttons--chosen"}
    DEFAULT_CSS = (
        role_css("Buttons")
        + """
    Buttons {
        height: 1;
        & > .buttons--chosen {
            background: $block-cursor-background;
            color: $block-cursor-foreground;
            text-style: bold;
        }
    }
    """
    )

    class Pressed(Message):
        """The answer of ``key`` was given."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, answers: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.answers = tuple(answers)
        self.chosen = 0
        self.locked = frozenset[str]()
        """Keys of answers that cannot be given yet; who hears of one being pressed says why."""

    def offer(self, answers: Sequence[tuple[str, str]], locked: frozenset[str] = frozenset()) -> None:
        """These answers from now on, the first one chosen."""
        self.answers, self.locked, self.chosen = tuple(answers), locked, 0
        self.refresh()

    def withhold(self, keys: frozenset[str]) -> None:
        if keys != self.locked:
            self.locked = keys
            self.refresh()

    def _pieces(self) -> list[tuple[str, list[Piece]]]:
        made: list[tuple[str, list[Piece]]] = []
        for i, (key, word) in enumerate(self.answers):
            mark = "❯" if i == self.chosen and self.has_focus else " "
            role = "dim" if key in self.locked else ""
            made.append(
                (key, [(f" {mark}", "chosen" if mark != " " else ""), (key, "key"), (f" {word}  ", role)])
            )
        return made

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        chosen = base + self.get_component_rich_style("buttons--chosen")
        segments: list[Segment] = []
        for i, (_, parts) in enumerate(self._pieces()):
            here = i == self.chosen and self.has_focus
            for text, role in parts:
                segments.append(Segment(text, chosen if here else base + role_style(self, role)))
        return Strip(segments).adjust_cell_length(self.size.width, base)

    def action_step(self, by: int) -> None:
        self.chosen = max(0, min(len(self.answers) - 1, self.chosen + by))
        self.refresh()

    def action_press(self) -> None:
        self.give(self.answers[self.chosen][0])

    def give(self, key: str) -> None:
        if any(key == each for each, _ in self.answers):
            self.post_message(self.Pressed(key))

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()

    def on_click(self, event: Click) -> None:
        event.stop()
        if event.chain > 1:
            return  # the first of two clicks was the answer: the second may hit the next question
        left = 0
        for i, (key, parts) in enumerate(self._pieces()):
            left += width_of(tuple(parts))
            if event.x < left:
                self.chosen = i
                self.refresh()
                self.give(key)
                return
