"""The configuration file: TOML in, typed settings out, every mistake named."""

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

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

    url: Annotated[str, Meta(pattern=r"^https?://[^/\s]+")]
    ca: str | None = None
    timeout: Seconds = 15.0
    connect_timeout: Seconds = 5.0

    @property
    def base_url(self) -> str:
        """The url without a slash at its end, path prefix included."""
        return self.url.rstrip("/")

    @property
    def ca_file(self) -> str | None:
        return str(Path(self.ca).expanduser()) if self.ca else None


class JenkinsSettings(_Server, frozen=True, kw_only=True, tag="jenkins"):
    user: str | None = None
    token: Secret | None = None
    watch: tuple[Name, ...] = ("**",)


class GitLabSettings(_Server, frozen=True, kw_only=True, tag="gitlab"):
    token: Secret | None = None
    watch: tuple[Name, ...]
    refs: tuple[Name, ...] = ()


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
