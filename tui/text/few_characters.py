"""Text for an output that has few characters: what it lacks is drawn with what it has, and is never an escape."""

import codecs
import io
import unicodedata
from collections.abc import Mapping
from functools import cache
from typing import TextIO

from rich.cells import cell_len

_DRAWN: Mapping[str, str] = {
    char: plain
    for chars, plain in (
        # The statuses differ in shape here, too.
        ("◦", "o"),
        ("»▸›❯→", ">"),
        ("◊", "="),
        ("✓", "+"),
        ("✗×", "x"),
        ("⊘", "/"),
        ("▲↑▴", "^"),
        ("▾▼↓", "v"),
        ("←↺‹", "<"),
        ("…∿", "~"),
        ("•·", "*"),
        ("–—─━┈╌┄⎯‾▔", "-"),
        ("│┃┆┊▏▕╎╵╷", "|"),
        ("┌┐└┘├┤┬┴┼╭╮╰╯╔╗╚╝╞╡", "+"),
        ("▁▂▃", "_"),
        ("▄▅▆", "="),
        ("▀▇█▌▐▋▊▉▍▎▖▗▘▝▚▞▙▛▜▟", "#"),
        ("‘’", "'"),
        ("“”", '"'),
    )
    for char in chars
}
_BRAILLE = range(0x2800, 0x2900)


class _Lacking(dict[int, str]):
    """For ``str.translate``: what ``encoding`` lacks."""

    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    def __missing__(self, code: int) -> str:
        char = chr(code)
        # Not by trying to encode: this runs in the handler of that very error, too.
        drawn = char if char.encode(self._encoding, "ignore") else _plain(char, self._encoding)
        self[code] = drawn
        return drawn


def in_encoding(text: str, encoding: str) -> str:
    """``text`` as wide as before, with nothing that ``encoding`` lacks."""
    return text if text.isascii() else text.translate(_lacking(encoding))


def lacks(encoding: str) -> bool:
    """Whether there is anything that ``encoding`` has no bytes for."""
    return encoding.lower().replace("-", "").replace("_", "") not in ("utf8", "utf16", "utf32", "utf8sig")


def terminal_encoding(environment: Mapping[str, str], python: str) -> str:
    """What the terminal is told to understand.

    Args:
        python: what Python writes in, which takes UTF-8 where the locale is ``C``, and says so in ``LC_CTYPE``.
    """
    locale = environment.get("LC_ALL") or environment.get("LC_CTYPE", "")
    if locale in ("", "C.UTF-8") and not environment.get("LC_ALL"):
        locale = environment.get("LANG", "") or locale
    return "ascii" if locale in ("C", "POSIX") else python or "utf-8"


def write_without_escapes(*streams: TextIO) -> None:
    """Have ``streams`` draw what their encoding lacks, in place of failing or writing escapes."""
    codecs.register_error("drawn", _draw_error)
    for stream in streams:
        if isinstance(stream, io.TextIOWrapper) and lacks(stream.encoding):
            stream.reconfigure(errors="drawn")


def _draw_error(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return in_encoding(error.object[error.start : error.end], error.encoding), error.end


@cache
def _lacking(encoding: str) -> _Lacking:
    return _Lacking(encoding)


def _plain(char: str, encoding: str) -> str:
    if ord(char) in _BRAILLE:
        dots = (ord(char) - _BRAILLE.start).bit_count()
        return " " if not dots else "." if dots < 3 else ":" if dots < 6 else "#"
    if char in _DRAWN:
        return _DRAWN[char]
    width = cell_len(char)
    bare = "".join(each for each in unicodedata.normalize("NFKD", char) if not unicodedata.combining(each))
    if bare.encode(encoding, "ignore").decode(encoding) == bare and cell_len(bare) == width:
        return bare
    return "?" * width
