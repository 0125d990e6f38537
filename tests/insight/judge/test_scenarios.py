"""How often the judge errs on series as model servers make them: few runs from fixed seeds.

Two hours, one value a minute; docs/verdict.md has the figures of many runs.
"""

import math
from collections.abc import Callable
from random import Random
from typing import Any, Literal, NamedTuple

import pytest

from benchmarks.scenario_judge import judge

MINUTES = 120
LOOKS = (8, 10, 12, 15, 20, 25, 30, 35, 40, 45, 50, 60, 62, 65, 68, 70, 75, 80, 90, 95, 100, 110, 119, 120)
RUNS = 6
Track = list[float | None]
Made = tuple[Track, Track, tuple[list[int], list[int], list[int], list[int]] | None]
LATENCY: dict[str, Any] = {"better": "lower", "max_worse": 0.1, "relative": True}
ERRORS: dict[str, Any] = {"better": "lower", "max_worse": 0.5}
ACCURACY: dict[str, Any] = {"better": "higher", "max_worse": 0.005}


def wander(rng: Random, memory: float, deviation: float) -> list[float]:
    values = [rng.gauss(0, deviation)]
    while len(values) < MINUTES:
        values.append(memory * values[-1] + rng.gauss(0, deviation * math.sqrt(1 - memory**2)))
    return values


def latency(memory: float, worse: Callable[[int], float] = lambda at: 0.0) -> Callable[[Random], Made]:
    def make(rng: Random) -> Made:
        load, old, new = wander(rng, 0.9, 0.1), wander(rng, memory, 0.06), wander(rng, memory, 0.06)
        baseline: Track = [100 * math.exp(a + b) for a, b in zip(load, old, strict=True)]
        canary: Track = [100 * (1 + worse(at)) * math.exp(load[at] + new[at]) for at in range(MINUTES)]
        return baseline, canary, None

    return make


def rising(factor: float) -> Callable[[Random], Made]:
    def make(rng: Random) -> Made:
        baseline: Track = [80 + at + rng.gauss(0, 3) for at in range(MINUTES)]
        return baseline, [factor * (80 + at) + rng.gauss(0, 3) for at in range(MINUTES)], None

    return make


def errors(requests: int, good: float, bad: float) -> Callable[[Random], Made]:
    def make(rng: Random) -> Made:
        def count(total: int, share: float) -> list[int]:
            return [sum(rng.random() < share for _ in range(total)) for _ in range(MINUTES)]

        old, new = count(9 * requests, good), count(requests, bad)
        all_old, all_new = [9 * requests] * MINUTES, [requests] * MINUTES
        return (
            [100 * k / n for k, n in zip(old, all_old, strict=True)],
            [100 * k / n for k, n in zip(new, all_new, strict=True)],
            (old, all_old, new, all_new),
        )

    return make


def held(rng: Random) -> Made:
    def gauge() -> Track:
        return [value for value in (rng.gauss(0.94, 0.004) for _ in range(6)) for _ in range(20)]

    return gauge(), gauge(), None


def failing(rng: Random) -> Made:
    return [0.0] * MINUTES, [100.0 if rng.random() < 1 / 3 else 0.0 for _ in range(MINUTES)], None


def burst(rng: Random) -> Made:
    baseline, canary, _ = latency(0.3)(rng)
    return baseline, [900.0 if at in (111, 114, 118) else value for at, value in enumerate(canary)], None


class Scenario(NamedTuple):
    name: str
    ask: dict[str, Any]
    make: Callable[[Random], Made]
    wanted: Literal["never worse", "OK", "worse", "worse at the end"]
    by: int = MINUTES


SCENARIOS = (
    Scenario("equal", LATENCY, latency(0.7), "OK"),
    Scenario("equal, both rise", LATENCY, rising(1.0), "OK"),
    Scenario("equal, rarely measured", ACCURACY, held, "never worse"),
    Scenario("equal errors", ERRORS, errors(50, 0.005, 0.005), "never worse"),
    Scenario("both rise, 20 % worse", LATENCY, rising(1.2), "worse", 25),
    Scenario("drifts to 60 % worse", LATENCY, latency(0.7, lambda at: 0.6 * (at / 119) ** 1.5), "worse", 110),
    Scenario("50 % worse from minute 60", LATENCY, latency(0.3, lambda at: 0.5 * (at >= 60)), "worse", 75),
    Scenario("all fail in one window of three", ERRORS, failing, "worse", 60),
    Scenario("ten times the errors, 5 a minute", ERRORS, errors(5, 0.005, 0.05), "worse", 50),
    Scenario("three of ten beyond fail", {**LATENCY, "fail": 500.0}, burst, "worse at the end"),
)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_the_judge(scenario: Scenario) -> None:
    """Half of the runs may be a little late or unclear; none may be wrong."""
    in_time = fine = 0
    for number in range(RUNS):
        baseline, canary, counts = scenario.make(Random(f"{scenario.name} {number}"))
        said = {}
        for end in LOOKS:
            cut = None if counts is None else [column[:end] for column in counts]
            said[end] = judge(baseline[:end], canary[:end], scenario.ask, cut)
        if scenario.wanted in ("OK", "never worse"):
            assert "WORSE" not in said.values()
            fine += said[MINUTES] == "OK"
        else:
            assert said[MINUTES] == "WORSE"
            in_time += "WORSE" in [said[end] for end in LOOKS if end <= scenario.by]
    if scenario.wanted == "OK":
        assert fine >= RUNS / 2
    elif scenario.wanted == "worse":
        assert in_time >= RUNS / 2
