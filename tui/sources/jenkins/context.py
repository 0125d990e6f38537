"""What the readers and the actions of one Jenkins share: its name, address and settings, its client, the clock."""

from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import msgspec

from tui.config import ConfigError, JenkinsSettings
from tui.sources.http.limiter import Limiter
from tui.sources.jenkins.client import Client


class JenkinsContext(msgspec.Struct, frozen=True, eq=False):
    """One configured controller. Its client keeps the connections, so there is one context for each source."""

    name: str
    server: str
    """Its URL as a person may see it: without a password."""
    settings: JenkinsSettings
    wire: Limiter
    client: Client
    clock: Callable[[], float]


def open_context(name: str, settings: JenkinsSettings, clock: Callable[[], float]) -> JenkinsContext:
    """The context of a controller to which nothing was sent yet.

    Raises:
        ConfigError: the url cannot be taken apart.
    """
    try:
        parts = urlsplit(settings.base_url)
    except ValueError as error:
        raise ConfigError(f"sources.{name}.url: {error}") from None
    server = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
    wire = Limiter(name, clock=clock)
    return JenkinsContext(name, server, settings, wire, Client(wire, settings), clock)
