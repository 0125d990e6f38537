"""What pages and documents without a past said at each look, kept on disk from one start to the next.

One SQLite file for all programs of a person: several may read and write it at once. It is a cache: what is wrong with
it (cut off, another version's, somebody else's) makes a new one of it, and whatever is wrong with the disk, nothing is
kept. All calls block for milliseconds.
"""

import hashlib
import logging
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import msgspec

from tui.files import make_folder, open_file

if TYPE_CHECKING:
    import sqlite3

Key = TypeVar("Key")
T = TypeVar("T")

LIMIT = 32 * 1024 * 1024
"""Bytes that all looks may take together; the oldest go first."""
EXPIRE = 24 * 3600.0
"""Seconds after which a look is gone: longer than what the judge makes use of, 240 windows of five minutes."""
APART = 20.0
"""Seconds between two looks of one program at one thing that are kept: a deck looks more often than it helps later."""
PATIENCE = 2.0
"""Seconds to wait for another program that writes."""
LARGEST = 4 * 1024 * 1024
"""Bytes of what one look showed, above which it is none of ours."""
_VERSION = 1
"""Another one where the tables, or what stands in them, change."""
_TABLES = (
    "CREATE TABLE looks (thing BLOB, at REAL, told BLOB, PRIMARY KEY (thing, at)) WITHOUT ROWID",
    "CREATE INDEX looks_at ON looks (at)",
    f"PRAGMA user_version = {_VERSION}",
)

_log = logging.getLogger(__name__)


class Looks:
    """The file, which is made when something is first kept and which only its owner can read.

    Args:
        file: where it is, looked up when it is first needed.
    """

    def __init__(self, file: Callable[[], Path], limit: int = LIMIT) -> None:
        self._where = file
        self._limit = limit
        self.problem: str | None = None
        """Why the newest attempt to read or write failed."""

    @cached_property
    def _file(self) -> Path:
        return self._where()

    def of(self, things: Sequence[bytes], now: float, most: int) -> list[list[tuple[float, bytes]]]:
        """For each of ``things`` the times of the newest ``most`` looks and what they told, in order."""
        query = "SELECT at, told FROM looks WHERE thing = ? AND at > ? AND at <= ? ORDER BY at DESC LIMIT ?"

        def read(database: "sqlite3.Connection") -> list[list[tuple[float, bytes]]]:
            asked = ((thing, now - EXPIRE, now, most) for thing in things)
            return [database.execute(query, parameters).fetchall()[::-1] for parameters in asked]

        nothing: list[list[tuple[float, bytes]]] = [[] for _ in things]
        try:
            there = self._file.exists()
        except OSError:
            there = False
        return (self._with(read) if there else None) or nothing

    def add(self, looks: Sequence[tuple[bytes, float, bytes]], now: float) -> None:
        """Keep looks: of what, when, and what it told. What has expired goes."""

        def write(database: "sqlite3.Connection") -> None:
            database.execute("BEGIN IMMEDIATE")
            database.execute("DELETE FROM looks WHERE at <= ? OR at > ?", (now - EXPIRE, now + EXPIRE))
            database.executemany("INSERT OR REPLACE INTO looks VALUES (?, ?, ?)", looks)
            if self._used(database) > self._limit:
                (count,) = database.execute("SELECT count(*) FROM looks").fetchone()
                oldest = "SELECT at FROM looks ORDER BY at LIMIT 1 OFFSET ?"
                database.execute(f"DELETE FROM looks WHERE at <= ({oldest})", (count // 4,))
            database.execute("COMMIT")

        self._with(write)

    @staticmethod
    def _used(database: "sqlite3.Connection") -> int:
        """Bytes; of what was deleted the file keeps the room for what comes."""
        pages, free, size = (
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - free) * size)

    def _with(self, work: Callable[["sqlite3.Connection"], T]) -> T | None:
        """What ``work`` makes of the database; None where that cannot be read or written."""
        database = None
        try:
            import sqlite3  # not every Python has it
        except ImportError as error:
            self._fail(f"no looks are kept: {error}")
            return None
        try:
            file = self._file
        except FileNotFoundError as error:
            self._fail(f"no looks are kept: {error.strerror}")
            return None
        try:
            make_folder(file.parent)
            number = open_file(file, os.O_RDWR | os.O_CREAT)
            os.fchmod(number, 0o600)  # what SQLite puts beside it for a moment has the same mode
            os.close(number)
            database = sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)
            # That a power cut may spoil a cache is no reason to wait for the disk.
            database.execute("PRAGMA synchronous = OFF")
            self._prepare(database)
            made = work(database)
            self.problem = None
            return made
        except _Foreign as error:
            self._begin_anew(error)
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (
                sqlite3.SQLITE_NOTADB,
                sqlite3.SQLITE_CORRUPT,
            ):
                self._begin_anew(error)
            else:
                self._fail(f"no looks are kept in {self._file}: {error}")
        except _Newer as error:
            self._fail(f"no looks are kept in {self._file}: {error}")
        except OSError as error:
            self._fail(f"no looks are kept in {file}: {error.strerror}")
        finally:
            if database is not None:
                database.close()
        return None

    def _fail(self, problem: str) -> None:
        _log.warning(problem)
        self.problem = problem

    def _begin_anew(self, error: Exception) -> None:
        _log.info("%s is not what was kept there: %s", self._file, error)
        for file in (self._file, self._file.with_name(f"{self._file.name}-journal")):
            try:
                file.unlink(missing_ok=True)
            except OSError:
                pass

    @staticmethod
    def _prepare(database: "sqlite3.Connection") -> None:
        """Make the tables of a new file.

        Raises:
            _Foreign: they are of an older format, or somebody else's.
            _Newer: they are a newer program's, which is left to it.
        """

        def version() -> int:
            return int(database.execute("PRAGMA user_version").fetchone()[0])

        if version() == 0:
            database.execute("BEGIN IMMEDIATE")
            if version() == 0:
                if database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    raise _Foreign("it has tables of somebody else")
                for statement in _TABLES:
                    database.execute(statement)
            database.execute("COMMIT")
        if (found := version()) > _VERSION:
            raise _Newer(f"it is of format {found}, and this program knows {_VERSION} at most")
        if found != _VERSION:
            raise _Foreign(f"it is of format {found}")


class _Foreign(Exception):
    """A good database, but not ours."""


class _Newer(Exception):
    """A newer program's."""


class Shelf(Generic[Key, T]):
    """The looks at one page.

    Args:
        page: what tells it from all others: the name of the source, its address, what it is asked with.
        pack: what is written of a look; None for one that is not worth it.
        unpack: the look again; raises ValueError or MsgspecError for what was not written by ``pack``.
    """

    def __init__(
        self,
        looks: Looks,
        page: Sequence[object],
        pack: Callable[[T], object],
        unpack: Callable[[bytes], T],
    ) -> None:
        self._looks = looks
        self._page = page
        self._pack = pack
        self._unpack = unpack
        self._kept: dict[Key, float] = {}
        """When the newest look at each thing was that is on disk."""

    @property
    def problem(self) -> str | None:
        """Why nothing is kept, where that is so."""
        return self._looks.problem

    def load(self, keys: Sequence[Key], now: float, most: int) -> list[list[tuple[float, T]]]:
        """What is known of each of ``keys``."""
        return [
            [(at, look) for at, content in looks for look in self._unpacked(content)]
            for looks in self._looks.of(list(map(self._thing, keys)), now, most)
        ]

    def add(self, newest: Mapping[Key, tuple[float, T]], now: float) -> None:
        """Keep the newest look at each thing, unless there is one from just before."""
        due = {
            key: look for key, look in newest.items() if not 0 <= look[0] - self._kept.get(key, 0.0) < APART
        }
        packed = ((key, at, self._pack(value)) for key, (at, value) in due.items())
        rows = [
            (self._thing(key), at, content)
            for key, at, value in packed
            if value is not None
            and len(content := zlib.compress(msgspec.msgpack.encode(value), 1)) <= LARGEST // 4
        ]
        if rows:
            self._looks.add(rows, now)
            self._kept.update((key, at) for key, (at, _) in due.items())

    def _thing(self, key: Key) -> bytes:
        return hashlib.sha256(msgspec.json.encode((self._page, key))).digest()[:20]

    def _unpacked(self, content: bytes) -> Iterator[T]:
        try:
            yield self._unpack(zlib.decompressobj().decompress(content, LARGEST))
        except (TypeError, ValueError, zlib.error, msgspec.MsgspecError):
            pass
