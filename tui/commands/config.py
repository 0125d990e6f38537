"""``pipedeck config``: where the configuration is, what it says in effect, what can stand there."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from tui import config
from tui.commands.exit_codes import Exit
from tui.commands.frame import complain
from tui.config import Secret, Settings


def print_path(named: Path | None) -> Exit:
    """Print where it is looked for, and on stderr why there."""
    path = named or config.default_path()
    print(path)
    why = "--config" if named else "PIPEDECK_CONFIG" if os.environ.get("PIPEDECK_CONFIG") else "the default"
    complain(f"by {why}; {'it is there' if path.is_file() else 'there is none yet'}")
    return Exit.OK


def print_schema() -> Exit:
    """Print a JSON Schema of the file."""
    from tui.config.schema import schema

    print(json.dumps(schema(), indent=2))
    return Exit.OK


def print_example() -> Exit:
    """Print a file with every setting."""
    sys.stdout.write(example().read_text(encoding="utf-8"))
    return Exit.OK


def example() -> Path:
    """Beside this package where it is installed, at the root of the repository where one works on it."""
    beside = Path(config.__file__).with_name("config.example.toml")
    return beside if beside.is_file() else Path(__file__).parents[2] / "config.example.toml"


def show(settings: Settings) -> Exit:
    """Print what is in effect, defaults included, as TOML without secrets."""
    import tomli_w

    tables = msgspec.to_builtins(settings, enc_hook=_plain)
    print(f"# {tables.pop('path') or 'The demo'}, with all defaults; credentials are not shown")
    tables.pop("warnings")
    print(tomli_w.dumps(_without_nothing({"format": config.FORMAT} | tables)), end="")
    return Exit.OK


def _plain(value: Any) -> Any:
    return value.shown if isinstance(value, Secret) else str(value)


def _without_nothing(table: Any) -> Any:
    """TOML has no word for what is not set."""
    if isinstance(table, dict):
        return {key: _without_nothing(value) for key, value in table.items() if value is not None}
    return [_without_nothing(each) for each in table] if isinstance(table, list | tuple) else table
