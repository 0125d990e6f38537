"""How the sandbox's Jenkins is set up."""

from collections.abc import Mapping
from typing import Literal

import msgspec

from tui.sandbox.plan import Form

StageSource = Literal["stages", "pipeline-overview", "wfapi", "none"]


class Options(msgspec.Struct):
    """How this Jenkins is set up. May be changed while it serves."""

    prefix: str = "/jenkins"
    """Context path."""
    root_url: str = "http://jenkins.example/jenkins/"
    """The configured root URL, with which every ``url`` begins."""
    stages: StageSource = "pipeline-overview"
    """What tells of stages: pipeline-graph-view under either of its paths, the stage view plugin, or nothing."""
    user: str = ""
    """Who may read; empty: everybody."""
    token: str = ""
    password: str = ""
    """Also lets in, but a write then needs a crumb of the session."""
    denied: frozenset[str] = frozenset()
    """What the user may not do: ``Build``, ``Cancel``, ``Update``."""
    groups: frozenset[str] = frozenset()
    """What the user is in, for inputs that name who may answer."""
    forms: Mapping[str, Form] = {}
    """What inputs ask for, by their id."""
    choices: Mapping[str, tuple[str, ...]] = {}
    """The values that a parameter of a job may have, where not any."""
    starts: Mapping[str, tuple[str, str]] = {}
    """By the full name of a job: the job and the stage whose ``build`` step starts its runs, each run that of its own
    number."""
    locks: frozenset[str] = frozenset()
    """Labels of tasks that are resources to lock: who waits for one waits for no machine."""
    shows_locks: bool = True
    """The user may see who holds them."""
    quiet: float = 0.0
    """Seconds for which a new build stays in the queue."""
    lag: float = 0.0
    """Seconds between an answer to an input and its effect."""
    resists: frozenset[str] = frozenset()
    """Which of ``stop``, ``term`` and ``kill`` running builds survive."""
    declarative: bool = True
    """Pipelines can be restarted from a stage."""
    version: str = "2.516.3"
    """Of the core: logs are sent in one way before 2.509, in another since, and since 2.534 their ends too."""
    log_limit: int = 10_000
    """Lines of a growing log in one answer."""
    windows: bool = False
    """Agents end the lines of their output in CRLF."""
    session: str = "b14d5398"
    """Changes when a controller restarts."""
