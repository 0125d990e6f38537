"""The configuration file: TOML in, typed settings out, every mistake named."""

import difflib
import os
import re
import tomllib
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from tui.domain.address import AddressError, parse_address
from tui.domain.query import QueryError, placeholders
from tui.insight.rules import DeploymentRule, mistakes
from tui.text import clean

T = TypeVar("T", bound=msgspec.Struct)

Seconds = Annotated[float, Meta(gt=0, le=600)]
Name = Annotated[str, Meta(min_length=1)]
Duration = Annotated[str, Meta(pattern=r"^[1-9]\d*[smhd]$")]


class ConfigError(Exception):
    """A mistake in the configuration. The message names the file, the key, what is wrong and what is allowed."""


class Secret:
    """A credential by reference: ``env:NAME``, ``file:PATH`` or the text itself.

    Never shows its value in ``repr``, ``str`` or an error; :meth:`reveal` reads it anew each time, so a rotated
    token file is picked up.
    """

    __slots__ = ("_reference",)

    def __init__(self, reference: str) -> None:
        self._reference = reference

    @property
    def literal(self) -> bool:
        """The config file itself holds the secret."""
        return not self._reference.startswith(("env:", "file:"))

    def reveal(self) -> str:
        """The credential.

        Raises:
            ConfigError: the variable is not set or the file cannot be read.
        """
        kind, _, rest = self._reference.partition(":")
        if kind == "env":
            if value := os.environ.get(rest, ""):
                return value
            raise ConfigError(f"the environment variable {rest} is not set; it should hold a credential")
        if kind == "file":
            try:
                return Path(rest).expanduser().read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(f"cannot read the credential file {rest}: {error.strerror}") from None
        return self._reference

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._reference == self._reference

    def __hash__(self) -> int:
        return hash(self._reference)


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
    deployments: tuple[DeploymentRule, ...] = ()
    """What is a deployment, which Jenkins itself does not know; the first rule that can read a run counts."""


class GitLabSettings(_Server, frozen=True, kw_only=True, tag="gitlab"):
    token: Secret | None = None
    watch: tuple[Name, ...]
    refs: tuple[Name, ...] = ()
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
    path: Path | None = None
    """The file it came from; None when made by a program (the demo, a test)."""
    warnings: tuple[str, ...] = ()


PIPELINE_SOURCES = (JenkinsSettings, GitLabSettings)
METRIC_SOURCES = (PrometheusSettings,)

_SOURCE_TYPES: Mapping[str, type[SourceSettings]] = {
    "jenkins": JenkinsSettings,
    "gitlab": GitLabSettings,
    "prometheus": PrometheusSettings,
}
_TABLES = ("sources", "models", "metrics", "ui")
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


_UNITS: Mapping[str, int] = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(duration: Duration) -> int:
    """``5m`` as seconds."""
    return int(duration[:-1]) * _UNITS[duration[-1]]


def default_path() -> Path:
    """Where the config is looked for when nothing else is said: ``PIPEDECK_CONFIG`` or the user's config directory."""
    if path := os.environ.get("PIPEDECK_CONFIG"):
        return Path(path).expanduser()
    base = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(base).expanduser() / "pipedeck" / "config.toml"


def load(path: Path) -> Settings:
    """The settings in the file at ``path``.

    Raises:
        ConfigError: one message that names the file, the key, what is wrong and what is allowed.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    settings = parse(text, path)
    return msgspec.structs.replace(settings, warnings=_exposed_secrets(settings, path))


def parse(text: str, path: Path) -> Settings:
    """The settings in ``text``; ``path`` is for messages and what relative file names start from.

    Raises:
        ConfigError: as :func:`load`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: is not valid TOML: {error}") from None
    try:
        for key in document:
            if key not in _TABLES:
                raise _Mistake(key, f"unknown table{_nearest(key, _TABLES)}")
        settings = Settings(
            sources={
                name: _source(f"sources.{name}", table, path)
                for name, table in _named_tables(document, "sources")
            },
            models={
                name: _convert(f"models.{name}", table, ModelSettings, path)
                for name, table in _named_tables(document, "models")
            },
            metrics={
                name: _convert(f"metrics.{name}", table, MetricSettings, path)
                for name, table in _named_tables(document, "metrics")
            },
            ui=_convert("ui", document.get("ui", {}), UiSettings, path),
            path=path,
        )
        _check_references(settings)
    except _Mistake as mistake:
        raise ConfigError(f"{path}: {mistake.key}: {mistake.reason}") from None
    return settings


class _Mistake(Exception):
    def __init__(self, key: str, reason: str) -> None:
        super().__init__(key, reason)
        self.key = key
        self.reason = reason


def _named_tables(document: Mapping[str, Any], section: str) -> Iterable[tuple[str, Any]]:
    tables = document.get(section, {})
    if not isinstance(tables, dict):
        raise _Mistake(section, f"must hold tables, written [{section}.NAME]")
    for name, table in tables.items():
        if not _NAME.fullmatch(name):
            raise _Mistake(f"{section}.{clean(name)}", "a name may hold letters, digits, '_', '.' and '-'")
        yield name, table


def _source(key: str, table: Any, path: Path) -> SourceSettings:
    if not isinstance(table, dict):
        raise _Mistake(key, f"must be a table, written [{key}]")
    known = ", ".join(_SOURCE_TYPES)
    if "type" not in table:
        raise _Mistake(f"{key}.type", f"is missing; one of: {known}")
    kind = table["type"]
    settings = _SOURCE_TYPES.get(kind) if isinstance(kind, str) else None
    if settings is None:
        raise _Mistake(
            f"{key}.type", f"unknown type {kind!r}{_nearest(str(kind), _SOURCE_TYPES)}; one of: {known}"
        )
    return _convert(key, table, settings, path)


_UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<field>[^`]*)`")
_MISSING_FIELD = re.compile(r"Object missing required field `(?P<field>[^`]*)`")
_PLACE = re.compile(r" - at `\$\.?(?P<place>[^`]*)`$")
_URL_HELP = "must be an address such as https://ci.example.com/jenkins, without credentials in it"


def _convert(key: str, table: Any, kind: type[T], path: Path) -> T:
    """``table`` as ``kind``, its mistakes told in the words of a config file rather than a type checker's."""

    def decode(wanted: type, value: Any) -> Any:
        if wanted is Secret:
            if not isinstance(value, str) or not value:
                raise ValueError("must be env:NAME, file:PATH or the credential itself, as text")
            kind, _, file = value.partition(":")
            return Secret(f"file:{_beside(path, file)}" if kind == "file" else value)
        if wanted is Path:
            file_path = _beside(path, str(value))
            if not file_path.is_file():
                raise ValueError(f"there is no file {file_path}")
            return file_path
        raise NotImplementedError(wanted)

    try:
        return msgspec.convert(table, kind, dec_hook=decode)
    except msgspec.ValidationError as error:
        reason = str(error)
        if place := _PLACE.search(reason):
            key, reason = f"{key}.{place['place']}", reason[: place.start()]
        if match := _UNKNOWN_FIELD.match(reason):
            known = _keys_at(kind, place["place"] if place else "")
            raise _Mistake(
                f"{key}.{match['field']}", f"unknown key{_nearest(match['field'], known)}"
            ) from None
        if match := _MISSING_FIELD.match(reason):
            raise _Mistake(f"{key}.{match['field']}", "is missing") from None
        if reason.startswith("Invalid enum value") and place:
            reason += f"; allowed: {', '.join(_words_at(kind, place['place']))}"
        if key.endswith(".url"):
            reason = _URL_HELP
        if key.endswith(("window", ".max_age")):
            reason = "must be a duration such as 30s, 5m or 1h"
        if key.endswith(".max_worse"):
            reason = (
                'must be a number in the metric\'s unit, 0 or more, or a share of the baseline such as "10%"'
            )
        if key.endswith(".validation"):
            reason = "must be a path among the artifacts, such as reports/metrics.json"
        raise _Mistake(key, clean(reason[:1].lower() + reason[1:])) from None


def _keys_at(kind: type, place: str) -> list[str]:
    """The keys that a table may have at a place below ``kind``."""
    structs = [each for each in _types_at(kind, place) if isinstance(each, msgspec.inspect.StructType)]
    return [field.encode_name for each in structs for field in each.fields]


def _words_at(kind: type, place: str) -> list[str]:
    """The words among which one has to choose at a place below ``kind``."""
    literals = [each for each in _types_at(kind, place) if isinstance(each, msgspec.inspect.LiteralType)]
    return [str(value) for each in literals for value in each.values]


def _types_at(kind: type, place: str) -> list[msgspec.inspect.Type]:
    """What may stand at a place below ``kind``, in msgspec's spelling: ``deployments[0].version``."""
    found: list[msgspec.inspect.Type] = [msgspec.inspect.type_info(kind)]
    for step in re.findall(r"\w+|\[", place.replace("[...]", "[").replace("]", "")):
        if step.isdigit():
            continue
        below: list[msgspec.inspect.Type] = []
        for each in found:
            match each:
                case msgspec.inspect.StructType() if step != "[":
                    below += [field.type for field in each.fields if field.encode_name == step]
                case msgspec.inspect.VarTupleType():
                    below.append(each.item_type)
                case msgspec.inspect.DictType():
                    below.append(each.value_type)
        found = [
            each
            for one in below
            for each in (one.types if isinstance(one, msgspec.inspect.UnionType) else (one,))
        ]
    return found


def _beside(config: Path, file: str) -> Path:
    """File names in the config are relative to it."""
    return config.parent / Path(file).expanduser()


def _check_references(settings: Settings) -> None:
    if not settings.sources:
        raise _Mistake("sources", "there is none; add one as [sources.NAME]")
    for name, source in settings.sources.items():
        for number, rule in enumerate(source.deployments if isinstance(source, JenkinsSettings) else ()):
            for place, reason in mistakes(rule):
                raise _Mistake(f"sources.{name}.deployments[{number}].{place}", reason)
    for number, pattern in enumerate(settings.ui.error_patterns):
        try:
            re.compile(pattern)
        except re.error as error:
            raise _Mistake(f"ui.error_patterns[{number}]", f"is no regular expression: {error}") from None
    for name, metric in settings.metrics.items():
        key = f"metrics.{name}"
        _check_source(f"{key}.source", metric.source, settings, METRIC_SOURCES)
        try:
            used = placeholders(metric.query)
        except QueryError as error:
            raise _Mistake(f"{key}.query", str(error)) from None
        if metric.compare and not used & {"track", "version"}:
            reason = "the query has neither {track} nor {version}, so there is nothing to compare with"
            raise _Mistake(f"{key}.compare", reason)
        if metric.compare and metric.compare.required and metric.no_data == "ignore":
            raise _Mistake(f"{key}.no_data", 'compare.required needs data; "ignore" does without')
    for name, model in settings.models.items():
        if model.blue_green and len(set(model.blue_green)) == 1:
            raise _Mistake(f"models.{name}.blue_green", "names the same environment twice")
        for number, text in enumerate(model.pipelines):
            key = f"models.{name}.pipelines[{number}]"
            try:
                address = parse_address(text)
            except AddressError as error:
                raise _Mistake(key, str(error)) from None
            _check_source(key, address.source, settings, PIPELINE_SOURCES)
        for number, wanted in enumerate(model.metrics):
            if wanted not in settings.metrics:
                raise _Mistake(
                    f"models.{name}.metrics[{number}]",
                    f"there is no [metrics.{wanted}]{_nearest(wanted, settings.metrics)}",
                )
        _check_score(f"models.{name}.score", model, settings)


def _check_score(key: str, model: ModelSettings, settings: Settings) -> None:
    score = model.score
    if model.judge == "own":
        for name in ("marginal", "groups"):
            if getattr(score, name):
                raise _Mistake(f"{key}.{name}", 'only judge = "kayenta" has this')
    elif score.marginal is not None and score.pass_ is not None and score.marginal > score.pass_:
        raise _Mistake(f"{key}.marginal", f"is above pass, which is {score.pass_:g}")
    compared = [settings.metrics[name].compare for name in model.metrics]
    groups = {compare.group for compare in compared if compare and compare.group}
    for name, weight in score.groups.items():
        if not 0 <= weight <= 100:
            raise _Mistake(f"{key}.groups.{name}", "must be a share in per cent, from 0 to 100")
        if name not in groups:
            raise _Mistake(
                f"{key}.groups.{name}", f"no metric of this model is in it{_nearest(name, groups)}"
            )
    if (total := sum(score.groups.values())) > 100:
        raise _Mistake(f"{key}.groups", f"is {total:g} together, more than 100 per cent")


def _check_source(key: str, name: str, settings: Settings, kinds: tuple[type, ...]) -> None:
    if name not in settings.sources:
        raise _Mistake(key, f"there is no [sources.{name}]{_nearest(name, settings.sources)}")
    if not isinstance(settings.sources[name], kinds):
        allowed = [known for known, table in _SOURCE_TYPES.items() if table in kinds]
        raise _Mistake(key, f"[sources.{name}] has the wrong type; allowed here: {', '.join(allowed)}")


def _nearest(name: str, known: Collection[str]) -> str:
    """`` (did you mean x?)`` or, with nothing near, what there is."""
    if close := difflib.get_close_matches(name, list(known), n=1):
        return f" (did you mean {close[0]}?)"
    return f" (known: {', '.join(known)})" if known else ""


def _exposed_secrets(settings: Settings, path: Path) -> tuple[str, ...]:
    """A warning when others may read a file that holds a credential itself."""
    if not path.stat().st_mode & 0o077:
        return ()
    literal = [
        f"sources.{name}.{field.name}"
        for name, source in settings.sources.items()
        for field in msgspec.structs.fields(source)
        if isinstance(secret := getattr(source, field.name), Secret) and secret.literal
    ]
    if not literal:
        return ()
    return (
        f"{path}: others on this machine may read {', '.join(literal)}; "
        f"run chmod 600 {path}, or use env:NAME or file:PATH",
    )
