"""How often the judges err, and how long they take.

Shares of simulated canaries, beside those of the reference algorithm (Kayenta's, here) and what was measured of both
when the rule was designed. Half of the cases have no difference: what is WORSE (or BETTER) there is a false alarm.
"""

import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import NamedTuple

import msgspec

from benchmarks.table import Row
from tests.insight.judge.samples import case, held, noise, overlapping
from tui.domain.series import Grid
from tui.domain.verdict import MetricOutcome
from tui.insight.judge import MetricRule, judge_metric
from tui.insight.judge.kayenta import classify
from tui.sources.metrics.prometheus import _placed, _ranges

Sample = Callable[[Random], tuple[float, ...]]
RULE = MetricRule(max_worse=0.0)


class Case(NamedTuple):
    name: str
    canary: Sample
    baseline: Sample
    share: str
    """Of the rule: what is called WORSE or BETTER, in per cent, when it was designed."""
    share_of_kayenta: str


def _same(name: str, make: Sample, share: str, share_of_kayenta: str) -> Case:
    return Case(name, make, make, share, share_of_kayenta)


def _points(count: int, mean: float = 0.0) -> Sample:
    return lambda rng: noise(rng, count, 10.0 + mean)


def _windows(steps: int) -> Sample:
    return lambda rng: tuple(value + 10 for value in overlapping(rng, 60, steps))


def _gauge(rng: Random) -> tuple[float, ...]:
    return tuple(value + 10 for value in held(rng, 60, 20))


ALARMED = 2.0
"""Per cent of canaries like their baseline that may be called different."""
NO_DIFFERENCE = (
    _same("3 points", _points(3), "0", "5.7"),
    _same("4 points", _points(4), "0", "1.1"),
    _same("6 points", _points(6), "0", "≤ 0.5"),
    _same("10 points", _points(10), "≤ 2", "≤ 0.5"),
    _same("30 points", _points(30), "≤ 2", "≤ 0.5"),
    _same("60 points", _points(60), "≤ 2", "≤ 0.5"),
    _same("rate[5m] every 15 s", _windows(20), "≤ 2", "53"),
    _same("rate[5m] every 30 s", _windows(10), "≤ 2", "36"),
    _same("rate[5m] every 60 s", _windows(5), "≤ 2", "13"),
    _same("rate[5m] every 150 s", _windows(2), "≤ 2", "3"),
    _same("rate[5m] every 300 s", _windows(1), "≤ 2", "0"),
    _same("held for 20 steps", _gauge, "≤ 2", "58"),
)
OVERLAPPING = ("rate[5m] every 15 s", "rate[5m] every 30 s", "rate[5m] every 60 s", "rate[5m] every 150 s")
ONE_DEVIATION = tuple(
    Case(f"{count} points", _points(count, 1.0), _points(count), share, share_of_kayenta)
    for count, share, share_of_kayenta in (
        (6, "?", "5"),
        (10, "?", "15"),
        (30, "80", "68"),
        (60, "100", "99"),
    )
)


def _simulated(each: Case, repetitions: int) -> tuple[float, float]:
    """Per cent called WORSE or BETTER (the rest is UNCLEAR), and not passed by Kayenta: both are two-sided."""
    rng = Random(1)
    different = failed = 0
    for _ in range(repetitions):
        canary, baseline = each.canary(rng), each.baseline(rng)
        outcome = judge_metric(case(baseline, canary, RULE)).outcome
        different += outcome in (MetricOutcome.WORSE, MetricOutcome.BETTER)
        failed += classify("m", baseline, canary).label != "Pass"
    return 100 * different / repetitions, 100 * failed / repetitions


def _shares(repetitions: int) -> list[Row]:
    found = []
    for what, cases in (("no difference", NO_DIFFERENCE), ("one deviation worse", ONE_DEVIATION)):
        for each in cases:
            different, failed = _simulated(each, repetitions)
            words = f"{what}, {each.name}: called so (told {each.share})"
            beside = f"Kayenta's judge here (told {each.share_of_kayenta})"
            # Windows that overlap are never asked for: without a margin they are a wander like any other.
            most = ALARMED if cases is NO_DIFFERENCE and each.name not in OVERLAPPING else None
            found.append(Row(words, different, "%", beside, failed, most=most))
    return found


def _looks(repetitions: int) -> Row:
    """Canaries like their baseline that are called worse at any of 53 looks, from the 8th value to the 60th."""
    rng, alarmed = Random(2), 0
    for _ in range(repetitions):
        canary, baseline = noise(rng, 60), noise(rng, 60)
        alarmed += any(
            judge_metric(case(baseline[:n], canary[:n], RULE)).outcome is MetricOutcome.WORSE
            for n in range(8, 61)
        )
    return Row("no difference, ever WORSE in 53 looks (told 1.7 of 56)", 100 * alarmed / repetitions, "%")


def _units(repetitions: int) -> list[Row]:
    """Verdicts that change with the unit."""
    rng, found = Random(3), []
    pairs = [(noise(rng, 30, 10.0 + 0.8 * (n % 2)), noise(rng, 30, 10.0)) for n in range(repetitions)]
    for scale, designed in ((1e-2, "4"), (1e-3, "10"), (1e-6, "21")):
        own = kayenta = 0
        for canary, baseline in pairs:
            new, old = (tuple(value * scale for value in values) for values in (canary, baseline))
            before, after = (
                judge_metric(case(base, values, RULE)).outcome
                for base, values in ((baseline, canary), (old, new))
            )
            own += before is not after
            kayenta += classify("m", old, new).label != classify("m", baseline, canary).label
        share, beside = 100 / repetitions, f"Kayenta's judge here (told {designed})"
        what = f"in a unit {1 / scale:,.0f} times as large: another verdict"
        found.append(Row(what, share * own, "%", beside, share * kayenta, most=0, own=True))
    return found


def _speed(points: int) -> list[Row]:
    rng, grid = Random(4), Grid(0, (points - 1) * 60, 60)
    bodies = []
    for number in range(10):
        values = [[at, str(rng.gauss(0.2 + 0.001 * number, 0.01))] for at in grid.times]
        data = {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}
        bodies.append(msgspec.json.encode({"status": "success", "data": data}))
    one = case(noise(rng, points), noise(rng, points), RULE)
    kayenta = _best(partial(classify, "m", one.baseline, one.canary))
    return [
        Row(
            f"ten series of {points} points decoded, judged as five metrics",
            _best(lambda: _decode_and_judge(bodies, grid)),
            "ms",
            most=50,
        ),
        Row(
            f"one metric judged, {points} against {points}",
            _best(partial(judge_metric, one)),
            "ms",
            "Kayenta's judge here",
            kayenta,
        ),
    ]


def _decode_and_judge(bodies: list[bytes], grid: Grid) -> None:
    """What the source and the judge do with answers."""
    series = []
    for body in bodies:
        data = _ranges.decode(body).data
        assert data is not None
        series.append(_placed([(at, float(text)) for at, text in data.result[0].values], grid))
    for baseline, canary in zip(series[::2], series[1::2], strict=True):
        judge_metric(case(baseline, canary, RULE))


def _best(work: Callable[[], object]) -> float:
    """Milliseconds of the quickest of ten."""
    took = []
    for _ in range(10):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return 1000 * min(took)


def rows(quick: bool) -> list[Row]:
    repetitions = 20 if quick else 1000
    return [
        *_speed(60 if quick else 500),
        *_shares(repetitions),
        _looks(repetitions // 2),
        *_units(repetitions),
    ]
