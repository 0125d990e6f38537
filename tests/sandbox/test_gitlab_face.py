"""The sandbox's GitLab answers as a GitLab would, and tells what the world says."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from tests.gitlab_schemas import Errors, schema_errors
from tests.sandbox.runs import advance_until, good_run
from tests.sandbox.serving import serving
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import REVOKED_TOKEN, Options, gitlab_app
from tui.sandbox.plan import Group, State, Task, plan
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, Pipeline, Run, Scenario, World

START = 1_790_000_000.0
DOCUMENTS = Path(__file__).parents[1] / "recordings" / "gitlab"
FRAUD = "/projects/ml%2Ffraud"

WORDS = {
    State.QUEUED: "pending",
    State.WAITING: "manual",
    State.RUNNING: "running",
    State.PASSED: "success",
    State.WARNING: "success",
    State.FAILED: "failed",
    State.CANCELED: "canceled",
    State.SKIPPED: "skipped",
}
"""What a run's state is called in GitLab."""


class Face:
    """The demo world's GitLab, asked over HTTP."""

    def __init__(self, url: str, world: World, faults: Faults, options: Options) -> None:
        self.world, self.faults, self.options = world, faults, options
        self.url = url
        self.client = httpx.Client(base_url=f"{url}/gitlab/api")

    def get(self, path: str, status: int = 200, headers: dict[str, str] | None = None) -> httpx.Response:
        answer = self.client.get(f"/v4{path}", headers=headers)
        assert answer.status_code == status, answer.text
        return answer

    def all(self, path: str) -> list[Any]:
        """A whole list, page by page."""
        found: list[Any] = []
        page = "1"
        while page:
            answer = self.get(f"{path}{'&' if '?' in path else '?'}per_page=100&page={page}")
            found += answer.json()
            page = answer.headers["X-Next-Page"]
        return found

    def ask(self, query: str, **variables: Any) -> Any:
        """The body of an answer to a question in GraphQL; ``query`` may name one of the documents."""
        document = DOCUMENTS / f"{query}.graphql"
        text = document.read_text() if re.fullmatch(r"\w+", query) else query
        answer = self.client.post("/graphql", json={"query": text, "variables": variables})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def project_runs(self) -> list[Run]:
        return [run for path in self.world.projects for run in self.world.project_runs(path)]


@pytest.fixture
def face() -> Iterator[Face]:
    with a_face(World(demo(), Clock(START, manual=True))) as it:
        yield it


class a_face:  # noqa: N801 - it is used like a function
    def __init__(self, world: World, options: Options | None = None) -> None:
        self.world, self.options, self.faults = world, options or Options(), Faults()
        self.server = serving(gitlab_app(self.world, self.faults, self.options))

    def __enter__(self) -> Face:
        self.face = Face(self.server.__enter__(), self.world, self.faults, self.options)
        return self.face

    def __exit__(self, *error: Any) -> None:
        self.face.client.close()
        self.server.__exit__(*error)


# --- REST bodies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("after", [0, 47, 133, 400])
def test_bodies_are_what_gitlabs_own_schemas_say(face: Face, after: float) -> None:
    errors = schema_errors()
    face.world.clock.advance(after)
    good_run(face.world)
    face.world.clock.advance(3)
    seen: set[str] = set()
    for path in face.world.projects:
        project = f"/projects/{quote(path, safe='')}"
        pipelines = face.all(f"{project}/pipelines")
        children = face.all(f"{project}/pipelines?source=parent_pipeline")
        must_fit(errors, "pipelines", pipelines)
        # What has ended is the same at all times: the whole history once, then what can have changed.
        for pipeline in (pipelines + children)[: None if after == 0 else 6]:
            one = f"{project}/pipelines/{pipeline['id']}"
            must_fit(errors, "pipeline-detail", face.get(one).json())
            jobs = face.all(f"{one}/jobs?include_retried=true")
            must_fit(errors, "jobs", jobs)
            seen.update(job["status"] for job in jobs)
            must_fit(errors, "jobs", [face.get(f"{project}/jobs/{jobs[0]['id']}").json()])
        environments = face.all(f"{project}/environments")
        must_fit(errors, "environments", environments)
        for environment in environments:
            must_fit(errors, "environment", face.get(f"{project}/environments/{environment['id']}").json())
        deployments = face.all(f"{project}/deployments?sort=desc")
        must_fit(errors, "deployments", deployments[: None if after == 0 else 8])
        seen.update(deployment["status"] for deployment in deployments)
    assert {"success", "failed", "running", "manual", "skipped", "created", "blocked"} <= seen


def must_fit(errors: Errors, kind: str, body: Any) -> None:
    assert not errors(kind, body)


@pytest.mark.parametrize("after", [0, 47, 133, 400, 1000])
def test_pipelines_are_the_runs_of_the_world(face: Face, after: float) -> None:
    face.world.clock.advance(after)
    for path in face.world.projects:
        told = face.all(f"/projects/{quote(path, safe='')}/pipelines")
        runs = face.world.project_runs(path)
        assert [p["id"] for p in told] == [run.id for run in runs]
        assert [p["iid"] for p in told] == [run.number for run in runs]
        assert [p["status"] for p in told] == [WORDS[face.world.progress(run).state] for run in runs]
        assert [(p["ref"], p["sha"]) for p in told] == [(r.pipeline.ref, r.commit.sha) for r in runs]


def test_a_pipeline_with_warnings_says_so_in_its_detailed_status(face: Face) -> None:
    warned = [run for run in face.project_runs() if face.world.progress(run).state is State.WARNING]
    assert warned
    for run in warned:
        detail = face.get(f"/projects/{face.world.project_id(run.pipeline.path)}/pipelines/{run.id}").json()
        assert detail["status"] == "success"
        assert detail["detailed_status"]["group"] == "success-with-warnings"


def test_jobs_show_their_older_attempts_only_when_asked(face: Face) -> None:
    newest = face.all(f"{FRAUD}/pipelines?status=success")[0]["id"]
    latest = face.all(f"{FRAUD}/pipelines/{newest}/jobs")
    everything = face.all(f"{FRAUD}/pipelines/{newest}/jobs?include_retried=true")
    assert [job["id"] for job in latest] == sorted((job["id"] for job in latest), reverse=True)
    (older,) = [job for job in everything if job not in latest]
    (newer,) = [job for job in latest if job["name"] == older["name"]]
    assert (older["name"], older["status"], newer["status"]) == ("train 3/4", "failed", "success")
    assert older["failure_reason"] == "script_failure"
    assert "failure_reason" not in newer
    assert older["id"] < newer["id"]


def test_bridges_are_no_jobs_and_children_no_pipelines(face: Face) -> None:
    project = face.world.project_id("ml/fraud")
    newest = face.all(f"{FRAUD}/pipelines?status=success")[0]["id"]
    (bridge,) = face.all(f"{FRAUD}/pipelines/{newest}/bridges")
    child = bridge["downstream_pipeline"]
    assert bridge["name"] == "model card"
    assert (child["source"], child["project_id"]) == ("parent_pipeline", project)
    assert "model card" not in {job["name"] for job in face.all(f"{FRAUD}/pipelines/{newest}/jobs")}
    face.get(f"{FRAUD}/jobs/{bridge['id']}", 404)
    assert child["id"] not in {p["id"] for p in face.all(f"{FRAUD}/pipelines")}
    assert child["id"] in {p["id"] for p in face.all(f"{FRAUD}/pipelines?source=parent_pipeline")}
    assert [j["name"] for j in face.all(f"{FRAUD}/pipelines/{child['id']}/jobs")] == [
        "pages",
        "card tests",
        "text",
        "figures",
    ]


def test_a_bridge_has_no_child_before_it_starts(face: Face) -> None:
    run = good_run(face.world)
    face.world.clock.advance(10)
    (bridge,) = face.all(f"{FRAUD}/pipelines/{run.id}/bridges")
    assert (bridge["status"], bridge["downstream_pipeline"]) == ("created", None)


def test_a_gate_is_a_manual_job_until_somebody_plays_it(face: Face) -> None:
    world = face.world
    run = good_run(world)
    path = f"{FRAUD}/pipelines/{run.id}"
    advance_until(world, lambda: world.progress(run).of("promote/promote").state is State.WAITING)
    jobs = face.all(f"{path}/jobs?scope[]=manual")
    assert {job["name"]: job["allow_failure"] for job in jobs} == {"promote": False, "roll back": True}
    assert face.get(path).json()["status"] == "manual"
    assert face.get(path).json()["detailed_status"]["label"] == "waiting for manual action"
    world.approve(run, "promote/promote", "dana")
    world.clock.advance(1)
    (job,) = face.all(f"{path}/jobs?scope=running")
    assert (job["name"], job["user"]["username"]) == ("promote", "dana")
    assert 0 < job["duration"] <= 1


def test_the_summary_of_tests_comes_after_the_jobs(face: Face) -> None:
    world = face.world
    failed = next(
        run for run in face.project_runs() if run.pipeline.path == "ml/features/store" and run.parent is None
    )
    summary = face.get(f"/projects/ml%2Ffeatures%2Fstore/pipelines/{failed.id}/test_report_summary").json()
    (suite,) = summary["test_suites"]
    total = summary["total"]
    assert suite["name"] == "contract tests"
    assert suite["build_ids"] == [world.job_id(failed, "test/contract tests")]
    assert total["failed"] > 0
    assert total["count"] == total["success"] + total["failed"] + total["skipped"] + total["error"]
    fresh = world.trigger(world.pipelines("gitlab", "ml/fraud")[0])
    summary = face.get(f"{FRAUD}/pipelines/{fresh.id}/test_report_summary").json()
    assert summary["total"]["count"] == 0
    assert summary["test_suites"] == []


# --- environments and deployments -------------------------------------------------------------------------------


def test_deployments_come_oldest_first_unless_told_otherwise(face: Face) -> None:
    ids = [d["id"] for d in face.all(f"{FRAUD}/deployments")]
    assert ids == sorted(ids)
    assert [d["id"] for d in face.all(f"{FRAUD}/deployments?order_by=id&sort=desc")] == ids[::-1]


def test_a_deployment_follows_its_job_and_blocked_means_manual(face: Face) -> None:
    for deployment in face.all(f"{FRAUD}/deployments"):
        job = deployment["deployable"]["status"]
        expected = {"manual": "blocked", "pending": "created"}.get(job, job)
        assert deployment["status"] == expected
    blocked = face.all(f"{FRAUD}/deployments?status=blocked")
    assert blocked
    one = face.get(f"{FRAUD}/deployments/{blocked[0]['id']}").json()
    assert one["pending_approval_count"] == 0


def test_an_environments_current_version_is_the_success_that_ended_last(face: Face) -> None:
    (environment,) = face.all("/projects/ml%2Franking/environments")
    assert (environment["name"], environment["tier"], environment["slug"]) == ("staging",) * 3
    assert "last_deployment" not in environment
    last = face.get(f"/projects/ml%2Franking/environments/{environment['id']}").json()["last_deployment"]
    by_end = "environment=staging&status=success&order_by=finished_at&sort=desc"
    assert last["id"] == face.get(f"/projects/ml%2Franking/deployments?{by_end}").json()[0]["id"]


def test_new_deployments_have_the_highest_ids_a_retry_of_an_old_job_too(face: Face) -> None:
    world = face.world
    before = {d["id"]: d["deployable"]["id"] for d in face.all("/projects/ml%2Franking/deployments")}
    old = [r for r in world.project_runs("ml/ranking") if world.progress(r).state is State.PASSED][-1]
    world.retry(old, "deploy/staging")
    after = {d["id"]: d["deployable"]["id"] for d in face.all("/projects/ml%2Franking/deployments")}
    assert {key: after[key] for key in before} == before
    (new,) = set(after) - set(before)
    assert new > max(before)
    assert after[new] == world.job_id(old, "deploy/staging", 1)


# --- the manners of REST ----------------------------------------------------------------------------------------


def test_pages_are_counted_and_linked_at_the_configured_address(face: Face) -> None:
    total = len(face.all(f"{FRAUD}/pipelines"))
    first = face.get(f"{FRAUD}/pipelines?per_page=5&ref=main")
    assert (first.headers["X-Page"], first.headers["X-Prev-Page"], first.headers["X-Next-Page"]) == (
        "1",
        "",
        "2",
    )
    links = dict(re.findall(r'<([^>]+)>; rel="(\w+)"', first.headers["Link"]))
    assert {rel: httpx.URL(url).host for url, rel in links.items()} == dict.fromkeys(
        ("next", "first", "last"), "gitlab.example.com"
    )
    following = httpx.URL(next(url for url, rel in links.items() if rel == "next"))
    assert following.raw_path == b"/gitlab/api/v4/projects/ml%2Ffraud/pipelines?page=2&per_page=5&ref=main"
    everything = face.get(f"{FRAUD}/pipelines?per_page=1000")
    assert everything.headers["X-Per-Page"] == "100"
    assert everything.headers["X-Total"] == str(total)
    assert everything.headers["X-Next-Page"] == ""
    last = face.get(f"{FRAUD}/pipelines?per_page=5&page={-(-total // 5)}")
    assert (last.headers["X-Next-Page"], last.headers["X-Total-Pages"]) == ("", str(-(-total // 5)))


def test_the_jobs_of_a_project_are_not_counted(face: Face) -> None:
    headers = face.get(f"{FRAUD}/jobs").headers
    assert headers["X-Next-Page"] == "2"
    assert "X-Total" not in headers
    assert "X-Total-Pages" not in headers
    assert 'rel="last"' not in headers["Link"]


def test_an_unchanged_answer_is_304_and_empty(face: Face) -> None:
    first = face.get(f"{FRAUD}/pipelines")
    tag = first.headers["ETag"]
    assert tag.startswith('W/"')
    again = face.get(f"{FRAUD}/pipelines", 304, {"If-None-Match": tag})
    assert again.content == b""
    assert again.headers["RateLimit-Observed"] == "2"
    face.world.clock.advance(60)
    assert face.get(f"{FRAUD}/pipelines", headers={"If-None-Match": tag}).headers["ETag"] != tag


def test_every_answer_has_a_request_id_and_the_rate_limit(face: Face) -> None:
    for path, status in ((f"{FRAUD}/pipelines", 200), ("/projects/no%2Fsuch", 404)):
        headers = face.get(path, status).headers
        assert len(headers["X-Request-Id"]) == 26
        assert headers["RateLimit-Limit"] == "2000"
    assert headers["RateLimit-Remaining"] == "1998"


def test_filters_of_pipelines(face: Face) -> None:
    everything = face.all(f"{FRAUD}/pipelines")

    def ids(query: str) -> list[int]:
        return [p["id"] for p in face.all(f"{FRAUD}/pipelines?{query}")]

    newest = everything[0]
    on_release = [p["id"] for p in everything if p["ref"] == "release/2026.11"]
    assert ids("ref=release/2026.11") == on_release != []
    assert ids(f"sha={newest['sha']}") == [newest["id"]]
    assert ids("source=schedule") == []
    assert ids("scope=branches&order_by=id&sort=asc") == sorted([on_release[0], newest["id"]])
    assert ids("sort=asc") == [p["id"] for p in everything][::-1]
    assert ids(f"updated_after={newest['updated_at']}") == [
        p["id"] for p in everything if p["updated_at"] >= newest["updated_at"]
    ]
    assert ids(f"created_before={newest['created_at']}&per_page=1")[0] == newest["id"]


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        (f"{FRAUD}/pipelines?page=0", 400, {"error": "page does not have a valid value"}),
        (
            f"{FRAUD}/pipelines?scope=all&status=green",
            400,
            {"error": "scope does not have a valid value, status does not have a valid value"},
        ),
        (f"{FRAUD}/pipelines?updated_after=soon", 400, {"error": "updated_after is invalid"}),
        (
            f"{FRAUD}/deployments?updated_after=2026-01-01T00:00:00Z",
            400,
            {"message": "400 Bad request - `updated_at` filter requires `updated_at` sort"},
        ),
        (
            f"{FRAUD}/deployments?order_by=finished_at",
            400,
            {
                "message": "400 Bad request - `finished_at` sort requires `finished_at` filter or a filter with "
                "at least one of the finished statuses."
            },
        ),
        (
            f"{FRAUD}/environments?name=a&search=prod",
            400,
            {"error": "name, search are mutually exclusive"},
        ),
        ("/projects/no%2Fsuch", 404, {"message": "404 Project Not Found"}),
        ("/groups/nobody/projects", 404, {"message": "404 Group Not Found"}),
        (f"{FRAUD}/pipelines/1", 404, {"message": "404 Not found"}),
        (f"{FRAUD}/approvals", 404, {"error": "404 Not Found"}),
    ],
)
def test_refusals_have_gitlabs_shapes(face: Face, path: str, status: int, body: Any) -> None:
    assert face.get(path, status).json() == body


def test_other_methods_are_405_and_version_3_is_gone(face: Face) -> None:
    answer = face.client.post(f"/v4{FRAUD}/pipelines")
    assert (answer.status_code, answer.json()) == (405, {"error": "405 Not Allowed"})
    gone = face.client.get("/v3/projects")
    assert (gone.status_code, gone.text) == (410, "API V3 is no longer supported")


def test_a_moved_project_is_301_to_its_id_on_the_called_address(face: Face) -> None:
    moved = face.get("/projects/ml%2Fpayments-fraud/pipelines?per_page=2", 301)
    number = face.world.project_id("ml/fraud")
    assert moved.headers["Location"] == f"{face.url}/gitlab/api/v4/projects/{number}/pipelines?per_page=2"
    assert moved.headers["Content-Type"].startswith("text/plain")
    assert (
        face.client.get(moved.headers["Location"]).json() == face.get(f"{FRAUD}/pipelines?per_page=2").json()
    )


def test_groups_hold_their_projects(face: Face) -> None:
    def paths(query: str) -> list[str]:
        return [p["path_with_namespace"] for p in face.all(f"/groups/{query}")]

    below = [path for path in face.world.projects if path.startswith("ml/")]
    assert sorted(paths("ml/projects?include_subgroups=true&simple=true")) == sorted(below)
    assert paths("ml%2Ffeatures/projects?simple=true") == ["ml/features/store"]
    assert "ml/features/store" not in paths("ml/projects")
    (one,) = [p for p in face.all("/projects?membership=true") if p["path_with_namespace"] == "ml/fraud"]
    assert face.get(f"/projects/{one['id']}").json() == one


def test_a_token_may_what_its_scopes_say() -> None:
    options = Options(token="glpat-good", scopes=("read_api",))
    with a_face(World(demo(), Clock(START, manual=True)), options) as face:
        good = {"PRIVATE-TOKEN": "glpat-good"}
        assert face.get("/personal_access_tokens/self", headers=good).json()["scopes"] == ["read_api"]
        assert face.get("/user", headers={"Authorization": "Bearer glpat-good"}).json()["username"] == "you"
        assert face.get("/metadata", headers=good).json()["enterprise"] is True
        assert len(face.get("/projects", headers=good).json()) == len(face.world.projects)
        bad = {"PRIVATE-TOKEN": "glpat-bad"}
        assert face.get("/projects", 401, bad).json() == {"message": "401 Unauthorized"}
        revoked = face.get("/projects", 401, {"PRIVATE-TOKEN": REVOKED_TOKEN})
        assert revoked.json()["error"] == "invalid_token"
        assert "WWW-Authenticate" in revoked.headers
        # The anonymous see what is public, which is nothing; some lists want a user.
        assert face.get("/projects").json() == []
        assert face.get(f"{FRAUD}/pipelines", 404).json() == {"message": "404 Project Not Found"}
        face.get(f"{FRAUD}/deployments", 401)
        query = {"query": "{ projects { nodes { id } } }"}
        assert face.client.post("/graphql", json=query).json() == {"data": {"projects": {"nodes": []}}}
        refused = face.client.post("/graphql", json=query, headers=bad)
        assert (refused.status_code, refused.json()) == (401, {"errors": [{"message": "Invalid token"}]})
        options.scopes = ("read_user",)
        assert face.get("/projects", 403, good).json()["error"] == "insufficient_scope"
        face.get("/user", headers=good)


def test_faults_have_gitlabs_own_bodies(face: Face) -> None:
    face.faults.set("429", seconds=7)
    limited = face.get("/projects", 429)
    assert (limited.text, limited.headers["Retry-After"]) == ("Retry later\n", "7")
    assert limited.headers["Content-Type"].startswith("text/plain")
    for kind, status, words in (
        ("401", 401, "401 Unauthorized"),
        ("403", 403, "403 Forbidden"),
        ("500", 500, "500 Internal Server Error"),
        ("503", 503, "503 Service Unavailable"),
    ):
        face.faults.set(kind)  # type: ignore[arg-type]
        assert face.get("/projects", status).json() == {"message": words}
    face.faults.set("500", path="/graphql")
    assert face.client.post("/graphql", json={"query": "{ currentUser { id } }"}).status_code == 500
    face.get("/projects")


# --- GraphQL ----------------------------------------------------------------------------------------------------


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
    (production,) = body["data"]["project"]["environments"]["nodes"]
    assert (production["name"], production["tier"], production["state"]) == (
        "production",
        "PRODUCTION",
        "available",
    )
    assert production["last"]["status"] == "SUCCESS"
    assert production["blocked"]["job"]["status"] == "MANUAL"
    rest = face.all(f"{FRAUD}/environments")
    last = face.get(f"{FRAUD}/environments/{rest[0]['id']}").json()["last_deployment"]
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
    face.world.clock.advance(600)  # the newer run on main is promoted
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


# --- corners ----------------------------------------------------------------------------------------------------


def test_jobs_behind_an_unplayed_optional_job_are_skipped_and_a_missing_runner_is_stuck() -> None:
    tasks = plan(
        Group(
            "all",
            (
                Task("ask", 1, gate="Go on?", optional=True),
                Task("behind", 1, dag=True, needs=("all/ask",)),
                Task("free", 1),
            ),
            parallel=True,
        )
    )
    stuck = plan(Task("train", 5, wait=float("inf"), label="h100"))
    world = World(
        Scenario(
            pipelines=(
                Pipeline(system="gitlab", path="a/b", tasks=tasks),
                Pipeline(system="gitlab", path="a/c", tasks=stuck),
            )
        ),
        Clock(START, manual=True),
    )
    runs = [world.trigger(pipeline) for pipeline in world.pipelines("gitlab")]
    world.clock.advance(10)
    with a_face(world) as face:
        jobs = face.all(f"/projects/a%2Fb/pipelines/{runs[0].id}/jobs")
        assert {job["name"]: job["status"] for job in jobs} == {
            "ask": "manual",
            "behind": "skipped",
            "free": "success",
        }
        assert face.get(f"/projects/a%2Fb/pipelines/{runs[0].id}").json()["status"] == "success"
        query = '{ project(fullPath: "a/c") { pipelines { nodes { status jobs { nodes { status stuck tags } } } } } }'
        (pipeline,) = face.ask(query)["data"]["project"]["pipelines"]["nodes"]
        assert pipeline == {
            "status": "PENDING",
            "jobs": {"nodes": [{"status": "PENDING", "stuck": True, "tags": ["h100"]}]},
        }
        world.cancel(runs[1])
        assert face.get(f"/projects/a%2Fc/pipelines/{runs[1].id}").json()["status"] == "canceled"
