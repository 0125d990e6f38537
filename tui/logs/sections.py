"""Sections of a log while it is read: what is open, and the marks that say so."""

import msgspec

from tui.domain.log import SectionClosed, SectionOpened

MAX_SECTIONS = 10_000
MAX_DEPTH = 64


class Open(msgspec.Struct, frozen=True):
    number: int
    key: str
    """What its end will say."""


class Sections(msgspec.Struct, frozen=True):
    """The open sections, outermost first. Immutable: each change gives the marks and the sections after it."""

    stack: tuple[Open, ...] = ()
    count: int = 0
    ended_early: tuple[Open, ...] = ()
    """Ended with their parent; their own end may still tell when (GitLab sends ends out of order)."""

    def open(
        self, key: str, line: int, *, name: str, header: str, collapsed: bool = False, at: float | None = None
    ) -> "tuple[list[SectionOpened | SectionClosed], Sections]":
        """A section begins at ``line``. Too many or too deep ones are ignored."""
        if self.count >= MAX_SECTIONS or len(self.stack) >= MAX_DEPTH:
            return [], self
        mark = SectionOpened(
            section=self.count,
            line=line,
            name=name,
            header=header[:200],
            parent=self.stack[-1].number if self.stack else None,
            collapsed=collapsed,
            at=at,
        )
        stack = (*self.stack, Open(self.count, key))
        return [mark], msgspec.structs.replace(self, stack=stack, count=self.count + 1)

    def close(
        self, key: str, line: int, *, at: float | None = None
    ) -> "tuple[list[SectionOpened | SectionClosed], Sections]":
        """The innermost section of ``key``, and with it what is open inside, ends before ``line``.

        An end without a beginning is ignored.
        """
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth].key == key:
                inside = self.stack[depth + 1 :]
                marks: list[SectionOpened | SectionClosed] = [
                    SectionClosed(section.number, line) for section in reversed(inside)
                ]
                marks.append(SectionClosed(self.stack[depth].number, line, at))
                early = (*self.ended_early, *inside)[-MAX_DEPTH:]
                return marks, msgspec.structs.replace(self, stack=self.stack[:depth], ended_early=early)
        for section in reversed(self.ended_early):
            if section.key == key:
                early = tuple(other for other in self.ended_early if other is not section)
                return [SectionClosed(section.number, line, at)], msgspec.structs.replace(
                    self, ended_early=early
                )
        return [], self
