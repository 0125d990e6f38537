"""The documents that are made from the program; ``python -m tests.generated_docs`` (``make docs``) writes them."""

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.configuration_page import configuration_page
from tests.licences import licences_document
from tests.man_page import man_page
from tui.keys import help_sections, keymap
from tui.sources.gitlab.read import test_suites as gitlab_tests
from tui.sources.gitlab.status import DEPLOYMENTS as GITLAB_DEPLOYMENTS
from tui.sources.gitlab.status import STATUSES as GITLAB
from tui.sources.jenkins import status as jenkins
from tui.sources.jenkins.read import tests as jenkins_tests
from tui.sources.spinnaker.status import STATUSES as SPINNAKER

ROOT = Path(__file__).parent.parent


def keys_document() -> str:
    lines = [
        "# Keys",
        "",
        "Every key, as the help (`?`) tells it; all can be changed in `[ui.keys]`. Made from `tui/keys.py`,",
        "`tui/pane_registry.py` and `tui/domain/action_kinds.py`; `tests/test_docs.py` compares.",
        "",
        "| key | does |",
        "| --- | --- |",
    ]
    for title, entries in help_sections(keymap({})):
        lines.append(f"| **{title}** | |")
        lines += [f"| {' '.join(f'`{key}`' for key in keys.split())} | {words} |" for keys, words in entries]
    return "\n".join(lines) + "\n"


def statuses_document() -> str:
    lines = [
        "# Statuses",
        "",
        "Every status of all systems and what it becomes. A value that stands in no table becomes `unknown` and is",
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
        "Which refs of a project are rows, `refs` in the config says; without it those that ran lately.",
        "",
        "| an entry of `refs` | rows |",
        "| --- | --- |",
        "| `main`, `refs/heads/main`, `v1.2` | that branch or tag |",
        "| `release/*`, `refs/tags/v*` | branches and tags that match: `*` stays between slashes, `**` crosses them |",
        "| `!12` | merge request 12, its merged results and trains too |",
        "| `!*`, `refs/merge-requests/*` | merge requests |",
        "",
        "Of the refs that match, the five that ran last are rows, and all that run, wait or failed; how many others",
        "there are is told. The 100 branches, 100 tags and 30 merge request pipelines that ran last are looked at.",
        "",
        "A run that was `skipped` hides none before it. A row also names the runs that go on or wait beside its last",
        "one, and one of another kind (a push behind a schedule) that failed last.",
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
        "before it begins; the result counts when it has ended. What it waits for in between, an agent or a lock, is",
        "said beside it. What it started and the cells of a matrix have the statuses of runs.",
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
        "## Spinnaker",
        "",
        "An execution in which a manual judgment waits is `waiting`, one that succeeded although a stage failed is",
        "`warning`. A stage that is `STOPPED` is `failed`, one whose turn never came is `skipped`.",
        "",
        "| `status` of an execution or stage | Pipedeck |",
        "| --- | --- |",
    ]
    lines += [f"| `{word}` | {status} |" for word, status in SPINNAKER.items()]
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


DOCUMENTS: Mapping[str, Callable[[], str]] = {
    "docs/configuration.md": configuration_page,
    "docs/pipedeck.1": man_page,
    "docs/keys.md": keys_document,
    "docs/licences.md": licences_document,
    "docs/statuses.md": statuses_document,
}
"""By path in the project."""

if __name__ == "__main__":
    for path, document in DOCUMENTS.items():
        (ROOT / path).write_text(document(), encoding="utf-8")
