"""Numbers, times and documents as servers send them, brought within bounds: whatever is sent, nothing here raises
what its callers do not expect, and no picture made of it can end the program.
"""

import math
import re
from email.utils import parsedate_to_datetime

LATEST = 253_370_764_800.0
"""The first second of the year 9999, in UTC. Times behind it are none, and local time may not be beyond that year."""
LONGEST = 100 * 365.25 * 86400
"""Seconds in a hundred years: no duration is longer."""
LONGEST_NUMBER = 1000
"""Letters of a number: a longer text is none, and not looked at."""
MOST_COST = 100 << 20
"""Bytes of memory that the values of one document may take, by a rough estimate."""

_PER_CONTAINER, _PER_COMMA = 256, 64
"""What an object or a list costs at least, and what a value among others does (measured with msgspec's structs)."""
_TEXTS = 2
"""A text is there as it was sent, and cleaned."""
_WIDEST = re.compile(rb"[\xf0-\xf7]")
_DIGITS = bytes.maketrans(b"123456789", b"0" * 9)
_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|(?<![0-9.eE+-])-?[0-9]{20,}+(?![.eE])', re.DOTALL)


def moment(millis: float | None) -> float | None:
    """Milliseconds since the epoch as seconds; None for what is no time between then and the year 9999."""
    return instant(number(millis) / 1000) if millis else None


def instant(seconds: float | None) -> float | None:
    """Seconds since the epoch; None for what is no time between then and the year 9999."""
    return seconds if seconds is not None and 0 <= seconds < LATEST else None


def length(millis: float | None) -> float | None:
    """Milliseconds that something took as seconds, a hundred years at most; None where it is less than nothing."""
    return lasted(number(millis) / 1000) if millis is not None else None


def lasted(seconds: float | None) -> float | None:
    """Seconds that something took, a hundred years at most; None where it is less than nothing."""
    return min(seconds, LONGEST) if seconds is not None and seconds >= 0 else None


def number(value: float | str) -> float:
    """Any number as a float: an infinity where it is too large, NaN where it is none."""
    if isinstance(value, str) and len(value) > LONGEST_NUMBER:
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf  # type: ignore[operator]  # a text does not overflow
    except ValueError:
        return math.nan


def whole(text: str) -> int | None:
    """A count or an offset in a header: ASCII digits that fit into 64 bits; None for anything else."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def http_date(text: str) -> float | None:
    """A date in a header in seconds since the epoch; None for what is none. It may lie anywhere in time."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError, OSError):
        return None


def costs_too_much(document: bytes) -> bool:
    """Whether decoding a JSON document would take more than :data:`MOST_COST`: three bytes can become an object."""
    containers = document.count(b"{") + document.count(b"[")
    values = containers * _PER_CONTAINER + document.count(b",") * _PER_COMMA
    return values + _TEXTS * len(document) * _width(document) > MOST_COST


def _width(document: bytes) -> int:
    """Bytes that Python takes for each character of a text when the widest one of the document is in it."""
    if document.isascii() and b"\\u" not in document:
        return 1
    return 4 if b"\\ud" in document or b"\\uD" in document or _WIDEST.search(document) else 2


def without_long_integers(document: bytes) -> bytes:
    """A JSON document in which whole numbers beyond 64 bits, of any length, are written as floats.

    So a field that is a whole number refuses them, naming its place, and one that is a float holds them.
    """
    if b"0" * 20 not in document.translate(_DIGITS):
        return document
    return _TOKEN.sub(_as_float, document)


def _as_float(token: "re.Match[bytes]") -> bytes:
    text = token[0]
    if text.startswith(b'"'):
        return text
    digits = text.lstrip(b"-")
    sign, power = text[: len(text) - len(digits)], len(digits) - 1
    return b"%s%s.%se%d" % (sign, digits[:1], digits[1:18], power) if power < 308 else sign + b"1.797e308"
