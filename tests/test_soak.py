"""The soak: what counts as growth, and that a short one runs and leaves nothing behind."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.growth import FEWEST, Sample, growth


def samples(
    count: int = 24,
    *,
    memory: Callable[[int], float] = lambda number: 90.0,
    descriptors: Callable[[int], int] = lambda number: 20,
    threads: Callable[[int], int] = lambda number: 6,
    held: Callable[[int], float] = lambda number: 20.0,
) -> list[Sample]:
    return [
        Sample(30.0 * number, memory(number), descriptors(number), threads(number), held(number))
        for number in range(count)
    ]


def grown(found: list[Sample]) -> set[str]:
    return {each.what for each in growth(found) if each.too_much}


def test_what_goes_up_and_down_does_not_grow() -> None:
    assert growth(samples())
    assert (
        grown(samples(memory=lambda number: 90 + 5 * (number % 2), threads=lambda number: 4 + number % 5))
        == set()
    )


def test_what_is_held_when_it_is_warm_does_not_grow() -> None:
    assert (
        grown(samples(memory=lambda number: 90 + 8 * min(number, 5), held=lambda number: 900 / (number + 1)))
        == set()
    )


def test_one_round_that_was_odd_is_no_growth() -> None:
    assert (
        grown(
            samples(memory=lambda number: 90 + 50 * (number == 23), descriptors=lambda n: 20 + 80 * (n == 22))
        )
        == set()
    )


@pytest.mark.parametrize(
    ("leak", "what"),
    [
        (samples(memory=lambda number: 90 + number), "MiB of memory"),
        (samples(descriptors=lambda number: 20 + number // 2), "descriptors"),
        (samples(threads=lambda number: 6 + number // 2), "threads"),
        (samples(held=lambda number: 20 + 4 * number), "ms that the event loop is held"),
    ],
)
def test_what_goes_up_all_the_time_grows(leak: list[Sample], what: str) -> None:
    assert grown(leak) == {what}


def test_what_becomes_less_does_not_grow() -> None:
    assert grown(samples(memory=lambda number: 200 - number, descriptors=lambda number: 40 - number)) == set()


def test_few_samples_are_not_judged() -> None:
    assert growth(samples(FEWEST - 1)) == []
    assert growth(samples(FEWEST)) != []


def test_a_short_one_tells_each_round_and_ends_all_that_it_started(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.soak", "--minutes", "0.05", "--round", "3"],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[1],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    head, first, *_, last = done.stdout.splitlines()
    assert head.split()[:5] == ["after", "resident", "own", "descriptors", "threads"]
    assert "MiB" in first
    assert last.endswith("too few to judge growth.")
    assert list(tmp_path.iterdir()) == []
    assert [each for each in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path) in _text(each)] == []


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:  # it has ended meanwhile
        return ""
