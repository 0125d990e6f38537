"""The manners of REST: pages, filters, refusals, limits, tokens, faults."""

import re
from typing import Any

import httpx
import pytest

from tests.sandbox.gitlab.face import FRAUD, START, Face, a_face
from tui.sandbox.faults import Kind
from tui.sandbox.gitlab import REVOKED_TOKEN, Options
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, World


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
    refusals: tuple[tuple[Kind, int, str], ...] = (
        ("401", 401, "401 Unauthorized"),
        ("403", 403, "403 Forbidden"),
        ("500", 500, "500 Internal Server Error"),
        ("503", 503, "503 Service Unavailable"),
    )
    for kind, status, words in refusals:
        face.faults.set(kind)
        assert face.get("/projects", status).json() == {"message": words}
    face.faults.set("500", path="/graphql")
    assert face.client.post("/graphql", json={"query": "{ currentUser { id } }"}).status_code == 500
    face.get("/projects")
