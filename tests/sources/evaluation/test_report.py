"""Reports of evaluations, each kind as its own tool wrote it, and what no report may do to us."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui.domain.evaluation import CaseResult, Evaluation
from tui.sources.evaluation.report import LARGEST, read_evaluation

RECORDINGS = Path(__file__).parents[2] / "recordings" / "evaluation"
P, F, E, M = CaseResult.PASSED, CaseResult.FAILED, CaseResult.ERROR, CaseResult.MEASURED


def recorded(name: str) -> bytes:
    return (RECORDINGS / f"{name}.json").read_bytes()


def changed(name: str, change: Callable[[Any], object]) -> Evaluation:
    """A recorded report with something else in it."""
    document = json.loads(recorded(name))
    change(document)
    return read_evaluation(json.dumps(document).encode(), "r.json")


def results(found: Evaluation) -> list[tuple[str, CaseResult]]:
    return [(case.name, case.result) for case in found.cases]


@pytest.mark.parametrize(
    ("name", "kind", "cases", "some"),
    [
        (
            "evidently-0.7.23",
            "Evidently",
            14,
            [("Value Drift for column f0", F), ("Value Drift for column f1", P)],
        ),
        (
            "evidently-0.6.7",
            "Evidently before 0.7",
            4,
            [("DataDriftTable age", P), ("DataDriftTable amount", F)],
        ),
        ("promptfoo-0.123.1", "promptfoo", 4, [("greets · Say {{q}}", F), ("q=bye · Say {{q}}", P)]),
        ("deepeval-4.3.1", "deepeval", 3, [("Contains: refund", P), ("Contains: Name the risk", F)]),
        ("lm-eval-0.4.13", "lm-evaluation-harness", 1, [("toy_sums acc", M)]),
        ("sklearn-1.9.1-nan", "scikit-learn", 8, [("eggs recall", M), ("all accuracy", M)]),
    ],
)
def test_a_report_is_known_by_its_shape(
    name: str, kind: str, cases: int, some: list[tuple[str, CaseResult]]
) -> None:
    found = read_evaluation(recorded(name), "any/name.txt")
    assert (found.kind, found.problem, len(found.cases)) == (kind, "", cases)
    assert set(some) <= set(results(found))
    assert len({case.key for case in found.cases}) == cases, "each is there once"


def test_a_plain_list_of_cases() -> None:
    body = json.dumps(
        [
            {"name": "refund", "passed": True},
            {"name": "night", "outcome": "error", "reason": "no answer"},
            {"name": "recall", "score": 0.91, "better": "higher"},
            {"name": "nothing said"},
        ]
    )
    found = read_evaluation(body.encode(), "cases.json")
    assert results(found) == [("refund", P), ("night", E), ("recall", M), ("nothing said", E)]
    assert found.cases[1].reason == "no answer"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"<html>login</html>", "it is not JSON: "),
        (recorded("promptfoo-0.123.1")[:4000], "it is not JSON: "),
        (b"[" * 60_000, "it is not JSON: "),
        (b'{"a":"' + b"x" * LARGEST + b'"}', "it has more than 4 MB and was not read"),
        (b"[" + b"{}," * 500_000 + b"{}]", "it holds more values than are read"),
        (b"[1, 2]", "it is no report of a kind that is known"),
        (b'{"accuracy": 0.9}', "it is no report of a kind that is known"),
        (b"null", "it is no report of a kind that is known"),
        (b'{"results": {"version": 3, "results": []}}', "it has no cases"),
        (
            b'{"results": {"version": 3, "results": 7}}',
            "it is not as promptfoo writes it: Expected `array`, got `int`",
        ),
        (b'[{"name": 7}]', "it is not as a list of cases writes it: Expected `str`, got `int`"),
        (
            b'{"metrics": [{"metric_name": "x"}], "tests": []}',
            "it has no tests: nothing in it says what is good",
        ),
        (b'{"metrics": [{"metric": "x", "result": {}}]}', "nothing in it says what is good"),
        (b'{"testCases": [{"name": "a"}]}', "no case in it was measured"),
        (json.dumps([{"name": str(n)} for n in range(50_001)]).encode(), "it has more than 50,000 cases"),
    ],
)
def test_what_cannot_be_read_says_so_and_has_no_cases(body: bytes, problem: str) -> None:
    found = read_evaluation(body, "r.json")
    assert found.problem.startswith(problem)
    assert found.cases == ()


def test_a_byte_order_mark_and_numbers_that_are_none_are_read() -> None:
    body = (
        b"\xef\xbb\xbf" + b'[{"name": "a", "score": NaN, "better": "higher"}, {"name": "b", "score": 1e999}]'
    )
    found = read_evaluation(body, "r.json")
    assert [case.score for case in found.cases] == [None, None]
    huge = b'[{"name": "a", "score": 1' + b"0" * 5000 + b"}]"
    assert read_evaluation(huge, "r.json").problem == ""


def test_texts_are_clean_and_short() -> None:
    body = json.dumps([{"name": "a\x1b[31m" + "x" * 500, "passed": False, "reason": "b\x07" + "y" * 900}])
    (case,) = read_evaluation(body.encode(), "r\x1b[0m.json").cases
    assert "\x1b" not in case.name
    assert "\x07" not in case.reason
    assert (len(case.name), len(case.reason)) == (120, 300)


def test_a_case_that_was_tried_several_times_counts_as_it_ended_worst() -> None:
    body = b'[{"name": "a", "passed": true}, {"name": "a", "passed": false}, {"name": "a", "passed": true}]'
    assert results(read_evaluation(body, "r.json")) == [("a", F)]


def test_promptfoo_is_known_by_what_was_asked() -> None:
    """Neither by its ids, which are new each time, nor by the order of the answers."""
    before = read_evaluation(recorded("promptfoo-0.123.1"), "r.json")

    def anew(document: Any) -> None:
        for result in document["results"]["results"]:
            result |= {"id": "other", "promptId": "other", "testIdx": 9}
            result["success"], result["failureReason"] = False, 2
        document["results"]["results"].reverse()

    after = changed("promptfoo-0.123.1", anew)
    assert {case.key for case in after.cases} == {case.key for case in before.cases}
    assert {case.result for case in after.cases} == {E}, "what was not answered is no failed assertion"


def test_promptfoo_tells_tests_of_one_description_apart_by_their_variables() -> None:
    def same(document: Any) -> None:
        for result in document["results"]["results"]:
            result["testCase"]["description"] = "all"

    assert len(changed("promptfoo-0.123.1", same).cases) == 4


def test_a_limit_of_evidently_may_change() -> None:
    def stricter(document: Any) -> None:
        for test in document["tests"]:
            test["metric_config"]["metric_id"] = "other"
            for limit in test["metric_config"]["params"].get("tests", ()):
                limit["threshold"] = 0.99

    before = read_evaluation(recorded("evidently-0.7.23"), "r.json")
    assert [case.key for case in changed("evidently-0.7.23", stricter).cases] == [
        case.key for case in before.cases
    ]


@pytest.mark.parametrize(
    ("status", "result"), [("WARNING", F), ("ERROR", E), ("SKIPPED", CaseResult.SKIPPED), ("NEW_WORD", E)]
)
def test_a_status_of_evidently(status: str, result: CaseResult) -> None:
    found = changed("evidently-0.7.23", lambda document: document["tests"][0].update(status=status))
    assert found.cases[0].result is result


def test_deepeval_names_who_judged_and_what_flakes() -> None:
    def judge(document: Any) -> None:
        document["testCases"][0]["metricsData"][0]["evaluationModel"] = "gpt-4o"
        document["testCases"][1]["metricsData"][0]["flaky"] = True
        document["testCases"][2]["metricsData"][0]["error"] = "no answer"

    first, second, third = changed("deepeval-4.3.1", judge).cases
    assert (first.measured_by, first.judged, second.judged, third.judged) == ("gpt-4o", True, True, False)
    assert third.result is E
    assert "no answer" in third.reason


def test_deepeval_does_not_know_a_case_by_its_position() -> None:
    def shift(document: Any) -> None:
        for number, case in enumerate(document["testCases"][:2]):
            case["name"] = f"test_case_{number + 5}"

    before = read_evaluation(recorded("deepeval-4.3.1"), "r.json")
    assert [case.key for case in changed("deepeval-4.3.1", shift).cases] == [
        case.key for case in before.cases
    ]


def test_lm_eval_has_its_error_and_how_it_was_measured() -> None:
    (case,) = read_evaluation(recorded("lm-eval-0.4.13"), "r.json").cases
    assert (case.better, round(case.error, 3)) == ("higher", 0.211)

    def text(document: Any) -> None:
        document["results"]["toy_sums"]["acc_stderr,none"] = "N/A"
        document["n-shot"]["toy_sums"] = 5

    (other,) = changed("lm-eval-0.4.13", text).cases
    assert (other.error, other.key) == (0.0, case.key)
    assert other.measured_by != case.measured_by


def test_scikit_learn_without_an_accuracy() -> None:
    """With labels given there is a ``micro avg`` instead; the binary report of one class has neither average."""

    def labels(document: Any) -> None:
        del document["accuracy"]
        document["micro avg"] = document["ham"]

    assert ("micro avg F1", M) in results(changed("sklearn-1.9.1-nan", labels))
    body = b'{"accuracy": 0.9, "0": {"precision": 0.9, "recall": NaN, "f1-score": 0.85, "support": 100}}'
    assert ("0 recall", E) in results(read_evaluation(body, "r.json"))
