"""MLflow: all that is recorded of a version, from recorded answers of 3.17.2 and 2.22.5 (contracts: model §3, §8)."""

from typing import Any

import msgspec
import pytest

from tests.contract.metrics.mlflow_support import API, source
from tests.contract.metrics.test_mlflow import CHAMPION, body, recorded, version
from tests.http_stub import Reply, Request, Route, http_stub
from tui.domain.health import Trouble
from tui.domain.model_comparison import Column, Dataset, VersionRecord
from tui.sources.base import SourceError
from tui.sources.metrics.mlflow_model_file import UnknownForm, requirements_of, signature_of

FILES = "GET /model-versions/get-artifact"


def routes(major: str = "3.17.2", **replies: Route) -> dict[str, Route]:
    """Version 1, as it was recorded; ``replies`` are by the name of the file."""

    def file(asked: Request) -> Reply:
        name = asked.query["path"][0].partition(".")[0].lower()
        reply = replies.get(name, recorded(f"{major}/model-version-artifact-{name}"))
        assert isinstance(reply, Reply)
        return reply

    return {
        f"GET {API}/model-versions/get": recorded("2.22.5/model-versions-get-1")
        if major == "2.22.5"
        else Reply.json({"model_version": version("1", "0d24f5e5230a4d3d83e451912aebaeb2", CHAMPION)}),
        f"GET {API}/runs/get": replies.get("run", recorded(f"{major}/runs-get-champion")),
        f"GET {API}/logged-models/{CHAMPION}": recorded("3.17.2/logged-models-get"),
        FILES: file,
    }


async def read(answers: dict[str, Route]) -> tuple[VersionRecord, list[str]]:
    with http_stub(answers) as stub:
        async with source(stub.url) as mlflow:
            found = await mlflow.recorded("fraud", "1")
        return found, [each.path.rpartition("/")[2] for each in stub.requests]


@pytest.mark.parametrize("major", ["3.17.2", "2.22.5"])
async def test_everything_of_a_version_is_read(major: str) -> None:
    found, asked = await read(routes(major))
    assert (found.run_name, found.commit[:8], found.job_id) == ("champion-run", "a1b2c3d4", "77001")
    assert found.job_url == "https://gitlab.example.com/ml/fraud/-/jobs/77001"
    assert dict(found.params)["max_depth"] == "6"
    assert [each.context for each in found.datasets] == ["training", "validation"]
    assert found.datasets[0] == Dataset("training", "fraud-train", "f43db1a6", 800)
    assert found.signature is not None
    assert found.signature.inputs == tuple(Column(f"f{n}", "double") for n in range(8))
    assert [each.type for each in found.signature.outputs] == ["tensor int64 (-1)"]
    assert found.requirements == (("mlflow", major), ("numpy", "1.26.4"), ("scikit-learn", "1.5.2"))
    assert found.unread == {}
    wanted = ["get", "get", *([CHAMPION] if major == "3.17.2" else []), "get-artifact", "get-artifact"]
    assert sorted(asked) == sorted(wanted)


async def test_a_file_that_is_not_there_was_not_recorded_and_one_that_cannot_be_read_says_why() -> None:
    missing, _ = await read(routes(mlmodel=recorded("3.17.2/model-version-artifact-missing")))
    assert (missing.signature, missing.unread) == (None, {})
    for reply, words in (
        # The same of an older server, which does not tell it from an error of its own.
        (recorded("2.22.5/model-version-artifact-missing"), "500"),
        (recorded("3.17.2-auth/no-permission-version-artifact"), "403"),
        (Reply.text("<!doctype html><form>", 200, "text/html"), "a login page?"),
        (Reply.text("<html>"), "a login page?"),
        (Reply.text("x" * (1 << 21)), "2,097,152 bytes"),
        (Reply.text("hello"), "an unknown form"),
    ):
        found, _ = await read(routes(mlmodel=reply))
        assert found.signature is None
        assert words in found.unread["signature"]
        assert found.unread["signature"].isprintable()
        assert found.requirements is not None, "one file is no reason to leave the others out"


def test_a_signature_is_read_of_its_block_only() -> None:
    head = "mlflow_version: 3\n"
    assert signature_of(f"{head}signature: null\n") is None
    assert signature_of(head) is None
    text = head + (
        'signature:\n  inputs: \'[{"type": "string", "name": "it\'\'s", "required": false}, {"type":\n'
        '    "array", "items": {"type": "long"}, "name": "a\\u001b[2J"}]\'\n  outputs: null\n'
        '  params: \'[{"name": "k", "type": "long", "default": 3, "shape": null}]\'\ninputs: no\n'
    )
    signature = signature_of(text)
    assert signature is not None
    assert [(each.name, each.required) for each in signature.inputs] == [("it's", False), ("a", True)]
    assert signature.inputs[1].type == 'array {"items":{"type":"long"}}'
    assert signature.params == (Column("k", "long", required=False),)
    for odd in ("signature: {a: 1}\n", "signature:\n  inputs: '[{'\n", 'signature:\n  inputs: "x"\n'):
        with pytest.raises(UnknownForm):
            signature_of(head + odd)


def test_of_requirements_order_comments_options_and_urls_do_not_count() -> None:
    text = "\ufeff# a\nB_x[extra]==2.0 ; python_version > '3'\n-r other.txt\na>=1,<2  # why\nc @ https://x/y.whl\n\nd\n"
    assert requirements_of(text) == (("a", ">=1,<2"), ("b-x", "2.0"), ("d", "any version"))


def with_run(change: dict[str, Any]) -> Reply:
    run = body("3.17.2/runs-get-champion")
    run["run"].update(change)
    return Reply.json(run)


async def test_bad_input_is_survived() -> None:
    inputs = [
        {"dataset": {"name": "d\x1b[2J", "digest": "x", "profile": "no json"}},
        {
            "tags": [{"key": "mlflow.data.context", "value": "eval"}],
            "dataset": {"profile": '{"num_rows": "n"}'},
        },
        {},
    ]
    tags = [{"key": "CI_JOB_URL", "value": "javascript:\x1b]8;;x"}]
    found, _ = await read(
        routes(run=with_run({"inputs": {"dataset_inputs": inputs}, "data": {"tags": tags}}))
    )
    assert found.datasets == (Dataset("", "d", "x"), Dataset("eval", "", ""), Dataset("", "", ""))
    assert (found.params, found.commit, found.job_url) == ((), "", "javascript:")
    # A version without a run, and one whose run was deleted.
    bare = {**routes(), f"GET {API}/model-versions/get": Reply.json({"model_version": version("1", "")})}
    found, asked = await read(bare)
    assert (found.params, found.datasets, asked.count("get")) == ((), (), 1)
    found, _ = await read(routes(run=recorded("3.17.2/runs-get-deleted")))
    assert found.version.notes == ("version 1: the run that made it was deleted",)


async def test_autolog_calls_all_its_data_dataset() -> None:
    found, _ = await read(routes(run=recorded("3.17.2/runs-get-autolog")))
    assert found.datasets == (Dataset("train", "dataset", "ee8501dd", 800),)
    assert dict(found.params)["class_weight"] == "None"


class TestTheNewestVersions:
    async def test_they_have_their_tags(self) -> None:
        with http_stub(
            {f"GET {API}/model-versions/search": recorded("3.17.2/model-versions-search")}
        ) as stub:
            async with source(stub.url) as mlflow:
                found = await mlflow.newest_versions("fraud")
            (asked,) = stub.requests
        assert [(each.version, each.tags) for each in found] == [
            ("2", (("deployed_as", "2026.11.2"),)),
            ("1", (("deployed_as", "2026.11.1"),)),
        ]
        assert asked.query["filter"] == ["name='fraud'"]

    async def test_empty_means_none_or_not_permitted(self) -> None:
        empty = recorded("3.17.2-auth/no-permission-model-versions-search")
        with http_stub({f"GET {API}/model-versions/search": empty}) as stub:
            async with source(stub.url) as mlflow:
                assert await mlflow.newest_versions("fraud") == ()

    async def test_quotes_in_a_name(self) -> None:
        with http_stub({"*": Reply.json({})}) as stub:
            async with source(stub.url) as mlflow:
                await mlflow.newest_versions("it's")
                assert stub.requests[0].query["filter"] == ['name="it\'s"']
                with pytest.raises(SourceError) as caught:
                    await mlflow.newest_versions('it\'s "x"')
        assert (caught.value.trouble, len(stub.requests)) == (Trouble.REFUSED, 1)

    async def test_those_made_at_a_commit(self) -> None:
        runs = {
            "a": recorded("3.17.2/runs-get-champion"),
            "b": recorded("3.17.2/runs-get-missing"),
        }
        with http_stub({f"GET {API}/runs/get": lambda asked: runs[asked.query["run_id"][0]]}) as stub:
            async with source(stub.url) as mlflow:
                (one, *_) = (await read(routes()))[0].version, None
                versions = [
                    msgspec.structs.replace(one, version=number, run=run)
                    for number, run in (("1", "a"), ("2", "b"), ("3", ""))
                ]
                assert await mlflow.made_at(versions, "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678") == ("1",)
                assert await mlflow.made_at(versions, "") == ()
