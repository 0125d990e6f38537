"""Whether what a program holds grows for as long as it runs."""

import statistics
from collections.abc import Callable, Sequence

import msgspec

FEWEST = 12
"""Samples below which nothing is judged: what is not garbage yet, or asked for only once, would count as growth."""
WARM_UP = 1 / 4
"""The share of the samples, the first ones, that are not looked at: caches fill up, libraries are loaded."""


class Sample(msgspec.Struct, frozen=True):
    """What the program held at one moment at which nothing was wrong and nobody typed."""

    seconds: float
    """Since it started."""
    memory: float
    """MiB that are resident, without what the caches of libraries hold within their bounds."""
    descriptors: int
    threads: int
    held: float
    """Milliseconds of processor time for which the event loop was held: exceeded once in a hundred times since the
    sample before. What other programs take does not count."""


class Growth(msgspec.Struct, frozen=True):
    what: str
    first: float
    """The median of the first third of the samples that are looked at."""
    last: float
    """And that of the last third."""
    allowed: float

    @property
    def too_much(self) -> bool:
        return self.last - self.first > self.allowed


LIMITS: tuple[tuple[str, Callable[[Sample], float], float, float], ...] = (
    ("MiB of memory", lambda sample: sample.memory, 4.0, 0.03),
    ("descriptors", lambda sample: sample.descriptors, 3.0, 0.0),
    ("threads", lambda sample: sample.threads, 3.0, 0.0),
    ("ms that the event loop is held", lambda sample: sample.held, 5.0, 0.5),
)
"""What may grow by how much, and by how much more for each unit that there was at first."""
RULE = (
    f"Judged: after the first {WARM_UP:.0%} of the rounds, the median of the last third of the others against\n"
    "that of the first third."
)


def growth(samples: Sequence[Sample]) -> list[Growth]:
    """How each figure grew; nothing when the samples are too few to tell."""
    if len(samples) < FEWEST:
        return []
    warm = samples[int(len(samples) * WARM_UP) :]
    third = len(warm) // 3
    grown = []
    for what, figure, most, share in LIMITS:
        first, last = (statistics.median(map(figure, part)) for part in (warm[:third], warm[-third:]))
        grown.append(Growth(what, first, last, most + share * first))
    return grown
