"""Metric series: one metric of a model, for the baseline or the canary, over time."""

from typing import Literal

import msgspec

Track = Literal["baseline", "canary"]


class Grid(msgspec.Struct, frozen=True):
    """Aligned sample times: ``start`` and ``end`` are multiples of ``step`` (seconds), both ends included."""

    start: int
    end: int
    step: int

    @property
    def times(self) -> range:
        return range(self.start, self.end + 1, self.step)


class Counts(msgspec.Struct, frozen=True):
    """What was counted in each window of a grid; None where it was not read. Not rounded: servers extrapolate."""

    bad: tuple[float | None, ...]
    """What counts against the share; of a share of good ones (``better = "higher"``) the good ones."""
    total: tuple[float | None, ...]


class Series(msgspec.Struct, frozen=True):
    """Values on a grid, in the metric's shown unit; None where there is no value (missing, NaN)."""

    metric: str
    track: Track | None
    """None where the metric is not told apart by track."""
    grid: Grid
    values: tuple[float | None, ...]
    label: str = ""
    """The version or other words that tell this series from its neighbours."""
    nan: int = 0
    """How many values are None because they are NaN, not because they are missing."""
    ceiling: float | None = None
    """The value that a quantile of a histogram has where it may be any more: the bound of the highest bucket."""
    counts: Counts | None = None
    """Of a share, what it was made of: a value is ``scale * bad / total``."""


class Histogram(msgspec.Struct, frozen=True):
    """What a quantile is made of, as it was at the end of the asked time."""

    bounds: tuple[float, ...]
    """Of its buckets, rising, in the server's unit."""
    quantile: float | None = None
    """Which one was asked for, 0.95; None where nobody can tell."""
    events: float | None = None
    """How many there are in the window of one value, on average; None where nobody can tell."""


class Chart(msgspec.Struct, frozen=True):
    """All series of one metric of one model, on one grid, with what the server said about them."""

    series: tuple[Series, ...]
    notes: tuple[str, ...] = ()
    """Warnings of the server and hints: partial answers, NaN in the samples, a flat line at a bucket's bound."""
    remarks: tuple[str, ...] = ()
    """What has to be known of the values to judge by them: that a quantile is of too few events."""
    incomparable: str | None = None
    """Why the baseline and the canary in it cannot be compared."""
    final: bool = False
    """It lies in the past and will not change any more."""


class Samples(msgspec.Struct, frozen=True):
    """What a server answered to one range query."""

    rows: tuple[tuple[tuple[tuple[str, str], ...], tuple[float | None, ...]], ...]
    """For each series its labels, sorted by name, and its values on the asked grid."""
    notes: tuple[str, ...] = ()
    """The server's warnings."""
    nan: int = 0
    """NaN among the values."""
    ceiling: float | None = None
    """As of :class:`Series`."""
    histogram: Histogram | None = None
    partial: bool = False
    """Some of the server's stores did not answer."""


class Probe(msgspec.Struct, frozen=True):
    """What a metric of a model gave in the last hour, when it was asked once."""

    tracks: tuple[Track | None, ...]
    """For each series what it is of."""
    newest: float | None
    """The time of the newest sample, or of the newest value where samples cannot be seen; None: there is none."""
    exact: bool
    """It is that of the sample itself."""
    missing: float
    """Share of the values that are not there, and not NaN."""
    nan: float
    notes: tuple[str, ...] = ()
