"""A judged metric as short texts: made here once for the verdict, the promotion and the candidate of a registry.

Pure functions of a metric's verdict and a time; no colours, no widths.
"""

import msgspec

from tui.config import ModelSettings
from tui.domain.candidate import Candidacy
from tui.domain.verdict import MetricOutcome, MetricVerdict, ServerMetric, ServerVerdict
from tui.text import format as fmt


class MetricLine(msgspec.Struct, frozen=True):
    """One metric; each text is empty where there is nothing to tell."""

    metric: str
    outcome: MetricOutcome
    baseline: str
    canary: str
    difference: str
    limit: str
    points: str
    """How many values were compared."""
    effective: str
    """To how many independent ones they amount."""
    age: str
    """Of the canary's newest value."""
    reason: str
    gaps: str
    """How often the canary had no value."""

    @property
    def values(self) -> str:
        """``45 (3 independent)``."""
        return (
            f"{self.points} ({self.effective} independent)" if self.points and self.effective else self.points
        )

    @property
    def sample(self) -> str:
        """``45 values, 3 independent, <1m old``."""
        noun = "value" if self.points == "1" else "values"
        parts = (
            f"{self.points} {noun}" if self.points else "",
            f"{self.effective} independent" if self.effective else "",
            f"{self.age} old" if self.age else "",
        )
        return ", ".join(filter(None, parts))

    @property
    def why(self) -> str:
        """How the canary differs, what is allowed, why it is judged so, and what of it is missing."""
        parts = (
            f"difference {self.difference}" if self.difference else "",
            f"allowed {self.limit}" if self.limit else "",
            self.reason,
            self.gaps,
        )
        return "; ".join(filter(None, parts))


def metric_line(metric: MetricVerdict, unit: str, now: float) -> MetricLine:
    """``unit``: the one that the metric's numbers are shown in."""
    return MetricLine(
        metric=metric.metric,
        outcome=metric.outcome,
        baseline=fmt.level(metric.baseline, unit, at_least=metric.baseline_at_least),
        canary=fmt.level(metric.canary, unit, at_least=metric.canary_at_least),
        difference=difference_text(metric, unit),
        limit=limit_text(metric, unit),
        points=f"{metric.points}" if metric.points else "",
        effective=f"{metric.effective:.0f}" if metric.effective is not None else "",
        age=fmt.ago(now - metric.newest) if metric.newest is not None else "",
        reason=metric.reason,
        gaps=f"no value at {metric.gaps:.0%} of the looks" if metric.gaps else "",
    )


def difference_text(metric: MetricVerdict, unit: str) -> str:
    """``+12 ms (8.1 to 16)``: how far the canary lies above the baseline, with the interval where there is one."""
    if metric.difference is None:
        return ""
    sign = "+" if metric.difference > 0 else ""
    if metric.canary_at_least and not metric.baseline_at_least:
        sign = f"≥ {sign}"
    text = f"{sign}{fmt.quantity(metric.difference, unit)}"
    if metric.low is None or metric.high is None:
        return text
    return f"{text} ({fmt.quantity(metric.low)} to {fmt.quantity(metric.high)})"


def limit_text(metric: MetricVerdict, unit: str) -> str:
    """``12 ms worse, fail 250 ms``: what it may not be beyond."""
    margin = f"{fmt.quantity(metric.margin, unit)} worse" if metric.margin is not None else ""
    fail = f"fail {fmt.quantity(metric.fail, unit)}" if metric.fail is not None else ""
    return ", ".join(words for words in (margin, fail) if words)


def server_words(server: ServerVerdict) -> str:
    """``DO NOT PROMOTE: score 33 (passes from 60, fails up to 40); by interval 91, 60, 33; p95 was too high``."""
    parts = []
    if server.score is not None:
        limits = ", ".join(
            f"{words} {limit:g}"
            for words, limit in (("passes from", server.passes), ("fails up to", server.fails))
            if limit is not None
        )
        parts.append(f"score {server.score:g}{f' ({limits})' if limits else ''}")
    if len(server.intervals) > 1:
        parts.append(f"by interval {', '.join(f'{score:g}' for score in server.intervals)}")
    if server.groups:
        parts.append(", ".join(f"{group.name} {group.score:g}" for group in server.groups))
    return f"{server.decision}: {'; '.join(filter(None, (*parts, server.reason)))}"


def server_metrics(server: ServerVerdict) -> tuple[ServerMetric, ...]:
    """Group by group, in the order in which the server names them."""
    order = {group.name: number for number, group in enumerate(server.groups)}
    return tuple(sorted(server.metrics, key=lambda each: order.get(each.group, len(order))))


def candidacy_words(candidacy: Candidacy, model: ModelSettings) -> str:
    """``challenger 4 against champion 3, validated``: which versions of the registry are compared."""
    registry = model.registry
    assert registry is not None
    named = candidacy.called or (registry.champion, registry.candidate)
    pair = [(named[1], candidacy.candidate), (named[0], candidacy.champion)]
    return (
        " against ".join(f"{alias} {one.version if one else '(none)'}" for alias, one in pair) + ", validated"
    )
