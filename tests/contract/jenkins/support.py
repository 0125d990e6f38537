"""Recordings, routes and short ways to write what was read."""

import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

from tests.http_stub import Reply, Route, Stub, http_stub
from tui.config import JenkinsSettings
from tui.domain.pipeline import Listing, Pipeline, Stage
from tui.sources.jenkins.source import JenkinsSource

RECORDINGS = Path(__file__).parents[2] / "recordings" / "jenkins"

NOW = 1_795_458_000
"""When it is in these tests."""
PGV = ("stages/tree", "pipeline-overview/tree", "pipeline-graph/tree")
"""The paths pipeline-graph-view has had, in the order they are tried."""


@cache
def recording(name: str) -> Mapping[str, Any]:
    document: Mapping[str, Any] = json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))
    return document


def recorded(name: str) -> Reply:
    """The answer as it was sent."""
    document = recording(name)
    return Reply(document["status"], document["headers"], document["body"].encode())


def body(name: str) -> Any:
    return json.loads(recording(name)["body"])


def core(value: Any, session: str = "s1", **headers: str) -> Reply:
    """A JSON answer of Jenkins itself."""
    known = {"Content-Type": "application/json", "X-Jenkins": "2.516.3", "X-Jenkins-Session": session}
    return Reply(200, known | headers, json.dumps(value).encode())


ABSENT = recorded("wfapi-describe-freestyle-404")
EMPTY_QUEUE = core({"_class": "hudson.model.Queue", "items": []})


def hurried() -> Callable[[], float]:
    """A clock on which seconds pass whenever it is looked at, so that no request waits for its turn."""
    ticks = count(NOW, 1000)
    return lambda: float(next(ticks))


class Instant:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = float(NOW)

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def jenkins(
    routes: Mapping[str, Route],
    *,
    prefix: str = "",
    tls: ssl.SSLContext | None = None,
    clock: Callable[[], float] | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[JenkinsSource, Stub]]:
    """A source and the controller it reads. The keys of ``routes`` are paths; all are asked with GET."""
    with http_stub({f"GET {prefix}{path}": route for path, route in routes.items()}, tls=tls) as stub:
        source = JenkinsSource(
            "ci", JenkinsSettings(url=stub.url + prefix, **settings), clock=clock or hurried()
        )
        try:
            yield source, stub
        finally:
            await source.close()


def asked(stub: Stub) -> list[str]:
    """The paths that were asked for, in order."""
    return [request.path for request in stub.requests]


async def listed(jobs: Reply, queue: Reply = EMPTY_QUEUE, **settings: Any) -> Listing:
    """What one refresh makes of these two answers, in two requests."""
    async with jenkins({"/api/json": jobs, "/queue/api/json": queue}, **settings) as (source, stub):
        listing = await source.pipelines()
        assert sorted(asked(stub)) == ["/api/json", "/queue/api/json"]
    return listing


def by_path(listing: Listing) -> dict[str, Pipeline]:
    return {pipeline.address.path: pipeline for pipeline in listing.pipelines}


def drawn(stages: Sequence[Stage] | None) -> str:
    """``build passed, test warning [|unit warning, |lint passed]``: ``|`` is a branch, ``~`` a synthetic stage."""
    return ", ".join(
        ("|" if stage.kind == "branch" else "")
        + ("~" if stage.synthetic else "")
        + f"{stage.name} {stage.status}"
        + (f" [{drawn(stage.children)}]" if stage.children else "")
        for stage in stages or ()
    )


def tree_of(**jobs: Any) -> list[dict[str, Any]]:
    """Folders are dicts, jobs are None."""
    return [
        {"name": name, "jobs": tree_of(**inner)}
        if isinstance(inner, dict)
        else {"name": name, "color": "blue", "builds": []}
        for name, inner in jobs.items()
    ]


ML = tree_of(ml={"vision": {"train": None, "test": None}, "fraud": None}, other=None)
