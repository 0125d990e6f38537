"""What a log view needs of a log; whatever has these shows."""

from collections.abc import Sequence
from typing import Protocol


class LogSection(Protocol):
    """A part of a log that can be folded."""

    @property
    def first(self) -> int:
        """Its header."""

    @property
    def last(self) -> int | None:
        """None while it is open."""

    @property
    def collapsed(self) -> bool:
        """It is folded at first."""

    @property
    def duration(self) -> float | None:
        """Seconds, where they are known."""


class LogSource(Protocol):
    """Lines count from 0 and keep their numbers as long as the generation is the same."""

    @property
    def generation(self) -> int:
        """Grows when the log is replaced by another."""

    @property
    def settled(self) -> int:
        """How many lines will not change any more."""

    @property
    def gap(self) -> tuple[int, int] | None:
        """Lines that were left out: the first, which says so and is shown, and the one after the last."""

    @property
    def sections(self) -> Sequence[LogSection]:
        """In the order they begin, nested properly."""

    def __len__(self) -> int:
        """How many lines there are, those that may change included."""
        ...

    def read(self, line: int, limit: int) -> bytes:
        """At most ``limit`` bytes of a line: UTF-8, text, tabs and SGR sequences, without style at both ends."""
        ...

    def time(self, line: int) -> float | None:
        """When a line was written, seconds since the epoch, where it is known."""
        ...

    def line_at(self, when: float) -> int | None:
        """The first line written at ``when`` or later."""
        ...
