"""What the models' serving would have measured: metric values as functions of time alone."""

from collections.abc import Iterator
from hashlib import blake2b
from itertools import pairwise
from math import inf, nan, sin, tau
from typing import Literal

import msgspec

from tui.domain.globs import matches
from tui.sandbox.plan import State
from tui.sandbox.world import Model, Pipeline, Run, World

SCRAPE = 15.0
"""Seconds between two samples."""
_EVER = 30 * 86400.0
_GROWN = 720.0
"""Seconds from the start of the world until what gets worse is as bad as it will be."""
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
    until: float = inf
    begun: float = inf
    """When its version began to get worse; ``inf``: it does not."""

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
    """Everything that serves or has served: of each model the baselines and the canaries, one after the other."""
    for model in world.scenario.models:
        if model.canary:
            since = world.start - model.canary_age
            yield Serving(model, "baseline", model.baseline, world.start - _EVER)
            yield Serving(model, "canary", model.canary, since, begun=since if model.drift else inf)
        else:
            yield from _deployed(world, model)


def _deployed(world: World, model: Model) -> Iterator[Serving]:
    """What the runs of its pipelines have put into its environment.

    A canary goes when it is promoted or rejected, when another one comes, and when another version takes its place.
    """
    stable: list[tuple[float, str]] = []
    trials: list[tuple[float, str]] = []
    over: list[float] = []
    for pipeline in world.scenario.pipelines:
        address = f"{pipeline.system}:{pipeline.path}"
        if any(matches(glob, address) for glob in model.pipelines):
            for run in world.runs(pipeline):
                for state in world.progress(run).tasks:
                    if state.task.environment != model.environment:
                        continue
                    on_trial = "canary" in state.task.name
                    for attempt in state.attempts:
                        if attempt.ended_at is None:
                            continue
                        if attempt.state is State.PASSED:
                            (trials if on_trial else stable).append(
                                (attempt.ended_at, _version(pipeline, run))
                            )
                        over += () if on_trial else (attempt.ended_at,)
    over += (at for at, _ in trials)
    first = max((trial for trial in trials if trial[0] <= world.start), default=None)
    begun = {first[1]: first[0]} if first is not None and model.drift else {}
    for (at, version), (until, _) in pairwise([*sorted(stable), (inf, "")]):
        since = at if at > min(stable)[0] else world.start - _EVER
        yield Serving(model, "baseline", version, since, until, begun.get(version, inf))
    for at, version in sorted(trials):
        until = min((each for each in over if each > at), default=inf)
        yield Serving(model, "canary", version, at, until, begun.get(version, inf))


def _version(pipeline: Pipeline, run: Run) -> str:
    """What it ships, as its deployment is called: in GitLab its commit, in Jenkins what it was told to."""
    if pipeline.system == "gitlab":
        return run.commit.sha[:8]
    parameter = next((name for name, default in pipeline.parameters if default == "{version}"), "")
    return dict(run.parameters).get(parameter, run.version)


def value(world: World, serving: Serving, signal: Signal, at: float) -> float | None:
    """The signal's value at one time; None where there is no sample.

    Nothing is known of the future. Now and then scrapes are missed, and an accuracy without labels is NaN.
    """
    if at > world.now() or not serving.since <= at < serving.until:
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
            return max(0.0, 0.004 + 0.001 * wave + 0.004 * rough + 0.04 * bad)
        case "accuracy":
            if _chance(key, "unlabelled", held) < 0.06:
                return nan
            return 0.942 + 0.004 * (_chance(key, signal, held) - 0.5) - 0.03 * bad


def requests(world: World, serving: Serving, begin: float, end: float) -> float:
    """How many requests came between two times: to the canary a tenth of what the baseline gets."""
    rate = 4.0 if serving.track == "canary" else 36.0
    return rate * max(0.0, min(end, world.now(), serving.until) - max(begin, serving.since))


def _badness(world: World, serving: Serving, at: float) -> float:
    """How bad a version has become: about a third of its model's drift at the start of the world, all of it 12 minutes
    later."""
    if serving.begun == inf:
        return 0.0
    before = min(1.0, max(0.0, (at - serving.begun) / (world.start - serving.begun)))
    since = min(1.0, max(0.0, (at - world.start) / _GROWN))
    return serving.model.drift * (0.2 + 0.15 * before + 0.65 * since)


def _chance(key: str, what: str, tick: float) -> float:
    """A number in [0, 1) that belongs to this tick."""
    digest = blake2b(f"{key} {what} {tick:.0f}".encode(), digest_size=4).digest()
    return int.from_bytes(digest) / 2**32
