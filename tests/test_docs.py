"""The documents say what the program does."""

import re
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from tests.generated_docs import DOCUMENTS, keys_document
from tui import config
from tui.cli import main
from tui.domain.action_kinds import COMMANDS
from tui.keys import ACTIONS, spell
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


PAGES = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").glob("*.md")),
)


def test_the_readme_is_short_and_every_page_is_in_the_list_of_pages() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 120
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert {name for name in pages if f"({name})" not in listed} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_what_a_page_points_to_is_there(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_troubles_are_told_in_words_that_the_program_says() -> None:
    sources = "\n".join(file.read_text(encoding="utf-8") for file in (ROOT / "tui").rglob("*.py"))
    page = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
    words = re.findall(r"^### `(.*)`$", page, re.MULTILINE)
    assert len(words) >= 20
    assert [each for each in words if each.partition("[")[0] not in sources] == []


def test_the_pictures_are_as_the_deck_is() -> None:
    """Told by what stands in them, so that colours and fonts may change with the libraries."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.pictures", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


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


def test_the_page_of_commands_lists_the_commands_and_options_there_are(
    capsys: pytest.CaptureFixture[str],
) -> None:
    page = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    told = "\n".join(re.findall(r"^\| `pipedeck .*$", page, re.MULTILINE))
    commands = re.findall(r"^    ([a-z-]+)\b", usage(capsys), re.MULTILINE)
    assert len(commands) == 27
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
