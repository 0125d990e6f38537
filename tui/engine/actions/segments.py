"""The journal's files: segments of JSON lines, each with the hash of the line before it (docs/journal.md).

They are read from the end, in slices: memory holds one slice and one line, however long the journal is. All calls
block for milliseconds.
"""

import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import msgspec

from tui.domain.action import Step
from tui.domain.address import Address
from tui.domain.journal import Entry, JournalError
from tui.files import make_folder, open_file
from tui.text.safe import clean

S = TypeVar("S", bound=msgspec.Struct)

FORMAT = 2
"""Of what is written. 1 is the one file without hashes of the first programs, which is read as segment 0."""
SEGMENT = 10_000_000
"""Bytes after which the next segment begins."""
CARRIED = SEGMENT // 4
"""Bytes of open actions that are carried over into it; of more the newest."""
LONGEST = 1 << 20
"""Bytes of a line; a longer one is none of the journal's."""
SLICE = 1 << 18
LATEST = 1e10
"""Seconds: the year 2286. Later times, and numbers that no action has, are taken for this."""

_FIRST = "actions.jsonl"
_NAME = re.compile(r"actions-([0-9]{6,18})\.jsonl")
_SUSPECT = re.compile(rb"[^ -\x5b\x5d-~]|:-|:[0-9]{11}|:[0-9.]+[eE]")
"""What may need cleaning: a character that is escaped or beyond ASCII, a number that is negative or large."""
_RAW = frozenset({"body", "expect", "found", "values", "fields"})
"""What is sent, or compared with what a server says: it stays as it is, and is never shown so."""


class _Header(msgspec.Struct, frozen=True, omit_defaults=True):
    """The first line of a segment."""

    journal: int
    """Its format."""
    segment: int = 0
    prev: str | None = None


class _Link(msgspec.Struct, frozen=True):
    prev: str | None = None


class _Brief(msgspec.Struct, frozen=True):
    """What tells whether the rest need be read."""

    id: str
    event: str


_briefs = msgspec.json.Decoder(_Brief)
_entries = msgspec.json.Decoder(Entry)
_headers = msgspec.json.Decoder(_Header)
_links = msgspec.json.Decoder(_Link)
_NOT_OURS = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class Segments:
    """The files of one journal.

    Args:
        folder: where they are, looked up when it is needed.
    """

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder = folder

    def numbers(self) -> list[int]:
        """Those that are there, oldest first.

        Raises:
            JournalError
        """
        try:
            folder = self._folder()
            names = os.listdir(folder) if folder.is_dir() else []
        except OSError as error:
            raise JournalError(f"the journal cannot be read: {error.strerror}") from None
        found = sorted(int(match[1]) for name in names if (match := _NAME.fullmatch(name)))
        return [0, *found] if _FIRST in names else found

    def path(self, number: int) -> Path:
        return self._folder() / (f"actions-{number:06d}.jsonl" if number else _FIRST)

    # --- reading --------------------------------------------------------------------------------------------------

    def entries_back(self, number: int, about: bytes = b"") -> Iterator[Entry]:
        """What is in a segment, newest first, each with its place. Lines that are cut off, too long or not the
        journal's are passed over. Nothing that is shown of an entry is obeyed by a terminal, or out of all bounds.

        Args:
            about: only lines that hold this.

        Raises:
            JournalError: the segment cannot be read, or is of a newer format.
        """
        for place, content in self._lines_back(number):
            if about in content and (entry := _entry(content, place)) is not None:
                yield _cleaned(entry) if _SUSPECT.search(content) else entry

    def open_back(self, number: int, *, raw: bool = False) -> Iterator[Entry]:
        """Of that, what tells of actions that have not ended.

        Args:
            raw: as it was written, to be written again.

        Raises:
            JournalError: as for :meth:`entries_back`.
        """
        ended: set[str] = set()
        for place, content in self._lines_back(number):
            try:
                brief = _briefs.decode(content)
            except _NOT_OURS:
                continue
            if brief.event == "settled":
                ended.add(brief.id)
            elif brief.id not in ended and (entry := _entry(content, place)) is not None:
                yield entry if raw or not _SUSPECT.search(content) else _cleaned(entry)

    def _lines_back(self, number: int) -> Iterator[tuple[str, bytes]]:
        """The places and contents of a segment's lines, newest first."""
        path = self.path(number)
        try:
            file = open_file(path, os.O_RDONLY)
        except FileNotFoundError:
            return
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be read: {error.strerror}") from None
        try:
            self._know(number, file)
            for line, content in _lines_back(file):
                yield f"{number}:{line}", content
        except OSError as error:
            raise JournalError(f"the journal {path} cannot be read: {error.strerror}") from None
        finally:
            os.close(file)

    def _know(self, number: int, file: int) -> None:
        """Raises JournalError: the segment is of a format that is not known here."""
        try:
            header = _headers.decode(os.pread(file, 4096, 0).partition(b"\n")[0]) if number else None
        except _NOT_OURS:
            return
        if header is not None and header.journal > FORMAT:
            raise JournalError(
                f"the journal {self.path(number)} is of format {header.journal}, and this program knows "
                f"{FORMAT} at most: use a newer Pipedeck, or another folder (XDG_STATE_HOME)"
            )

    def broken(self) -> Iterator[tuple[str, str]]:
        """The places where a line is not as it was written, or is missing, and what is the matter there.

        Raises:
            JournalError
        """
        before: str | None = None
        numbers = self.numbers()
        for number in numbers:
            if number - 1 not in numbers and number != numbers[0] and number > 1:
                yield f"{number}:1", f"there is no segment {number - 1}"
                before = None
            if number == 0:
                before = self._hash_of_last(0)
                continue
            path = self.path(number)
            try:
                with open(open_file(path, os.O_RDONLY), "rb") as file:
                    self._know(number, file.fileno())
                    for line, (digest, content) in enumerate(_hashed(file.readline), 1):
                        if content is None:
                            yield f"{number}:{line}", "the line is longer than any of the journal's"
                        elif why := _mismatch(content, before):
                            yield f"{number}:{line}", why
                        before = digest
            except OSError as error:
                raise JournalError(f"the journal {path} cannot be read: {error.strerror}") from None

    def _hash_of_last(self, number: int) -> str | None:
        file = open_file(self.path(number), os.O_RDONLY)
        try:
            return _last_hash(file, os.fstat(file).st_size)
        finally:
            os.close(file)

    # --- writing --------------------------------------------------------------------------------------------------

    def append(self, entry: Entry, block_reason: Callable[[], str | None]) -> str | None:
        """Write one line and have it on disk; whole, or nothing of it.

        Args:
            block_reason: why it must not be written, asked while nobody else can write; None: it may.

        Returns:
            That reason.

        Raises:
            OSError
            JournalError: the journal is of a newer format, or the line is too long.
        """
        with self._locked():
            if (reason := block_reason()) is not None:
                return reason
            file = open_file(self.path(self._writable()), os.O_RDWR | os.O_APPEND)
            try:
                size = os.fstat(file).st_size
                line = _line(entry, _last_hash(file, size))
                if size and os.pread(file, 1, size - 1) != b"\n":
                    line = b"\n" + line  # after a line that a crash cut off
                try:
                    _write(file, line)
                except OSError:
                    os.ftruncate(file, size)
                    raise
            finally:
                os.close(file)
        return None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        folder = self._folder()
        make_folder(folder)
        lock = open_file(folder / "actions.lock", os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    def _writable(self) -> int:
        """The segment to write to; the next one where the newest is full."""
        newest = next(reversed(self.numbers()), None)
        if not newest:
            return self._begin(newest)
        file = open_file(self.path(newest), os.O_RDONLY)
        try:
            self._know(newest, file)
            full = os.fstat(file).st_size >= SEGMENT
        finally:
            os.close(file)
        return self._begin(newest) if full else newest

    def _begin(self, before: int | None) -> int:
        """Make the segment after ``before``, with its open actions: from then on it is enough to look there."""
        number = (before or 0) + 1
        prev = self._hash_of_last(before) if before is not None else None
        content = msgspec.json.encode(_Header(FORMAT, number, prev)) + b"\n"
        prev = hashlib.sha256(content[:-1]).hexdigest()
        lines = [content]
        for entry in self._open_in(before) if before is not None else ():
            carried = msgspec.structs.replace(entry, carried=entry.carried or entry.place, place=None)
            lines.append(_line(carried, prev))
            prev = hashlib.sha256(lines[-1][:-1]).hexdigest()
        draft = self._folder() / "actions.draft"
        file = open_file(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        try:
            try:
                _write(file, b"".join(lines))
            finally:
                os.close(file)
            draft.replace(self.path(number))
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        return number

    def _open_in(self, number: int) -> list[Entry]:
        """All lines of the actions that have not ended in a segment."""
        found: list[Entry] = []
        size = 0
        for entry in self.open_back(number, raw=True):
            size += len(msgspec.json.encode(entry))
            if size > CARRIED:
                break
            found.append(entry)
        whole = {entry.id for entry in found if entry.begins}
        return [entry for entry in reversed(found) if entry.id in whole]


def _entry(content: bytes, place: str) -> Entry | None:
    try:
        return _of_today(msgspec.structs.replace(_entries.decode(content), place=place))
    except _NOT_OURS:
        return None


def _of_today(entry: Entry) -> Entry:
    """A line of an earlier version, where the kind of a step stood among its notes as ``do``."""
    plan, request = entry.plan, entry.request
    if plan is not None and not all(step.kind for step in plan.steps):
        plan = msgspec.structs.replace(plan, steps=tuple(map(_step_of_today, plan.steps)))
    if request is not None and not request.kind:
        request = _step_of_today(request)
    return msgspec.structs.replace(entry, plan=plan, request=request)


def _step_of_today(step: Step) -> Step:
    return msgspec.structs.replace(step, kind=step.kind or dict(step.expect).get("do", ""))


def _line(entry: Entry, prev: str | None) -> bytes:
    line = msgspec.json.encode(msgspec.structs.replace(entry, prev=prev)) + b"\n"
    if len(line) > LONGEST:
        raise JournalError(f"the journal takes no line of {len(line):,} bytes; {LONGEST:,} are the most")
    return line


def _write(file: int, content: bytes) -> None:
    if os.write(file, content) != len(content):
        raise OSError(28, "No space left on device")
    os.fsync(file)


def _lines_back(file: int) -> Iterator[tuple[int, bytes]]:
    """The lines of a file with their numbers, last one first; of what is written meanwhile nothing."""
    at = os.fstat(file).st_size
    number = 1 + sum(os.pread(file, min(SLICE, at - i), i).count(b"\n") for i in range(0, at, SLICE))
    rest: bytes | None = b""
    """The end of the line that the slice before begins with; None where it is too long already."""
    while at > 0:
        begin = max(0, at - SLICE)
        first, *lines = os.pread(file, at - begin, begin).split(b"\n")
        at = begin
        if lines:
            last = lines.pop()
            for content in (None if rest is None else last + rest, *reversed(lines)):
                if content:
                    yield number, content
                number -= 1
            rest = first
        elif rest is not None:
            rest = first + rest
        if rest is not None and len(rest) > LONGEST:
            rest = None
    if rest:
        yield number, rest


def _last_hash(file: int, size: int) -> str | None:
    """Of the last line, without its newline; None where there is none."""
    if size and os.pread(file, 1, size - 1) == b"\n":
        size -= 1
    begin = size
    while begin > 0:
        step = max(0, begin - SLICE)
        found = os.pread(file, begin - step, step).rfind(b"\n")
        if found >= 0:
            begin = step + found + 1
            break
        begin = step
    digest = hashlib.sha256()
    for at in range(begin, size, SLICE):
        digest.update(os.pread(file, min(SLICE, size - at), at))
    return digest.hexdigest() if size else None


def _hashed(readline: Callable[[int], bytes]) -> Iterator[tuple[str, bytes | None]]:
    """The hash of each line, and the line itself; None for one that is too long."""
    while piece := readline(LONGEST):
        digest, content = hashlib.sha256(piece.removesuffix(b"\n")), piece
        whole = True
        while not piece.endswith(b"\n") and (piece := readline(LONGEST)):
            digest.update(piece.removesuffix(b"\n"))
            whole = False
        yield digest.hexdigest(), content if whole else None


def _mismatch(content: bytes, before: str | None) -> str | None:
    """What is wrong with a line that follows one with the hash ``before``; None: nothing."""
    try:
        prev = _links.decode(content).prev
    except _NOT_OURS:
        return "the line is cut off, or none of the journal's"
    if before is not None and prev != before:
        return "the line before it was changed or removed, or this one was put in"
    return None


def _cleaned(value: S) -> S:
    """A struct with all its texts safe for a terminal and its numbers in bounds."""
    found = {name: getattr(value, name) for name in value.__struct_fields__ if name not in _RAW}
    made = {name: _clean_value(old) for name, old in found.items()}
    return msgspec.structs.replace(value, **made)


def _clean_value(value: object) -> object:
    if isinstance(value, str) and not isinstance(value, StrEnum):
        return clean(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return min(max(value, 0), type(value)(LATEST))
    if isinstance(value, tuple):
        return tuple(map(_clean_value, value))
    if isinstance(value, msgspec.Struct) and not isinstance(value, Address):
        return _cleaned(value)
    return value
