"""Less is written, and the screen is the same: both streams, rendered in a terminal emulator."""

import random
from typing import Any, ClassVar
from unittest.mock import patch

import pyte
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.drivers.headless_driver import HeadlessDriver
from textual.geometry import Size
from textual.widgets import DataTable, Footer, Header, Input, Static

from tui.terminal.screen_buffer import ScreenBuffer

SIZE = COLUMNS, LINES = 30, 6

STYLES = ("", "1", "38;2;1;2;3", "1;48;5;9")
TEXTS = st.text(st.sampled_from("abc  ─❯é失✅👩‍👩️\u0301"), min_size=1, max_size=12)
segments = st.tuples(st.sampled_from(STYLES), TEXTS).map(
    lambda part: f"\x1b[{part[0]}m{part[1]}\x1b[0m" if part[0] else part[1]
)
runs = st.tuples(
    st.integers(1, LINES), st.integers(1, COLUMNS), st.lists(segments, min_size=1, max_size=4).map("".join)
).map(lambda run: f"\x1b[{run[0]};{run[1]}H{run[2]}")
frames = st.lists(runs, min_size=1, max_size=5).map(lambda parts: "\n".join(parts).rstrip() + "\x1b[1;1H")
others = st.sampled_from(
    ("\x1b[?25l", "\x1b[?1049h\x1b[2J", "\x1b[2J", "\x1b]0;title\x07", "\x07", "\x1b[3;3Hx\x1b[K", "\x1b[2A")
)


class Emulator:
    """A terminal that does not wrap lines."""

    def __init__(self, size: tuple[int, int] = SIZE) -> None:
        self.screen = pyte.Screen(*size)
        self.screen.reset_mode(pyte.modes.DECAWM)
        self._stream = pyte.Stream(self.screen)

    def show(self, text: str) -> None:
        # What pyte knows nothing of, or what would end its modes.
        for unknown in ("\x1b[?1049h", "\x1b[?2026h", "\x1b[?2026l"):
            text = text.replace(unknown, "")
        self._stream.feed(text)

    def cells(self) -> list[list[Any]]:
        """As they look: of a blank that is its background."""
        return [
            [_seen(self.screen.buffer[y][x]) for x in range(self.screen.columns)]
            for y in range(self.screen.lines)
        ]


def _seen(cell: Any) -> Any:
    if cell.data != " " or cell.underscore or cell.strikethrough or cell.reverse:
        return cell
    return cell._replace(fg="default", bold=False, italics=False, blink=False)


ACCENT = "\x1b[2;1H\x1b[38;2;1;2;3m\u0301\x1b[0m"
"""It goes onto the last cell of the line above, in some terminals, and onto itself the second time."""


@given(st.lists(frames | others, max_size=8))
@example([f"{ACCENT}\n{ACCENT}\x1b[1;1H"])
@example([f"{ACCENT}\x1b[1;1H", f"{ACCENT}\x1b[1;1H"])
@example(["\x1b[1;30Hx\x1b[1;1H", f"{ACCENT}\x1b[1;1H", "\x1b[1;30Hx\x1b[1;1H"])
def test_the_screen_is_the_same_whatever_is_written(writes: list[str]) -> None:
    memory, whole, short = ScreenBuffer(), Emulator(), Emulator()
    for text in writes:
        whole.show(text)
        short.show(memory.rewrite(text, SIZE))
        assert short.cells() == whole.cells()


def frame(text: str, row: int = 1) -> str:
    return f"\x1b[{row};1H\x1b[1m{text}\x1b[0m\x1b[1;1H"


def test_what_is_there_already_is_not_sent_again() -> None:
    memory = ScreenBuffer()
    assert memory.rewrite(frame("one two three four"), (80, 24)).count("one") == 1
    assert memory.rewrite(frame("one two three four"), (80, 24)) == ""
    assert memory.rewrite(frame("one two threX four"), (80, 24)) == "\x1b[1;13HX\x1b[1;1H"
    assert memory.rewrite(frame("one two threX four", row=2), (80, 24)).count("one two threX four") == 1


def test_neither_are_the_marks_around_an_empty_frame() -> None:
    memory = ScreenBuffer()
    begin, end = "\x1b[?2026h", "\x1b[?2026l"

    def sent(text: str) -> str:
        return "".join(memory.rewrite(part, (80, 24)) for part in (begin, text, end))

    two = f"\x1b[1;1H\x1b[1mone\x1b[0m\n{frame('two', row=2)}"
    assert sent(two) == f"{begin}\x1b[1;1H\x1b[1mone\x1b[2;1Htwo\x1b[1;1H{end}"
    assert sent(two) == ""
    assert sent(frame("ode")) == "\x1b[1;2Hd\x1b[1;1H", "nor around one line"


def test_a_row_of_which_three_cells_change_costs_a_hundred_bytes() -> None:
    memory = ScreenBuffer()
    ground, waiting = "48;2;18;18;18", "1;38;2;255;196;115"

    def row(glyph: str, word: str, age: str) -> str:
        cells = ((f"\x1b[{style};{ground}m{text}\x1b[0m") for style, text in (
            (waiting, f" {glyph} "), ("38;2;224;224;224", "ml/fraud   #1854 "), (waiting, f"{word} "),
            ("38;2;224;224;224", f"promote   {age}"),
        ))  # fmt: skip
        return f"\x1b[9;1H{''.join(cells)}\x1b[1;2H"

    memory.rewrite(row("◊", "waiting", "59m"), (80, 24))
    changed = "".join(
        memory.rewrite(text, (80, 24)) for text in ("\x1b[?2026h", row("✗", "failed ", " 1h"), "\x1b[?2026l")
    )
    assert len(changed.encode()) <= 100


@pytest.mark.parametrize("text", ["\x1b[2J", "\x1bc", "\x1b[?1049h", "\x1b[1;1Hx\x1b[K\x1b[1;1H", "\r\n"])
def test_what_is_not_understood_is_sent_as_it_is_and_all_is_forgotten(text: str) -> None:
    memory = ScreenBuffer()
    memory.rewrite(frame("one"), (80, 24))
    assert memory.rewrite(text, (80, 24)) == f"\x1b[m{text}"
    assert memory.rewrite(frame("one"), (80, 24)) == "\x1b[1;1H\x1b[0;1mone\x1b[1;1H"


@pytest.mark.parametrize("text", ["\x1b[?1000h", "\x1b[>25u", "\x1b]22;pointer\x07", "\x1b[?2026$p", "\x07"])
def test_what_changes_no_cell_makes_nothing_forgotten(text: str) -> None:
    memory = ScreenBuffer()
    memory.rewrite(frame("one"), (80, 24))
    assert memory.rewrite(text, (80, 24)) == text
    assert memory.rewrite(frame("one"), (80, 24)) == ""


class Recorder(HeadlessDriver):
    """Hands on what would be written to a terminal."""

    is_headless = False
    written: ClassVar[list[tuple[Size, str]]] = []

    def write(self, data: str) -> None:
        self.written.append((self._app.size, data))


class Mixed(App[None]):
    """Widgets that redraw in their own ways, with texts of all widths."""

    def compose(self) -> ComposeResult:
        yield Header(show_clock=False)
        yield Input(placeholder="type")
        yield DataTable()
        yield Static("zero", id="text")
        yield Footer()

    def on_mount(self) -> None:
        table = self.query_one(DataTable)
        table.add_columns("name", "state")
        rng = random.Random(1)
        for row in range(40):
            table.add_row(
                f"row {row}", rng.choice(["✅ ok", "失敗しました", "❌ été", "⚠ warn", "🚀", "─│┌"])
            )


KEYS = ("down", "up", "pagedown", "end", "home", "tab", "shift+tab", "x", "ctrl+p", "escape", "left", "enter")


@pytest.mark.parametrize("seed", range(4))
async def test_a_session_looks_the_same(seed: int) -> None:
    app = Mixed(driver_class=Recorder)
    app.animation_level = "none"
    rng = random.Random(seed)
    memory = ScreenBuffer()
    written: list[tuple[Size, str]] = []
    with patch.object(Recorder, "written", written):
        async with app.run_test(headless=False, size=(80, 24)) as pilot:
            whole, short = Emulator((80, 24)), Emulator((80, 24))
            sent = total = 0
            for step in range(20):
                if rng.random() < 0.12:
                    size = rng.randint(40, 100), rng.randint(12, 30)
                    await pilot.resize_terminal(*size)
                    memory.forget()
                elif rng.random() < 0.3:
                    app.query_one("#text", Static).update(rng.choice(["失敗", "one", "longer text", "naïve"]))
                    await pilot.pause()
                else:
                    await pilot.press(rng.choice(KEYS))
                for (columns, lines), data in written:
                    if (whole.screen.columns, whole.screen.lines) != (columns, lines):
                        for emulator in (whole, short):
                            emulator.screen.resize(lines, columns)
                        memory.forget()
                    whole.show(data)
                    shorter = memory.rewrite(data, (columns, lines))
                    short.show(shorter)
                    sent, total = sent + len(shorter), total + len(data)
                written.clear()
                assert short.cells() == whole.cells(), f"after step {step}"
            assert sent < total / 2
