"""GitLab's own registry of models: versions and what was recorded of them (contracts: model §5)."""

from typing import Any

import pytest

from tests.contract.gitlab.conftest import GRAPHQL, Connect, executed, rest
from tests.contract.gitlab.graphql_stub import ResolveError
from tests.http_stub import Reply, Stub
from tui.domain.health import Trouble
from tui.domain.model_comparison import Group
from tui.sources.base import SourceError
from tui.sources.gitlab.read.models import MODELS, MOST_PAGES

MODEL = "ml/fraud:fraud"
SHA = "0123456789abcdef0123456789abcdef01234567"
DAY = "2026-11-{:02d}T10:00:00Z"


def candidate(**more: Any) -> dict[str, Any]:
    return {
        "id": "gid://gitlab/Ml::Candidate/7",
        "eid": "eid-7",
        "name": "nightly",
        "status": "finished",
        "ciJob": {"id": "gid://gitlab/Ci::Build/77", "commitPath": f"/ml/fraud/-/commit/{SHA}"},
        "params": [{"name": "lr", "value": "0.01"}],
        "metadata": [{"name": "deployed_as", "value": "2026.11.7"}],
        "metrics": [
            {"name": "auc", "step": 0, "value": 0.5},
            {"name": "auc", "step": 2, "value": 0.91},
            {"name": "auc", "step": 1, "value": 0.7},
        ],
        **more,
    }


def version(number: str, day: int = 1, run: Any = None) -> dict[str, Any]:
    id = "".join(filter(str.isdigit, number))
    made = DAY.format(day)
    return {
        "id": f"gid://gitlab/Ml::ModelVersion/{id}",
        "version": number,
        "createdAt": made,
        "candidate": candidate() if run is None else run,
    }


def data(*versions: dict[str, Any], name: str = "fraud", others: tuple[str, ...] = ()) -> dict[str, Any]:
    def model(id: int, called: str) -> dict[str, Any]:
        page: dict[str, Any] = {
            "nodes": list(versions),
            "pageInfo": {"hasNextPage": False, "endCursor": None},
        }
        return {"id": f"gid://gitlab/Ml::Model/{id}", "name": called, "versions": page}

    found = [model(number, called) for number, called in enumerate((*others, name), 1)]
    page = {"nodes": found, "pageInfo": {"hasNextPage": False, "endCursor": None}}
    return {"project": {"fullPath": "ml/fraud", "mlModels": page}}


def registry(stub: Stub, found: dict[str, Any], *, release: str = "18.9") -> None:
    def answer(values: dict[str, Any]) -> Any:
        if "version" not in values:
            return found
        models = found["project"]["mlModels"]["nodes"]
        (model,) = (each for each in models if each["id"] == values["model"])
        one = next((each for each in model["versions"]["nodes"] if each["id"] == values["version"]), None)
        return {"mlModel": {"version": one}}

    stub.routes[GRAPHQL] = executed(answer, release)


@pytest.mark.parametrize("release", ["17.6", "18.9"])
async def test_versions_are_listed_newest_first_by_one_question(
    stub: Stub, connect: Connect, release: str
) -> None:
    registry(stub, data(version("1.0.1", 9), version("2.0.0", 5)), release=release)
    source = connect()
    found = await source.newest_versions(MODEL)
    assert [(each.version, each.run, each.created_at) for each in found] == [
        ("1.0.1", "eid-7", 1794218400.0),
        ("2.0.0", "eid-7", 1793872800.0),
    ]
    assert len(stub.requests) == 1
    assert await source.aliases(MODEL) == {}
    assert await source.registered(MODEL, ("champion",)) == {"champion": None}
    assert await source.made_at(found, SHA) == ("1.0.1", "2.0.0")
    assert await source.made_at(found, "f" * 40) == ()


def test_what_may_stand_in_a_question_once_does() -> None:
    assert MODELS.document.count("mlModels") == 1


async def test_a_name_is_the_whole_name(stub: Stub, connect: Connect) -> None:
    """GitLab finds parts of names."""
    registry(stub, data(version("1.0.0"), name="fraud-next", others=("fraud-old",)))
    with pytest.raises(SourceError, match="ml/fraud has no model fraud") as caught:
        await connect().newest_versions(MODEL)
    assert caught.value.trouble is Trouble.NOT_FOUND


@pytest.mark.parametrize(
    ("found", "trouble", "words"),
    [
        ({"project": None}, Trouble.NOT_FOUND, "there is no project ml/fraud, or it must not be seen"),
        (
            {"project": {"mlModels": None}},
            Trouble.FORBIDDEN,
            "the registry of ml/fraud is switched off, or must not be read with this token",
        ),
        ({"project": {"mlModels": []}}, Trouble.NOT_FOUND, "ml/fraud has no model fraud"),
        (
            {"project": {"mlModels": ResolveError("boom")}},
            Trouble.WRONG_ANSWER,
            "it answers only in part: boom",
        ),
    ],
)
async def test_nothing_to_be_seen_is_never_no_versions(
    stub: Stub, connect: Connect, found: Any, trouble: Trouble, words: str
) -> None:
    stub.routes[GRAPHQL] = executed(lambda _: found)
    for ask in (connect().newest_versions, connect().aliases):
        with pytest.raises(SourceError, match=words) as caught:
            await ask(MODEL)
        assert caught.value.trouble is trouble


async def test_an_old_gitlab_has_no_registry(stub: Stub, connect: Connect) -> None:
    stub.routes[GRAPHQL] = executed(lambda _: data(), "16.2")
    with pytest.raises(SourceError, match=r"17\.6 does"):
        await connect().newest_versions(MODEL)


async def test_all_that_there_is_of_a_version(stub: Stub, connect: Connect) -> None:
    registry(stub, data(version("2.0.0", 5), version("1.0.0", 1)))
    found = await connect().recorded(MODEL, "2.0.0")
    assert found.version.version == "2.0.0"
    assert found.version.metrics == (("auc", 0.91),), "of the highest step, in whatever order they come"
    assert found.version.tags == (("deployed_as", "2026.11.7"),)
    assert (found.run_name, found.params, found.commit) == ("nightly", (("lr", "0.01"),), SHA)
    assert (found.job_id, found.job_url) == ("77", f"{stub.url}/gitlab/ml/fraud/-/jobs/77")
    assert set(found.unread) == {Group.DATA, Group.SIGNATURE, Group.ENVIRONMENT}
    assert found.signature is None
    assert len(stub.requests) == 2


async def test_a_run_that_must_not_be_read_is_not_recorded_and_says_so(stub: Stub, connect: Connect) -> None:
    """Of a token without the right the run is null, where the types promise one."""
    registry(stub, data(version("2.0.0", 5, run=candidate(ciJob=None, metrics=[], params=[], metadata=[]))))
    found = await connect().recorded(MODEL, "2.0.0")
    assert (found.commit, found.job_id, found.job_url, found.version.metrics) == ("", "", "", ())

    def reply(_: Any) -> Reply:
        one = {**version("2.0.0", 5), "candidate": None}
        model = {"id": "gid://gitlab/Ml::Model/1", "name": "fraud", "versions": {"nodes": [one]}}
        return Reply.json(
            {"data": {"project": {"mlModels": {"nodes": [model]}}, "mlModel": {"version": one}}}
        )

    stub.routes[GRAPHQL] = reply
    found = await connect().recorded(MODEL, "2.0.0")
    assert {Group.METRICS, Group.PARAMETERS, Group.CODE} <= set(found.unread)
    assert found.version.notes == ("version 2.0.0: the run that it is must not be read with this token",)


@pytest.mark.parametrize(("rows", "newest"), [(250, (("auc", 249.0),)), (100 * MOST_PAGES + 1, ())])
async def test_metrics_are_read_to_the_end_or_none_of_them_counts(
    stub: Stub, connect: Connect, rows: int, newest: Any
) -> None:
    logged = [{"name": "auc", "step": step, "value": float(step)} for step in range(rows)]
    registry(stub, data(version("2.0.0", 5, run=candidate(metrics=logged))))
    found = await connect().recorded(MODEL, "2.0.0")
    assert found.version.metrics == newest
    assert len(stub.requests) == 1 + min(MOST_PAGES, -(-rows // 100))
    assert any("which are the newest is not known" in note for note in found.version.notes) == (not newest)


async def test_a_report_is_one_of_the_job_that_made_the_version(stub: Stub, connect: Connect) -> None:
    registry(stub, data(version("2.0.0", 5), version("1.0.0", 1, run=candidate(ciJob=None))))
    stub.routes[rest("/projects/ml%2Ffraud/jobs/77/artifacts/e.json")] = Reply.text(
        '[{"name": "a", "passed": true}]'
    )
    found = await connect().evaluated(MODEL, "2.0.0", "e.json")
    assert [case.name for case in found.cases] == ["a"]
    other = await connect().evaluated(MODEL, "1.0.0", "e.json")
    assert other.problem == "which job made version 1.0.0 is not told"
