"""The settings, typed: what the tables of a configuration file become."""

from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tui.config.safety import Launch, SafetySettings
from tui.config.secret import Secret
from tui.insight.rules import DeploymentRule

Seconds = Annotated[float, Meta(gt=0, le=600)]
Name = Annotated[str, Meta(min_length=1)]
Duration = Annotated[str, Meta(pattern=r"^[1-9]\d*[smhd]$")]


class _Server(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What all sources have."""

    url: Annotated[str, Meta(pattern=r"^https?://[^/\s@?#]+(/[^\s?#]*)?$")]
    ca: Path | None = None
    """A PEM file of certificate authorities; None for the system's."""
    timeout: Seconds = 15.0
    """Seconds a request may take altogether."""
    connect_timeout: Seconds = 5.0

    @property
    def base_url(self) -> str:
        """The url without a slash at its end, path prefix included."""
        return self.url.rstrip("/")

    @property
    def ca_file(self) -> str | None:
        return str(self.ca) if self.ca else None


class JenkinsSettings(_Server, frozen=True, kw_only=True, tag="jenkins"):
    user: str | None = None
    token: Secret | None = None
    watch: tuple[Name, ...] = ("**",)
    read_only: bool = False
    """Nothing is sent there that could change anything."""
    deployments: tuple[DeploymentRule, ...] = ()
    """What is a deployment, which Jenkins itself does not know; the first rule that can read a run counts."""


class GitLabSettings(_Server, frozen=True, kw_only=True, tag="gitlab"):
    token: Secret | None = None
    watch: tuple[Name, ...]
    refs: tuple[Name, ...] = ()
    read_only: bool = False
    canary_jobs: tuple[Name, ...] = ("*canary*",)
    """Globs over the names of jobs whose deployments take a part of the traffic, which GitLab does not tell."""


class PrometheusSettings(_Server, frozen=True, kw_only=True, tag="prometheus"):
    user: str | None = None
    password: Secret | None = None
    token: Secret | None = None


SourceSettings = JenkinsSettings | GitLabSettings | PrometheusSettings


class Track(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the canary or the baseline is named in metric labels."""

    version: str = ""
    track: str = ""


class Score(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the score of a model, from 0 to 100, means."""

    pass_: Annotated[float, Meta(ge=0, le=100)] | None = msgspec.field(name="pass", default=None)
    """From here on it may be promoted; None: 100, and 75 for Kayenta."""
    marginal: Annotated[float, Meta(ge=0, le=100)] | None = None
    """Kayenta's: up to here it must not; None: 50."""
    groups: dict[Name, float] = {}
    """Kayenta's weights of groups in per cent; groups without one share the rest."""


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the team ships: it joins pipelines, an environment and metrics."""

    title: str = ""
    pipelines: tuple[Name, ...] = ()
    """Addresses of pipelines, ``SOURCE:PATH``; the path may hold globs."""
    environment: str = ""
    namespace: str = ""
    baseline: Track = Track(track="baseline")
    canary: Track = Track(track="canary")
    metrics: tuple[Name, ...] = ()
    """Names of ``[metrics.NAME]`` tables, in the order of their charts."""
    judge: Literal["own", "kayenta"] = "own"
    score: Score = Score()
    validation: Annotated[str, Meta(pattern=r"^(?!/)(?!.*\.\.)[^\s].*$")] | None = None
    """A JSON file of numbers among the artifacts of each of its runs, by path."""
    blue_green: tuple[Name, Name] | None = None
    """Two environments of which one has the traffic. Which: the one whose version ``environment`` has, where that
    is a third one, else the one that was deployed to last."""
    promote: Name = "*promote*"
    """A glob over the names of GitLab gates: which lets the canary go on. In Jenkins ``canary.input`` tells."""
    retrain: Launch | None = None
    switch: Launch | None = None
    """What gives the traffic to the other of ``blue_green``; {colour} is its name."""

    def ships(self, pipeline: str) -> bool:
        """Whether the pipeline of that address is one of its own."""
        return any(pipeline == pattern or fnmatchcase(pipeline, pattern) for pattern in self.pipelines)


class Compare(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the canary's values of a metric may differ from the baseline's."""

    max_worse: Annotated[float, Meta(ge=0)] | Annotated[str, Meta(pattern=r"^\d+(\.\d+)?%$")]
    """How much worse is still fine: in the metric's unit, or ``"10%"`` of the baseline's median."""
    group: str = ""
    weight: Annotated[float, Meta(ge=0)] = 1.0
    critical: bool = False
    """Worse here means do not promote, whatever the score."""
    required: bool = False
    """While it is unclear, so is the verdict on the model."""

    @property
    def relative(self) -> bool:
        return isinstance(self.max_worse, str)

    @property
    def margin(self) -> float:
        """In the metric's unit, or the share where it is ``relative``."""
        return float(self.max_worse.rstrip("%")) / 100 if isinstance(self.max_worse, str) else self.max_worse


class MetricSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named query of a metric source."""

    source: Name
    query: Name
    title: str = ""
    unit: str = ""
    scale: float = 1.0
    """The server's values times this are in ``unit``."""
    better: Literal["lower", "higher"] = "lower"
    warn: float | None = None
    fail: float | None = None
    window: Duration = "5m"
    """What ``{window}`` stands for: at least four scrape intervals."""
    judge_window: Duration | None = None
    """What it stands for in the verdict's query, and the time between two of its values; None: ``window``."""
    compare: Compare | None = None
    max_age: Duration | None = None
    """How old the newest value may be for a verdict; None: three judge windows."""
    no_data: Literal["unknown", "fail", "ignore"] = "unknown"
    """What it means for the verdict when the canary has no value: UNCLEAR, WORSE, or it does not count."""


class UiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    theme: str = ""
    mouse: bool = True
    keys: dict[str, str] = {}
    """Key action id to comma-separated keys, replacing the built-in ones."""
    log_cap: Annotated[int, Meta(ge=1, le=1_000_000)] = 512
    """Megabytes of one log that are kept on disk; of a longer one a part in the middle is left out."""
    error_patterns: tuple[Name, ...] = ()
    """Regular expressions of lines that ``e`` and ``E`` find in a log beside those they know."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration, every cross reference checked."""

    sources: dict[str, SourceSettings]
    models: dict[str, ModelSettings] = {}
    metrics: dict[str, MetricSettings] = {}
    ui: UiSettings = UiSettings()
    safety: SafetySettings = SafetySettings()
    path: Path | None = None
    """The file it came from; None when made by a program (the demo, a test)."""
    warnings: tuple[str, ...] = ()


PIPELINE_SOURCES = (JenkinsSettings, GitLabSettings)
METRIC_SOURCES = (PrometheusSettings,)

SOURCE_TYPES: Mapping[str, type[SourceSettings]] = {
    "jenkins": JenkinsSettings,
    "gitlab": GitLabSettings,
    "prometheus": PrometheusSettings,
}

_UNITS: Mapping[str, int] = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: Duration) -> int:
    """``5m`` as seconds."""
    return int(duration[:-1]) * _UNITS[duration[-1]]
