"""The pipeline list as rows."""

from unittest.mock import patch

from tests.examples import NOW, gate, pipeline, run
from tui.domain.health import Fault, Trouble
from tui.domain.pipeline import Listing, Pipeline
from tui.domain.status import Status
from tui.engine.store import Reading
from tui.panes.pipelines import MadeRow, project
from tui.presenters.pipelines import pipeline_line
from widgets.cells import pieces
from widgets.table.line_table import Row

READ = NOW - 3


def reading(*pipelines: Pipeline, fault: Fault | None = None) -> Reading[Listing]:
    return Reading(Listing(pipelines), READ, fault)


def now(_: str) -> float:
    return NOW


def text(row: Row) -> str:
    return "|".join("".join(part for part, _ in pieces(cell)) for cell in row.cells)


DEPLOY = pipeline(
    "jenkins:deploy", run("jenkins:deploy#7", Status.WAITING, gates=(gate("jenkins:deploy#7!P", "Go?"),))
)
FRAUD = pipeline("gitlab:ml/fraud", run("gitlab:ml/fraud#9", Status.FAILED), ref="main")
VISION = pipeline("jenkins:ml/vision", run("jenkins:ml/vision#3", Status.RUNNING))
IDLE = pipeline("jenkins:ml/idle", run("jenkins:ml/idle#1"))
READINGS = {"jenkins": reading(IDLE, VISION, DEPLOY), "gitlab": reading(FRAUD)}


def test_what_needs_a_person_is_first_then_failing_running_and_the_rest() -> None:
    rows, pipelines = project(READINGS, now)
    assert [row.key for row in rows] == [
        "jenkins:deploy",
        "gitlab:ml/fraud main",
        "jenkins:ml/vision",
        "jenkins:ml/idle",
    ]
    assert pipelines["gitlab:ml/fraud main"] is FRAUD
    assert text(rows[0]) == "◊|deploy||#7|waiting 12m: Go?|10m|||jenkins"
    assert text(rows[1]) == "✗|ml/fraud|main|#9|failed 2m 00s|8m|||gitlab"


def test_it_sorts_by_name_and_by_time() -> None:
    by_name, _ = project(READINGS, now, sort="name")
    assert next(row.key for row in by_name) == "jenkins:deploy"
    late = pipeline("jenkins:z", run("jenkins:z#1", started_at=NOW - 5))
    by_time, _ = project({"jenkins": reading(IDLE, late)}, now, sort="time")
    assert [row.key for row in by_time] == ["jenkins:z", "jenkins:ml/idle"]


def test_groups_count_what_needs_looking_at_and_fold() -> None:
    rows, _ = project(READINGS, now, group="source")
    assert [text(row) for row in rows if row.kind == "group"] == [
        "▾|jenkins  3 pipelines, 1 waiting, 1 running",
        "▾|gitlab  1 pipeline, 1 failing",
    ]
    folded, pipelines = project(READINGS, now, group="source", closed=frozenset({"jenkins"}))
    assert [row.key for row in folded] == ["group jenkins", "group gitlab", "gitlab:ml/fraud main"]
    assert "jenkins:deploy" in pipelines, "a folded pipeline is still known"
    by_folder, _ = project(READINGS, now, group="folder")
    assert [row.key for row in by_folder if row.kind == "group"] == [
        "group jenkins:",
        "group gitlab:ml",
        "group jenkins:ml",
    ]


def test_every_word_of_the_filter_must_be_in_the_row() -> None:
    assert [row.key for row in project(READINGS, now, needle="ML fail")[0]] == ["gitlab:ml/fraud main"]
    assert project(READINGS, now, needle="nothing like it")[0] == []


def test_a_source_in_trouble_keeps_its_last_picture_marked_with_its_age() -> None:
    fault = Fault(Trouble.TIMEOUT, "gitlab did not answer GET /api/graphql within 15 s")
    rows, _ = project({"gitlab": Reading(Listing((FRAUD,)), NOW - 200, fault)}, now)
    assert rows[0].dim
    assert text(rows[0]).split("|")[5] == "~3m"


def test_a_source_that_never_answered_says_why() -> None:
    fault = Fault(Trouble.UNAUTHORIZED, "gitlab answered 401; check the token")
    rows, pipelines = project({"gitlab": Reading(None, None, fault)}, now)
    assert text(rows[0]) == "✗|gitlab: not logged in: gitlab answered 401; check the token"
    assert pipelines == {}


def test_names_from_elsewhere_are_text_and_nothing_else() -> None:
    nasty = pipeline("gitlab:ml/fraud", run("gitlab:ml/fraud#1"), ref="feat/[/foo][@click=app.quit]")
    rows, _ = project({"gitlab": reading(nasty)}, now)
    assert "feat/[/foo][@click=app.quit]" in text(rows[0])


def test_what_an_earlier_start_read_is_marked_with_its_age() -> None:
    rows, _ = project({"jenkins": Reading(Listing((IDLE,)), NOW - 3600, recalled=True)}, now)
    assert rows[0].dim
    assert text(rows[0]).split("|")[5] == "~1h"


def test_only_rows_of_which_something_changed_are_made_again() -> None:
    many = [pipeline(f"jenkins:job-{n:03}", run(f"jenkins:job-{n:03}#1")) for n in range(200)]
    memory: dict[str, MadeRow] = {}

    def made(*pipelines: Pipeline, at: float = NOW) -> int:
        with patch("tui.panes.pipelines.pipeline_line", wraps=pipeline_line) as line:
            rows, _ = project({"jenkins": reading(*pipelines)}, lambda _: at, memory=memory)
        assert rows == project({"jenkins": reading(*pipelines)}, lambda _: at)[0]
        return line.call_count

    assert made(*many) == 200
    assert made(*many) == 0
    assert made(*many, VISION) == 1
    assert made(*many, VISION, at=NOW + 5) == 1, "what runs"
    failed = pipeline("jenkins:job-007", run("jenkins:job-007#2", Status.FAILED))
    assert made(*many[:7], failed, *many[8:]) == 1
    assert made(*many, at=NOW + 3600) == 200, "all are older"
    made(*many[:10])
    assert len(memory) == 10
