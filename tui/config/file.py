"""The configuration file: TOML in, typed settings out, every mistake named."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tui.config.alarms import AlarmSettings
from tui.config.mistakes import Mistake, convert, nearest
from tui.config.references import check_references
from tui.config.safety import SafetySettings
from tui.config.secret import ConfigError
from tui.config.settings import (
    MetricSettings,
    ModelSettings,
    Settings,
    UiSettings,
)
from tui.config.sources import SOURCE_TYPES, ServerSettings
from tui.files import config_file, expanded
from tui.text.safe import clean

FORMAT = 1
"""Of the file; a file that does not say is of this one."""
_TABLES = ("sources", "models", "metrics", "alarms", "ui", "safety")
_SECRET_HEADER = re.compile("auth|token|key|secret|cookie|password", re.IGNORECASE)
"""Others, such as a tenant's name, may be read."""
_NAME = re.compile(r"[A-Za-z0-9_.-]+")


def default_path() -> Path:
    """Where the config is looked for when nothing else is said.

    Raises:
        ConfigError: there is no home directory.
    """
    try:
        return config_file()
    except FileNotFoundError as error:
        words = "name the config with --config or PIPEDECK_CONFIG"
        raise ConfigError(f"{error.strerror}; or {words}") from None


def load(path: Path) -> Settings:
    """The settings in the file at ``path``.

    Raises:
        ConfigError: one message that names the file, the key, what is wrong and what is allowed.
    """
    try:
        path = expanded(path)
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
        _know(document.pop("format", FORMAT))
        for key in document:
            if key not in _TABLES:
                raise Mistake(key, f"unknown table{nearest(key, _TABLES)}")
        settings = Settings(
            sources={
                name: _source(f"sources.{name}", table, path)
                for name, table in _named_tables(document, "sources")
            },
            models={
                name: convert(f"models.{name}", table, ModelSettings, path)
                for name, table in _named_tables(document, "models")
            },
            metrics={
                name: convert(f"metrics.{name}", table, MetricSettings, path)
                for name, table in _named_tables(document, "metrics")
            },
            alarms={
                name: convert(f"alarms.{name}", table, AlarmSettings, path)
                for name, table in _named_tables(document, "alarms")
            },
            ui=convert("ui", document.get("ui", {}), UiSettings, path),
            safety=convert("safety", document.get("safety", {}), SafetySettings, path),
            path=path,
        )
        check_references(settings)
    except Mistake as mistake:
        raise ConfigError(f"{path}: {mistake.key}: {mistake.reason}") from None
    return settings


def _know(number: object) -> None:
    """Raises Mistake: the file is of a format that is not known here."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise Mistake("format", f"must be a number from 1 to {FORMAT}")
    if number > FORMAT:
        raise Mistake(
            "format",
            f"{number} is newer than this program, which knows {FORMAT} at most: use a newer Pipedeck",
        )


def _named_tables(document: Mapping[str, Any], section: str) -> Iterable[tuple[str, Any]]:
    tables = document.get(section, {})
    if not isinstance(tables, dict):
        raise Mistake(section, f"must hold tables, written [{section}.NAME]")
    for name, table in tables.items():
        if not _NAME.fullmatch(name):
            raise Mistake(f"{section}.{clean(name)}", "a name may hold letters, digits, '_', '.' and '-'")
        yield name, table


def _source(key: str, table: Any, path: Path) -> ServerSettings:
    if not isinstance(table, dict):
        raise Mistake(key, f"must be a table, written [{key}]")
    known = ", ".join(SOURCE_TYPES)
    if "type" not in table:
        raise Mistake(f"{key}.type", f"is missing; one of: {known}")
    kind = table["type"]
    source_type = SOURCE_TYPES.get(kind) if isinstance(kind, str) else None
    if source_type is None:
        raise Mistake(
            f"{key}.type", f"unknown type {kind!r}{nearest(str(kind), SOURCE_TYPES)}; one of: {known}"
        )
    return convert(key, table, source_type.settings, path)


def _exposed_secrets(settings: Settings, path: Path) -> tuple[str, ...]:
    """A warning when others may read a file that holds a credential itself."""
    if not path.stat().st_mode & 0o077:
        return ()
    literal = [
        f"sources.{name}.{key}"
        for name, source in settings.sources.items()
        for key, secret in source.secrets
        if secret.literal and not (key.startswith("headers.") and not _SECRET_HEADER.search(key))
    ]
    notices = settings.ui.notices
    secrets = {"webhook": notices.webhook} | {
        f"webhook_headers.{name}": each for name, each in notices.webhook_headers.items()
    }
    literal += [f"ui.notices.{name}" for name, each in secrets.items() if each is not None and each.literal]
    if not literal:
        return ()
    return (
        f"{path}: others on this machine may read {', '.join(literal)}; "
        f"run chmod 600 {path}, or use env:NAME or file:PATH",
    )
