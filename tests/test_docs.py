"""The documents say what the program does."""

import re
from pathlib import Path

import msgspec
import pytest

from tests.generated_docs import DOCUMENTS, keys_document
from tui import config
from tui.cli import main
from tui.domain.action_kinds import COMMANDS
from tui.domain.status import Status
from tui.keys import ACTIONS, hints, keymap, last_hints, spell
from tui.panes.pipelines import COLUMNS
from tui.presenters import documents

ROOT = Path(__file__).parent.parent


def test_the_most_important_keys_in_the_readme_do_what_it_tells() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.partition("## Keys\n")[2].partition("\n## ")[0]
    told = re.findall(r"^\| (.*?) \| (.*?) \|$", section, re.MULTILINE)[2:]
    assert told
    rows = set(keys_document().split("\n"))
    assert [(keys, words) for keys, words in told if f"| {keys} | {words} |" not in rows] == []
    assert "docs/keys.md" in section


def test_the_picture_in_the_readme_has_the_columns_and_the_last_line_of_the_deck() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = readme.partition("```\n")[2].partition("\n```")[0].split("\n")
    assert lines[3].partition("▏")[0].split() == [
        each.title for each in COLUMNS if each.drop in (0, 3) and each.title
    ]
    keys = keymap({})
    said = [*hints("pipelines", keys, Status.WAITING), *last_hints(keys)]
    assert "  ".join(f"{key} {word}" for key, word, _ in said) == lines[-1].strip()


PRESETS = re.findall(
    r"```toml\n(.*?)```", (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8"), re.DOTALL
)


@pytest.mark.parametrize("preset", PRESETS, ids=lambda text: re.findall(r"\[metrics\.(\w+)\]", text)[0])
def test_every_ready_made_metric_loads_and_can_be_compared(preset: str) -> None:
    head = '[sources.prometheus]\ntype = "prometheus"\nurl = "http://127.0.0.1:9090"\n'
    settings = config.parse(head + preset, ROOT / "config.example.toml")
    for name, metric in settings.metrics.items():
        assert metric.compare is not None
        assert (settings.share(name) is not None) is (metric.bad is not None), "a mean is no share"


def test_there_are_ready_made_metrics_of_the_usual_servers() -> None:
    titles = re.findall(r'^title = "(\w+)', "".join(PRESETS), re.MULTILINE)
    assert {"KServe", "Triton", "vLLM", "TorchServe", "Seldon", "MLServer", "BentoML"} <= set(titles)


def usage(capsys: pytest.CaptureFixture[str], *command: str) -> str:
    with pytest.raises(SystemExit):
        main([*command, "--help"])
    return capsys.readouterr().out


def options(capsys: pytest.CaptureFixture[str], *command: str) -> set[str]:
    return set(re.findall(r"--[a-z-]+", usage(capsys, *command).partition("\nExample: ")[0])) - {"--help"}


def test_the_readme_lists_the_commands_and_options_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = "\n".join(re.findall(r"^\| `pipedeck .*$", readme, re.MULTILINE))
    commands = re.findall(r"^    ([a-z-]+)\b", usage(capsys), re.MULTILINE)
    assert len(commands) == 25
    assert [each for each in commands if each not in re.findall(r"[a-z][a-z-]+", told)] == []
    known = {option for each in commands for option in options(capsys, each)} - {"--follow"}
    assert known == set(re.findall(r"--[a-z-]+", told))


def test_every_acting_key_and_command_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "acting.md").read_text(encoding="utf-8")
    keys = [spell(key) for action in ACTIONS if action.scope == "acting" for key in action.keys]
    taken = {option for each in COMMANDS for option in options(capsys, each)} - options(capsys, "gates")
    assert [each for each in (*keys, *COMMANDS, *taken) if f"`{each}" not in text] == []


def test_every_key_of_the_documents_is_described() -> None:
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    structs = [kind for name, kind in vars(documents).items() if name.endswith("Doc")]
    names = {field.name for kind in structs for field in msgspec.structs.fields(kind)}
    assert {name for name in names if not re.search(rf"[`\"]{name}[`\"]", text)} == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_generated_is_up_to_date(name: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == DOCUMENTS[name](), "make docs writes it anew"
