"""What runs where: environments, and the versions that were put into them."""

import msgspec

from tui.domain.address import Address
from tui.domain.status import Status


class Rollback(msgspec.Struct, frozen=True):
    """Whether an environment can go back to a deployment."""

    possible: bool
    words: str
    """What would happen, or why it cannot be done; in few words."""
    target: Address | None = None
    """The job that would be run again (GitLab) or the pipeline that would be started (Jenkins)."""
    parameters: tuple[tuple[str, str], ...] = ()
    """What it would be started with (Jenkins)."""


class Deployment(msgspec.Struct, frozen=True):
    """One version put into an environment, or on its way there."""

    id: str
    """Tells it from others of its environment: a GitLab iid, a Jenkins run and stage."""
    status: Status
    """PASSED: it is or was there. WAITING: somebody has to let it go on."""
    version: str
    revision: str = ""
    """Full commit id, empty where unknown."""
    vendor_status: str = ""
    ref: str = ""
    who: str = ""
    started_at: float | None = None
    """When it was asked for."""
    finished_at: float | None = None
    committed_at: float | None = None
    """When its commit was made, where the source says."""
    run: Address | None = None
    """The run, or the job of a run, that did it; None where another tool did and only said so (GitLab's API)."""
    canary: bool = False
    """It takes a part of the traffic, beside the stable one."""
    share: float | None = None
    """Its part of the traffic in percent, where the source says."""
    colour: str = ""
    """Which half of a blue-green environment it went to."""
    waits_for: str = ""
    """What has to happen before it goes on."""
    rollback: Rollback | None = None
    """None: not looked up, as in a listing."""
    web_url: str = ""
    waits_outside: bool = False
    """While it waits for a person it is not there yet, as in GitLab; in Jenkins a canary waits behind the stage that
    put it there."""


class Environment(msgspec.Struct, frozen=True):
    """Something versions are put into."""

    address: Address
    """``SOURCE:PATH@NAME``. For Jenkins PATH is what the configured rules call the app."""
    deployments: tuple[Deployment, ...] = ()
    """Newest first: those that matter now, or its history as far back as it was read."""
    tier: str = ""
    """GitLab: production, staging, testing, development, other."""
    stopped: bool = False
    url: str = ""
    """Where what runs there is reached."""
    web_url: str = ""
    read_since: float | None = None
    """Deployments before this time were not read; None where ``deployments`` is all there is, or a listing."""
    notes: tuple[str, ...] = ()
    """What could not be told of it, in words for a person."""

    @property
    def name(self) -> str:
        return self.address.environment or ""


class Environments(msgspec.Struct, frozen=True):
    """The environments that one pipeline deploys to, in the source's order."""

    environments: tuple[Environment, ...] = ()
    notes: tuple[str, ...] = ()
    """What is missing or not permitted, in words for a person."""


class Version(msgspec.Struct, frozen=True):
    """What was put somewhere, as far as it takes to compare it with another."""

    environment: Address
    revision: str = ""
    run: Address | None = None


class Commit(msgspec.Struct, frozen=True):
    revision: str
    title: str
    author: str = ""
    at: float | None = None
    run: Address | None = None
    """The run that first had it, where the source says (Jenkins)."""


class Changes(msgspec.Struct, frozen=True):
    """What one deployed version has that another has not."""

    commits: tuple[Commit, ...] = ()
    """Newest first."""
    notes: tuple[str, ...] = ()
    web_url: str = ""

    @property
    def authors(self) -> tuple[str, ...]:
        """Who made the commits, each once, in the order of the commits."""
        return tuple(dict.fromkeys(commit.author for commit in self.commits if commit.author))


class Validation(msgspec.Struct, frozen=True):
    """Numbers that a run wrote about the model it made."""

    metrics: tuple[tuple[str, float], ...] = ()
    """By name, nested names joined by dots, in the file's order."""
    notes: tuple[str, ...] = ()
    """Why there are none, or what of the file could not be used."""
