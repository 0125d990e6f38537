"""What the models' serving would have measured: metric values as functions of time alone."""

from collections.abc import Iterator
from hashlib import blake2b
from math import nan, sin, tau
from typing import Literal

import msgspec

from tui.sandbox.world import Model, World

SCRAPE = 15.0
"""Seconds between two samples."""
LABELLED = 300.0
"""Seconds between two updates of a quality gauge; in between it is held."""

Track = Literal["baseline", "canary"]
Signal = Literal["latency", "requests", "accuracy"]

METRICS: dict[str, Signal] = {
    "model_request_duration_seconds_bucket": "latency",
    "model_requests_total": "requests",
    "model_accuracy": "accuracy",
}
"""Metric names and what they tell of: seconds at the 95th percentile, the share of failed requests, accuracy."""


class Serving(msgspec.Struct, frozen=True):
    """One version of one model that serves."""

    model: Model
    track: Track
    version: str
    since: float

    @property
    def labels(self) -> dict[str, str]:
        return {
            "environment": self.model.environment,
            "model": self.model.name,
            "model_version": self.version,
            "namespace": self.model.namespace,
            "track": self.track,
        }


def servings(world: World) -> Iterator[Serving]:
    """Everything that serves: of each model the baseline and the canary."""
    for model in world.scenario.models:
        yield Serving(model, "baseline", model.baseline, world.start - 30 * 86400)
        yield Serving(model, "canary", model.canary, world.start - model.canary_age)


def value(world: World, serving: Serving, signal: Signal, at: float) -> float | None:
    """The signal's value at one time; None where there is no sample.

    Nothing is known of the future. Now and then scrapes are missed, and an accuracy without labels is NaN.
    """
    if at > world.now() or at < serving.since:
        return None
    key = f"{world.seed} {serving.model.name} {serving.track}"
    if _chance(key, "missed", at // 180) < 0.05:
        return None
    held = at // LABELLED
    bad = _badness(world, serving, held * LABELLED if signal == "accuracy" else at)
    wave = sin(tau * at / 5400 + _chance(serving.model.name, "phase", 0) * tau)
    rough = _chance(key, signal, at // SCRAPE) - 0.5
    match signal:
        case "latency":
            return (0.120 + 0.012 * wave + 0.016 * rough) * (1 + 0.9 * bad)
        case "requests":
            return max(0.0, 0.004 + 0.001 * wave + 0.004 * rough + 0.03 * bad)
        case "accuracy":
            if _chance(key, "unlabelled", held) < 0.06:
                return nan
            return 0.942 + 0.004 * (_chance(key, signal, held) - 0.5) - 0.03 * bad


def requests(world: World, serving: Serving, begin: float, end: float) -> float:
    """How many requests came between two times: to the canary a tenth of what the baseline gets."""
    rate = 4.0 if serving.track == "canary" else 36.0
    return rate * max(0.0, min(end, world.now()) - max(begin, serving.since))


def _badness(world: World, serving: Serving, at: float) -> float:
    """How bad a canary has become: grows from 0 at its start to its model's drift 15 minutes into the world."""
    if serving.track == "baseline" or not serving.model.drift:
        return 0.0
    grown = (at - serving.since) / (world.start + 900.0 - serving.since)
    return serving.model.drift * float(max(0.0, min(grown, 1.3)) ** 1.5)


def _chance(key: str, what: str, tick: float) -> float:
    """A number in [0, 1) that belongs to this tick."""
    digest = blake2b(f"{key} {what} {tick:.0f}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32
