"""Which alarms somebody knows of, shared by all programs of one person and kept from one start to the next: a small
file beside the journal."""

import fcntl
import os
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tui.files import make_folder, open_file, read_file

if TYPE_CHECKING:
    from tui.engine.actions.journal import Journal

FILE = "acknowledged.json"
MOST = 200
"""Alarms kept, those seen last."""
FORGOTTEN = 7 * 86400.0
"""Seconds after which one that nobody has seen any more is not kept."""
BRIDGED = 3600.0
"""Seconds between two starts for which an alarm that does not tell when it began is taken for the same."""


class AcknowledgementNote(msgspec.Struct, frozen=True):
    """What was said last of one alarm."""

    known: bool
    """Somebody knows of it; False: that was taken back."""
    at: float = msgspec.field(name="said")
    """When it was said."""
    seen: float
    """When a program last saw it so."""


Notes = dict[str, AcknowledgementNote]
"""By the alarm's key."""
_decoder = msgspec.json.Decoder(Notes)


class Acknowledgements:
    """What the file says. It is changed alarm by alarm under a lock, and written whole or not at all; what cannot be
    read or written is as if it were empty: then an alarm is told of once more."""

    def __init__(self, journal: "Journal") -> None:
        self._journal = journal
        self._notes: Notes = {}
        self._recalled: Notes = {}
        """As they were at the start."""
        self._state: tuple[int, int] | None = None
        """Of the file as it was read: another one was written by another program."""

    def recall(self, now: float) -> None:
        """Look at the file, at the start."""
        self._recalled = self._notes = self._fresh(now)

    def look(self, now: float) -> None:
        """Look at what other programs have written since."""
        if self._stat() != self._state:
            self._notes = self._fresh(now)

    def still(self, key: str, since: float | None, now: float) -> bool:
        """Whether an alarm that fires is one that was acknowledged before this start.

        Args:
            since: from when on it is bad, as far as a look tells.
        """
        if (note := self._recalled.get(key)) is None or not note.known:
            return False
        return since <= note.seen if since is not None else now - note.seen < BRIDGED

    def known_since(self, key: str, after: float) -> bool | None:
        """Whether somebody knows of the alarm by what was said since then, here or elsewhere; None: nothing was."""
        note = self._notes.get(key)
        return note.known if note is not None and note.at >= after else None

    def say(self, key: str, known: bool, now: float) -> None:
        """Note that somebody knows of the alarm, or does not after all."""
        self._change(lambda notes: {**notes, key: AcknowledgementNote(known, now, now)}, now)

    def over(self, key: str, now: float) -> None:
        """It is well: when it comes again it is another."""
        self._recalled = {other: note for other, note in self._recalled.items() if other != key}
        if key in self._notes:
            self._change(lambda notes: {other: note for other, note in notes.items() if other != key}, now)

    def keep(self, keys: Collection[str], now: float) -> None:
        """Note that ``keys`` are acknowledged still, at the end."""

        def seen(notes: Notes) -> Notes:
            lasting = {key: notes[key] for key in keys if key in notes and notes[key].known}
            return notes | {key: msgspec.structs.replace(note, seen=now) for key, note in lasting.items()}

        if not self._notes.keys().isdisjoint(keys):
            self._change(seen, now)

    def _change(self, change: Callable[[Notes], Notes], now: float) -> None:
        draft: Path | None = None
        try:
            folder = self._journal.folder
            make_folder(folder)
            draft = folder / f"{FILE}.{self._journal.who.instance}"
            with open(open_file(folder / f"{FILE}.lock", os.O_RDWR | os.O_CREAT), "rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                newest = sorted(change(self._fresh(now)).items(), key=lambda entry: entry[1].seen)[-MOST:]
                self._notes = dict(newest)
                with open(open_file(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
                    file.write(msgspec.json.encode(self._notes))
                draft.replace(folder / FILE)
                self._state = self._stat()
        except OSError:
            if draft is not None:
                with suppress(OSError):
                    draft.unlink(missing_ok=True)

    def _fresh(self, now: float) -> Notes:
        self._state = self._stat()
        try:
            found = _decoder.decode(read_file(self._journal.folder / FILE))
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}
        return {key: note for key, note in found.items() if now - note.seen < FORGOTTEN}

    def _stat(self) -> tuple[int, int] | None:
        try:
            found = (self._journal.folder / FILE).stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns
