"""``docs/configuration.md``: every key there is, made from the schema of the settings."""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tui.config import SOURCE_TYPES, MetricServer
from tui.config.schema import schema

Table = Mapping[str, Any]

_HEAD = """\
# Configuration: every key

A TOML file: `~/.config/pipedeck/config.toml`, or what `--config` or `PIPEDECK_CONFIG` name. This page is made from the
program (`make docs`).

```sh
pipedeck init             # asks for servers and writes a first one
pipedeck config example   # a file with every setting, and comments
pipedeck check            # does it work? And all that is wrong in it at once, with line and key
pipedeck config show      # what is in effect, with all defaults, without secrets
pipedeck config path      # where it is looked for
pipedeck config schema    # a JSON Schema, for editors: `#:schema ./pipedeck.schema.json` in the first line
```

A **credential** is `"env:NAME"` (an environment variable), `"file:PATH"` (a file, relative to the configuration, read
anew when needed, so it may rotate), `"keyring:SERVICE/USER"` (needs `pipedeck[keyring]`),
`{ command = ["pass", "show", "ci"] }` (the first line it prints within 10 s; no shell; kept for 5 minutes or until it
is refused) or, last choice, the text itself: then nobody else may read the file. A **duration** is `30s`, `5m`, `1h`
or `2d`. A **glob** has `*`, which in `watch` and deployment rules stays between slashes and crosses them elsewhere,
`**`, which crosses them, `?` and `[abc]`.
"""


def configuration_page() -> str:
    """The whole page."""
    tables = _tables()
    sources = [each.settings.__name__ for each in SOURCE_TYPES.values()]
    common = set.intersection(*(set(tables[name]["properties"]) for name in sources)) - {"type", "token"}
    metric = {"user", "password", "token", "headers"}
    lines = [_HEAD, "## The file", "", *_rows(tables["Config"])]
    lines += ["## Every source: `[sources.NAME]`", ""]
    lines += _rows(_only(tables[sources[0]], common))
    lines += ["## What metrics come from: `prometheus`, `alertmanager`, `exposition`, `json`, `mlflow`", ""]
    lines += _rows(_only(tables["PrometheusSettings"], metric))
    done = {"Config", *sources}
    for kind, each in SOURCE_TYPES.items():
        table = tables[each.settings.__name__]
        shared = common | (metric if issubclass(each.settings, MetricServer) else set())
        own = _only(table, set(table["properties"]) - shared)
        lines += [f'## `type = "{kind}"`', "", *_words(table), *_rows(own)]
        lines += _below(tables, own, "sources.NAME", done)
    for section, name in (
        ("models.NAME", "ModelSettings"),
        ("metrics.NAME", "MetricSettings"),
        ("alarms.NAME", "AlarmSettings"),
        ("safety", "SafetySettings"),
        ("views.NAME", "ViewSettings"),
        ("ui", "UiSettings"),
    ):
        done.add(name)
        lines += [f"## `[{section}]`", "", *_words(tables[name]), *_rows(tables[name])]
        lines += _below(tables, tables[name], section, done)
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).rstrip() + "\n"


@cache
def _tables() -> Table:
    found: Table = schema()["$defs"]
    return found


def _only(table: Table, keys: set[str]) -> Table:
    return {**table, "properties": {key: each for key, each in table["properties"].items() if key in keys}}


def _below(tables: Table, table: Table, place: str, done: set[str]) -> Iterator[str]:
    """The tables that stand in a table, each where it is met first."""
    for key, each in table["properties"].items():
        for name, form in _references(each):
            if name in done or "properties" not in tables[name]:
                continue
            done.add(name)
            inner = f"{place}.{key}{'.NAME' if form == 'named' else ''}"
            title = f"[[{inner}]]" if form == "list" else f"[{inner}]"
            yield from (f"### `{title}`", "", *_words(tables[name]), *_rows(tables[name]))
            yield from _below(tables, tables[name], inner, done)


def _references(each: Any, form: str = "one") -> Iterator[tuple[str, str]]:
    if "$ref" in each:
        yield each["$ref"].rpartition("/")[2], form
    for part in each.get("anyOf", ()):
        yield from _references(part, form)
    if isinstance(each.get("items"), dict):
        yield from _references(each["items"], "list")
    if isinstance(each.get("additionalProperties"), dict):
        yield from _references(each["additionalProperties"], "named")


def _words(table: Table) -> list[str]:
    words = " ".join(str(table.get("description", "")).replace("``", "`").split())
    return [words, ""] if words else []


def _rows(table: Table) -> list[str]:
    rows = ["| key | takes | default | what it is |", "| --- | --- | --- | --- |"]
    needed = table.get("required", ())
    for key, each in table["properties"].items():
        default = "required" if key in needed else _default(each.get("default"))
        words = str(each["description"]).replace("``", "`").replace("|", "\\|")
        words = re.sub(r"\bNone\b", "not set", words)
        rows.append(f"| `{key}` | {_takes(each)} | {default} | {words} |")
    return [*rows, ""]


def _default(value: Any) -> str:
    if value is None or value == "" or (isinstance(value, list | tuple | dict) and not value):
        return ""
    if isinstance(value, dict):
        return "see below"
    return f"`{json.dumps(value, ensure_ascii=False)}`"


def _takes(each: Any) -> str:
    if "description" in each and each["description"].startswith("A credential: "):
        return "a credential"
    if "const" in each:
        return f"`{json.dumps(each['const'])}`"
    if "enum" in each:
        return ", ".join(f"`{json.dumps(value)}`" for value in each["enum"])
    if "anyOf" in each:
        return " or ".join(
            dict.fromkeys(_takes(part) for part in each["anyOf"] if part.get("type") != "null")
        )
    if "$ref" in each:
        table = _tables()[each["$ref"].rpartition("/")[2]]
        return "a table" if "properties" in table else _takes(table)
    if "pattern" in each and each["pattern"].endswith("[smhd]$"):
        return (
            "a duration" if each["pattern"].startswith("^") and "per" not in each["pattern"] else "`1 per 6h`"
        )
    match each.get("type"):
        case "array":
            if "prefixItems" in each:
                return "two texts"
            inner = _takes(each["items"]) if isinstance(each.get("items"), dict) else "text"
            return {"text": "texts", "a table": "tables"}.get(inner, f"a list of {inner}")
        case "object":
            inner = _takes(each["additionalProperties"]) if "additionalProperties" in each else "text"
            many = {"text": "texts", "a table": "tables", "a credential": "credentials"}.get(inner, inner)
            return f"{many} by name"
        case "boolean":
            return "`true` or `false`"
        case "integer" | "number":
            low, high = each.get("minimum", each.get("exclusiveMinimum")), each.get("maximum")
            limits = (
                f", {low} to {high}"
                if None not in (low, high)
                else f", from {low}"
                if low is not None
                else ""
            )
            return f"a {'whole ' if each['type'] == 'integer' else ''}number{limits}"
    return "text"
