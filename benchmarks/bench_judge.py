"""How often the judges err, and how long they take: ``python -m benchmarks.bench_judge [repetitions]``.

Prints the shares of simulated canaries that Pipedeck's judge calls WORSE and UNCLEAR and that Kayenta does not let
pass, beside what was measured when the rule was designed (contracts: canary, sections 3 and 5): "told" columns. Half
of the cases have no difference: what is WORSE there is a false alarm.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from random import Random
from typing import NamedTuple

import msgspec

from tests.insight.samples import case, held, noise, overlapping
from tui.domain.series import Grid
from tui.domain.verdict import Outcome
from tui.insight.judge import Rule, judge_metric
from tui.insight.kayenta import classify
from tui.sources.prometheus import _placed, _ranges

Sample = Callable[[Random], tuple[float, ...]]


class Case(NamedTuple):
    name: str
    canary: Sample
    baseline: Sample
    told: str
    """WORSE and UNCLEAR of the recommended rule."""
    told_kayenta: str


def same(name: str, make: Sample, told: str, told_kayenta: str) -> Case:
    return Case(name, make, make, told, told_kayenta)


def points(count: int, mean: float = 0.0) -> Sample:
    return lambda rng: noise(rng, count, 10.0 + mean)


def windows(steps: int) -> Sample:
    return lambda rng: tuple(value + 10 for value in overlapping(rng, 60, steps))


def gauge(rng: Random) -> tuple[float, ...]:
    return tuple(value + 10 for value in held(rng, 60, 20))


NO_DIFFERENCE = (
    same("3 points", points(3), "0 / 100", "5.7"),
    same("4 points", points(4), "0 / 100", "1.1"),
    same("6 points", points(6), "0 / 100", "<= 0.5"),
    same("10 points", points(10), "<= 2", "<= 0.5"),
    same("30 points", points(30), "<= 2", "<= 0.5"),
    same("60 points", points(60), "<= 2", "<= 0.5"),
    same("rate[5m] every  15 s", windows(20), "<= 2 / 99", "53"),
    same("rate[5m] every  30 s", windows(10), "<= 2", "36"),
    same("rate[5m] every  60 s", windows(5), "<= 2", "13"),
    same("rate[5m] every 150 s", windows(2), "<= 2", "3"),
    same("rate[5m] every 300 s", windows(1), "<= 2", "0"),
    same("held for 20 steps", gauge, "<= 2", "58"),
)
ONE_DEVIATION = tuple(
    Case(f"{count} points", points(count, 1.0), points(count), told, told_kayenta)
    for count, told, told_kayenta in ((6, "", "5"), (10, "", "15"), (30, "80", "68"), (60, "100", "99"))
)
RULE = Rule(max_worse=0.0)


def simulate(cases: tuple[Case, ...], repetitions: int) -> None:
    """Two-sided, as the figures it is compared with."""
    print(f"{'':24} {'WORSE':>6} {'UNCLEAR':>8}  {'told':12} {'Kayenta':>8}  told")
    for each in cases:
        rng = Random(1)
        worse = unclear = failed = 0
        for _ in range(repetitions):
            canary, baseline = each.canary(rng), each.baseline(rng)
            outcome = judge_metric(case(baseline, canary, RULE)).outcome
            worse += outcome in (Outcome.WORSE, Outcome.BETTER)
            unclear += outcome is Outcome.UNCLEAR
            failed += classify("m", baseline, canary).label != "Pass"
        share = [100 * count / repetitions for count in (worse, unclear, failed)]
        print(
            f"{each.name:24} {share[0]:5.1f}% {share[1]:7.1f}%  {each.told:12} {share[2]:7.1f}%  {each.told_kayenta}"
        )


def margins(repetitions: int) -> None:
    """What a practical margin gives: a canary like its baseline is found OK, one beyond it WORSE."""
    print(f"{'':24} {'OK':>6} {'UNCLEAR':>8} {'WORSE':>6}")
    for count in (10, 30, 60, 120):
        for deviations in (0.0, 2.0):
            rng = Random(5)
            rule = Rule(max_worse=1.0)
            found = [
                judge_metric(case(noise(rng, count), noise(rng, count, deviations), rule)).outcome
                for _ in range(repetitions)
            ]
            good, unclear = sum(each.good for each in found), found.count(Outcome.UNCLEAR)
            shares = [100 * n / repetitions for n in (good, unclear, repetitions - good - unclear)]
            name = f"{count} points, {deviations:g} worse"
            print(f"{name:24} {shares[0]:5.1f}% {shares[1]:7.1f}% {shares[2]:5.1f}%")


def looks(repetitions: int) -> None:
    """How many canaries like their baseline are called worse at any of 53 looks, from the 8th value to the 60th."""
    rng = Random(2)
    alarmed = 0
    for _ in range(repetitions):
        canary, baseline = noise(rng, 60), noise(rng, 60)
        alarmed += any(
            judge_metric(case(baseline[:n], canary[:n], RULE)).outcome is Outcome.WORSE for n in range(8, 61)
        )
    print(f"{100 * alarmed / repetitions:.1f}% ever WORSE in 53 looks (told: 1.7% of 56, both directions)")


def units(repetitions: int) -> None:
    """Verdicts that change with the unit."""
    rng = Random(3)
    pairs = [(noise(rng, 30, 10.0 + 0.8 * (n % 2)), noise(rng, 30, 10.0)) for n in range(repetitions)]
    for scale, told in ((1e-2, "4%"), (1e-3, "10%"), (1e-6, "21%")):
        own = kayenta = 0
        for canary, baseline in pairs:
            new, old = (tuple(value * scale for value in values) for values in (canary, baseline))
            own += (
                judge_metric(case(old, new, RULE)).outcome
                is not judge_metric(case(baseline, canary, RULE)).outcome
            )
            kayenta += classify("m", old, new).label != classify("m", baseline, canary).label
        share = 100 / repetitions
        print(
            f"x {scale:g}: {share * own:.1f}% of verdicts change; Kayenta's {share * kayenta:.1f}% (told: {told})"
        )


def speed() -> None:
    rng = Random(4)
    grid = Grid(0, 499 * 60, 60)
    bodies = []
    for number in range(10):
        values = [[at, str(rng.gauss(0.2 + 0.001 * number, 0.01))] for at in grid.times]
        data = {"resultType": "matrix", "result": [{"metric": {}, "values": values}]}
        bodies.append(msgspec.json.encode({"status": "success", "data": data}))
    took = best(lambda: _decode_and_judge(bodies, grid))
    print(f"ten series x 500 points, decoded and judged as five metrics: {took:.1f} ms (wanted: under 50)")
    for count in (60, 240, 500):
        one = case(noise(rng, count), noise(rng, count), RULE)
        own, kayenta = (
            best(partial(judge_metric, one)),
            best(partial(classify, "m", one.baseline, one.canary)),
        )
        print(f"{count} against {count} points: own {own:.1f} ms, Kayenta {kayenta:.1f} ms")


def _decode_and_judge(bodies: list[bytes], grid: Grid) -> None:
    """What the source and the judge do with answers."""
    series = []
    for body in bodies:
        data = _ranges.decode(body).data
        assert data is not None
        series.append(_placed([(at, float(text)) for at, text in data.result[0].values], grid))
    for baseline, canary in zip(series[::2], series[1::2], strict=True):
        judge_metric(case(baseline, canary, RULE))


def best(work: Callable[[], object]) -> float:
    """Milliseconds of the quickest of ten."""
    took = []
    for _ in range(10):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return 1000 * min(took)


def main() -> None:
    repetitions = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    print("No difference: what is WORSE (or BETTER), or not passed, is a false alarm")
    simulate(NO_DIFFERENCE, repetitions)
    print("\nOne standard deviation worse")
    simulate(ONE_DEVIATION, repetitions)
    print("\nOne standard deviation is allowed")
    margins(repetitions)
    print("\nLooking again and again")
    looks(max(1, repetitions // 2))
    print("\nAnother unit")
    units(repetitions)
    print("\nTime")
    speed()


if __name__ == "__main__":
    main()
