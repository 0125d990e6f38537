"""MLflow: what is being trained, from recorded answers of 3.17.2 and 2.22.5 (contracts: model §2, §4, §8)."""

import json
from typing import Any

import pytest

from tests.contract.metrics.mlflow_support import API, source
from tests.contract.metrics.test_mlflow import recorded
from tests.http_stub import Reply, Request, Route, http_stub
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.domain.training import History, TrainingRun
from tui.sources.base import SourceError
from tui.sources.metrics.mlflow_training import MOST_POINTS, MOST_RECENT, MOST_RUNNING

SEARCH = f"POST {API}/runs/search"
BY_NAME = f"GET {API}/experiments/get-by-name"
MAJORS = pytest.mark.parametrize("major", ["3.17.2", "2.22.5"])


async def read(search: Route, major: str = "3.17.2") -> tuple[tuple[TrainingRun, ...], list[Request]]:
    with http_stub({BY_NAME: recorded(f"{major}/experiments-by-name"), SEARCH: search}) as stub:
        async with source(stub.url) as mlflow:
            found = await mlflow.training_now(["fraud"])
        return found, stub.requests


@MAJORS
async def test_what_goes_on(major: str) -> None:
    (found,), asked = await read(recorded(f"{major}/runs-search-running"), major)
    assert (found.name, found.status, found.vendor_status) == ("orphan", Status.RUNNING, "RUNNING")
    assert found.going_on
    assert found.ended_at is None
    (metric,) = found.metrics
    assert (metric.key, metric.value, metric.step) == ("loss", 0.2, 4)
    assert found.web_url.endswith(f"/#/experiments/{found.experiment}/runs/{found.id}")
    assert [each.path.rpartition("mlflow/")[2] for each in asked] == [
        "experiments/get-by-name",
        "runs/search",
    ]
    assert asked[0].query == {"experiment_name": ["fraud"]}
    assert json.loads(asked[1].body) == {
        "experiment_ids": ["1"],
        "filter": "attributes.status = 'RUNNING'",
        "order_by": ["attributes.start_time DESC"],
        "max_results": MOST_RUNNING,
    }


@MAJORS
async def test_what_a_run_says_of_its_job_is_kept(major: str) -> None:
    (found,), _ = await read(recorded(f"{major}/runs-search-by-ci-job"), major)
    assert (found.name, found.status) == ("champion-run", Status.PASSED)
    tags, params = dict(found.tags), dict(found.params)
    assert (tags["CI_JOB_ID"], params["epochs"]) == ("77001", "40")
    assert tags["CI_JOB_URL"] == "https://gitlab.example.com/ml/fraud/-/jobs/77001"
    assert found.commit.startswith("a1b2c3d4")
    assert found.ended_at is not None


@MAJORS
async def test_parts_know_their_whole(major: str) -> None:
    found, _ = await read(recorded(f"{major}/runs-search-children"), major)
    assert [each.name for each in found] == ["fold-1", "fold-0"]
    assert len({each.parent for each in found} - {""}) == 1


async def test_a_killed_run_goes_on_for_ever_as_the_server_says() -> None:
    found, _ = await read(recorded("3.17.2/runs-search-jenkins-abort"))
    assert {each.name: each.status for each in found} == {
        "by-INT2": Status.FAILED,
        "by-INT": Status.PASSED,
        "by-KILL": Status.RUNNING,
        "by-TERM": Status.RUNNING,
    }


async def test_an_experiment_is_asked_for_once() -> None:
    routes: dict[str, Route] = {
        BY_NAME: recorded("3.17.2/experiments-by-name"),
        SEARCH: recorded("3.17.2/runs-search-running"),
    }
    with http_stub(routes) as stub:
        async with source(stub.url) as mlflow:
            for _ in range(3):
                await mlflow.training_now(["fraud"])
            await mlflow.training_lately(["fraud"])
        assert [each.path.rpartition("/")[2] for each in stub.requests] == ["get-by-name", *["search"] * 4]
        assert json.loads(stub.requests[-1].body) == {
            "experiment_ids": ["1"],
            "order_by": ["attributes.start_time DESC"],
            "max_results": MOST_RECENT,
        }


async def test_empty_counts_only_where_one_may_look() -> None:
    """A search answers nothing, and 200, for an experiment that is not there and one that is not to be seen."""
    for reply, trouble, words in (
        (recorded("3.17.2/experiments-by-name-missing"), Trouble.NOT_FOUND, "has no experiment fraud"),
        (recorded("2.22.5/experiments-by-name-missing"), Trouble.NOT_FOUND, "has no experiment fraud"),
        (recorded("3.17.2-auth/no-permission-experiments-get"), Trouble.FORBIDDEN, "403"),
    ):
        nothing = recorded("3.17.2-auth/no-permission-runs-search")
        with http_stub({BY_NAME: reply, SEARCH: nothing}) as stub:
            async with source(stub.url) as mlflow:
                with pytest.raises(SourceError) as caught:
                    await mlflow.training_now(["fraud"])
        assert caught.value.trouble is trouble
        assert words in caught.value.message
        assert "login page" not in caught.value.message
        assert len(stub.requests) == 1
    assert (await read(Reply.json({})))[0] == ()


def a_run(**more: Any) -> dict[str, Any]:
    info = {"run_id": "r1", "status": "RUNNING", "lifecycle_stage": "active", **more.pop("info", {})}
    return {"info": info, **more}


async def test_bad_input_is_survived() -> None:
    tags = [
        {"key": "mlflow.parentRunId", "value": "p\x1b[2J"},
        {"key": "long", "value": "x" * (1 << 20)},
        {"key": "CI_JOB_ID"},
        {"value": "alone"},
    ]
    metrics = [
        {"key": "nan", "value": "NaN", "step": 3},
        {"key": "inf", "value": 1.7976931348623157e308},
        {"key": "much", "value": 10**400, "timestamp": 10**30, "step": 10**30},
        {"key": "system/cpu", "value": 1},
        *({"key": f"layer{n:05}", "value": n} for n in range(10_000)),
    ]
    runs = [
        a_run(data={"tags": tags, "metrics": metrics}),
        a_run(),
        a_run(info={"run_id": "../x"}),
        a_run(info={"run_id": ""}),
        a_run(info={"run_id": "gone", "lifecycle_stage": "deleted"}),
        a_run(
            info={"run_id": "r2", "status": "DREAMING\x07", "start_time": 0, "run_name": "a\x1b]8;;x\x07b"}
        ),
        {},
    ]
    found, _ = await read(Reply.json({"runs": runs}))
    assert [each.id for each in found] == ["r1", "r2"]
    one, two = found
    # Of two with one id the last one counts, as in a page that shifted.
    assert one.metrics == ()
    assert (two.status, two.started_at) == (Status.UNKNOWN, None)
    for text in (two.vendor_status, two.name):
        assert text.isprintable()
    (whole,), _ = await read(Reply.json({"runs": runs[:1]}))
    assert len(whole.metrics) == 500
    assert all(each.isprintable() for pair in whole.tags for each in pair)
    assert "long" not in dict(whole.tags)
    odd = {
        each.key: each
        for each in (await read(Reply.json({"runs": [a_run(data={"metrics": metrics[:4]})]})))[0][0].metrics
    }
    assert [odd[key].value for key in ("nan", "inf", "much", "system/cpu")] == [None, None, None, 1.0]
    assert (odd["nan"].step, odd["much"].step, odd["much"].at) == (3, 0, None)
    assert list(odd)[-1] == "system/cpu", "those of the machine come last"


@MAJORS
async def test_the_last_that_finished_takes_proof_that_one_may_look(major: str) -> None:
    """Each time anew: a search among experiments that one may not see is empty, as one where nothing finished."""
    with http_stub(
        {
            BY_NAME: recorded(f"{major}/experiments-by-name"),
            SEARCH: recorded(f"{major}/runs-search-by-ci-job"),
        }
    ) as stub:
        async with source(stub.url) as mlflow:
            found = await mlflow.trained_last(["fraud"])
            assert found is not None
            assert (found.name, found.status) == ("champion-run", Status.PASSED)
            assert json.loads(stub.requests[1].body) == {
                "experiment_ids": ["1"],
                "filter": "attributes.end_time > 0 AND attributes.status = 'FINISHED'",
                "order_by": ["attributes.end_time DESC"],
                "max_results": 1,
            }
            stub.routes[SEARCH] = Reply.json({})
            assert await mlflow.trained_last(["fraud"]) is None, "nothing finished, and it may be seen"
            stub.routes[BY_NAME] = recorded("3.17.2-auth/no-permission-experiments-get")
            with pytest.raises(SourceError) as caught:
                await mlflow.trained_last(["fraud"])
    assert caught.value.trouble is Trouble.FORBIDDEN
    assert len(stub.requests) == 5


INTERVAL = f"GET {API}/metrics/get-history-bulk-interval"
VERSION = "GET /version"


async def history(reply: Route, run: str = "r1", after: int | None = None) -> tuple[History, Request]:
    with http_stub({INTERVAL: reply}) as stub:
        async with source(stub.url) as mlflow:
            found = await mlflow.metric_history(run, "val_loss", after)
        (asked,) = stub.requests
    return found, asked


class TestAHistory:
    @MAJORS
    async def test_one_request_gives_chosen_points_of_that_run(self, major: str) -> None:
        reply = recorded(f"{major}/bulk-interval-public-path")
        run = json.loads(reply.body)["metrics"][0]["run_id"]
        found, asked = await history(reply, run)
        assert [found.points[0].step, found.points[-1].step] == [0, 39]
        assert len(found.points) == {"3.17.2": 10, "2.22.5": 11}[major], "of two runs only the one"
        assert not found.sampled
        assert asked.query == {
            "run_ids": [run],
            "metric_key": ["val_loss"],
            "max_results": [str(MOST_POINTS)],
        }

    async def test_what_came_after_is_asked_with_both_ends(self) -> None:
        """One end alone is a 400; an end of more than 32 bits is none."""
        reply = recorded("3.17.2/bulk-interval-huge-end")
        found, asked = await history(reply, json.loads(reply.body)["metrics"][0]["run_id"], 99_989)
        assert [point.step for point in found.points] == list(range(99_990, 100_000))
        assert (asked.query["start_step"], asked.query["end_step"]) == (["99990"], ["9007199254740991"])
        assert asked.query["max_results"] == ["2500"]
        assert (await history(recorded("3.17.2/bulk-interval-future"), after=99_999))[0].points == ()

    @MAJORS
    async def test_values_that_are_not_finite(self, major: str) -> None:
        reply = recorded(f"{major}/bulk-interval-nan")
        found, _ = await history(reply, json.loads(reply.body)["metrics"][0]["run_id"])
        assert next(point.step for point in found.points if point.value is None) == 12
        assert found.points[-1].value is None

    @MAJORS
    async def test_a_resumed_run_is_in_the_order_of_time(self, major: str) -> None:
        reply = recorded(f"{major}/bulk-interval-resumed")
        found, _ = await history(reply, json.loads(reply.body)["metrics"][0]["run_id"])
        times = [point.at for point in found.points]
        assert times == sorted(times)

    async def test_a_server_that_knows_no_limit_without_steps_is_thinned(self) -> None:
        """2.22.5 sends all of it: 50 for the 5 that were asked for."""
        reply = recorded("2.22.5/bulk-interval-stepless")
        run = json.loads(reply.body)["metrics"][0]["run_id"]
        assert len((await history(reply, run))[0].points) == 50
        many = [
            {"key": "a", "value": n, "timestamp": 10**12 + n, "step": 0, "run_id": "r1"} for n in range(5000)
        ]
        found, _ = await history(Reply.json({"metrics": many}))
        assert (len(found.points), found.sampled) == (MOST_POINTS, True)
        assert (found.points[0].value, found.points[-1].value) == (0.0, 4999.0)

    async def test_a_run_that_is_not_there_has_none(self) -> None:
        assert (await history(recorded("3.17.2/bulk-interval-missing-run")))[0] == History((), False)

    async def test_where_it_must_not_be_read_that_is_said(self) -> None:
        with pytest.raises(SourceError) as caught:
            await history(recorded("3.17.2-auth/no-permission-bulk-interval"))
        assert caught.value.trouble is Trouble.FORBIDDEN

    async def test_where_there_is_no_such_request_all_pages_are_read(self) -> None:
        pages = [
            Reply.json(
                {"metrics": [{"value": n, "timestamp": 10**12 + n, "step": n}], "next_page_token": token}
            )
            for n, token in enumerate(("t1", "t2", "t2", "never"))
        ]
        routes: dict[str, Route] = {
            INTERVAL: Reply.text("<!doctype html>not found", 404, "text/html"),
            f"GET {API}/metrics/get-history": pages,
        }
        with http_stub(routes) as stub:
            async with source(stub.url) as mlflow:
                found = await mlflow.metric_history("r1", "loss")
            assert len(stub.requests) == 4, "a token that stands still ends it"
        assert [point.step for point in found.points] == [0, 1, 2]

    @pytest.mark.parametrize(
        ("reply", "on"),
        [
            (recorded("3.17.2/version"), True),
            (recorded("2.22.5/version"), False),
            (recorded("3.17.2-auth/none-version"), True),
            (Reply.text("<html>" + "x" * 100), True),
        ],
    )
    async def test_the_version_tells_whether_it_reads_all_each_time(self, reply: Reply, on: bool) -> None:
        with http_stub({VERSION: reply}) as stub:
            async with source(stub.url) as mlflow:
                assert [await mlflow.reads_on() for _ in range(3)] == [on] * 3
            assert len(stub.requests) == 1
