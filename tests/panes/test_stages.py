"""The stage tree as rows with bars."""

from tests.examples import NOW, address, run
from tests.presenters.test_pipelines import job, stage
from tui.domain.pipeline import Job
from tui.domain.status import Status
from tui.insight.usual import place
from tui.panes.stages import heading, project, scale
from tui.presenters.pipelines import stage_lines
from widgets.cells import pieces

RUN = run(
    "g:a#1",
    Status.RUNNING,
    ref="main",
    revision="1a2b3c4d5e",
    cause="alice",
    stages=(
        stage("test", started_at=NOW - 600, duration=120.0),
        stage("train", Status.RUNNING, started_at=NOW - 480, duration=None, jobs=(job("fit"), job("eval"))),
        stage("ship", Status.QUEUED, started_at=None, duration=None),
    ),
)


def test_each_row_tells_status_in_glyph_and_word() -> None:
    rows = project(RUN, NOW)
    cells = [["".join(part for part, _ in pieces(cell)) for cell in row.cells] for row in rows]
    assert [cell[:4] for cell in cells] == [
        ["✓•", "test", "passed", "2m 00s"],
        ["»•", "train", "running", "8m"],
        ["✓", "├─ fit", "passed", ""],
        ["✓", "└─ eval", "passed", ""],
        ["◦", "ship", "queued", ""],
    ]
    assert cells[0][4].startswith("█")
    assert cells[1][4].rstrip().endswith("▸")
    assert cells[4][4].strip() == ""


def test_what_is_slow_and_what_waited_for_a_machine_say_so() -> None:
    fit = Job(
        address("g:a#1").at_job("fit"), "1", "fit", Status.PASSED, started_at=NOW - 300, duration=200.0,
        queued_for=180.0, reason="script_failure",
    )  # fmt: skip
    shown = run("g:a#1", stages=(stage("fit", started_at=NOW - 300, duration=200.0, jobs=(fit,)),))
    (row,) = project(shown, NOW, usual={place("", "fit"): 80.0})
    assert pieces(row.cells[5]) == (("2m longer than usual", "warning"), ("; script_failure; queued 3m", ""))
    assert "".join(part for part, _ in pieces(row.cells[4])).startswith("╌╌╌╌")


def test_the_scale_of_a_running_run_moves_in_steps_only() -> None:
    lines = stage_lines(RUN, NOW)
    assert scale(lines, NOW) == scale(lines, NOW + 5) == scale(lines, NOW + 60)
    low, high = scale(lines, NOW)
    assert low == NOW - 600
    assert high > NOW


def test_the_scale_of_a_finished_run_is_its_own() -> None:
    lines = stage_lines(run("g:a#1", stages=(stage("a", started_at=10.0), stage("b", started_at=50.0))), NOW)
    assert scale(lines, NOW) == (10.0, 80.0)
    assert scale([], NOW) == (0.0, 0.0)


def test_the_heading_says_which_run_it_is() -> None:
    words = " ".join(f"{item.label} {item.detail}" for item in heading(RUN, (), NOW))
    assert words.split() == [
        *["g:a#1", "»", "running", "10m", "•", "critical", "path", "test", "›", "train:", "10m"],
        *["main", "1a2b3c4d", "alice"],
    ]
