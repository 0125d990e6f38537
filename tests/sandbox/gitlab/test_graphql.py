"""GraphQL tells the same as REST, and refuses what a GitLab would refuse."""

import json
import re
from typing import Any
from urllib.parse import quote

import pytest
from graphql import GraphQLField, GraphQLInterfaceType, GraphQLObjectType, get_named_type, is_leaf_type

from tests.sandbox.gitlab.face import FRAUD, START, Face, a_face
from tui.sandbox.gitlab import Options
from tui.sandbox.gitlab.schema import schema
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


@pytest.mark.parametrize("scope", ["branches", "tags", "running", "pending", "finished"])
def test_pipelines_of_a_scope_are_those_of_rest(face: Face, scope: str) -> None:
    face.world.clock.advance(47)
    query = """query ($scope: PipelineScopeEnum, $ref: String) { project(fullPath: "ml/fraud") {
        pipelines(scope: $scope, ref: $ref) { nodes { id ref } } } }"""

    def nodes(**given: str) -> list[tuple[str, str]]:
        found = face.ask(query, **given)["data"]["project"]["pipelines"]["nodes"]
        return [(node["id"], node["ref"]) for node in found]

    in_rest = [
        (f"gid://gitlab/Ci::Pipeline/{pipeline['id']}", pipeline["ref"])
        for pipeline in face.all(f"{FRAUD}/pipelines?scope={scope}")
    ]
    assert nodes(scope=scope.upper()) == in_rest
    assert nodes(scope=scope.upper(), ref="main") == [it for it in in_rest if it[1] == "main"]
    if scope == "branches":
        refs = [ref for _, ref in in_rest]
        assert len(refs) == len(set(refs)) > 1
        assert set(refs) == {ref for _, ref in nodes()}


def test_environments_are_found_by_name_and_by_part_of_it(face: Face) -> None:
    query = """query ($name: String, $search: String) { project(fullPath: "ml/fraud") {
        environments(name: $name, search: $search) { nodes { name } } } }"""
    for given, found in (
        ({"name": "production"}, ["production"]),
        ({"name": "prod"}, []),
        ({"search": "PROD"}, ["production"]),
        ({"search": "stag"}, ["staging"]),
        ({"search": "elsewhere"}, []),
    ):
        nodes = face.ask(query, **given)["data"]["project"]["environments"]["nodes"]
        assert [node["name"] for node in nodes] == found


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
            "Field must have selections (field 'currentUser' returns CurrentUser but has no selections. "
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
        ("query Q($p: Cat) { project(fullPath: $p) { id } }", "Cat isn't a defined input type (on $p)"),
        (
            "{ project(fullPath: 1) { pipelines(scope: ALL) { nodes { id } } } }",
            "Argument 'scope' on Field 'pipelines' has an invalid value (ALL). Expected type 'PipelineScopeEnum'.",
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


@pytest.mark.parametrize("version", ["15.3.5-ee", "16.2.0", "17.6.1-ee", "18.9.0-ee"])
def test_it_can_be_an_older_gitlab(version: str) -> None:
    with a_face(World(demo(), Clock(START, manual=True)), Options(version=version)) as face:
        assert face.get("/metadata").json()["version"] == version
        query = '{ projects(fullPaths: ["ml/fraud"]) { nodes { fullPath } } }'
        if version < "16.6":
            (error,) = face.ask(query)["errors"]
            assert error["message"] == "Field 'projects' doesn't accept argument 'fullPaths'"
        else:
            assert face.ask(query)["data"]["projects"]["nodes"] == [{"fullPath": "ml/fraud"}]
        query = '{ a: project(fullPath: "ml/fraud") { id } b: project(fullPath: "ml/ranking") { id } }'
        assert face.ask(query)["data"].keys() == {"a", "b"}


def test_what_is_lacking_beside_the_version_may_be_an_argument() -> None:
    options = Options(lacks=frozenset({"Project.pipelines.scope"}))
    with a_face(World(demo(), Clock(START, manual=True)), options) as face:
        query = '{ project(fullPath: "ml/fraud") { pipelines(scope: TAGS) { nodes { id } } } }'
        (error,) = face.ask(query)["errors"]
        assert error == {
            "message": "Field 'pipelines' doesn't accept argument 'scope'",
            "locations": [{"line": 1, "column": 45}],
            "path": ["query", "project", "pipelines", "scope"],
            "extensions": {"code": "argumentNotAccepted", "name": "pipelines", "argumentName": "scope"},
        }


GIVEN = {
    "project": 'fullPath: "ml/fraud"',
    "pipeline": 'iid: "RUN"',
    "job": 'id: "gid://gitlab/Ci::Build/JOB"',
    "environment": 'name: "production"',
    "mergeRequest": 'iid: "1"',
    "testSuite": 'buildIds: ["JOB"]',
    "lastDeployment": "status: BLOCKED",
    "mlModel": 'id: "gid://gitlab/Ml::Model/PROJECT"',
    "version": 'modelVersionId: "gid://gitlab/Ml::ModelVersion/MADE"',
}
"""What fields are given that answer for one thing only; words in capitals stand for numbers."""
ABSENT = {"MergeRequest", "RecentFailures", "DeploymentApproval"}
"""Types of which this world has nothing."""


def fields_of(kind: str) -> dict[str, GraphQLField]:
    found = schema(Options().version).type_map[kind]
    assert isinstance(found, GraphQLObjectType | GraphQLInterfaceType)
    fields: dict[str, GraphQLField] = found.fields
    return fields


def written(name: str, field: GraphQLField, inner: str) -> str:
    """A field as it stands in a query."""
    given = GIVEN.get(name, "")
    text = f"{name}({given})" if given.partition(":")[0] in field.args else name
    return text if is_leaf_type(get_named_type(field.type)) else f"{text} {{ {inner} }}"


def ways() -> dict[str, str]:
    """How an object of each type is asked for, FIELDS standing for its fields."""
    found = {"Query": "{ FIELDS }"}
    unread = ["Query"]
    for of in unread:
        for name, field in fields_of(of).items():
            kind = get_named_type(field.type)
            if kind.name not in found and not is_leaf_type(kind):
                found[kind.name] = found[of].replace("FIELDS", written(name, field, "FIELDS"))
                unread.append(kind.name)
    return found


WAYS = ways()
# A pipeline's status offers no action; a job's does.
WAYS["StatusAction"] = WAYS["CiJob"].replace("FIELDS", "detailedStatus { action { FIELDS } }")


@pytest.mark.parametrize("of", WAYS)
def test_every_field_of_the_schema_is_answered(face: Face, of: str) -> None:
    face.world.clock.advance(400)
    runs = face.world.project_runs("ml/fraud")
    run = next(run for run in runs if face.world.progress(run).state is State.PASSED)
    tested = next(task.id for task in run.tasks if task.name == "validate")
    fields = " ".join(written(name, field, "__typename") for name, field in fields_of(of).items())
    query = WAYS[of].replace("FIELDS", f"found: __typename {fields}")
    numbers = {
        "RUN": run.number,
        "JOB": face.world.job_id(run, tested),
        "PROJECT": face.get("/projects/ml%2Ffraud").json()["id"],
        "MADE": run.id,
    }
    for word, number in numbers.items():
        query = query.replace(word, str(number))
    body = face.ask(query)
    assert "errors" not in body
    assert ('"found"' in json.dumps(body)) == (of not in ABSENT)


def test_aliases_fragments_defaults_and_operation_names(face: Face) -> None:
    query = """
    query Other { currentUser { id } }
    query Wanted($path: ID = "ml/fraud", $n: Int = 1) {  # the rest of this line is no question
      here: project(fullPath: $path) { __typename ...F ... on Project { name pipelines(first: $n) { nodes { ref } } } }
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
