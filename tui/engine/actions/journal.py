"""The journal of actions: append-only lines on disk, written before a request and after it (design: rule 10).

Several programs may write at once: each line is appended whole under a lock. A program holds a lock of its own for as
long as it lives, so that others can tell an action that is under way from one that was cut off. All calls block for
milliseconds, but those that look at all of a long journal: it is read from the end, so ask for no more than is needed.
"""

import fcntl
import getpass
import os
import shutil
import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from tui.config import Settings
from tui.domain.action import Plan, Step
from tui.domain.address import Address
from tui.domain.journal import Entry, JournalError, Record, Who
from tui.engine.actions.segments import Segments
from tui.files import make_folder, open_file, user_folder

__all__ = ["Journal", "JournalError", "journal_for"]

LONGEST_ACTION = 1800.0
"""Seconds after which an action is no longer followed."""
DISORDER = 3600.0
"""Seconds by which times in the journal may go back: clocks are set, and programs write in turn."""


def journal_for(settings: Settings) -> "Journal":
    """The person's own; for the demo and for tests, whose servers are gone when they end, one for this program."""
    if settings.path is not None:
        return Journal()
    name = f"pipedeck-{os.getuid()}-{uuid.uuid4().hex[:12]}"
    return Journal(Path(tempfile.gettempdir()) / name, passing=True)


class Journal:
    """The journal in a folder, which is made when something is first written.

    Args:
        folder: None for the person's own, looked up when it is needed.
        passing: the folder is removed when the program ends.
    """

    def __init__(self, folder: Path | None = None, *, passing: bool = False) -> None:
        self._given = folder
        self._segments = Segments(lambda: self.folder)
        self._passing = passing
        self._starting = threading.Lock()
        self._alive: int | None = None
        self.who = Who(_user(), socket.gethostname(), os.getpid(), uuid.uuid4().hex[:12])

    @property
    def folder(self) -> Path:
        """Raises FileNotFoundError: there is no home directory."""
        return self._given or user_folder("state")

    @property
    def path(self) -> Path:
        """The file that is written to."""
        return self._segments.path(max([1, *self._segments.numbers()]))

    def append(self, entry: Entry) -> None:
        """Write one line and have it on disk.

        Raises:
            JournalError: it is not there, not even a part of it that could be mistaken for it.
        """
        self._write(entry, lambda: None)

    def begin(self, entry: Entry, plan: Plan) -> str | None:
        """Write that a step of ``plan`` is being sent, unless another program does the same: why not, then. Looked for
        and written under one lock, so that of several programs one sends.

        Raises:
            JournalError: as of :meth:`append`.
        """
        return self._write(entry, lambda: self._sent_elsewhere(plan, entry.request))

    def _write(self, entry: Entry, block_reason: Callable[[], str | None]) -> str | None:
        try:
            self._live()
            return self._segments.append(entry, block_reason)
        except OSError as error:
            where = error.filename or self.folder
            raise JournalError(f"the journal {where} cannot be written: {error.strerror}") from None

    def _sent_elsewhere(self, plan: Plan, step: Step | None) -> str | None:
        """Who else does what ``plan`` would do, or did so since it was made."""
        lately = self.read(since=plan.read_at - LONGEST_ACTION)
        for record in (*self.unsettled(), *lately):
            sent, by = record.sent, record.first.who
            if sent is None or by.instance == self.who.instance or sent.server != plan.server:
                continue
            if not _same(record, plan, step) or (
                record.reply and record.reply.state in ("refused", "unsent")
            ):
                continue
            name = f"{by.user}, process {by.pid} on {by.host}"
            if record.outcome is None and self.lives(by.instance):
                return f"the same is under way already, by {name}"
            if sent.at >= plan.read_at:
                return f"the same was sent since this was looked at, by {name}: look again"
        return None

    def read(
        self, about: str = "", *, since: float | None = None, most: int | None = None
    ) -> tuple[Record, ...]:
        """What was done, oldest first. Lines that are cut off or not the journal's are passed over.

        Args:
            about: only lines that hold this text, such as an address, are looked at.
            since: only what was begun then or later.
            most: only the newest so many.

        Raises:
            JournalError: it is there and cannot be read, or is of a newer format.
        """
        found = self.newest_first(about)
        if since is not None:
            found = _begun_since(found, since)
        return tuple(islice(found, most))[::-1]

    def unsettled(self) -> tuple[Record, ...]:
        """What was begun and has not ended, oldest first: the newest segment has all of that.

        Raises:
            JournalError: as for :meth:`read`.
        """
        if not (numbers := self._segments.numbers()):
            return ()
        return tuple(_records(self._segments.open_back(numbers[-1])))[::-1]

    def broken(self) -> Iterator[tuple[str, str]]:
        """The places, ``SEGMENT:LINE``, where the journal is not as it was written, and what is the matter there.

        Raises:
            JournalError: as for :meth:`read`.
        """
        return self._segments.broken()

    def newest_first(self, about: str = "") -> Iterator[Record]:
        """As :meth:`read`, one after the other, without keeping what was handed out."""
        wanted = msgspec.json.encode(about)[1:-1]
        numbers = self._segments.numbers()

        def entries() -> Iterator[Entry]:
            for number in reversed(numbers):
                for entry in self._segments.entries_back(number, wanted):
                    if entry.carried is None or _segment(entry.carried) not in numbers:
                        yield entry

        return _records(entries())

    def sent(self, place: Address, server: str) -> tuple[tuple[Step, float], ...]:
        """What was, or may have been, sent to a run, and when, oldest first: by this program or another."""
        return tuple(
            (sent.request, sent.at)
            for record in self.read(str(place))
            if (sent := record.sent) is not None
            and sent.request is not None
            and (record.reply is None or record.reply.state in ("accepted", "lost"))
            and record.plan is not None
            and record.plan.request.target.of_run == place
            and sent.server.rstrip("/") == server
        )

    def lives(self, instance: str) -> bool:
        """Whether the program called ``instance`` still runs, on this machine."""
        try:
            number = open_file(self.folder / _plain(f"{instance}.alive"), os.O_RDWR)
        except OSError:
            return False
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return True
        finally:
            os.close(number)
        return False

    @contextmanager
    def taken_over(self, instance: str) -> Iterator[bool]:
        """Whether the program called ``instance`` lives no more; then nobody else takes it over meanwhile."""
        with self.held(f"{instance}.alive") as free:
            yield free
            if free:
                (self.folder / _plain(f"{instance}.alive")).unlink(missing_ok=True)

    @contextmanager
    def held(self, name: str) -> Iterator[bool]:
        """A lock between programs, without waiting: whether it was free, and is held now."""
        try:
            make_folder(self.folder)
            number = open_file(self.folder / _plain(name), os.O_RDWR | os.O_CREAT)
        except OSError:
            yield False
            return
        try:
            try:
                fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                yield False
                return
            yield True
        finally:
            os.close(number)

    def close(self) -> None:
        """The program ends: what it has not settled is others' to settle."""
        if self._alive is not None:
            (self.folder / f"{self.who.instance}.alive").unlink(missing_ok=True)
            os.close(self._alive)
            self._alive = None
        if self._passing:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _live(self) -> None:
        with self._starting:
            if self._alive is None:
                make_folder(self.folder)
                number = open_file(self.folder / f"{self.who.instance}.alive", os.O_RDWR | os.O_CREAT)
                fcntl.flock(number, fcntl.LOCK_EX)
                self._alive = number


def _records(entries: Iterator[Entry]) -> Iterator[Record]:
    """What entries, newest first, tell of each action, in the order of their beginnings; what has none comes last."""
    parts: dict[str, list[Entry]] = {}
    whole: set[str] = set()
    for entry in entries:
        if entry.id in whole:
            continue  # a line that somebody has copied
        parts.setdefault(entry.id, []).append(entry)
        if entry.begins:
            whole.add(entry.id)
            yield _record(parts.pop(entry.id))
    for found in parts.values():
        yield _record(found)


def _record(newest_first: list[Entry]) -> Record:
    entries = newest_first[::-1]
    if (plan := entries[0].plan) is not None:
        # A step that the plan has not, nobody here has written.
        known = [
            entry for entry in entries if entry.event == "settled" or entry.step < max(1, len(plan.steps))
        ]
        entries = known or [msgspec.structs.replace(entries[0], plan=None)]
    return Record(entries[0].id, tuple(entries))


def _begun_since(newest_first: Iterator[Record], since: float) -> Iterator[Record]:
    for record in newest_first:
        if record.first.at < since - DISORDER:
            return
        if record.first.at >= since:
            yield record


def _segment(place: str) -> int | None:
    number = place.partition(":")[0]
    return int(number) if number.isdecimal() and len(number) < 20 else None


def _same(record: Record, plan: Plan, step: Step | None) -> bool:
    """Whether a record is of the same request, under whatever address, or of the same step."""
    if record.plan is not None and record.plan.request.kind == plan.request.kind:
        theirs, ours = record.plan.request, plan.request
        if (theirs.target, theirs.values) == (ours.target, ours.values):
            return True
    writes = [
        (step.method, step.path, step.body)
        for step in (entry.request for entry in record.entries if entry.event == "sending")
        if step is not None
    ]
    return step is not None and (step.method, step.path, step.body) in writes


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in name)
