"""A log in its one canonical form, whatever system it came from.

A log is lines of UTF-8 bytes. A line holds printable text, tabs and SGR colour sequences (``ESC [ … m``), nothing
else; it begins and ends without style, so any line can be shown alone. Lines and sections count from 0.
"""

from array import array

import msgspec

from tui.domain.address import Address


class SectionOpened(msgspec.Struct, frozen=True):
    """A section begins."""

    section: int
    line: int
    """Its first line, which is its header; counted in the batch it came with."""
    name: str
    header: str
    """The header's text without colours, at most 200 characters."""
    parent: int | None = None
    """The section it lies in."""
    collapsed: bool = False
    """The author of the log wants it folded at first."""
    at: float | None = None


class SectionClosed(msgspec.Struct, frozen=True):
    """A section ends before ``line``. A second one for the same section adds a time that came late."""

    section: int
    line: int
    at: float | None = None


class LogLines(msgspec.Struct, frozen=True):
    """Consecutive lines of a log, as a parser hands them on."""

    text: bytes
    """Canonical lines, each ended by a newline."""
    positions: "array[int]"
    """Where each line begins in the source's raw log, in bytes (``array('Q')``)."""
    times: "array[float] | None" = None
    """When each line was written, NaN where that is unknown (``array('d')``); None when no line has a time."""
    marks: tuple[SectionOpened | SectionClosed, ...] = ()
    """Sections that begin and end here, in order."""

    def __len__(self) -> int:
        return len(self.positions)


class Section(msgspec.Struct, frozen=True):
    """A part of a log that can be folded: a GitLab section, a Jenkins stage."""

    name: str
    header: str
    first: int
    """The line of its header."""
    last: int | None = None
    """Its last line; None while it is open."""
    parent: int | None = None
    """Index of the section it lies in. Sections are nested properly: none ends after its parent."""
    collapsed: bool = False
    opened_at: float | None = None
    closed_at: float | None = None

    @property
    def duration(self) -> float | None:
        """Seconds it took, where the source says."""
        if self.opened_at is None or self.closed_at is None:
            return None
        return max(0.0, self.closed_at - self.opened_at)


class Excerpt(msgspec.Struct, frozen=True):
    """The few lines of a run's log that tell most of it."""

    of: Address
    """What the log is of: for a run of GitLab the job that was chosen."""
    chosen: str = ""
    """Why that one; empty where there is no other."""
    lines: tuple[str, ...] = ()
    """Clean text without colours."""
    error: int | None = None
    """Which of the lines is the first that looks like an error; None: they are the last ones of the log."""
    before: bool = False
    """The log is longer: what lies before what was searched was not read."""
    longer: bool = False
    """So long that its end was not reached."""
    note: str = ""
    """Why there are no lines."""
    again: float | None = None
    """Seconds after which it is worth reading again; None: it will not change any more."""
