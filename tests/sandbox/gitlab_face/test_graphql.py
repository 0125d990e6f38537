"""GraphQL tells the same as REST, and refuses what a GitLab would refuse."""

import re
from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.gitlab_face.face import FRAUD, START, Face, a_face
from tui.sandbox.gitlab import Options
from tui.sandbox.plan import State
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, World


@pytest.mark.parametrize("after", [0, 47, 133, 400])
def test_both_ways_tell_the_same(face: Face, after: float) -> None:
    face.world.clock.advance(after)
    data = face.ask("dashboard", paths=["ml/fraud", "ml/ranking", "no/such"])["data"]
    nodes = data["projects"]["nodes"]
    assert [node["fullPath"] for node in nodes] == ["ml/ranking", "ml/fraud"]
    assert 100 < data["queryComplexity"]["score"] < 200
    for project in nodes:
        path = f"/projects/{quote(project['fullPath'], safe='')}/pipelines"
        in_rest = face.get(f"{path}?per_page=5").json()
        assert len(in_rest) == 5
        for pipeline, basic in zip(project["pipelines"]["nodes"], in_rest, strict=True):
            detail = face.get(f"{path}/{basic['id']}").json()
            assert pipeline["id"] == f"gid://gitlab/Ci::Pipeline/{detail['id']}"
            assert pipeline["iid"] == str(detail["iid"])
            assert pipeline["status"] == detail["status"].upper()
            for name in ("ref", "sha", "name", "source", "duration"):
                assert pipeline[name] == detail[name]
            for camel, snake in (
                ("createdAt", "created_at"),
                ("startedAt", "started_at"),
                ("finishedAt", "finished_at"),
            ):
                assert pipeline[camel] == detail[snake]
            assert pipeline["detailedStatus"]["group"] == detail["detailed_status"]["group"]
            assert pipeline["user"]["username"] == detail["user"]["username"]
            total = face.get(f"{path}/{basic['id']}/test_report_summary").json()["total"]
            assert pipeline["testReportSummary"]["total"]["count"] == total["count"]
            jobs = face.all(f"{path}/{basic['id']}/jobs") + face.all(f"{path}/{basic['id']}/bridges")
            assert {
                int(job["id"].rpartition("/")[2]): (job["status"], job["stage"]["name"], job["allowFailure"])
                for job in pipeline["jobs"]["nodes"]
            } == {job["id"]: (job["status"].upper(), job["stage"], job["allow_failure"]) for job in jobs}


def test_a_pipeline_has_ordered_stages_needs_attempts_and_children(face: Face) -> None:
    face.world.clock.advance(400)
    run = next(
        r
        for r in face.world.project_runs("ml/fraud")
        if face.world.progress(r).state in (State.PASSED, State.WARNING)
    )
    detail = face.ask("pipeline_detail", path="ml/fraud", iid=str(run.number))["data"]["project"]["pipeline"]
    stages = detail["stages"]["nodes"]
    assert [s["name"] for s in stages] == ["check", "train", "validate", "package", "canary", "promote"]
    assert {s["status"] for s in stages} == {"success"}
    jobs = detail["jobs"]["nodes"]
    by_name = {job["name"]: job for job in jobs if not job["retried"]}
    needs = {name: {need["name"] for need in job["needs"]["nodes"]} for name, job in by_name.items()}
    assert needs["validate"] == {f"train {n}/4" for n in range(1, 5)}
    assert needs["promote"] == {"deploy canary"}
    assert needs["train 1/4"] == set()
    assert (by_name["validate"]["schedulingType"], by_name["lint"]["schedulingType"]) == ("dag", "stage")
    assert [(job["name"], job["status"]) for job in jobs if job["retried"]] == [("train 3/4", "FAILED")]
    card = by_name["model card"]
    assert card["kind"] == "BRIDGE"
    assert card["id"].startswith("gid://gitlab/Ci::Bridge/")
    child = face.ask("pipeline_detail", path="ml/fraud", iid=card["downstreamPipeline"]["iid"])
    child = child["data"]["project"]["pipeline"]
    assert child["upstream"]["iid"] == str(run.number)
    assert [s["name"] for s in child["stages"]["nodes"]] == ["render", "publish"]
    (down,) = detail["downstream"]["nodes"]
    assert (down["child"], down["sourceJob"]["name"]) == (True, "model card")
    assert detail["testReportSummary"]["total"]["count"] == sum(
        suite["totalCount"] for suite in detail["testReportSummary"]["testSuites"]["nodes"]
    )
    gate = by_name["roll back"]
    assert (gate["status"], gate["manualJob"], gate["playable"], gate["allowFailure"]) == (
        "MANUAL",
        True,
        True,
        True,
    )
    assert gate["detailedStatus"]["action"]["method"] == "post"


def test_jobs_are_paged_by_cursor(face: Face) -> None:
    query = """query ($after: String) { project(fullPath: "ml/fraud") { pipeline(iid: "1") {
        jobs(first: 5, after: $after) { pageInfo { hasNextPage endCursor } nodes { id } } } } }"""
    found: list[str] = []
    after = None
    while True:
        jobs = face.ask(query, after=after)["data"]["project"]["pipeline"]["jobs"]
        found += [job["id"] for job in jobs["nodes"]]
        if not jobs["pageInfo"]["hasNextPage"]:
            break
        after = jobs["pageInfo"]["endCursor"]
    run = face.world.project_runs("ml/fraud")[-1]
    assert len(found) == len(set(found)) == sum(len(t.attempts) for t in face.world.progress(run).tasks)


def test_environments_say_what_is_there_and_what_waits(face: Face) -> None:
    body = face.ask("environments", path="ml/fraud")
    found = {each["name"]: each for each in body["data"]["project"]["environments"]["nodes"]}
    assert set(found) == {"production", "staging"}
    production = found["production"]
    assert (production["name"], production["tier"], production["state"]) == (
        "production",
        "PRODUCTION",
        "available",
    )
    assert production["last"]["status"] == "SUCCESS"
    assert production["blocked"]["job"]["status"] == "MANUAL"
    rest = face.all(f"{FRAUD}/environments")
    number = next(each["id"] for each in rest if each["name"] == "production")
    last = face.get(f"{FRAUD}/environments/{number}").json()["last_deployment"]
    assert production["last"]["id"] == f"gid://gitlab/Deployment/{last['id']}"


def test_what_is_outdated_cannot_be_played(face: Face) -> None:
    query = """query ($iid: ID!) { project(fullPath: "ml/fraud") { pipeline(iid: $iid) {
        jobs(statuses: [MANUAL]) { nodes { name playable canPlayJob userPermissions { updateBuild } } } } } }"""
    parked = next(run for run in face.world.project_runs("ml/fraud") if run.pipeline.ref == "release/2026.11")

    def promote() -> Any:
        body = face.ask(query, iid=str(parked.number))
        jobs = body["data"]["project"]["pipeline"]["jobs"]["nodes"]
        return next(job for job in jobs if job["name"] == "promote")

    allowed = {"playable": True, "canPlayJob": True, "userPermissions": {"updateBuild": True}}
    assert promote() == {"name": "promote", **allowed}
    newer = face.world.trigger(parked.pipeline)
    face.world.clock.advance(300)
    face.world.approve(newer, "promote/promote")
    face.world.clock.advance(20)
    assert promote() == {
        "name": "promote",
        "playable": True,
        "canPlayJob": False,
        "userPermissions": {"updateBuild": False},
    }


def test_several_projects_with_environments_are_answered_in_part(face: Face) -> None:
    body = face.ask("{ projects { nodes { fullPath environments { nodes { name } } } } }")
    answered = [node for node in body["data"]["projects"]["nodes"] if node["environments"] is not None]
    assert len(answered) == 1
    assert {error["message"] for error in body["errors"]} == {
        '"environments" field can be requested only for 1 Project(s) at a time.'
    }
    assert body["errors"][0]["path"] == ["projects", "nodes", 1, "environments"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("{ project(fullPath: 1) { colour } }", "Field 'colour' doesn't exist on type 'Project'"),
        ("{ currentUser { id(x: 1) } }", "Field 'id' doesn't accept argument 'x'"),
        ("{ project { id } }", "Field 'project' is missing required arguments: fullPath"),
        (
            "{ currentUser }",
            "Field must have selections (field 'currentUser' returns UserCore but has no selections. "
            "Did you mean 'currentUser { ... }'?)",
        ),
        (
            "query Q($p: String!) { project(fullPath: $p) { id } }",
            "Type mismatch on variable $p and argument fullPath (String! / ID!)",
        ),
        (
            "query Q($p: ID) { project(fullPath: $p) { id } }",
            "Nullability mismatch on variable $p and argument fullPath (ID / ID!)",
        ),
        ("query Q($p: ID!) { currentUser { id } }", "Variable $p is declared by Q but not used"),
        ("query Q { project(fullPath: $p) { id } }", "Variable $p is used by Q but not declared"),
        (
            "query Q($p: ID!) { project(fullPath: $p) { id } }",
            "Variable $p of type ID! was provided invalid value",
        ),
        ("{ currentUser { ...F } }", "Fragment F was used, but not defined"),
        ("{ currentUser { ... on Cat { id } } }", "No such type Cat, so it can't be a fragment condition"),
        ("{ projects(last: 1) { nodes { id } } }", "Field 'projects' doesn't accept argument 'last'"),
        ("query A { currentUser { id } } query B { currentUser { id } }", "An operation name is required"),
        ("{ currentUser { id }", "Parse error: Unexpected end of document"),
        ("{ currentUser ; }", 'Parse error on ";" at [1, 15]'),
        ("mutation { pipelineRetry { errors } }", "Schema is not configured for mutations"),
    ],
)
def test_a_wrong_question_is_refused_whole_with_http_200(face: Face, query: str, message: str) -> None:
    body = face.ask(query)
    assert message in [error["message"] for error in body["errors"]]
    assert "data" not in body


def test_an_unknown_field_is_named_with_its_type_and_place(face: Face) -> None:
    query = "query Q {\n  projects { nodes { pipelines { nodes { id colour } } } }\n}"
    assert face.ask(query)["errors"] == [
        {
            "message": "Field 'colour' doesn't exist on type 'Pipeline'",
            "locations": [{"line": 2, "column": 45}],
            "path": ["query Q", "projects", "nodes", "pipelines", "nodes", "colour"],
            "extensions": {"code": "undefinedField", "typeName": "Pipeline", "fieldName": "colour"},
        }
    ]


def test_an_older_version_lacks_fields() -> None:
    options = Options(lacks=frozenset({"CiJob.exitCode"}))
    with a_face(World(demo(), Clock(START, manual=True)), options) as face:
        (error,) = face.ask("pipeline_detail", path="ml/fraud", iid="1")["errors"]
        assert error["message"] == "Field 'exitCode' doesn't exist on type 'CiJob'"
        assert "errors" not in face.ask("dashboard", paths=["ml/fraud"])


def test_aliases_fragments_defaults_and_operation_names(face: Face) -> None:
    query = """
    query Other { currentUser { id } }
    query Wanted($path: ID = "ml/fraud", $n: Int = 1) {  # the rest of this line is no question
      here: project(fullPath: $path) { __typename ...F ... on Project { name pipelines { nodes { ref } } } }
    }
    fragment F on Project { pipelines(first: $n) { nodes { iid } } }
    """
    asked = {"query": query, "operationName": "Wanted"}
    data = face.client.post("/graphql", json=asked).json()["data"]
    newest = face.world.project_runs("ml/fraud")[0]
    assert data == {
        "here": {
            "__typename": "Project",
            "pipelines": {"nodes": [{"iid": str(newest.number), "ref": newest.pipeline.ref}]},
            "name": "fraud",
        }
    }


def test_a_question_too_complex_or_too_long_is_refused(face: Face) -> None:
    jobs = "jobs(first: 100) { nodes { id name status } }"
    body = face.ask(
        "{ projects(first: 100) { nodes { "
        + " ".join(f"p{n}: pipelines(first: 100) {{ nodes {{ {jobs} }} }}" for n in range(8))
        + " } } }"
    )
    assert re.fullmatch(
        r"Query has complexity of \d{3}, which exceeds max complexity of 250", body["errors"][0]["message"]
    )
    long = face.client.post("/graphql", json={"query": "{ currentUser { id } }" + " " * 10_000})
    assert (long.status_code, long.json()) == (422, {"errors": [{"message": "Query too large"}]})
