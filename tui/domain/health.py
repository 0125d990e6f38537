"""How a source fares, and what a check of it found."""

from enum import StrEnum
from typing import Literal

import msgspec


class Trouble(StrEnum):
    """Why a source could not be read. The words are for the screen."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timed out"
    TLS = "TLS"
    UNAUTHORIZED = "not logged in"
    FORBIDDEN = "not permitted"
    NOT_FOUND = "not found"
    RATE_LIMITED = "rate limited"
    UNAVAILABLE = "unavailable"
    SERVER_ERROR = "server error"
    WRONG_ANSWER = "wrong answer"
    REFUSED = "request refused"
    """The server understood and said no to this very request (a bad query): asking again changes nothing."""
    MISCONFIGURED = "misconfigured"
    """Nothing was sent: the configuration does not allow it (no such source, a credential that is not there)."""


class Fault(msgspec.Struct, frozen=True):
    """One failure to read something, in a shape for screens and scripts."""

    trouble: Trouble
    message: str
    """What happened, where, and what to do; one line of cleaned text without secrets."""
    retry_at: float | None = None
    """When the server said it may be asked again."""


LONG_PAUSE = 900.0
"""Seconds of a pause that a server asked for beyond which a person may have it asked once earlier."""

LARGEST_SKEW = 86400.0
"""Seconds by which a server's clock may be off and still be believed."""


def believed(skew: float | None) -> float:
    """Seconds to add to our time for a server's: its ``skew``, or 0 where that is not known or more than a day."""
    return skew if skew is not None and abs(skew) <= LARGEST_SKEW else 0.0


class SourceFacts(msgspec.Struct, frozen=True):
    """What is known of one source beside its pipelines; all of it learnt in passing."""

    name: str
    type: str
    url: str
    version: str = ""
    user: str = ""
    read_only: bool | None = None
    """True when the credentials are known not to write; None where the server does not tell."""
    stage_source: str = ""
    clock_skew: float | None = None
    """Server clock minus ours, seconds, from the Date header; as told, see :func:`believed`."""
    requests: int = 0
    """Requests sent since start."""
    bytes_read: int = 0
    rate_limit: str = ""
    """What the server says is left, for example ``1980 of 2000 a minute``."""


class Finding(msgspec.Struct, frozen=True):
    """One line of ``pipedeck check``."""

    level: Literal["ok", "warning", "error"]
    subject: str
    message: str
    advice: str = ""
    """What to do about it; empty when all is well."""
