"""The settings of the sources: one class for each type, with its traits, and the registry of types."""

import re
from collections.abc import Iterator
from fnmatch import translate
from pathlib import Path
from typing import Annotated, ClassVar, Literal, NamedTuple

import msgspec
from msgspec import Meta

from tui.config.alarms import Name
from tui.config.secret import Secret
from tui.domain.query_template import Dialect
from tui.insight.deployment_rules import DeploymentRule, Start, mistakes, start_mistakes

Seconds = Annotated[float, Meta(gt=0, le=600)]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")]


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """What all sources have.

    The class variables and the methods at the end are a source's traits: what the rest of the program has to know of a
    kind of server without asking it. What they say by default is the answer that asks more of a person.
    """

    runs_pipelines: ClassVar[bool] = False
    takes_actions: ClassVar[bool] = False
    gives_metrics: ClassVar[bool] = False
    registers_models: ClassVar[bool] = False
    names_versions: ClassVar[bool] = False
    """Its registry has aliases: which version is champion, and which the candidate, is written there. False: champion
    is what is deployed, the candidate the newest version."""
    logs_training: ClassVar[bool] = False
    """It knows what is being trained, and the curves of that."""
    job_variable: ClassVar[Literal["CI_JOB_ID", "BUILD_TAG", ""]] = ""
    """By which variable of its environment a job knows itself: what a training run that has it can be linked by."""
    dialect: ClassVar[Dialect] = "promql"
    """How values are written in its queries for metrics."""
    knows_tiers: ClassVar[bool] = True
    """It tells which environments are production; where it cannot be asked, an environment counts as one. False: only
    ``[safety] production`` tells."""
    declares_parameters: ClassVar[bool] = False
    """A pipeline tells the names of all that it can be started with."""
    rolls_back: ClassVar[bool] = True
    """Going back is an action of its own; False: the config says what is started for it."""
    names_environments: ClassVar[bool] = False
    """Its gates and jobs tell which environment they change; False: behind each the model's may be, too."""
    launch_options: ClassVar[frozenset[str]] = frozenset()
    """What starting a pipeline may be given beside parameters: ``ref``, ``inputs``."""

    url: Annotated[str, Meta(pattern=r"^https?://[^/\s@?#]+(/[^\s?#]*)?$")]
    """Of the server, with its path prefix; without credentials."""
    ca: Path | None = None
    """A PEM file of certificate authorities; None for the system's."""
    cert: Path | None = None
    """A PEM file with the client's certificate, for a server that asks for one."""
    key: Path | None = None
    """Its private key, not encrypted; None: it is in ``cert``, too."""
    timeout: Seconds = 15.0
    """Seconds a request may take altogether."""
    connect_timeout: Seconds = 5.0
    """Seconds until a connection must stand."""

    @property
    def base_url(self) -> str:
        """The url without a slash at its end, path prefix included."""
        return self.url.rstrip("/")

    @property
    def pages_url(self) -> str:
        """Where its pages are, which people open in the browser."""
        return self.base_url

    @property
    def ca_file(self) -> str | None:
        return str(self.ca) if self.ca else None

    @property
    def secrets(self) -> Iterator[tuple[str, Secret]]:
        """All credentials in it, by their keys."""
        for field in msgspec.structs.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, Secret):
                yield field.name, value
            elif isinstance(value, dict):
                yield from (
                    (f"{field.name}.{name}", each) for name, each in value.items() if isinstance(each, Secret)
                )

    @property
    def writes_forbidden(self) -> bool:
        """The config says that nothing is sent there that could change anything."""
        return False

    @property
    def gives_alerts(self) -> bool:
        """Alerts of its own are to be shown."""
        return False

    def canary_gates(self, path: str, promote: str) -> tuple[re.Pattern[str], ...] | None:
        """What the gates of a pipeline are called at which a canary waits; None: any of them may be one.

        Args:
            promote: a glob, which the model of the pipeline has.
        """
        return None

    def deploys(self, path: str) -> bool:
        """Whether the pipeline of that path may put versions somewhere."""
        return True

    def retraining(self, path: str) -> tuple[tuple[DeploymentRule, Start], ...]:
        """What the config of the source starts to train anew what the pipeline of that path ships, by which rule."""
        return ()

    @property
    def may_retrain(self) -> bool:
        """:meth:`retraining` has something for some pipeline."""
        return False

    @property
    def starts(self) -> tuple[tuple[str, Start], ...]:
        """All that the config of the source would start, by its keys."""
        return ()

    @property
    def linked_sources(self) -> tuple[tuple[str, str], ...]:
        """The other sources that it names, by its keys."""
        return ()

    def mistakes(self) -> Iterator[tuple[str, str]]:
        """What of well-typed settings cannot be meant: the key, and what is wrong with it."""
        yield from ()

    def refused(self) -> None:
        """The server did not take the credentials: those of a keyring or command are to be asked for anew."""
        for _, secret in self.secrets:
            secret.forget()


class JenkinsSettings(ServerSettings, frozen=True, kw_only=True, tag="jenkins"):
    runs_pipelines: ClassVar[bool] = True
    job_variable: ClassVar[Literal["CI_JOB_ID", "BUILD_TAG", ""]] = "BUILD_TAG"
    takes_actions: ClassVar[bool] = True
    declares_parameters: ClassVar[bool] = True
    knows_tiers: ClassVar[bool] = False
    rolls_back: ClassVar[bool] = False

    user: str | None = None
    """Who the token is of; without user and token nobody logs in."""
    token: Secret | None = None
    """An API token of the user."""
    watch: tuple[Name, ...] = ("**",)
    """Globs over full names of jobs: ``*`` stays within a folder, ``**`` crosses."""
    read_only: bool = False
    """Nothing is sent there that could change anything."""
    deployments: tuple[DeploymentRule, ...] = ()
    """What is a deployment, which Jenkins itself does not know; the first rule that can read a run counts."""

    @property
    def writes_forbidden(self) -> bool:
        return self.read_only

    def canary_gates(self, path: str, promote: str) -> tuple[re.Pattern[str], ...]:
        return tuple(
            re.compile(rule.canary.input)
            for rule in self._rules(path)
            if rule.canary is not None and rule.canary.input is not None
        )

    def deploys(self, path: str) -> bool:
        """A job that no rule covers is not asked where others may deploy: it trains or builds."""
        return any(self._rules(path))

    def retraining(self, path: str) -> tuple[tuple[DeploymentRule, Start], ...]:
        return tuple((rule, rule.retrain) for rule in self._rules(path) if rule.retrain is not None)

    @property
    def may_retrain(self) -> bool:
        return any(rule.retrain is not None for rule in self.deployments)

    @property
    def starts(self) -> tuple[tuple[str, Start], ...]:
        return tuple(
            (f"deployments[{number}].{key}", start)
            for number, rule in enumerate(self.deployments)
            for key, start in (("rollback", rule.rollback), ("retrain", rule.retrain))
            if start is not None
        )

    def mistakes(self) -> Iterator[tuple[str, str]]:
        for number, rule in enumerate(self.deployments):
            for place, reason in mistakes(rule):
                yield f"deployments[{number}].{place}", reason

    def _rules(self, path: str) -> Iterator[DeploymentRule]:
        return (rule for rule in self.deployments if rule.covers(path))


class GitLabSettings(ServerSettings, frozen=True, kw_only=True, tag="gitlab"):
    runs_pipelines: ClassVar[bool] = True
    registers_models: ClassVar[bool] = True
    job_variable: ClassVar[Literal["CI_JOB_ID", "BUILD_TAG", ""]] = "CI_JOB_ID"
    takes_actions: ClassVar[bool] = True
    names_environments: ClassVar[bool] = True
    launch_options: ClassVar[frozenset[str]] = frozenset({"ref", "inputs"})

    token: Secret | None = None
    """An access token: ``read_api`` is enough to look, acting needs ``api``."""
    watch: tuple[Name, ...]
    """Globs over project paths: ``*`` stays within a group, ``**`` takes subgroups, too."""
    refs: tuple[Name, ...] = ()
    """Branches and tags by name or glob, merge requests as ``!12`` or ``!*``; each is a row. Empty: those that ran
    lately."""
    read_only: bool = False
    """Nothing is sent there that could change anything."""
    canary_jobs: tuple[Name, ...] = ("*canary*",)
    """Globs over the names of jobs whose deployments take a part of the traffic, which GitLab does not tell."""

    @property
    def writes_forbidden(self) -> bool:
        return self.read_only

    def canary_gates(self, path: str, promote: str) -> tuple[re.Pattern[str], ...]:
        return (re.compile(rf"\A{translate(promote)}", re.IGNORECASE),) if promote else ()


class SpinnakerEnvironment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which server groups are an environment: Spinnaker itself knows none. Globs match whole words."""

    application: Name
    """Spinnaker's, by name."""
    account: Name = "*"
    """Of the cloud."""
    region: Name = "*"
    """In Kubernetes the namespace."""
    cluster: Name = "*"
    """In Kubernetes kind and name: ``deployment ranking*``."""
    canary: str = ""
    """The clusters among them that take a part of the traffic beside the stable one."""
    container: Name = "*"
    """The image, of several in one server group, whose tag or digest is the version."""
    rollback: Start | None = None
    """A pipeline, ``APPLICATION/NAME``, that goes back; None: Spinnaker's own operations do."""


class SpinnakerSettings(ServerSettings, frozen=True, kw_only=True, tag="spinnaker"):
    """``url`` is Gate's, not that of Deck, which people open in the browser."""

    runs_pipelines: ClassVar[bool] = True
    takes_actions: ClassVar[bool] = True
    declares_parameters: ClassVar[bool] = True

    timeout: Seconds = 30.0
    watch: tuple[Name, ...]
    """Globs over ``APPLICATION/PIPELINE``; an application alone stands for all of its pipelines."""
    web_url: Annotated[str, Meta(pattern=r"^https?://[^/\s@?#]+(/[^\s?#]*)?$")] | None = None
    """Deck's, for what is opened in the browser."""
    token: Secret | None = None
    """An API token of Spinnaker's own (2026.2 and newer)."""
    bearer: Secret | None = None
    """A token of the provider that people log in with (OAuth2)."""
    user: str | None = None
    """Where Gate takes HTTP basic; with ``password``."""
    password: Secret | None = None
    """Of the user."""
    headers: dict[HeaderName, Secret] = {}
    """Sent with every request: what a proxy asks for."""
    cookie: Secret | None = None
    """``SESSION=…``, as a command may print it: forms are not filled in."""
    read_only: bool = False
    """Nothing is sent there that could change anything."""
    masters: dict[Name, Name] = {}
    """The source that Spinnaker knows as a build master by that name."""
    environments: dict[Name, SpinnakerEnvironment] = {}
    """What is called so of the server groups."""

    @property
    def pages_url(self) -> str:
        return (self.web_url or self.url).rstrip("/")

    @property
    def writes_forbidden(self) -> bool:
        return self.read_only

    @property
    def globs(self) -> tuple[str, ...]:
        return tuple(each if "/" in each else f"{each}/**" for each in self.watch)

    @property
    def starts(self) -> tuple[tuple[str, Start], ...]:
        return tuple(
            (f"environments.{name}.rollback", each.rollback)
            for name, each in self.environments.items()
            if each.rollback is not None
        )

    @property
    def linked_sources(self) -> tuple[tuple[str, str], ...]:
        return tuple((f"masters.{master}", name) for master, name in self.masters.items())

    def mistakes(self) -> Iterator[tuple[str, str]]:
        ways = {"token": self.token, "bearer": self.bearer, "user": self.user, "cookie": self.cookie}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1 and set(given) != {"token", "cookie"}:  # a cookie may be that of a proxy in front
            yield given[1], f"cannot stand beside {given[0]}: one way to log in is enough"
        if (self.user is None) != (self.password is None):
            yield "user" if self.password is not None else "password", "is missing: they go together"
        for key, start in self.starts:
            if "/" not in start.job:
                yield f"{key}.job", "is a pipeline, written APPLICATION/NAME"
            for place, reason in start_mistakes(start):
                yield f"{key}.{place}", reason


class MetricServer(ServerSettings, frozen=True, kw_only=True):
    """What all sources of metrics have."""

    gives_metrics: ClassVar[bool] = True

    user: str | None = None
    """For a login by name and password."""
    password: Secret | None = None
    """Of the user."""
    token: Secret | None = None
    """A bearer token, in place of user and password."""
    headers: dict[HeaderName, Secret] = {}
    """Sent with every request: a tenant's ``X-Scope-OrgID``, what a proxy asks for."""


class PrometheusSettings(MetricServer, frozen=True, kw_only=True, tag="prometheus"):
    parameters: dict[Name, str | bool | int] = {}
    """Sent with every query: ``dedup``, ``partial_response`` of Thanos."""
    alerts: bool = False
    """Show what its own alerting rules found beside our alarms."""

    @property
    def gives_alerts(self) -> bool:
        return self.alerts


class AlertmanagerSettings(MetricServer, frozen=True, kw_only=True, tag="alertmanager"):
    """It knows which of Prometheus' alerts are silenced."""

    gives_metrics: ClassVar[bool] = False

    @property
    def gives_alerts(self) -> bool:
        return True


class ExpositionSettings(MetricServer, frozen=True, kw_only=True, tag="exposition"):
    """A page of metrics in Prometheus' text format, read without a Prometheus; ``url`` is the page's own."""


class JsonSettings(MetricServer, frozen=True, kw_only=True, tag="json"):
    """A JSON document with numbers; ``url`` is the document's own."""

    dialect: ClassVar[Dialect] = "pointer"
    parameters: dict[Name, str | bool | int] = {}
    """What follows the ``?`` of the url."""


class MLflowSettings(MetricServer, frozen=True, kw_only=True, tag="mlflow"):
    takes_actions: ClassVar[bool] = True
    registers_models: ClassVar[bool] = True
    names_versions: ClassVar[bool] = True
    logs_training: ClassVar[bool] = True
    knows_tiers: ClassVar[bool] = False
    dialect: ClassVar[Dialect] = "uri"

    read_only: bool = False
    """Nothing is sent there that could change anything."""

    @property
    def writes_forbidden(self) -> bool:
        return self.read_only


class SourceType(NamedTuple):
    settings: type[ServerSettings]
    implementation: str
    """``MODULE:CLASS`` of what speaks to it; imported when a source of the type is first needed."""


SOURCE_TYPES: dict[str, SourceType] = {
    "jenkins": SourceType(JenkinsSettings, "tui.sources.jenkins.source:JenkinsSource"),
    "gitlab": SourceType(GitLabSettings, "tui.sources.gitlab.source:GitLabSource"),
    "spinnaker": SourceType(SpinnakerSettings, "tui.sources.spinnaker.source:SpinnakerSource"),
    "prometheus": SourceType(PrometheusSettings, "tui.sources.metrics.prometheus:PrometheusSource"),
    "alertmanager": SourceType(AlertmanagerSettings, "tui.sources.metrics.alertmanager:AlertmanagerSource"),
    "exposition": SourceType(ExpositionSettings, "tui.sources.metrics.exposition:ExpositionSource"),
    "json": SourceType(JsonSettings, "tui.sources.metrics.json_document:JsonSource"),
    "mlflow": SourceType(MLflowSettings, "tui.sources.metrics.mlflow:MLflowSource"),
}
"""By the word that the config has as ``type``. A new system is its settings, its folder and one line here."""
