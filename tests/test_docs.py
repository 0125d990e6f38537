"""The documents say what the program does."""

import re
from pathlib import Path

import msgspec
import pytest

from tui import config
from tui.cli import main
from tui.commands.action_arguments import ACTING
from tui.keys import ACTIONS, help_sections, hints, keymap, spell
from tui.panes.pipelines import COLUMNS
from tui.presenters import documents
from tui.sources.gitlab.read import test_suites as gitlab_tests
from tui.sources.gitlab.status import DEPLOYMENTS as GITLAB_DEPLOYMENTS
from tui.sources.gitlab.status import STATUSES as GITLAB
from tui.sources.jenkins import status as jenkins
from tui.sources.jenkins.read import tests as jenkins_tests

ROOT = Path(__file__).parent.parent


def keys_table() -> str:
    lines = ["| key | does |", "| --- | --- |"]
    for title, entries in help_sections(keymap({})):
        lines.append(f"| **{title}** | |")
        lines += [f"| {' '.join(f'`{key}`' for key in keys.split())} | {words} |" for keys, words in entries]
    return "\n".join(lines)


def test_the_readme_lists_the_keys_there_are() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    match = re.search(r"<!-- keys: .*? -->\n(.*?)\n<!-- /keys -->", readme, re.DOTALL)
    assert match is not None
    assert match[1] == keys_table()


def test_the_picture_in_the_readme_has_the_columns_and_the_last_line_of_the_deck() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = readme.partition("```\n")[2].partition("\n```")[0].split("\n")
    assert lines[1].partition("▏")[0].split() == [
        each.title for each in COLUMNS if each.drop in (0, 3) and each.title
    ]
    said = "  ".join(f"{key} {word}" for key, word in hints("pipelines", keymap({})))
    assert said.startswith(lines[-1].strip())


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
    return set(re.findall(r"--[a-z-]+", usage(capsys, *command))) - {"--help"}


def test_the_readme_lists_the_commands_and_options_there_are(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = "\n".join(re.findall(r"^\| `pipedeck .*$", readme, re.MULTILINE))
    commands = re.findall(r"^    ([a-z-]+)\b", usage(capsys), re.MULTILINE)
    assert len(commands) == 18
    assert [each for each in commands if each not in re.findall(r"[a-z][a-z-]+", told)] == []
    known = {option for each in commands for option in options(capsys, each)} - {"--follow"}
    assert known == set(re.findall(r"--[a-z-]+", told))


def test_every_acting_key_and_command_is_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    text = (ROOT / "docs" / "acting.md").read_text(encoding="utf-8")
    keys = [spell(key) for action in ACTIONS if action.scope == "acting" for key in action.keys]
    taken = {option for each in ACTING for option in options(capsys, each)} - {"--json"}
    assert [each for each in (*keys, *ACTING, *taken) if f"`{each}" not in text] == []


def test_every_key_of_the_documents_is_described() -> None:
    text = (ROOT / "docs" / "json.md").read_text(encoding="utf-8")
    structs = [kind for name, kind in vars(documents).items() if name.endswith("Doc")]
    names = {field.name for kind in structs for field in msgspec.structs.fields(kind)}
    assert {name for name in names if not re.search(rf"[`\"]{name}[`\"]", text)} == set()


def statuses_document() -> str:
    lines = [
        "# Statuses",
        "",
        "Every status of both systems and what it becomes. A value that stands in no table becomes `unknown` and is",
        "shown as itself. Made from `tui/sources/*/status.py`; `tests/test_docs.py` compares.",
        "",
        "## GitLab: pipelines, stages, jobs",
        "",
        "| GitLab | Pipedeck | said beside it |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{word}` | {status} | {reason} |" for word, (status, reason) in GITLAB.items()]
    lines += [
        "",
        "A job that is `failed` and may fail makes its stage `warning`. A `manual` job is a gate.",
        "",
        "## GitLab: deployments",
        "",
        "| GitLab | Pipedeck |",
        "| --- | --- |",
    ]
    lines += [f"| `{word}` | {status} |" for word, status in GITLAB_DEPLOYMENTS.items()]
    lines += [
        "",
        "`blocked` says that the job is manual; how many approvals are missing is asked for by itself. What of",
        "Jenkins' runs is a deployment, the configured rules say; it has the status of its run or stage.",
        "",
        "## Jenkins",
        "",
        "A run that is building is `running` whatever its result says, `waiting` while an input is open, and `queued`",
        "before it begins; the result counts when it has ended.",
    ]
    for title, table in (
        ("`result` of a run", jenkins.RESULTS),
        ("`state` of a stage, pipeline-graph-view (any case)", jenkins.GRAPH_VIEW),
        ("`status` of a stage, wfapi", jenkins.WFAPI),
        ("`iconColor` of a flow node", jenkins.COLORS),
    ):
        lines += ["", f"| {title} | Pipedeck |", "| --- | --- |"]
        lines += [f"| `{word}` | {status} |" for word, status in table.items()]
    lines += [
        "",
        "## Tests",
        "",
        "A status of a case that stands in no table is told, and counts as skipped.",
    ]
    for system, outcomes in (("Jenkins", jenkins_tests.OUTCOMES), ("GitLab", gitlab_tests.OUTCOMES)):
        lines += ["", f"| `status` of a case, {system} | Pipedeck |", "| --- | --- |"]
        lines += [f"| `{word}` | {outcome} |" for word, outcome in outcomes.items()]
    return "\n".join(lines) + "\n"


def test_every_status_of_both_systems_is_documented() -> None:
    assert (ROOT / "docs" / "statuses.md").read_text(encoding="utf-8") == statuses_document()
