"""What is read of any CI is shown as it is known: late replies are dropped, strange words kept, wild text tamed."""

import asyncio
import json
import unicodedata
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.conformance.conftest import At
from tests.conformance.vendors import CLEANED, HOSTILE, ODD, Vendor, replacing
from tests.engine.world import settle
from tui.config import load
from tui.domain.pipeline import Listing
from tui.engine.queries import ExcerptOf, PipelinesOf
from tui.engine.runtime import Runtime
from tui.sources.base import PipelineSource

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


async def test_the_end_of_its_log_says_what_a_run_does_and_is_safe(at: At, vendor: Vendor) -> None:
    """Also of a source that knows nothing of ends of logs."""
    ci = at(text=HOSTILE)
    runtime = Runtime(load(ci.file))
    try:
        listing = await runtime.poller.ask(PipelinesOf(vendor.name))
        run = next(row.last for row in listing.pipelines if row.last is not None)
        excerpt = await runtime.poller.ask(ExcerptOf(run.address))
    finally:
        await runtime.close()
    assert excerpt.lines, excerpt
    assert obeyed("".join(excerpt.lines)) == set()


class Asked:
    """One asking for the listing: its answer comes when it is let go. It heeds no cancellation, as a blocked thread
    does not."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()
        self.let_go = asyncio.Event()

    async def of(self, ask: Callable[[], Awaitable[Listing]]) -> Listing:
        answer = await ask()
        self.answered.set()
        while not self.let_go.is_set():
            try:
                await self.let_go.wait()
            except asyncio.CancelledError:
                pass
        return answer


async def test_a_late_reply_is_dropped(at: At, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = Runtime(load(at().file))
    query = PipelinesOf(vendor.name)
    source = await runtime.sources.get(vendor.name, PipelineSource)
    ask, first, second = source.pipelines, Asked(), Asked()
    askings = iter((first, second))
    monkeypatch.setattr(source, "pipelines", lambda: next(askings).of(ask))
    try:
        with runtime.poller.watch() as watch:
            watch.want(query)
            running = asyncio.create_task(runtime.run())
            await first.answered.wait()
        # Nobody wants it any more, and then somebody does again.
        asking = asyncio.create_task(runtime.poller.ask(query))
        await second.answered.wait()
        first.let_go.set()
        await settle()
        assert runtime.store.get(query).value is None
        second.let_go.set()
        now = await asking
        assert now.pipelines
        assert runtime.store.get(query).value == now
    finally:
        first.let_go.set()
        second.let_go.set()
        running.cancel()
        await runtime.close()
