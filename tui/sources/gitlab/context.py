"""What the readers and the actions of one GitLab share: its name and settings, its two APIs, the clock."""

from collections.abc import Callable
from urllib.parse import quote

import msgspec

from tui.config import GitLabSettings
from tui.domain.address import Address
from tui.sources.gitlab.fallback import Fallback
from tui.sources.gitlab.graphql_client import GraphQL
from tui.sources.gitlab.rest_client import Rest
from tui.sources.http.limiter import Limiter
from tui.text.safe import clean


class ProjectContext(msgspec.Struct, frozen=True):
    """A project of a source."""

    source: str
    base_url: str
    path: str

    def run(self, id: int) -> Address:
        return Address(self.source, self.path, id)

    def url(self, kind: str, id: str | int = "") -> str:
        """A page of the web interface. Made here: the server's own URLs may name a host that nobody can reach."""
        return f"{self.base_url}/{quote(self.path)}/-/{kind}/{id}".rstrip("/")


class GitLabContext(msgspec.Struct, frozen=True, eq=False):
    """One configured GitLab. Its APIs keep their connections, so there is one context for each source."""

    name: str
    settings: GitLabSettings
    wire: Limiter
    rest: Rest
    graphql: GraphQL
    fallback: Fallback
    """Which of the two APIs answers what."""
    clock: Callable[[], float]

    @property
    def server(self) -> str:
        return self.settings.base_url

    def project(self, path: str) -> ProjectContext:
        return ProjectContext(self.name, self.server, clean(path))

    async def close(self) -> None:
        await self.graphql.close()
        self.rest.close()


def open_context(name: str, settings: GitLabSettings, clock: Callable[[], float]) -> GitLabContext:
    """The context of a server to which nothing was sent yet."""
    wire = Limiter(name, clock=clock)
    return GitLabContext(
        name, settings, wire, Rest(wire, settings), GraphQL(wire, settings, clock), Fallback(clock), clock
    )
