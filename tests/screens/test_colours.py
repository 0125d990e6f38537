"""Which colour each kind of cell has where colours are few.

The other pictures tell what stands where. These tell how it looks: a line for each style, with the words first drawn
in it. So a change of colour is one line of a diff, and a word that moves is none; in a picture with escapes both are
many.
"""

import re

import pytest
from rich.color import Color, ColorSystem
from rich.style import Style
from syrupy.assertion import SnapshotAssertion

from tests.engine.acting_source import at_once
from tests.screens.test_deck import Deck, deck

__all__ = ["at_once"]
pytestmark = pytest.mark.usefixtures("at_once")

SAMPLES = 5
EIGHT = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
SIXTEEN = (*EIGHT, *(f"bright {name}" for name in EIGHT))
ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse", "strike", "blink")


def shown(color: Color | None, system: ColorSystem) -> str:
    number = color.downgrade(system).number if color is not None else None
    if number is None:
        return "default"
    return SIXTEEN[number] if number < 16 else str(number)


def look(style: Style, system: ColorSystem) -> str:
    attributes = [name for name in ATTRIBUTES if getattr(style, name)]
    return " ".join((*attributes, shown(style.color, system), "on", shown(style.bgcolor, system)))


def looks(work: Deck, system: ColorSystem = ColorSystem.STANDARD) -> str:
    """A line for each style on the screen, in the order of their names."""
    words: dict[str, list[str]] = {}
    for strip in work.app.screen._compositor.render_strips():
        for segment in strip:
            if segment.style is None or not (text := " ".join(segment.text.split())):
                continue
            text = re.sub(r"([─━═╌│]){3,}", r"\1\1\1", text)[:24].strip()
            found = words.setdefault(look(segment.style, system), [])
            if text and text not in found and len(found) < SAMPLES:
                found.append(text)
    return "\n".join(f"{style}: {' | '.join(found)}" for style, found in sorted(words.items()))


PANES = {
    "pipelines": "1", "preview": "enter", "stages": "2", "metrics": "3", "tests": "4", "deployments": "5",
    "gates": "7", "alarms": "8", "journal": "9",
}  # fmt: skip


async def test_every_pane_and_the_sheets(snapshot: SnapshotAssertion) -> None:
    async with deck((80, 24)) as work:
        assert work.app.theme == "ansi-dark", "as where no terminal says that it has more colours"
        await work.press("j")
        for name, key in PANES.items():
            await work.press(key)
            few = looks(work)
            assert few == snapshot(name=name)
            assert looks(work, ColorSystem.EIGHT_BIT) == few, "with 256 colours they are the same sixteen"
        for name, key in (
            ("help", "question_mark"),
            ("sources", "i"),
            ("menu", "full_stop"),
            ("palette", "ctrl+p"),
        ):
            await work.press("1", key)
            assert looks(work) == snapshot(name=name)
            await work.press("escape")


@pytest.mark.parametrize("theme", ["ansi-light", "textual-dark", "high-contrast", "colour-blind"])
@pytest.mark.parametrize("system", [ColorSystem.EIGHT_BIT, ColorSystem.STANDARD], ids=["256", "16"])
async def test_a_theme_that_was_chosen(theme: str, system: ColorSystem, snapshot: SnapshotAssertion) -> None:
    async with deck((80, 24), f'[ui]\ntheme = "{theme}"\n') as work:
        await work.press("j")
        assert looks(work, system) == snapshot
