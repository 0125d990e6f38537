"""What is read of any CI is shown as it is known: late replies are dropped, strange words kept, wild text tamed."""

import asyncio
import json
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from tests.app_pilot import running, screen_text
from tests.conformance.conftest import At
from tests.conformance.vendors import CLEANED, HOSTILE, ODD, Terminal, replacing
from tui.app import Pipedeck
from tui.config import load
from tui.domain.pipeline import Listing
from tui.engine.queries import PipelinesOf
from tui.engine.runtime import Runtime
from tui.keys import keymap

BIDI = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
SURE = ("--yes", "--confirm", "production")


def obeyed(text: str) -> set[str]:
    """The characters in it that a terminal would obey, beside the ends of lines."""
    return {char for char in text if (unicodedata.category(char) == "Cc" and char != "\n") or char in BIDI}


def test_other_peoples_text_is_safe_in_what_commands_print(at: At) -> None:
    ci = at(text=HOSTILE)
    printed = {}
    for command in (
        ("status",),
        ("status", ci.gate.partition("!")[0]),
        ("gates",),
        ("environments",),
        ("environments", f"{ci.vendor.pipeline}@production"),
        ("tests", ci.vendor.pipeline),
        ("promote", "fraud", "--dry-run"),
        ("check",),
        ("journal",),
    ):
        code, out, errors = ci(*command)
        assert code in (0, 1), (command, out, errors)
        assert obeyed(out + errors) == set(), command
        printed[command[0]] = out
        _, document, errors = ci(*command, "--json")
        assert obeyed(document + errors) == set(), command
        assert texts_obeyed(json.loads(document)) == set(), command
    assert CLEANED in printed["gates"]
    assert CLEANED in printed["promote"]
    _, out, errors = ci("logs", ci.vendor.pipeline)
    assert obeyed(out + errors) <= {"\t"}


def texts_obeyed(document: Any) -> set[str]:
    match document:
        case str():
            return obeyed(document)
        case list():
            return set().union(*map(texts_obeyed, document))
        case dict():
            return texts_obeyed([*document.keys(), *document.values()])
    return set()


def test_what_is_done_leaves_safe_text_too(at: At) -> None:
    ci = at(text=HOSTILE)
    code, out, errors = ci("promote", "fraud", *SURE)
    assert (code, len(ci.writes)) == (0, 1), out + errors
    assert obeyed(out + errors) == set()
    _, out, errors = ci("journal")
    assert obeyed(out + errors) == set()


def test_unknown_words_are_shown_as_they_are(at: At) -> None:
    ci = at(replacing({ci_word: odd for ci_word, odd in []}))
    ci = at(replacing({ci.vendor.ok: ci.vendor.odd}))
    _, out, errors = ci("status", ci.gate.partition("!")[0])
    assert ODD in out.lower(), out + errors


class Deck:
    """The deck on the CI's real source."""

    def __init__(self, app: Pipedeck, pilot: Any) -> None:
        self.app = app
        self._pilot = pilot

    @property
    def text(self) -> str:
        return screen_text(self.app)

    async def press(self, *keys: str) -> None:
        await self._pilot.press(*keys)

    async def until(self, seen: Callable[[], object]) -> None:
        async with asyncio.timeout(120):
            while not seen():
                await asyncio.wait({asyncio.ensure_future(self._pilot.pause())})
                await asyncio.sleep(0.01)
