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
    validation: Annotated[str, Meta(pattern=r"^(?!/)(?!.*\.\.)[^\s].*$")] | None = None
    """A JSON file of numbers among the artifacts of each of its runs, by path."""
    blue_green: tuple[Name, Name] | None = None
    """Two environments of which one has the traffic. Which: the one whose version ``environment`` has, where that
    is a third one, else the one that was deployed to last."""


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
    window: Annotated[str, Meta(pattern=r"^[1-9]\d*[smhd]$")] = "5m"
    """What ``{window}`` stands for: at least four scrape intervals."""


class UiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    theme: str = ""
    mouse: bool = True
    keys: dict[str, str] = {}
    """Key action id to comma-separated keys, replacing the built-in ones."""


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
        if key.endswith(".url"):
            reason = _URL_HELP
        if key.endswith(".window"):
            reason = "must be a duration such as 30s, 5m or 1h"
        if key.endswith(".validation"):
            reason = "must be a path among the artifacts, such as reports/metrics.json"
        raise _Mistake(key, clean(reason[:1].lower() + reason[1:])) from None


def _keys_at(kind: type, place: str) -> list[str]:
    """The keys that a table may have at a place below ``kind``, in msgspec's spelling: ``deployments[0].version``."""
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
    structs = [each for each in found if isinstance(each, msgspec.inspect.StructType)]
    return [field.encode_name for each in structs for field in each.fields]


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
    for name, metric in settings.metrics.items():
        key = f"metrics.{name}"
        _check_source(f"{key}.source", metric.source, settings, METRIC_SOURCES)
        try:
            placeholders(metric.query)
        except QueryError as error:
            raise _Mistake(f"{key}.query", str(error)) from None
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
