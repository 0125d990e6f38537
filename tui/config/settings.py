"""The settings, typed: what the tables of a configuration file become."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tui.config.alarms import AlarmSettings, Duration, Name, NoticeSettings
from tui.config.safety import Launch, SafetySettings
from tui.config.sources import ServerSettings
from tui.config.views import ViewSettings
from tui.domain.address import Address
from tui.domain.query_template import Dialect, placeholders
from tui.domain.share import Share
from tui.domain.split import split

ArtifactPath = Annotated[str, Meta(pattern=r"^(?!/)(?!.*\.\.)(?!.*[*?])[^\s].*$")]
"""Of one file: no server lists all that a run left."""


class TrackSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the canary or the baseline is named in metric labels."""

    version: str = ""
    """``{version}`` in queries; empty: what stands in the environment, by its deployments."""
    track: str = ""
    """``{track}`` in queries."""


class ScoreSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the score of a model, from 0 to 100, means."""

    pass_: Annotated[float, Meta(ge=0, le=100)] | None = msgspec.field(name="pass", default=None)
    """From here on it may be promoted; None: 100, and 75 for Kayenta."""
    marginal: Annotated[float, Meta(ge=0, le=100)] | None = None
    """Kayenta's: up to here it must not; None: 50."""
    groups: dict[Name, float] = {}
    """Kayenta's weights of groups in per cent; groups without one share the rest."""


class _Margin(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    max_worse: Annotated[float, Meta(ge=0)] | Annotated[str, Meta(pattern=r"^\d+(\.\d+)?%$")]
    """How much worse is still fine: in the metric's unit, or ``"10%"`` of what it is compared with."""

    @property
    def relative(self) -> bool:
        return isinstance(self.max_worse, str)

    @property
    def margin(self) -> float:
        """In the metric's unit, or the share where it is ``relative``."""
        return float(self.max_worse.rstrip("%")) / 100 if isinstance(self.max_worse, str) else self.max_worse


class ValidationSettings(_Margin, frozen=True, kw_only=True):
    """How the candidate's value of a validation metric may differ from the champion's."""

    max_worse: Annotated[float, Meta(ge=0)] | Annotated[str, Meta(pattern=r"^\d+(\.\d+)?%$")] = 0.0
    better: Literal["lower", "higher"]
    """Which way is better."""


class RegistrySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a registry has the model, and which two of its versions are compared before anything is deployed."""

    source: Name
    """Name of an MLflow or a GitLab among the sources."""
    model: Name
    """The name it is registered under; in GitLab ``PROJECT:NAME``."""
    champion: Name = "champion"
    """An alias. GitLab has none: there it is what is deployed."""
    candidate: Name = "challenger"
    """An alias. GitLab has none: there it is the newest version."""
    metrics: dict[Name, ValidationSettings]
    """By their names in the runs that made the versions."""
    evidence: tuple[ArtifactPath, ...] = ()
    """Reports of evaluations among the artifacts of the runs that made the versions, by path."""


class TrainingSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the model's training can be followed, and by which metric."""

    source: Name
    """Name of an MLflow among the sources."""
    experiments: Annotated[tuple[Name, ...], Meta(min_length=1, max_length=20)]
    """Their names; runs of others are not looked for."""
    metric: str = ""
    """The one whose curve is shown first, as the runs log it; empty: a loss, where there is one."""
    better: Literal["lower", "higher"] = "lower"
    """Which way it is better."""
    link: str = ""
    """A tag of the runs that holds the id or the page of the job, beside those that are known anyway."""
    total: str = ""
    """The parameter that says how many steps there will be, beside ``epochs`` and the like."""


class ModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the team ships: it joins pipelines, an environment and metrics."""

    title: str = ""
    """What it is called on the screen; empty: its name here."""
    pipelines: tuple[Name, ...] = ()
    """Addresses of pipelines, ``SOURCE:PATH``; the path may hold globs."""
    environment: str = ""
    """Where it serves: ``{environment}`` in queries, and what an action is about."""
    namespace: str = ""
    """``{namespace}`` in queries."""
    baseline: TrackSettings = TrackSettings(track="baseline")
    """How metrics name what the canary is compared with."""
    canary: TrackSettings = TrackSettings(track="canary")
    """How metrics name the canary."""
    metrics: tuple[Name, ...] = ()
    """Names of ``[metrics.NAME]`` tables, in the order of their charts."""
    requests: str = ""
    """The metric that counts the requests of {window}: how many the canary has had is told before it is promoted."""
    judge: Literal["own", "kayenta"] = "own"
    """Who compares: Pipedeck's own judge, or the method of Kayenta (Spinnaker)."""
    score: ScoreSettings = ScoreSettings()
    """What its score means."""
    validation: ArtifactPath | None = None
    """A JSON file of numbers among the artifacts of each of its runs, by path."""
    evidence: tuple[ArtifactPath, ...] = ()
    """Reports of evaluations among the artifacts of each of its runs, by path: of Evidently, promptfoo, deepeval,
    lm-evaluation-harness, scikit-learn, or a plain list of cases."""
    registry: RegistrySettings | None = None
    """Where versions of it are compared before anything is deployed."""
    training: TrainingSettings | None = None
    """Where its training can be followed."""
    blue_green: tuple[Name, Name] | None = None
    """Two environments of which one has the traffic. Which: the one whose version ``environment`` has, where that
    is a third one, else the one that was deployed to last."""
    promote: Name = "*promote*"
    """A glob over the names of GitLab gates: which lets the canary go on. In Jenkins ``canary.input`` tells."""
    retrain: Launch | None = None
    """What is started to train it anew."""
    switch: Launch | None = None
    """What gives the traffic to the other of ``blue_green``; {colour} is its name."""

    @property
    def sources(self) -> tuple[str, ...]:
        """Of its pipelines, by name, each once."""
        return tuple(dict.fromkeys(pipeline.partition(":")[0] for pipeline in self.pipelines))

    def ships(self, pipeline: Address) -> bool:
        """Whether the pipeline of that address is one of its own."""
        return any(map(pipeline.fits, self.pipelines))


class CompareSettings(_Margin, frozen=True, kw_only=True):
    """How the canary's values of a metric may differ from the baseline's."""

    group: str = ""
    """Metrics of one group are shown and scored together."""
    weight: Annotated[float, Meta(ge=0)] = 1.0
    """Its part of the score."""
    critical: bool = False
    """Worse here means do not promote, whatever the score."""
    required: bool = False
    """While it is unclear, so is the verdict on the model."""


class MetricSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A named query of a metric source."""

    source: Name
    """Name of one of the sources that has metrics."""
    query: Name | None = None
    """In the language of the source; ``{track}``, ``{version}`` and other words are replaced."""
    bad: Name | None = None
    """Instead of ``query``, with ``total``: a query that counts what is bad. The metric is its share in per cent."""
    total: Name | None = None
    """A query that counts all, what is bad included."""
    title: str = ""
    """What it is called on the screen; empty: its name here."""
    unit: str = ""
    """What stands behind its values."""
    scale: float | None = None
    """The server's values times this are in ``unit``; None: 1."""
    better: Literal["lower", "higher"] = "lower"
    """Which way is better."""
    warn: float | None = None
    """From here on a value is shown as a warning."""
    fail: float | None = None
    """A canary beyond it at two looks in a row is WORSE."""
    window: Duration = "5m"
    """What ``{window}`` stands for: at least four scrape intervals."""
    judge_window: Duration | None = None
    """What it stands for in the verdict's query, and the time between two of its values; None: ``window``."""
    compare: CompareSettings | None = None
    """The verdict compares the canary with the baseline in this metric, by these limits."""
    max_age: Duration | None = None
    """How old the newest value may be for a verdict; None: three judge windows."""
    no_data: Literal["unknown", "fail", "ignore"] = "unknown"
    """What it means for the verdict when the canary has no value: UNCLEAR, WORSE, or it does not count."""

    def __post_init__(self) -> None:
        if self.bad and not self.unit:
            msgspec.structs.force_setattr(self, "unit", "%")

    @property
    def queries(self) -> dict[str, str]:
        """By their keys: ``query``, or ``bad`` and ``total``."""
        written = {"query": self.query, "bad": self.bad, "total": self.total}
        return {key: text for key, text in written.items() if text is not None}


Theme = Literal[
    "colour-blind",
    "high-contrast",
    "ansi-dark",
    "ansi-light",
    "atom-one-dark",
    "atom-one-light",
    "catppuccin-frappe",
    "catppuccin-latte",
    "catppuccin-macchiato",
    "catppuccin-mocha",
    "dracula",
    "flexoki",
    "gruvbox",
    "monokai",
    "nord",
    "rose-pine",
    "rose-pine-dawn",
    "rose-pine-moon",
    "solarized-dark",
    "solarized-light",
    "textual-dark",
    "textual-light",
    "tokyo-night",
]
"""Ours, and those of Textual, which takes long to import only to ask it."""


class UiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    theme: Theme | None = None
    """An ansi theme takes the terminal's own colours; None: as many colours as the terminal has."""
    mouse: bool = True
    """False leaves selecting text to the terminal."""
    keys: dict[str, str] = {}
    """Key action id to comma-separated keys, replacing the built-in ones."""
    log_cap: Annotated[int, Meta(ge=1, le=1_000_000)] = 512
    """Megabytes of one log that are kept on disk; of a longer one a part in the middle is left out."""
    error_patterns: tuple[Name, ...] = ()
    """Regular expressions of lines that ``e`` and ``E`` find in a log beside those they know."""
    notices: NoticeSettings = NoticeSettings()
    """How alarms are told."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The whole configuration, every cross reference checked."""

    sources: dict[str, ServerSettings]
    models: dict[str, ModelSettings] = {}
    metrics: dict[str, MetricSettings] = {}
    alarms: dict[str, AlarmSettings] = {}
    views: dict[str, ViewSettings] = {}
    ui: UiSettings = UiSettings()
    safety: SafetySettings = SafetySettings()
    path: Path | None = None
    """The file it came from; None when made by a program (the demo, a test)."""
    warnings: tuple[str, ...] = ()

    @property
    def pipeline_sources(self) -> tuple[str, ...]:
        """The names of those that run pipelines."""
        return tuple(name for name, each in self.sources.items() if each.runs_pipelines)

    def share(self, metric: str) -> Share | None:
        """The counts that a metric is made of, also where its query divides them; None: it is no share."""
        table = self.metrics[metric]
        if table.bad is not None and table.total is not None:
            return Share(table.bad, table.total, 100.0)
        if table.query is None or self.dialect(metric) != "promql":
            return None
        return split(table.query, 1.0 if table.scale is None else table.scale)

    def placeholders(self, metric: str) -> frozenset[str]:
        """Those in the queries of a metric.

        Raises:
            QueryError: there is one that does not exist.
        """
        dialect = self.dialect(metric)
        return frozenset().union(
            *(placeholders(query, dialect) for query in self.metrics[metric].queries.values())
        )

    def dialect(self, metric: str) -> Dialect:
        """How values are written in the query of a metric."""
        source = self.sources.get(self.metrics[metric].source)
        return source.dialect if source is not None else "promql"


_UNITS: Mapping[str, int] = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: Duration) -> int:
    """``5m`` as seconds."""
    return int(duration[:-1]) * _UNITS[duration[-1]]
