"""The benchmarks run, and their table says what was missed."""

import importlib
import subprocess
import sys

import msgspec
import pytest

from benchmarks.__main__ import GROUPS
from benchmarks.table import RESULTS, Row, document, last_results, table
from benchmarks.world import Crowd
from tui.sandbox.plan import State
from tui.sandbox.world import Clock, World

ROWS = [
    Row("start", 300.0, "ms", "bare", 200.0, most_ratio=1.5),
    Row("key", 51.0, "ms", most=50),
    Row("feed", 60.0, "MB/s", "wanted", 80.0, least_ratio=1),
    Row("of a missing program", None, "s"),
    Row("grown", 1.0, "MiB", most=2, own=True),
]


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.split("|")[1:-1]]


def test_a_row_says_how_it_compares_and_what_it_missed() -> None:
    assert [row.missed for row in ROWS] == [False, True, True, False, False]
    head, rule, *lines = table(ROWS)
    assert {len(line) for line in (head, rule, *lines)} == {len(head)}
    assert cells(lines[0]) == ["start", "300 ms", "", "bare", "200 ms", "1.5 ×", "≤ 1.5 ×", ""]
    assert cells(lines[1]) == ["key", "51 ms", "", "", "", "", "≤ 50 ms", "missed"]
    assert cells(lines[3])[1] == "not measured"
    assert cells(lines[4])[6] == "≤ 2 MiB (ours)"


def test_rows_whose_runs_disagree_are_noisy() -> None:
    steady = Row("start", 300.0, "ms", runs=(290.0, 300.0, 300.0, 301.0, 302.0, 303.0, 900.0))
    shaky = Row("start", 300.0, "ms", runs=(200.0, 210.0, 300.0, 380.0, 390.0))
    assert (steady.noisy, shaky.noisy) == (False, True)
    assert cells(list(table([shaky]))[2])[-1] == "noisy"


def test_the_last_results_stand_beside_the_new_ones() -> None:
    part = [
        Row("jenkins", 1.0, "s"),
        Row("  bytes", 10.0, "B"),
        Row("gitlab", 2.0, "s"),
        Row("  bytes", 20.0, "B"),
    ]
    before = last_results(document(part))
    now = [msgspec.structs.replace(row, ours=5.0) for row in part]
    assert [cells(line)[1:3] for line in list(table(now, before))[2:]] == [
        ["5 s", "1 s"],
        ["5 B", "10 B"],
        ["5 s", "2 s"],
        ["5 B", "20 B"],
    ]


def test_the_document_holds_the_table_and_what_it_was_measured_on() -> None:
    written = document(ROWS)
    assert "\n".join(table(ROWS)) in written
    assert f"Python {sys.version.split()[0]}" in written
    assert "2 limits missed" in written


@pytest.mark.parametrize("group", GROUPS)
def test_each_part_has_rows(group: str) -> None:
    assert callable(importlib.import_module(f"benchmarks.bench_{group}").rows)


def test_exactly_a_twentieth_of_a_crowd_runs_all_the_time() -> None:
    crowd = Crowd(jobs=40, projects=20, running=5)
    world = World(crowd.scenario, Clock(manual=True))
    seen = []
    for _ in range(60):
        newest = [runs[0] for pipeline in world.scenario.pipelines if (runs := world.runs(pipeline))]
        states = [world.progress(run).state for run in newest]
        seen.append(states.count(State.RUNNING))
        assert set(states) <= {State.RUNNING, State.PASSED}
        world.clock.advance(7)
    assert max(seen) == 2 + 1
    assert seen.count(3) > 50, "one is followed by the next within a second"


def measured(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "benchmarks", "--quick", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=RESULTS.parents[1], check=False)


def test_the_command_runs_what_is_named_and_less_of_it() -> None:
    before = RESULTS.read_bytes()
    done = measured("charts", "judging")
    assert done.returncode == 0, done.stderr
    what = [cells(line)[0] for line in done.stdout.splitlines()]
    assert any("points drawn" in each for each in what)
    assert any("decoded, judged" in each for each in what)
    assert {cells(line)[1] for line in done.stdout.splitlines()[2:] if "points drawn" in line} == {
        "not measured"
    }
    assert RESULTS.read_bytes() == before, "only all of it is written"


def test_one_line_of_help_names_all_parts() -> None:
    usage = measured("--help").stdout.splitlines()[0]
    assert all(group in usage for group in (*GROUPS, "--quick"))
    assert measured("sloths").returncode == 2
