"""What is read of any CI is shown as it is known: late replies are dropped, strange words kept, wild text tamed."""

import asyncio
import json
import threading
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from starlette.types import ASGIApp

from tests.conformance.conftest import At
from tests.conformance.vendors import CLEANED, HOSTILE, ODD, Vendor, replacing
from tui.config import load
from tui.engine.queries import PipelinesOf
from tui.engine.runtime import Runtime

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


def test_unknown_words_are_shown_as_they_are(at: At, vendor: Vendor) -> None:
    ci = at(replacing(vendor.odd))
    _, out, errors = ci("status", ci.gate.partition("!")[0])
    assert ODD in out.lower(), out + errors


class Held:
    """An app in front of another: what is asked while it is closed is answered with the state of then, once opened."""

    def __init__(self, odd: Mapping[bytes, bytes]) -> None:
        self._odd = replacing(odd)
        self._closed = True
        self._opened = threading.Event()
        self.arrived = threading.Event()
        self.answered = threading.Event()

    def __call__(self, app: ASGIApp) -> ASGIApp:
        late = self._odd(app)

        async def held(scope: Any, receive: Any, send: Any) -> None:
            if not self._closed:
                await app(scope, receive, send)
                return
            self.arrived.set()
            await asyncio.get_running_loop().run_in_executor(None, self._opened.wait)
            await late(scope, receive, send)
            self.answered.set()

        return held

    def pass_others(self) -> None:
        """Hold what comes from now on no more."""
        self._closed = False

    def open(self) -> None:
        self._opened.set()


async def test_a_late_reply_is_dropped(at: At, vendor: Vendor) -> None:
    held = Held(vendor.odd)
    ci = at(held)
    runtime = Runtime(load(ci.file))
    query = PipelinesOf(vendor.name)
    try:
        with runtime.poller.watch() as watch:
            watch.want(query)
            running = asyncio.create_task(runtime.run())
            await happens(held.arrived.is_set)
        held.pass_others()  # nobody wants it any more, and then somebody does again
        now = await runtime.poller.ask(query)
        held.open()
        await happens(held.answered.is_set)
        source = await runtime.sources.source(vendor.name)
        await source.check()  # the line is free again: what came late has come
        assert runtime.store.get(query).value == now
        assert ODD not in str(now).lower()
    finally:
        held.open()
        running.cancel()
        await runtime.close()


async def happens(what: Callable[[], object]) -> None:
    async with asyncio.timeout(120):
        while not what():  # noqa: ASYNC110  (it happens in the server's thread)
            await asyncio.sleep(0.01)
