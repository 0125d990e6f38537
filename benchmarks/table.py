"""The table of `make bench`: what was measured, beside what, and what was promised."""

import os
import platform
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import msgspec

HEAD = ("what", "Pipedeck", "before", "beside", "that", "ratio", "limit", "")
RESULTS = Path(__file__).parent / "results.md"
TIMED = frozenset({"ms", "s", "%", "MB/s"})
"""Units of what a busy machine changes; the others are counted and sizes."""
NOISY = 1.25
"""The middle half of the runs may lie so far apart; beyond it their median tells little."""


class Row(msgspec.Struct, frozen=True):
    what: str
    ours: float | None
    """None: it could not be measured here."""
    unit: str
    beside: str = ""
    """What ``theirs`` is of; empty where there is nothing to compare with."""
    theirs: float | None = None
    most: float | None = None
    """What ``ours`` may be at most."""
    most_ratio: float | None = None
    least_ratio: float | None = None
    own: bool = False
    """The limit is one that we set ourselves; others were asked for."""
    runs: tuple[float, ...] = ()
    """What each run measured, where ``ours`` is their median."""

    @property
    def timed(self) -> bool:
        return self.unit in TIMED

    @property
    def noisy(self) -> bool:
        """The runs disagree."""
        if len(self.runs) < 4:
            return False
        low, _, high = statistics.quantiles(self.runs, n=4)
        return high > NOISY * low

    @property
    def ratio(self) -> float | None:
        return None if self.ours is None or not self.theirs else self.ours / self.theirs

    @property
    def limit(self) -> str:
        return f"{self._limit} (ours)" if self.own else self._limit

    @property
    def _limit(self) -> str:
        if self.most is not None:
            return f"≤ {_number(self.most)} {self.unit}".rstrip()
        if self.most_ratio is not None:
            return f"≤ {self.most_ratio:g} ×"
        return f"≥ {self.least_ratio:g} ×" if self.least_ratio is not None else ""

    @property
    def missed(self) -> bool:
        ours, ratio = self.ours, self.ratio
        return (
            (self.most is not None and ours is not None and ours > self.most)
            or (self.most_ratio is not None and ratio is not None and ratio > self.most_ratio)
            or (self.least_ratio is not None and ratio is not None and ratio < self.least_ratio)
        )

    def cells(self, before: str = "") -> tuple[str, ...]:
        """Its line in the table; ``before`` is what the last full run had in its place."""
        theirs = f"{_number(self.theirs)} {self.unit}" if self.theirs is not None else ""
        ours = "not measured" if self.ours is None else f"{_number(self.ours)} {self.unit}"
        ratio = "" if self.ratio is None else f"{self.ratio:.2g} ×"
        remarks = [word for word, holds in (("missed", self.missed), ("noisy", self.noisy)) if holds]
        return self.what, ours, before, self.beside, theirs, ratio, self.limit, ", ".join(remarks)


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def percentile(values: Iterable[float], part: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]


Key = tuple[str, str, str]
"""What tells a row from others: the last row that is not indented, its own words, and what stands beside it."""


def _keys(lines: Iterable[tuple[str, str]]) -> Iterator[Key]:
    part = ""
    for what, beside in lines:
        part = part if what.startswith("  ") else what
        yield part, what, beside


def last_results(text: str) -> dict[Key, str]:
    """What the table in a :func:`document` has under "Pipedeck", by row."""
    lines = [line[2:-2].split(" | ") for line in text.splitlines() if line.startswith("| ")]
    if not lines:
        return {}
    head = [name.strip() for name in lines[0]]
    ours, beside = head.index(HEAD[1]), head.index("beside")
    rows = [line for line in lines[1:] if len(line) == len(head)]
    keys = _keys((line[0].rstrip(), line[beside].strip()) for line in rows)
    return {key: line[ours].strip() for key, line in zip(keys, rows, strict=True)}


def table(rows: Sequence[Row], before: Mapping[Key, str] = MappingProxyType({})) -> Iterator[str]:
    """The rows as a table that is readable as text and as Markdown, with :func:`last_results` beside them."""
    keys = _keys((row.what, row.beside) for row in rows)
    lines = [HEAD, *(row.cells(before.get(key, "")) for key, row in zip(keys, rows, strict=True))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    for number, line in enumerate(lines):
        yield "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        if not number:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def document(rows: Sequence[Row], before: Mapping[Key, str] = MappingProxyType({})) -> str:
    """The table with the machine and the versions it is of."""
    missed = sum(row.missed for row in rows)
    cpu = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        "unknown processor",
    )
    packages = ", ".join(f"{name} {version(name)}" for name in ("textual", "rich", "msgspec", "httpx"))
    return "\n".join(
        (
            "# Measured",
            "",
            "Written by `make bench`; ratios are of one run. A missed limit is said so, and is no failed test.",
            "Limits are what was asked of the program; those marked (ours) are guards that were set here. Noisy: the",
            "runs disagree, so that their median tells little. Before: what the last full run had.",
            f"{missed} limits missed of {sum(bool(row.limit) for row in rows)}.",
            "",
            f"{datetime.now(UTC):%Y-%m-%d}, {cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
            f"{platform.system()} {platform.release()}, Python {platform.python_version()}, {packages}.",
            "",
            *table(rows, before),
            "",
        )
    )
