"""Which projects are watched."""

import pytest

from tests.contract.gitlab.bodies import node, project
from tests.contract.gitlab.conftest import GRAPHQL, Clock, Connect, dashboard, paths, rest
from tests.http_stub import Reply, Request, Stub
from tui.domain.health import Trouble
from tui.sources.base import SourceError


@pytest.fixture(autouse=True)
def any_project(stub: Stub) -> None:
    """GraphQL knows every project it is asked for."""
    stub.routes[GRAPHQL] = dashboard(
        lambda variables: [
            {"fullPath": path, "pipelines": {"nodes": [node(1001)]}} for path in variables["paths"]
        ]
    )


def group(*found: str) -> Reply:
    return Reply.json([project(n, path) for n, path in enumerate(found, 1)], 200, **{"X-Next-Page": ""})


ML = ("ml/vision", "ml/fraud", "ml/labs/try", "ml/labs/deep/er")


@pytest.mark.parametrize(
    ("watch", "expected"),
    [
        (("ml/*",), ["ml/fraud", "ml/vision"]),
        (("ml/**",), ["ml/fraud", "ml/labs/deep/er", "ml/labs/try", "ml/vision"]),
        (("ml/v*", "ml/fraud"), ["ml/fraud", "ml/vision"]),
        (("ml/**/try", "/ml/vision/"), ["ml/vision", "ml/labs/try"]),
        (("ML/F*",), ["ml/fraud"]),
    ],
)
async def test_globs_are_matched_against_the_projects_of_their_group(
    stub: Stub, connect: Connect, watch: tuple[str, ...], expected: list[str]
) -> None:
    stub.routes[rest("/groups/ml/projects")] = stub.routes[rest("/groups/ML/projects")] = group(*ML)
    listing = await connect(watch=watch).pipelines()
    assert [row.address.path for row in listing.pipelines] == expected
    assert listing.notes == ()
    assert stub.requests[0].query == {
        "include_subgroups": ["true"],
        "with_shared": ["false"],
        "archived": ["false"],
        "simple": ["true"],
        "per_page": ["100"],
        "page": ["1"],
    }


async def test_a_group_is_listed_once_in_ten_minutes_whatever_globs_name_it(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    stub.routes[rest("/groups/ml/projects")] = group(*ML)
    stub.routes[rest("/groups/ml%2Flabs/projects")] = group("ml/labs/try")
    source = connect(watch=("ml/f*", "ml/v*", "ml/labs/*"))
    await source.pipelines()
    await source.pipelines()
    assert len([path for path in paths(stub) if "groups" in path]) == 2
    clock.ahead = 601
    await source.pipelines()
    assert len([path for path in paths(stub) if "groups" in path]) == 4


async def test_pages_of_a_group_are_followed_by_the_header(stub: Stub, connect: Connect) -> None:
    def page(request: Request) -> Reply:
        number = int(request.query["page"][0])
        found = [project(number, f"ml/p{number}")]
        return Reply.json(found, 200, **{"X-Next-Page": str(number + 1) if number < 3 else ""})

    stub.routes[rest("/groups/ml/projects")] = page
    listing = await connect(watch=("ml/*",)).pipelines()
    assert [row.name for row in listing.pipelines] == ["p1", "p2", "p3"]


async def test_a_glob_without_a_group_looks_at_the_users_projects(stub: Stub, connect: Connect) -> None:
    stub.routes[rest("/projects")] = group("ml/fraud", "ops/deploy")
    listing = await connect(watch=("*/deploy",)).pipelines()
    assert [row.address.path for row in listing.pipelines] == ["ops/deploy"]
    assert stub.requests[0].query["membership"] == ["true"]


async def test_what_matches_nothing_or_cannot_be_listed_is_a_note(stub: Stub, connect: Connect) -> None:
    stub.routes[rest("/groups/ml/projects")] = group(*ML)
    stub.routes[rest("/groups/secret/projects")] = Reply.json({"message": "404 Group Not Found"}, 404)
    listing = await connect(watch=("ml/x*", "secret/**", "ml/fraud")).pipelines()
    assert [row.address.path for row in listing.pipelines] == ["ml/fraud"]
    assert "watch 'ml/x*' matches no project" in listing.notes
    [note] = [note for note in listing.notes if "secret" in note]
    assert note.startswith("the projects of secret could not be listed: gl answered 404")


async def test_a_group_that_cannot_be_listed_again_keeps_its_projects(
    stub: Stub, connect: Connect, clock: Clock
) -> None:
    stub.routes[rest("/groups/ml/projects")] = (group(*ML), Reply.json({"message": "500"}, 500))
    source = connect(watch=("ml/*",))
    first = await source.pipelines()
    clock.ahead = 601
    second = await source.pipelines()
    assert second.pipelines == first.pipelines
    assert "the projects of ml could not be listed" in second.notes[0]


async def test_a_server_in_trouble_fails_the_listing(stub: Stub, connect: Connect) -> None:
    stub.routes[rest("/groups/ml/projects")] = Reply.json({"message": "401 Unauthorized"}, 401)
    with pytest.raises(SourceError) as caught:
        await connect(watch=("ml/*",)).pipelines()
    assert caught.value.trouble is Trouble.UNAUTHORIZED


async def test_too_many_projects_are_cut_with_a_note(
    stub: Stub, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.sources.gitlab.read.watch.MOST_PROJECTS", 3)
    stub.routes[rest("/groups/ml/projects")] = group(*ML)
    listing = await connect(watch=("ml/**",)).pipelines()
    assert len(listing.pipelines) == 3
    assert listing.notes == ("watch matches 4 projects; the first 3 are shown, narrow it to see others",)
