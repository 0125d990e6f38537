"""The configuration file: TOML in, typed settings out, every mistake named."""

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import msgspec

from tui.config.alarms import AlarmSettings
from tui.config.lines import line_of
from tui.config.mistakes import Mistake, Mistakes, convert, nearest
from tui.config.references import reference_mistakes
from tui.config.safety import SafetySettings
from tui.config.secret import ConfigError
from tui.config.settings import (
    MetricSettings,
    ModelSettings,
    Settings,
    UiSettings,
)
from tui.config.sources import SOURCE_TYPES, ServerSettings
from tui.config.views import ViewSettings
from tui.files import config_file, expanded
from tui.text.safe import clean

T = TypeVar("T")
S = TypeVar("S", bound=msgspec.Struct)
Check: TypeAlias = Callable[[Settings], Iterable[tuple[str, str]]]

FORMAT = 1
"""Of the file; a file that does not say is of this one."""
_TABLES = ("sources", "models", "metrics", "alarms", "views", "ui", "safety")
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


def load(path: Path, more: Check = lambda _: ()) -> Settings:
    """The settings in the file at ``path``.

    Args:
        more: what else is wrong with them: the key and the reason of each mistake.

    Raises:
        ConfigError: all mistakes, a line for each: file, line, key, what is wrong and what is allowed.
    """
    try:
        path = expanded(path)
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    settings = parse(text, path, more)
    return msgspec.structs.replace(settings, warnings=_exposed_secrets(settings, path))


def parse(text: str, path: Path, more: Check = lambda _: ()) -> Settings:
    """The settings in ``text``; ``path`` is for messages and what relative file names start from.

    Raises:
        ConfigError: as :func:`load`.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        raise ConfigError(f"{path}{f':{line[1]}' if line else ''}: is not valid TOML: {error}") from None
    try:
        _know(document.get("format", FORMAT))
    except Mistake as mistake:
        raise ConfigError(_all((mistake,), text, path)) from None
    read = _Reading(document, path)
    settings = Settings(
        sources=read.named("sources", _source),
        models=read.named("models", partial(convert, kind=ModelSettings)),
        metrics=read.named("metrics", partial(convert, kind=MetricSettings)),
        alarms=read.named("alarms", partial(convert, kind=AlarmSettings)),
        views=read.named("views", partial(convert, kind=ViewSettings)),
        ui=read.one("ui", UiSettings),
        safety=read.one("safety", SafetySettings),
        path=path,
    )
    mistakes = read.mistakes
    if not any(mistake.key == "sources" for mistake in mistakes):
        mistakes += reference_mistakes(settings, read.unread)
    mistakes += (Mistake(key, reason) for key, reason in more(settings))
    if mistakes:
        raise ConfigError(_all(mistakes, text, path))
    return settings


def _all(mistakes: Iterable[Mistake], text: str, path: Path) -> str:
    """A line for each, in the order of the file."""
    placed = [(line_of(text, mistake.key), mistake) for mistake in mistakes]
    placed.sort(key=lambda each: each[0] or 0)
    return "\n".join(
        f"{path}{f':{line}' if line else ''}: {mistake.key}: {mistake.reason}" for line, mistake in placed
    )


class _Reading:
    """The tables of a document, and what is wrong with them."""

    def __init__(self, document: Mapping[str, Any], path: Path) -> None:
        self._document = {key: value for key, value in document.items() if key != "format"}
        self._path = path
        self.mistakes: list[Mistake] = []
        self.unread: set[str] = set()
        """Tables that have mistakes."""
        for key in self._document:
            if key not in _TABLES:
                self.mistakes.append(Mistake(key, f"unknown table{nearest(key, _TABLES)}"))

    def named(self, section: str, read: Callable[[str, Any, Path], T]) -> dict[str, T]:
        """Those of a section, by their names."""
        tables = self._document.get(section, {})
        if not isinstance(tables, dict):
            self.mistakes.append(Mistake(section, f"must hold tables, written [{section}.NAME]"))
            return {}
        found: dict[str, T] = {}
        for name, table in tables.items():
            key = f"{section}.{clean(name)}"
            if not _NAME.fullmatch(name):
                self.mistakes.append(Mistake(key, "a name may hold letters, digits, '_', '.' and '-'"))
                self.unread.add(key)
            elif (settings := self._try(key, partial(read, key, table, self._path))) is not None:
                found[name] = settings
        return found

    def one(self, section: str, kind: type[S]) -> S:
        try:
            return convert(section, self._document.get(section, {}), self._path, kind=kind)
        except Mistakes as several:
            self.mistakes += several.mistakes
            return several.rest if isinstance(several.rest, kind) else kind()

    def _try(self, key: str, read: Callable[[], T]) -> T | None:
        try:
            return read()
        except Mistake as mistake:
            self.mistakes.append(mistake)
        except Mistakes as several:
            self.mistakes += several.mistakes
        self.unread.add(key)
        return None


def _know(number: object) -> None:
    """Raises Mistake: the file is of a format that is not known here."""
    if isinstance(number, bool) or not isinstance(number, int) or number < 1:
        raise Mistake("format", f"must be a number from 1 to {FORMAT}")
    if number > FORMAT:
        raise Mistake(
            "format",
            f"{number} is newer than this program, which knows {FORMAT} at most: use a newer Pipedeck",
        )


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
    return convert(key, table, path, kind=source_type.settings)


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
