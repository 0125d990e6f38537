"""The sandbox's GitLab, asked over HTTP."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from tests.sandbox.serving import serving
from tui.sandbox.faults import Faults
from tui.sandbox.gitlab import Options, gitlab_app
from tui.sandbox.world import Run, World

START = 1_790_000_000.0
DOCUMENTS = Path(__file__).parents[2] / "recordings" / "gitlab"
FRAUD = "/projects/ml%2Ffraud"


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


@contextmanager
def a_face(world: World, options: Options | None = None) -> Iterator[Face]:
    faults, options = Faults(), options or Options()
    with serving(gitlab_app(world, faults, options)) as url:
        face = Face(url, world, faults, options)
        with face.client:
            yield face
