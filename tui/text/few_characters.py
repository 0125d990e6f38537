"""Text for an output that has few characters: what it lacks is drawn with what it has, and is never an escape."""

import unicodedata
from collections.abc import Mapping
from functools import cache

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
        ("…", "~"),
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
        try:
            char.encode(self._encoding)
            drawn = char
        except UnicodeEncodeError:
            drawn = _plain(char, self._encoding)
        self[code] = drawn
        return drawn


def in_encoding(text: str, encoding: str) -> str:
    """``text`` as wide as before, with nothing that ``encoding`` lacks."""
    return text if text.isascii() else text.translate(_lacking(encoding))


def lacks(encoding: str) -> bool:
    """Whether there is anything that ``encoding`` has no bytes for."""
    return encoding.lower().replace("-", "").replace("_", "") not in ("utf8", "utf16", "utf32", "utf8sig")


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
