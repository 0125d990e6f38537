"""The journal of actions: append-only JSON lines on disk, written before a request and after it (design: rule 10).

Several programs may write to one file at once: each line is appended whole under a lock. A program holds a lock of
its own for as long as it lives, so that others can tell an action that is under way from one that was cut off. All
calls block for milliseconds.
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
from pathlib import Path

import msgspec

from tui.config import Settings
from tui.domain.action import Plan, Step
from tui.domain.address import Address
from tui.domain.journal import Entry, Record, Who

FILE = "actions.jsonl"


class JournalError(Exception):
    """A line could not be written; the message says why."""


def default_folder() -> Path:
    """Where the person's state is: ``XDG_STATE_HOME``, else what the system has for that."""
    if base := os.environ.get("XDG_STATE_HOME"):
        return Path(base).expanduser() / "pipedeck"
    import platformdirs

    return platformdirs.user_state_path("pipedeck")


def journal_for(settings: Settings) -> "Journal":
    """The person's own; for the demo and for tests, whose servers are gone when they end, one for this program."""
    if settings.path is not None:
        return Journal()
    name = f"pipedeck-{os.getuid()}-{uuid.uuid4().hex[:12]}"
    return Journal(Path(tempfile.gettempdir()) / name, passing=True)


class Journal:
    """The journal in a folder, which is made when something is first written.

    Args:
        folder: None for :func:`default_folder`, looked up when it is first needed.
        passing: the folder is removed when the program ends.
    """

    def __init__(self, folder: Path | None = None, *, passing: bool = False) -> None:
        self._given = folder
        self._passing = passing
        self._starting = threading.Lock()
        self._alive: int | None = None
        self.who = Who(_user(), socket.gethostname(), os.getpid(), uuid.uuid4().hex[:12])

    @property
    def folder(self) -> Path:
        return self._given or default_folder()

    @property
    def path(self) -> Path:
        return self.folder / FILE

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
            return self._append(msgspec.json.encode(entry) + b"\n", block_reason)
        except OSError as error:
            raise JournalError(f"the journal {self.path} cannot be written: {error.strerror}") from None

    def _sent_elsewhere(self, plan: Plan, step: Step | None) -> str | None:
        """Who else does what ``plan`` would do, or did so since it was made."""
        for record in self.read():
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

    def read(self, about: str = "") -> tuple[Record, ...]:
        """What was done, oldest first. Lines that are cut off or not the journal's are passed over.

        Args:
            about: only lines that hold this text, such as an address, are looked at.
        """
        try:
            content = self.path.read_bytes()
        except OSError:
            return ()
        found: dict[str, list[Entry]] = {}
        wanted = msgspec.json.encode(about)[1:-1]
        for line in content.split(b"\n"):
            if wanted not in line:
                continue
            try:
                entry = _of_today(msgspec.json.decode(line, type=Entry))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            found.setdefault(entry.id, []).append(entry)
        return tuple(Record(name, tuple(entries)) for name, entries in found.items())

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
            number = os.open(self.folder / _plain(f"{instance}.alive"), os.O_RDWR | os.O_CLOEXEC)
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
            self._make_folder()
            number = os.open(self.folder / _plain(name), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
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
                self._make_folder()
                path = self.folder / f"{self.who.instance}.alive"
                number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(number, fcntl.LOCK_EX)
                self._alive = number

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder.chmod(0o700)

    def _append(self, line: bytes, block_reason: Callable[[], str | None]) -> str | None:
        number = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX)
            if why := block_reason():
                return why
            size = os.fstat(number).st_size
            if size and os.pread(number, 1, size - 1) != b"\n":
                line = b"\n" + line  # after a line that a crash cut off
            try:
                if os.write(number, line) != len(line):
                    raise OSError(28, "No space left on device")
                os.fsync(number)
            except OSError:
                os.ftruncate(number, size)
                raise
            return None
        finally:
            os.close(number)


def _same(record: Record, plan: Plan, step: Step | None) -> bool:
    """Whether a record is of the same request, under whatever address, or of the same step."""
    if record.plan is not None and record.plan.request.kind == plan.request.kind:
        theirs, ours = record.plan.request, plan.request
        if (theirs.target, theirs.values) == (ours.target, ours.values):
            return True
    writes = [
        (each.method, each.path, each.body)
        for each in (entry.request for entry in record.entries if entry.event == "sending")
        if each is not None
    ]
    return step is not None and (step.method, step.path, step.body) in writes


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


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return str(os.getuid())


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ".-" else "_" for letter in name)
