"""The log pane as a person meets it, on a log in memory."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from pathlib import Path
from unittest.mock import patch

import pytest
from syrupy.assertion import SnapshotAssertion
from textual.widgets import Input

from tests.screens.test_deck import Deck, deck
from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.logs.jenkins import JenkinsParser
from tui.panes.log import LogPane, harmless_name
from tui.sources.base import SourceError
from tui.sources.logs import LogSink, LogStatus
from widgets.log.view import LogView

BUILD = "".join(f"step {n}: compiling layer {n}\n" for n in range(1, 61))
FAILURE = (
    "Traceback (most recent call last):\nRuntimeError: CUDA out of memory\nscript returned exit code 1\n"
)


class FakeLog:
    """A log that grows when told to, and its own reader."""

    chosen = ""

    def __init__(self) -> None:
        self.of = Address("jenkins", "deploy", 7)
        self.text = (BUILD + FAILURE).encode()
        self.complete = False
        self.fault: SourceError | None = None
        self._given = 0

    def parser(self, position: int) -> JenkinsParser:
        return JenkinsParser(position)

    async def read(self, sink: LogSink) -> LogStatus:
        if self.fault is not None:
            raise self.fault
        sink.feed(self.text[self._given :])
        self._given = len(self.text)
        return LogStatus(complete=self.complete, note="" if self.complete else "read each second")

    def grow(self, text: str) -> None:
        self.text += text.encode()


@asynccontextmanager
async def log(size: tuple[int, int] = (80, 24)) -> AsyncIterator[tuple[Deck, FakeLog]]:
    """The deck with a log open."""
    async with deck(size) as work:
        fake = FakeLog()
        with patch.object(work.sources["jenkins"], "log", lambda address, tail=0: fake, create=True):
            await work.press("l")
            yield work, fake


def pane(work: Deck) -> LogPane:
    found = work.screen.panes["log"]
    assert isinstance(found, LogPane)
    return found


def view(work: Deck) -> LogView:
    found = pane(work).view
    assert found is not None
    return found


async def test_it_opens_at_the_end_and_follows(snapshot: SnapshotAssertion) -> None:
    async with log() as (work, fake):
        assert "script returned exit code 1" in work.text
        assert work.text == snapshot
        fake.grow("one more line\n")
        await work.settle(2)
        assert "one more line" in work.text


async def test_leaving_the_end_stops_following_and_counts_what_is_new() -> None:
    async with log() as (work, fake):
        await work.press("g")
        assert "step 1: " in work.text
        fake.grow("later\nand later\n")
        await work.settle(2)
        assert "step 1: " in work.text
        assert "2 new" in work.text
        await work.press("G")
        assert "and later" in work.text


async def test_searching_goes_there_as_one_types_and_counts() -> None:
    async with log() as (work, _):
        await work.press("g", "slash", *"layer 3")
        assert "step 3: " in work.text
        assert "1 of 11" in work.text
        await work.press("enter", "n")
        assert view(work).current == 29
        assert "2 of 11" in work.text
        await work.press("slash", *"zzz", "enter")
        assert "no match" in work.text


async def test_a_half_typed_pattern_is_searched_for_as_it_stands() -> None:
    async with log() as (work, fake):
        fake.grow("call f(x\n")
        await work.settle(2)
        await work.press("slash", *"f(", "enter")
        assert "1 of 1" in work.text


async def test_errors_are_found_backwards_from_the_end() -> None:
    async with log() as (work, _):
        await work.press("g", "e")
        assert view(work).current == 60, "the traceback begins there"
        await work.press("g", "E")
        assert "no error before this" in work.text


async def test_going_to_a_line() -> None:
    async with log() as (work, _):
        await work.press("colon", *"12", "enter")
        assert view(work).current == 11
        await work.press("colon", *"noon", "enter")
        assert "noon is no line number" in work.text


async def test_lines_are_copied_without_colours_and_a_log_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with log() as (work, fake):
        fake.grow("\x1b[31mred\x1b[0m\n")
        await work.settle(2)
        await work.press("slash", *"red", "enter", "y")
        assert work.app.clipboard == "red"
        await save(work)
        assert (tmp_path / "deploy-7.log").read_text(encoding="utf-8") == BUILD + FAILURE + "red\n"
        await save(work)
        assert "exists already" in work.text


async def save(work: Deck, name: str = "") -> None:
    """Save to what is offered, or to ``name``."""
    await work.press("s")
    if name:
        pane(work).prompt.query_one(Input).value = name
    await work.press("enter")
    await work.app.workers.wait_for_complete()
    await work.settle()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("~nobody-of-that-name/x", "~nobody-of-that-name is no home"),
        ("no/such/folder", "cannot be written: No such file"),
        ("a\0b", "is no file name"),
    ],
)
async def test_a_name_that_cannot_be_saved_to_is_told(name: str, words: str) -> None:
    async with log((120, 24)) as (work, _):
        await save(work, name)
        assert words in " ".join(work.text.split())


async def test_a_long_log_is_saved_while_the_deck_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with log() as (work, fake):
        fake.grow("one more line of the log\n" * 200_000)
        await work.settle(2)
        tail = pane(work).tail
        assert tail is not None
        pieces = sum(1 for _ in tail.spool.texts())
        turns = 0

        async def others() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        task = asyncio.create_task(others())
        await pane(work)._saved("it.log", tail)
        task.cancel()
        assert (tmp_path / "it.log").stat().st_size == len(fake.text)
        assert turns >= pieces > 10


@pytest.mark.parametrize(
    ("path", "run", "offered"),
    [
        ("ml/train", 7, "ml-train-7.log"),
        ("~root", 7, "root-7.log"),
        ("-rf", 7, "rf-7.log"),
        ("../../etc/passwd", 7, "etc-passwd-7.log"),
        ("a b;$(x)`y`\\'\"\n\x1b[2J", 7, "a-b---x--y------7.log"),
        ("学習", 7, "学習-7.log"),
        ("x" * 300, 7, "x" * 118 + "-7.log"),
        ("..", None, "log.log"),
    ],
)
def test_the_name_that_is_offered_is_harmless(path: str, run: int | None, offered: str) -> None:
    assert harmless_name(Address("jenkins", path, run)) == offered


async def test_the_editor_gets_the_cleaned_text_in_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "editor"
    script.write_text(f'#!/bin/sh\ncp -p "$1" {tmp_path}/seen\n', encoding="utf-8")
    script.chmod(0o755)
    monkeypatch.setenv("VISUAL", str(script))
    async with log() as (work, _):
        monkeypatch.setattr(work.app, "suspend", nullcontext)
        await work.press("V")
    seen = tmp_path / "seen"
    assert seen.read_text(encoding="utf-8") == BUILD + FAILURE
    assert stat.S_IMODE(os.stat(seen).st_mode) == 0o600


async def test_a_lost_server_leaves_the_text_and_says_why() -> None:
    async with log() as (work, fake):
        fake.fault = SourceError(Trouble.UNREACHABLE, "jenkins refuses connections")
        await work.settle(5)
        assert "unreachable" in work.text
        assert "jenkins refuses connections" in work.text
        assert "script returned exit code 1" in work.text
        fake.fault = None
        fake.grow("back again\n")
        await work.settle(60)
        assert "back again" in work.text
        assert "unreachable" not in work.text


async def test_q_goes_back_to_where_it_was_opened() -> None:
    async with log((160, 40)) as (work, _):
        assert "Pipeline " not in work.text, "it fills the screen"
        await work.press("plus")
        assert "Pipeline " in work.text
        assert "script returned exit code 1" in work.text
        await work.press("q")
        assert work.app.is_running
        assert work.screen.current == "pipelines"
        assert "script returned" not in work.text


async def test_the_log_of_the_stage_under_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    async with deck() as work:
        fake = FakeLog()
        asked: list[str] = []

        def reader(address: Address, tail: int = 0) -> FakeLog:
            asked.append(str(address))
            return fake

        monkeypatch.setattr(work.sources["gitlab"], "log", reader, raising=False)
        await work.press("j")
        await work.press("2", "end", "l")
        assert asked == ["gitlab:ml/fraud#9/canary"]
