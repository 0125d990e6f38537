"""What two tracks are compared by: whether they can be, and whether their quantiles are of enough."""

import math
from collections.abc import Mapping, Sequence

from tui.config import MetricSettings
from tui.domain.promql import aggregates
from tui.domain.series import Histogram, Samples, Track
from tui.text.format import quantity

_MOST_BOUNDS = 3
_TELLING = 5
"""So many different numbers are not the same by chance in two series."""
_PER_QUANTILE = 10
"""So many events should be beyond a quantile."""


def incomparable(
    queries: Mapping[Track | None, Sequence[str]],
    answers: Mapping[Track | None, Sequence[Samples]],
    source: str,
    metric: MetricSettings,
) -> str | None:
    """Why the two tracks cannot be compared; None where they can, or there are no two."""
    if len(answers) < 2:
        return None
    baseline, canary = answers["baseline"], answers["canary"]
    if queries["baseline"] == queries["canary"]:
        return "the query is the same for baseline and canary: the model's table names both alike"
    for old, new, query in zip(baseline, canary, queries["canary"], strict=True):
        if old.rows and new.rows and _same(old, new, query):
            return "baseline and canary are the same series: the query does not tell them apart"
        if old.histogram and new.histogram and old.histogram.bounds != new.histogram.bounds:
            scale = 1.0 if metric.scale is None else metric.scale
            bounds = _differing(old.histogram, new.histogram, scale, metric.unit)
            return f"their histograms have different buckets: {bounds}"
    if any(samples.partial for samples in (*baseline, *canary)):
        return f"the answer of {source} is partial: some of its stores did not give theirs"
    return None


def _same(old: Samples, new: Samples, query: str) -> bool:
    """Whether they are one series. Labels tell it; where some are summed away it takes the numbers, too."""
    labels, numbers = old.rows[0]
    if not labels or labels != new.rows[0][0]:
        return False
    return not aggregates(query) or (numbers == new.rows[0][1] and len(set(numbers) - {None}) >= _TELLING)


def _differing(old: Histogram, new: Histogram, scale: float, unit: str) -> str:
    """``10 ms, 50 ms in the baseline only, 25 ms in the canary only``."""
    words = []
    for track, own, other in (("baseline", old, new), ("canary", new, old)):
        bounds = [bound for bound in own.bounds if bound not in other.bounds]
        if bounds:
            named = ", ".join(quantity(bound * scale, unit) for bound in bounds[:_MOST_BOUNDS])
            words.append(f"{named}{', …' if len(bounds) > _MOST_BOUNDS else ''} in the {track} only")
    return "; ".join(words)


def scarce(answers: Mapping[Track | None, Sequence[Samples]]) -> tuple[str, ...]:
    """Which track has fewer events in a window than its quantile needs to be more than one of them."""
    found = []
    for track, (samples, *_) in answers.items():
        histogram = samples.histogram
        if (
            histogram is None
            or histogram.quantile is None
            or histogram.events is None
            or histogram.quantile >= 1
        ):
            continue
        needed = _PER_QUANTILE / (1 - histogram.quantile)
        if histogram.events < needed:
            found.append(
                f"{f'{track}: ' if track else ''}about {histogram.events:.0f} requests in a window, where "
                f"the {histogram.quantile:g} quantile needs {math.ceil(needed - 1e-6)}: a few of them make it"
            )
    return tuple(found)
