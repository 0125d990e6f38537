"""How the sandbox's Gate is set up, and what was done to it that the world has no word for."""

import msgspec


class Options(msgspec.Struct):
    """May be changed while it serves."""

    token: str = ""
    """Who may ask, as ``X-Spinnaker-Token``; empty: everybody, who is anonymous then."""
    user: str = "you"
    roles: tuple[str, ...] = ("ml",)
    jenkins_url: str = "http://jenkins.example/jenkins"
    """With which the urls of builds begin."""
    masters: str = "ci"
    """What it calls that Jenkins."""
    judges: tuple[str, ...] = ()
    """The roles of which a judgment needs one; a judgment without it puts itself back."""
    inputs: tuple[str, ...] = ()
    """The choices of a judgment."""
    stop_goes_on: bool = False
    """A judgment that says stop lets the pipeline go on (``continuePipeline``)."""
    lag: float = 0.0
    """Seconds between a judgment and its effect."""
    kayenta: bool = True
    scores: tuple[float, ...] = (96.0, 91.0, 87.0)
    """What Kayenta judged in each interval."""
    forbidden: tuple[str, ...] = ()
    """Kinds of ad-hoc operations that the server takes and then ends with an error."""
    clouds: str = "kubernetes"
    """Or ``aws``: what its server groups are."""


class Judged(msgspec.Struct, frozen=True):
    status: str
    given: str
    who: str
    at: float


class Operation(msgspec.Struct, frozen=True):
    """An orchestration."""

    id: str
    application: str
    description: str
    at: float
    job: dict[str, object]
    problem: str = ""


class Deeds:
    """What people did here beside what the world knows."""

    def __init__(self) -> None:
        self.judged: dict[str, Judged] = {}
        """By stage id."""
        self.paused: dict[int, float] = {}
        """Runs that are paused, and since when."""
        self.resumed: dict[int, float] = {}
        self.canceled: dict[int, tuple[str, str]] = {}
        """By whom, and why."""
        self.correlated: dict[str, int] = {}
        self.marks: dict[int, str] = {}
        """The correlation id of a run."""
        self.operations: list[Operation] = []
