"""What is where, and what a version brought, as lines of text."""

import pytest

from tests.deployed import DAY, HOUR, SHA, deployed, environment
from tests.examples import NOW, address, run
from tui.config import ModelSettings
from tui.domain.address import Address
from tui.domain.deployment import (
    Changes,
    Commit,
    Deployment,
    Environment,
    Environments,
    Rollback,
    Validation,
)
from tui.domain.pipeline import TestCounts
from tui.domain.status import Status
from tui.insight.comparison import ComparisonAnswers, DeploymentPair
from tui.insight.delivery import figures
from tui.insight.environments import places
from tui.presenters.comparison import compared, facts, figure_facts, figure_text, figures_line
from tui.presenters.environments import EnvironmentLine, place_lines

S = Status

# --- lines --------------------------------------------------------------------------------------------------------


def lines(
    *environments: Environment,
    past: bool = False,
    known: dict[Address, Environment] | None = None,
    model: ModelSettings | None = None,
) -> list[EnvironmentLine]:
    found = places((Environments(environments),), known or {}, model)
    return [line for place in found for line in place_lines(place, NOW, past=past)]


def words(found: list[EnvironmentLine]) -> list[str]:
    return [
        " ".join(
            part for part in (f"{line.prefix}{line.place}", line.version, line.state, line.traffic) if part
        )
        for line in found
    ]


def test_an_environment_is_a_line_with_what_concerns_it_below() -> None:
    found = lines(
        environment(
            "g:a@live",
            deployed("3", HOUR, S.WAITING, waits_for="promote"),
            deployed("3", 2 * HOUR, canary=True, share=10.0, id="c"),
            deployed("2", 3 * HOUR, S.FAILED),
            deployed("1", DAY, who="ann", revision=SHA, run="g:a#1/deploy"),
        ),
        environment("g:a@staging"),
        environment("g:a@old", stopped=True),
    )
    assert words(found) == [
        "live 1 stable 90%",
        "├─ next 3 waiting: promote",
        "└─ canary 3 passed 10%",
        "staging nothing yet",
        "old stopped",
    ]
    first = found[0]
    assert (first.who, first.age, first.run, first.commit) == ("ann", "23h", "g:a#1/deploy", SHA[:8])
    assert found[-1].dim


def test_a_failure_is_shown_where_nothing_came_after_it_and_an_unknown_share_is_a_question() -> None:
    assert words(
        lines(
            environment("g:a@live", deployed("3", 60.0, S.FAILED), deployed("1", DAY)),
            environment("g:a@eu", deployed("2", HOUR, canary=True), deployed("1", DAY)),
        )
    ) == ["eu 1 stable", "└─ canary 2 passed ?", "live 1 stable", "└─ failed 3 failed"]


def test_the_commit_is_left_out_where_it_is_the_version() -> None:
    (line,) = lines(environment("g:a@live", deployed(SHA[:8], revision=SHA)))
    assert (line.version, line.commit) == (SHA[:8], "")


def test_production_comes_first_and_what_is_stopped_last() -> None:
    found = lines(
        environment("g:a@zeta", tier="other"),
        environment("g:a@gone", tier="production", stopped=True),
        environment("g:a@dev", tier="development"),
        environment("g:a@qa", tier="testing"),
        environment("g:a@stage", tier="staging"),
        environment("g:a@live", tier="production"),
    )
    assert [line.place for line in found] == ["live", "stage", "qa", "dev", "zeta", "gone"]


def test_the_past_tells_what_one_can_go_back_to() -> None:
    older = (
        deployed("2", DAY, rollback=Rollback(True, "would start it")),
        deployed("1", 2 * DAY, rollback=Rollback(False, "its job is archived")),
        deployed("3", 2 * HOUR, canary=True, id="c", rollback=Rollback(False, "x")),
    )
    now = environment("g:a@live", deployed("3", HOUR), notes=("a",))
    past = environment("g:a@live", deployed("3", HOUR), *older, read_since=5.0, notes=("b",))
    (place,) = places((Environments((now,)),), {now.address: past}, None)
    assert (place.environment.read_since, place.environment.notes) == (5.0, ("a", "b"))
    found = place_lines(place, NOW, past=True)
    assert [(line.place, line.version, line.note) for line in found] == [
        ("live", "3", ""),
        ("before", "2", "can go back to it"),
        ("before", "1", "its job is archived"),
    ]
    assert len(place_lines(place, NOW, past=False)) == 1


def test_what_is_newer_than_the_past_is_believed_and_keeps_what_only_the_past_knows() -> None:
    moved = deployed("2", HOUR, S.PASSED, id="7")
    before = deployed("2", HOUR, S.RUNNING, id="7", rollback=Rollback(False, "x"), committed_at=3.0)
    now, past = environment("g:a@live", moved), environment("g:a@live", before)
    (place,) = places((Environments((now,)),), {now.address: past}, None)
    (only,) = place.environment.deployments
    assert (only.status, only.committed_at, only.rollback) == (S.PASSED, 3.0, Rollback(False, "x"))


def test_an_environment_that_two_pipelines_deploy_to_is_one() -> None:
    one, other = environment("j:app@live", deployed("1", DAY)), environment("j:app@live", deployed("2", HOUR))
    (place,) = places((Environments((one,)), Environments((other,))), {}, None)
    assert [each.version for each in place.environment.deployments] == ["2", "1"]


def test_of_a_blue_green_pair_one_has_the_traffic() -> None:
    model = ModelSettings(environment="live", blue_green=("blue", "green"))
    pair = (environment("g:a@blue", deployed("1", DAY)), environment("g:a@green", deployed("2", HOUR)))
    assert [(line.place, line.note, line.dim) for line in lines(*pair, model=model)] == [
        ("blue", "idle", True),
        ("green", "has the traffic: it was deployed to last", False),
    ]
    front = environment("g:a@live", deployed("1", 2 * DAY))
    assert {line.place: line.note for line in lines(*pair, front, model=model)} == {
        "blue": "has the traffic: live has its version",
        "green": "idle",
        "live": "",
    }


def test_colours_of_one_environment_stand_beside_each_other() -> None:
    found = lines(
        environment(
            "j:a@live",
            deployed("2", HOUR, colour="green"),
            deployed("1", DAY, colour="blue"),
            tier="production",
        )
    )
    assert [(line.place, line.version, line.traffic, line.note) for line in found] == [
        ("live", "2", "", "green has the traffic"),
        ("blue", "1", "idle", ""),
    ]


# --- what a version brought ---------------------------------------------------------------------------------------


def pair(
    part: str, *deployments: Deployment, notes: tuple[str, ...] = (), past: bool = True
) -> DeploymentPair:
    found = [
        line
        for line in lines(environment("g:a@live", *deployments, notes=notes), past=past)
        if line.part == part
    ]
    it = compared(found[0])
    assert it is not None
    return it


THREE, TWO, ONE = deployed("3", 60.0, canary=True), deployed("2", HOUR), deployed("1", DAY)


@pytest.mark.parametrize(
    ("part", "this", "other", "backwards"),
    [
        ("stable", "2", "1", False),
        ("canary", "3", "2", False),
        ("past", "1", "2", True),
    ],
)
def test_each_is_measured_by_what_is_there_and_that_by_what_was(
    part: str, this: str, other: str, backwards: bool
) -> None:
    it = pair(part, THREE, TWO, ONE)
    assert it.other is not None
    assert (it.this.version, it.other.version, it.backwards) == (this, other, backwards)


def test_the_older_version_is_named_first_whichever_is_looked_at() -> None:
    new, old = (
        deployed("2", HOUR, revision="b", run="g:a#2/x"),
        deployed("1", DAY, revision="a", run="g:a#1/x"),
    )
    for part in ("stable", "past"):
        versions = pair(part, new, old).versions
        assert versions is not None
        assert [(each.revision, str(each.run)) for each in versions] == [("a", "g:a#1"), ("b", "g:a#2")]
    assert pair("stable", new).versions is None


def test_nothing_deployed_is_compared_with_nothing() -> None:
    (line,) = lines(environment("g:a@live"))
    assert compared(line) is None


def told(it: DeploymentPair, known: ComparisonAnswers, file: str | None = "m.json") -> list[str]:
    return [f"{fact.label}: {fact.text}" for fact in facts(it, known, file, NOW)]


def test_run_tests_numbers_and_commits_stand_beside_those_of_the_other_version() -> None:
    canary = deployed("3", HOUR, S.WAITING, canary=True, run="g:a#3/canary", waits_for="2 approvals")
    stable = deployed("2", DAY, run="g:a#2/deploy")
    known = ComparisonAnswers(
        run=run("g:a#3", S.WAITING, tests=TestCounts(120, 3, 0), title="Pin it"),
        other_run=run("g:a#2", tests=TestCounts(118, 0, 0)),
        changes=Changes(
            (Commit(SHA, "Pin it", "Ann", NOW - HOUR), Commit("b" * 40, "Fix", "Bob")), ("more to come",)
        ),
        numbers=Validation((("auc", 0.97), ("loss", 0.2), ("rows", 12.0)), ("drift is not a number",)),
        other_numbers=Validation((("auc", 0.96), ("loss", 0.25), ("rows", 12.0), ("gone", 1.0))),
        faults=("g did not answer",),
    )
    assert told(pair("canary", canary, stable, notes=("a note",)), known) == [
        "run: g:a#3/canary  waiting  a person  Pin it",
        "waits for: 2 approvals",
        "tests: 3/120 failed  (2: 118 ok)",
        "auc: 0.97  (0.96 +0.01)",
        "loss: 0.2  (0.25 -0.05)",
        "rows: 12  (12 ±0)",
        "gone: not told  (1)",
        "validation: drift is not a number",
        "changes: 2 commits by Ann, Bob since 2",
        f"{SHA[:8]}: 1h  Ann  Pin it",
        "bbbbbbbb: Bob  Fix",
        "changes: more to come",
        "not read: g did not answer",
        "note: a note",
    ]


def test_going_back_says_what_would_be_taken_away_and_how() -> None:
    older = deployed("1", DAY, run="j:d#1", rollback=Rollback(True, "would start d", address("j:d")))
    it = pair("past", deployed("2", HOUR, run="j:d#2"), older)
    known = ComparisonAnswers(changes=Changes((Commit(SHA, "Pin it", "Ann", NOW - HOUR, address("j:d#2")),)))
    found = facts(it, known, None, NOW)
    assert [f"{fact.label}: {fact.text}" for fact in found] == [
        "run: j:d#1",
        "roll back: would start d",
        "changes: 1 commit by Ann would be taken back",
        f"{SHA[:8]}: 1h  Ann  Pin it",
    ]
    assert [str(fact.run) for fact in found] == ["j:d#1", "None", "None", "j:d#2"]


def test_what_is_not_there_is_said_item_by_item() -> None:
    assert told(
        pair("stable", deployed("1")), ComparisonAnswers(numbers=Validation((), ("no artifact m.json",)))
    ) == [
        "run: none: another tool put it there and only said so",
        "validation: no artifact m.json",
        "changes: there was no other version before it, as far as it was read",
    ]


# --- figures ------------------------------------------------------------------------------------------------------


def test_figures_in_a_line_and_in_full_with_their_runs() -> None:
    found = figures(
        (
            deployed("2", DAY, run="g:a#2/x", committed_at=NOW - DAY - HOUR),
            deployed("1", 3 * DAY, run="g:a#1/x", committed_at=NOW - 3 * DAY - 3 * HOUR),
        ),
        [run(f"g:a#{number}", S.FAILED if number > 9 else S.PASSED) for number in range(1, 13)],
        NOW - 7 * DAY,
        NOW,
    )
    assert figures_line(found) == "2 a week  lead time 2h 01m  change failures 0%  pass rate 75%"
    full = figure_facts(found)
    assert [fact.label for fact in full if fact.label] == [each.name for each in found]
    assert full[0].text == "2 a week  (from 2: deployments that became the stable version, a week)"
    assert [str(fact.run) for fact in full[1:3]] == ["g:a#2", "g:a#1"]
    assert full[-1].text == "and 2 older"
    restore = next(fact for fact in full if fact.label == "time to restore")
    assert restore.text.startswith("-  (nothing to tell it from: ")
    assert figure_text(found[3]) == "-"
