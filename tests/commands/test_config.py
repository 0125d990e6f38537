"""``pipedeck config``: what it prints is what the program goes by."""

import json
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tui import config
from tui.cli import main

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(arguments) == 0
    return capsys.readouterr().out


@pytest.fixture
def schema(capsys: pytest.CaptureFixture[str]) -> Any:
    found = json.loads(printed(capsys, "config", "schema"))
    jsonschema.Draft202012Validator.check_schema(found)
    return found


def test_the_example_is_printed_and_fits_the_schema(capsys: pytest.CaptureFixture[str], schema: Any) -> None:
    text = printed(capsys, "config", "example")
    assert text == EXAMPLE.read_text(encoding="utf-8")
    jsonschema.Draft202012Validator(schema).validate(tomllib.loads(text))


@pytest.mark.parametrize(
    "wrong",
    [
        "x = 1",
        "[sources.a]\ntype = 'jenkin'\nurl = 'https://x'",
        "[ui]\ntheme = 'draculla'",
        "[ui]\nmous = true",
    ],
)
def test_the_schema_refuses_what_the_program_refuses(schema: Any, wrong: str) -> None:
    text = f"[sources.ci]\ntype = 'jenkins'\nurl = 'https://ci'\n{wrong}\n".replace(
        "[sources.ci]", "[sources.ci]"
    )
    text = text if not wrong.startswith("x") else f"{wrong}\n{text.replace(wrong, '')}"
    assert list(jsonschema.Draft202012Validator(schema).iter_errors(tomllib.loads(text)))
    with pytest.raises(config.ConfigError):
        config.parse(text, Path("config.toml"))


def test_every_setting_is_described(schema: Any) -> None:
    bare = [
        f"{name}.{key}"
        for name, table in schema["$defs"].items()
        for key, each in table.get("properties", {}).items()
        if "description" not in each
    ]
    assert bare == []


def test_what_is_in_effect_loads_again_and_holds_no_secret(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "config.toml"
    file.write_text(
        "[sources.ci]\ntype = 'jenkins'\nurl = 'https://ci'\nuser = 'me'\ntoken = 'it-is-secret'\n"
        "[sources.gl]\ntype = 'gitlab'\nurl = 'https://gl'\nwatch = ['ml/*']\n"
        "token = { command = ['pass', 'show', 'it-is-secret'] }\n"
        "[sources.p]\ntype = 'prometheus'\nurl = 'https://p'\ntoken = 'env:PROM'\nheaders = { X = 'it-is-secret' }\n",
        encoding="utf-8",
    )
    file.chmod(0o600)
    text = printed(capsys, "--config", str(file), "config", "show")
    assert "it-is-secret" not in text
    tables = tomllib.loads(text)
    assert tables["sources"]["p"]["token"] == "env:PROM"
    assert tables["sources"]["gl"]["token"] == {"command": ["pass", "***", "***"]}
    assert tables["sources"]["gl"]["timeout"] == 15
    assert tables["ui"]["log_cap"] == 512
    assert config.parse(text, file).sources.keys() == {"ci", "gl", "p"}


def test_where_it_is_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PIPEDECK_CONFIG", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for arguments, env, path, why in (
        ((), None, tmp_path / "pipedeck" / "config.toml", "by the default; there is none yet"),
        ((), "/x/y.toml", "/x/y.toml", "by PIPEDECK_CONFIG; there is none yet"),
        (("--config", str(EXAMPLE)), None, EXAMPLE, "by --config; it is there"),
    ):
        if env:
            monkeypatch.setenv("PIPEDECK_CONFIG", env)
        assert main(["config", "path", *arguments]) == 0
        said = capsys.readouterr()
        assert (said.out, said.err) == (f"{path}\n", f"pipedeck: {why}\n")
