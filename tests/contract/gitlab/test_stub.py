"""The stub of GitLab's GraphQL answers as its schema says: choices, pages, versions and errors of one field."""

from typing import Any

import pytest

from tests.contract.gitlab.bodies import job_node, node
from tests.contract.gitlab.graphql_stub import ResolveError, execute

REFS = [f"refs/heads/r{n}" for n in range(30)] + ["refs/tags/v1"]
PIPELINES = [
    node(2000 - n, ref=ref.rpartition("/")[2], refPath=ref, status="RUNNING" if n == 3 else "SUCCESS")
    for n, ref in enumerate(REFS * 2)
]
FRAUD: dict[str, Any] = {
    "fullPath": "ml/fraud",
    "pipelines": PIPELINES,
    "environments": [{"name": f"review/{n}", "state": "available"} for n in range(119)]
    + [{"name": "production", "state": "stopped"}],
}
RANKING = {"fullPath": "ml/ranking", "pipelines": [], "environments": ResolveError("only one at a time")}


def ask(query: str, version: str = "18.9") -> Any:
    return execute({"projects": [FRAUD, RANKING]}, query, {}, version=version)


@pytest.mark.parametrize(
    ("arguments", "refs"),
    [
        ("first: 3", ["r0", "r1", "r2"]),
        ('after: "3", first: 1', ["r3"]),
        ("scope: TAGS", ["v1"]),
        ("scope: BRANCHES", [f"r{n}" for n in range(30)]),
        ("scope: RUNNING", ["r3"]),
        ('ref: "r7"', ["r7", "r7"]),
        ('ref: "r7", scope: BRANCHES', ["r7"]),
    ],
)
def test_arguments_choose(arguments: str, refs: list[str]) -> None:
    body = ask(f'{{ project(fullPath: "ml/fraud") {{ pipelines({arguments}) {{ nodes {{ ref }} }} }} }}')
    assert [one["ref"] for one in body["data"]["project"]["pipelines"]["nodes"]] == refs


def test_a_page_is_no_longer_than_a_hundred() -> None:
    query = """{ project(fullPath: "ml/fraud") { environments(%s) {
        nodes { name } pageInfo { hasNextPage endCursor } } } }"""
    first = ask(query % "first: 200")["data"]["project"]["environments"]
    assert (len(first["nodes"]), first["pageInfo"]) == (100, {"hasNextPage": True, "endCursor": "100"})
    second = ask(query % 'after: "100"')["data"]["project"]["environments"]
    assert (len(second["nodes"]), second["pageInfo"]["hasNextPage"]) == (20, False)
    stopped = ask(query % 'states: ["stopped"]')["data"]["project"]["environments"]
    assert [one["name"] for one in stopped["nodes"]] == ["production"]


def test_the_error_of_one_project_leaves_the_others() -> None:
    query = "{ projects { nodes { fullPath environments(first: 1) { nodes { name } } } } }"
    body = ask(query)
    assert [one["environments"] for one in body["data"]["projects"]["nodes"]] == [
        {"nodes": [{"name": "review/0"}]},
        None,
    ]
    (error,) = body["errors"]
    assert error["message"] == "only one at a time"
    assert error["path"] == ["projects", "nodes", 1, "environments"]


def test_an_old_version_lacks_what_it_lacks() -> None:
    query = '{ projects(fullPaths: ["ml/fraud", "ml/ranking"]) { nodes { fullPath } } }'
    assert len(ask(query)["data"]["projects"]["nodes"]) == 2
    (error,) = ask(query, "16.2")["errors"]
    assert error["message"] == "Field 'projects' doesn't accept argument 'fullPaths'"
    aliased = 'query { a: project(fullPath: "ml/fraud") { fullPath } b: project(fullPath: "x") { fullPath } }'
    assert ask(aliased, "16.2") == {"data": {"a": {"fullPath": "ml/fraud"}, "b": None}}


def test_what_no_gitlab_sends_is_refused() -> None:
    data = {"project": {"pipeline": {"jobs": [job_node(1, "build", duration=1.5)]}}}
    query = '{ project(fullPath: "x") { pipeline(iid: "1") { jobs { nodes { duration } } } } }'
    (error,) = execute(data, query, {})["errors"]
    assert "Int cannot represent non-integer value: 1.5" in error["message"]
