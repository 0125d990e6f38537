"""What does not change any more, kept on disk: the tests of finished runs.

A file for each value, named by a hash of its key. Whatever is wrong with a file (cut off, of an older format, somebody
else's), it counts as absent and is removed; one of a newer format counts as absent and is left to the newer program.
Whatever is wrong with the disk, nothing is kept. All calls block for milliseconds and may come from several threads
and programs at once.
"""

import hashlib
import logging
import os
import re
import tempfile
import zlib
from functools import cached_property
from pathlib import Path
from types import GenericAlias
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from tui.config import Settings
from tui.files import make_folder, open_file, read_file, user_folder

if TYPE_CHECKING:
    from tui.sources.looks import Looks

T = TypeVar("T")

LIMIT = 64 * 1024 * 1024
"""Bytes that all files may take together; the least recently used go first."""
LARGEST_VALUE = 256 * 1024 * 1024
"""Bytes of a value without compression, above which a file holds something else than what was written."""
FORMAT = 1
"""Another one where the shape of the values changes without a change of their types."""
_HEADER = b"pipedeck %d\n" % FORMAT
_HEADER_LIKE = re.compile(rb"pipedeck ([0-9]{1,9})\n")
_SUFFIX = ".kept"

_log = logging.getLogger(__name__)


def default_folder() -> Path:
    """Where the person's reports are; raises FileNotFoundError: there is no home directory."""
    return user_folder("cache") / "tests"


def disk_cache_for(settings: Settings) -> "DiskCache | None":
    """The person's own; None for the demo and for tests, whose servers are gone when they end."""
    return DiskCache() if settings.path is not None else None


def looks_for(settings: Settings) -> "Looks | None":
    """Beside it, what was seen of pages without a past; None as for :func:`disk_cache_for`."""
    from tui.sources.looks import Looks

    return Looks(lambda: default_folder().with_name("looks.sqlite")) if settings.path is not None else None


class DiskCache:
    """Values by key in a folder, which is made when something is first kept and which only its owner can read.

    Args:
        folder: None for :func:`default_folder`, looked up when it is first needed.
    """

    def __init__(self, folder: Path | None = None, limit: int = LIMIT) -> None:
        self._given = folder
        self._limit = limit

    @cached_property
    def _folder(self) -> Path:
        return self._given or default_folder()

    def get(self, key: str, kind: type[T]) -> T | None:
        """The value that was kept under ``key``; None where there is none that is a ``kind``."""
        try:
            path = self._path(key)
            content = read_file(path)
        except OSError:
            return None
        if _is_newer(path, content):
            return None
        try:
            value = _unpack(content, key, kind)
        except (ValueError, zlib.error, msgspec.MsgspecError) as error:
            _log.info("%s is not what was kept there: %s", path, error)
            _remove(path)
            return None
        try:
            os.utime(path, follow_symlinks=False)
        except OSError:
            pass
        return value

    def put(self, key: str, value: Any) -> None:
        """Keep ``value`` under ``key``, in place of what was there."""
        content = _HEADER + zlib.compress(msgspec.msgpack.encode((key, value)), 1)
        if len(content) > self._limit // 4:
            return
        try:
            make_folder(self._folder)
            path = self._path(key)
            if _is_newer(path, _beginning(path)):
                return
            # mkstemp's files are their owner's alone.
            number, name = tempfile.mkstemp(dir=self._folder)
            try:
                with open(number, "wb") as file:
                    file.write(content)
                os.replace(name, path)
            except BaseException:
                _remove(Path(name))
                raise
            self._trim()
        except OSError as error:
            _log.warning("nothing is kept in %s: %s", error.filename or self._given, error.strerror)

    def _path(self, key: str) -> Path:
        return self._folder / (hashlib.sha256(key.encode()).hexdigest()[:40] + _SUFFIX)

    def _trim(self) -> None:
        """Remove the least recently used files until they take four fifths of what they may."""
        files = []
        for entry in os.scandir(self._folder):
            try:
                about = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            files.append((about.st_mtime_ns, about.st_size, entry.path))
        total = sum(size for _, size, _ in files)
        if total <= self._limit:
            return
        for _, size, path in sorted(files):
            if total <= self._limit * 4 // 5:
                break
            _remove(Path(path))
            total -= size


def _unpack(content: bytes, key: str, kind: type[T]) -> T:
    """Raises ValueError, zlib.error or MsgspecError: it is not a ``kind`` kept under ``key``."""
    if not content.startswith(_HEADER):
        raise ValueError("it is of another version")
    inflate = zlib.decompressobj()
    body = inflate.decompress(content[len(_HEADER) :], LARGEST_VALUE)
    if not inflate.eof or inflate.unused_data:
        raise ValueError("it is cut off or too large")
    decoded: tuple[str, T] = msgspec.msgpack.decode(body, type=GenericAlias(tuple, (str, kind)))
    found, value = decoded
    if found != key:
        raise ValueError("it was kept under another key")
    return value


def _is_newer(path: Path, content: bytes) -> bool:
    found = _HEADER_LIKE.match(content)
    if found is None or int(found[1]) <= FORMAT:
        return False
    words = "%s is of format %d, and this program knows %d at most: it is left as it is"
    _log.warning(words, path, int(found[1]), FORMAT)
    return True


def _beginning(path: Path) -> bytes:
    try:
        with open(open_file(path, os.O_RDONLY), "rb") as file:
            return file.read(len(_HEADER) + 9)
    except OSError:
        return b""


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError:
        pass
