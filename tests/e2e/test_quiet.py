"""What reaches the terminal: nothing that servers put into their texts, and nothing at all while nothing is new."""

import http.client
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlencode, urlsplit

import msgspec
import pytest

from tests.e2e.command import pipedeck
from tests.e2e.deck import ENTER, ESCAPE, Deck
from tests.e2e.settings import write_config
from tests.http_stub import Reply, Request, http_stub
from tui.config import Settings
from tui.sandbox.process import Sandbox

HOSTILE = (
    "\x1b]52;c;cHduZWQ=\x07\x1b[31;5mEV\x1bcIL\x1b[0m\x1b[2J\x9b6n\u202e\r\n\x1bP+q544e\x1b\\"
    "[/bold][@click=app.quit]x[/]\ufe0f\u00ad\u3164\ufff9\U000e0041 "
)
CLEANED = "EVIL6n [/bold][@click=app.quit]x[/] "
TEXTS = ("chen", "alice", "Watch canary", "Promote 2026", "There are no nodes", "hist(", "contract tests")
"""Texts of the demo world that come from people, before each of which the hostile one is put."""


@contextmanager
def hostile(sandbox: Sandbox) -> Iterator[Settings]:
    """The sandbox behind a proxy that spoils texts; a configuration that asks the proxy."""

    def forward(request: Request) -> Reply:
        face = request.path.split("/")[1]
        line = http.client.HTTPConnection(urlsplit(sandbox.urls[face]).netloc, timeout=30)
        query = urlencode(request.query, doseq=True)
        left_out = ("host", "connection", "accept-encoding", "content-length")
        headers = {name: value for name, value in request.headers.items() if name not in left_out}
        try:
            line.request(request.method, f"{request.path}?{query}", request.body or None, headers)
            answer = line.getresponse()
            body = answer.read().decode()
        finally:
            line.close()
        for text in TEXTS:
            body = body.replace(text, json.dumps(HOSTILE)[1:-1] + text)
        kept = {name.title(): value for name, value in answer.headers.items() if name != "content-length"}
        return Reply(answer.status, kept, body.encode())

    settings = sandbox.settings()
    with http_stub({"*": forward}) as stub:
        sources = {
            name: msgspec.structs.replace(table, url=stub.url + urlsplit(table.url).path)
            for name, table in settings.sources.items()
        }
        yield msgspec.structs.replace(settings, sources=sources)


def obeyed(text: str) -> list[str]:
    """What in ``text`` a terminal would obey beside moving the cursor, colours and modes, and the mouse's shape."""
    return _OBEYED.findall(_POINTER.sub("", text))


_POINTER = re.compile(r"\x1b]22;[a-z-]*\x07")
_OBEYED = re.compile(
    r"\x1b[^\[]|\x1b\[[0-9;]*[^0-9;?<>=mGHl]|[\x00-\x09\x0b\x0c\x0e-\x1a\x7f-\x9f\u202e\ufe0f\u00ad\u3164\ufff9\U000e0041]"
)
_SGR = re.compile(rb"\x1b\[([\d;]*)m")


def test_hostile_texts_do_nothing_to_the_deck(sandbox: Sandbox, tmp_path: Path) -> None:
    with (
        hostile(sandbox) as settings,
        Deck(write_config(settings, tmp_path / "config.toml"), size=(199, 50)) as deck,
    ):
        deck.wait_for(f"{CLEANED}Watch canary")
        deck.send("d")
        deck.wait_for(
            lambda: "Promote" in deck.text and CLEANED.split()[-1] in deck.text and "╭" in deck.text
        )
        deck.send(ESCAPE)
        deck.wait_for(lambda: "╭" not in deck.text)
        deck.wait_for("ml/features/store")
        deck.send("/")
        deck.wait_for("›◊ ml/vision/deploy")
        deck.send("needs-gpu")
        deck.wait_for("1 of 17")
        deck.send(ENTER)
        deck.wait_for("❯◦ needs-gpu")
        deck.send("i")
        deck.wait_for("prometheus (prometheus)")
        deck.send("q")
        deck.wait_for(lambda: "prometheus (prometheus)" not in deck.text)
        assert obeyed(deck.raw.decode()) == []
        assert deck.wait_exit(deck.send("q"))[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("status",),
        ("status", "--json"),
        ("status", "jenkins:deploy-model#7"),
        ("status", "gitlab:ml/features/store"),
        (),
    ],
)
def test_hostile_texts_do_nothing_to_what_commands_print(
    sandbox: Sandbox, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    with hostile(sandbox) as settings:
        done = pipedeck("--config", write_config(settings, tmp_path / "config.toml"), *arguments)
    assert done.stderr == ""
    assert CLEANED in done.stdout
    assert obeyed(done.stdout) == []


def test_an_idle_deck_writes_nothing(sandbox: Sandbox, config: Path) -> None:
    with Deck(config, size=(120, 40)) as deck:
        deck.loaded()
        deck.send("/")
        deck.wait_for("›◊ ml/vision/deploy")
        deck.send("old-import")
        deck.wait_for("1 of 17")
        deck.send(ENTER)
        deck.wait_for("❯✓ old-import")
        deck.wait_for("critical path  old-import")
        deck.wait_for("DO NOT PROMOTE fraud")  # in the header, as soon as it is judged
        deck.settle(1)

        def requests(face: Literal["jenkins", "gitlab"]) -> int:
            return sandbox.control.requests(face)

        asked = requests("jenkins"), requests("gitlab")
        written, begun = len(deck.raw), time.monotonic()

        def looked_again() -> bool:
            """Elapsed times move every five seconds; a look at a list is one request or two."""
            several = requests("jenkins") >= asked[0] + 6 and requests("gitlab") >= asked[1] + 3
            return several and time.monotonic() > begun + 6

        deck.refresh_until(looked_again)
        assert bytes(deck.raw[written:]) == b""


def test_a_quiet_chart_writes_nothing_and_needs_no_colours(sandbox: Sandbox, tmp_path: Path) -> None:
    """Of a time in the past, with NO_COLOR: when it is asked for again and is the same, not a byte."""
    settings = sandbox.settings()
    metrics = {
        name: msgspec.structs.replace(metric, compare=None, fail=None)  # nothing is judged
        for name, metric in settings.metrics.items()
    }
    config = write_config(msgspec.structs.replace(settings, metrics=metrics), tmp_path / "config.toml")
    with Deck(config, size=(120, 40), env={"NO_COLOR": "1"}) as deck:
        deck.wait_for("canary")
        deck.send("3")
        deck.wait_for("one/all")
        deck.settle(0.2)
        deck.send("+")
        deck.send("o")
        deck.wait_for("└")
        deck.send("<")
        deck.wait_for("1h until ")
        deck.wait_for(lambda: "└" in deck.text and "Reading" not in deck.text)
        deck.settle(1)
        legend = deck.text.split("\n")[4]
        assert "⠤b⠤ baseline" in legend
        assert "⠤c⠤ canary" in legend
        styles = {int(part) for found in _SGR.findall(bytes(deck.raw)) for part in found.split(b";") if part}
        assert styles <= {*range(30), 39, 49}, "bold, dim and the like, in the terminal's own colour"
        asked, written, begun = sandbox.control.requests("prometheus"), len(deck.raw), time.monotonic()

        def looked_again() -> bool:
            return sandbox.control.requests("prometheus") >= asked + 4 and time.monotonic() > begun + 6

        deck.refresh_until(looked_again)
        assert bytes(deck.raw[written:]) == b""
