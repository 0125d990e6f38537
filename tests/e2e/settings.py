"""A config file for servers that a test runs."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tui.config import Secret, Settings
from tui.sandbox.process import Face

FACES: tuple[Face, ...] = ("jenkins", "gitlab", "prometheus")


def write_config(settings: Settings, path: Path) -> Path:
    """``settings`` as a config file that only its owner can read; its path."""
    document = msgspec.to_builtins(settings, enc_hook=_plain)
    tables = {name: value for name, value in document.items() if name not in ("path", "warnings")}
    path.touch(mode=0o600)
    path.write_text("\n".join(_lines((), tables)) + "\n", encoding="utf-8")
    return path


def _plain(value: Any) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _lines(path: tuple[str, ...], table: Mapping[str, Any]) -> Iterator[str]:
    if path:
        yield f"[{'.'.join(path)}]"
    tables = {}
    for key, value in table.items():
        if isinstance(value, dict):
            tables[key] = value
        elif value is not None:
            yield f"{key} = {_inline(value)}"
    for key, value in tables.items():
        yield from _lines((*path, key), value)


def _inline(value: Any) -> str:
    match value:
        case dict():
            pairs = (f"{key} = {_inline(item)}" for key, item in value.items() if item is not None)
            return f"{{{', '.join(pairs)}}}"
        case list() | tuple():
            return f"[{', '.join(map(_inline, value))}]"
    # Texts and numbers are written in TOML as in JSON.
    return json.dumps(value, ensure_ascii=False)
