"""Jenkins console logs (contracts: jenkins §9).

Takes the bodies of plain ``progressiveText`` (CRLF, console notes kept since core 2.509), of its streaming mode, of
``consoleText`` and of the logs of single steps.
"""

import re
from array import array
from math import isnan, nan

import msgspec

from tui.domain.log import LogLines, SectionClosed, SectionOpened
from tui.logs.neutral import RESET, last_segments, neutral, self_contained, without_styles
from tui.logs.parser import LINE_LIMIT, Parser, Seconds, line_starts
from tui.logs.sections import Sections

# Signed, unsigned and Hudson's notes, one that is cut off, and copies where ESC was lost (contracts: jenkins §9.5).
_NOTE = re.compile(rb"\x1b\[8mha:[A-Za-z0-9+/=:-]*(?:\x1b\[0m)?")
_NOTE_WITHOUT_ESC = re.compile(rb"\[8mha:[A-Za-z0-9+/=:-]+\[0m")
_PIPELINE = b"[Pipeline] "
_DIM = b"\x1b[0;2m"  # whatever was left open ends here
_MILLIS = {b".%03d" % millis: millis / 1000 for millis in range(1000)}


class JenkinsParser(Parser):
    """A Jenkins log in, canonical lines out.

    Positions count a CRLF as one byte, because the server makes them of the newlines in its file (contracts:
    jenkins §9.3); as long as it does not strip notes, ``position`` is thus the next ``start``.
    """

    def __init__(self, position: int = 0, *, line_limit: int = LINE_LIMIT) -> None:
        super().__init__(position, line_limit=line_limit)
        self._style = b""
        self._blocks = _Blocks()

    def _raw_size(self, data: bytes) -> int:
        return len(data) - data.count(b"\r\n") if b"\r" in data else len(data)

    def _lines(self, block: bytes, position: int) -> LogLines:
        if b"\r" in block:
            block = block.replace(b"\r\n", b"\n")
        positions = line_starts(block, position)
        if b"[8mha:" in block:
            block = _NOTE_WITHOUT_ESC.sub(b"", _NOTE.sub(b"", block))
        block = neutral(last_segments(block))
        times: array[float] | None = None
        marks: list[SectionOpened | SectionClosed] = []
        if block.startswith(b"[") or b"\n[" in block:
            lines = block.split(b"\n")
            times, marks = self._annotated(lines)
            block = b"\n".join(lines)
        block, self._style = self_contained(block, self._style)
        return LogLines(block, positions, times, tuple(marks))

    def _annotated(
        self, lines: list[bytes]
    ) -> "tuple[array[float] | None, list[SectionOpened | SectionClosed]]":
        """Take the timestamps off ``lines`` and dim the marker lines, in place; the times and sections found.

        A timestamp is ``[2026-11-23T08:31:18.067Z] ``, as timestamper writes it (contracts: jenkins §9.5).
        """
        times: array[float] | None = None
        marks: list[SectionOpened | SectionClosed] = []
        seconds = Seconds()
        for index, line in enumerate(lines):
            if not line.startswith(b"["):
                continue
            at = nan
            if line[24:27] == b"Z] " and (millis := _MILLIS.get(line[20:24])) is not None:
                at = seconds[line[1:20]] + millis
                if not isnan(at):
                    if times is None:
                        times = array("d", [nan]) * (len(lines) - 1)
                    times[index] = at
                    lines[index] = line = line[27:]
            if line.startswith(_PIPELINE):
                found, self._blocks = self._blocks.after(line[len(_PIPELINE) :], index, at)
                marks += found
                lines[index] = _DIM + without_styles(line) + RESET
        return times, marks


class _Blocks(msgspec.Struct, frozen=True):
    """Stages by the marker lines of Pipeline: ``stage``, ``{ (Name)``, ``}``, ``// stage``.

    The lines do not say which block a ``}`` ends, so what runs side by side cannot be told apart: a whole
    ``parallel`` is one section, and stages inside it are none.
    """

    step: bytes = b""
    """The last step that began."""
    parallel: int = 0
    """How many ``parallel`` are open."""
    sections: Sections = Sections()

    def after(
        self, marker: bytes, line: int, time: float
    ) -> "tuple[list[SectionOpened | SectionClosed], _Blocks]":
        """The marks of the marker line ``line``, without its ``[Pipeline] ``, and the blocks after it."""
        at = None if isnan(time) else time
        marks: list[SectionOpened | SectionClosed] = []
        step, parallel, sections = self.step, self.parallel, self.sections
        if marker == b"parallel":
            if not parallel:
                marks, sections = sections.open("parallel", line, name="parallel", header="parallel", at=at)
            parallel += 1
        elif marker == b"// parallel":
            parallel = max(0, parallel - 1)
            if not parallel:
                marks, sections = sections.close("parallel", line + 1, at=at)
        elif marker == b"// stage":
            if not parallel:
                marks, sections = sections.close("stage", line + 1, at=at)
        elif marker.startswith(b"{ (") and step == b"stage" and not parallel:
            name = without_styles(marker[3:].removesuffix(b")")).decode()
            marks, sections = sections.open("stage", line, name=name, header=name, at=at)
        if not marker.startswith((b"{", b"}", b"//")):
            step = marker
        return marks, _Blocks(step, parallel, sections)
