"""Compressed bodies, inflated piece by piece: what is sent never decides how much memory it takes.

The HTTP libraries undo any number of codings one after the other and hand on whole what one read of the socket
inflates to: 300 bytes became 8 GB. So they hand on the bytes as sent, and all sources inflate them here.
"""

import zlib
from collections.abc import Iterator

PIECE = 1 << 17
"""Bytes that are handed on at once: a few milliseconds of work."""

ACCEPT_ENCODING = "gzip"
"""What is asked for: one coding, with a limit on what it becomes."""

MOST_MEMBERS = 100
"""Gzip files one behind the other in one body: empty ones would cost time without end."""

_ZLIB, _RAW, _GZIP = zlib.MAX_WBITS, -zlib.MAX_WBITS, zlib.MAX_WBITS | 16


class DamagedCoding(Exception):
    """The body is not what its ``Content-Encoding`` says."""


class ForeignCoding(Exception):
    """The body is coded in a way that was not asked for, or in several on top of each other."""


class Inflater:
    """One body.

    Args:
        coding: the answer's ``Content-Encoding``.

    Raises:
        ForeignCoding
    """

    def __init__(self, coding: str) -> None:
        self._gzip = coding.strip().lower() in ("gzip", "x-gzip")
        self._plain = coding.strip().lower() in ("", "identity")
        if not (self._gzip or self._plain or coding.strip().lower() == "deflate"):
            raise ForeignCoding(coding)
        self._inflate = None if self._plain else zlib.decompressobj(_GZIP if self._gzip else _ZLIB)
        self._begun = False
        self._members = 1

    def pieces(self, sent: bytes) -> Iterator[bytes]:
        """What the next bytes that were sent stand for, at most :data:`PIECE` bytes at a time.

        Raises:
            DamagedCoding
        """
        if self._inflate is None:
            for at in range(0, len(sent), PIECE):
                yield sent[at : at + PIECE]
            return
        full = False
        while sent or full:
            if self._inflate.eof and sent:
                self._next_member()
            try:
                piece = self._inflate.decompress(sent, PIECE)
            except zlib.error as error:
                if self._gzip or self._begun:
                    raise DamagedCoding from error
                # Some servers send "deflate" without the header of zlib.
                self._begun, self._inflate = True, zlib.decompressobj(_RAW)
                continue
            self._begun = self._begun or bool(sent)
            sent = self._inflate.unconsumed_tail or self._inflate.unused_data
            full = len(piece) == PIECE  # then there may be more of it, although all bytes were taken
            if piece:
                yield piece

    def _next_member(self) -> None:
        self._members += 1
        if not self._gzip or self._members > MOST_MEMBERS:
            raise DamagedCoding
        self._inflate = zlib.decompressobj(_GZIP)

    def end(self) -> None:
        """Nothing follows.

        Raises:
            DamagedCoding: something is missing.
        """
        if self._inflate is not None and self._begun and not self._inflate.eof:
            raise DamagedCoding
