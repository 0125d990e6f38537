"""What is loaded when: static import graphs do not see imports inside functions, a fresh interpreter does."""

import pkgutil
import subprocess
import sys

import pytest

import tui

HEAVY = {"textual", "httpx", "requests", "gitlab", "jenkins", "plotext", "starlette", "uvicorn"}
HEAVY |= {"prometheus_client", "keyring", "graphql"}


def loaded(code: str) -> set[str]:
    """Top-level packages in ``sys.modules`` after ``code`` ran in a fresh interpreter."""
    script = f"{code}\nimport sys; print(*{{name.partition('.')[0] for name in sys.modules}})"
    answer = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    return set(answer.stdout.split())


def test_the_command_line_loads_nothing_heavy() -> None:
    assert loaded("import tui.cli") & HEAVY == set()


def test_the_version_and_the_help_are_told_before_anything_is_imported_that_does_something() -> None:
    for arguments in (["--version"], ["--help"], ["logs", "--help"]):
        code = (
            "import contextlib, io, tui.cli\n"
            "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
            f"    tui.cli.main({arguments})"
        )
        assert loaded(code) & ({"asyncio", "ssl", "logging", "rich", "tomllib"} | HEAVY) == set()


def test_the_plain_commands_never_load_textual() -> None:
    assert loaded("import tui.commands.status, tui.commands.check") & HEAVY == set()


def test_a_keymap_is_checked_without_textual() -> None:
    assert loaded("import tui.keys; tui.keys.keymap({'sort': 'f5'})") & HEAVY == set()


def test_the_deck_loads_textual_and_no_library_of_a_source() -> None:
    assert loaded("import tui.app") & HEAVY == {"textual"}


@pytest.mark.parametrize(
    "module", ["tui.engine.runtime", "tui.sources.registry", "tui.insight.priority", "tui.config"]
)
def test_nothing_below_the_panes_loads_textual_or_a_client_before_it_is_used(module: str) -> None:
    assert loaded(f"import {module}") & HEAVY == set()


def test_graphql_core_is_loaded_by_nothing_but_a_sandbox_that_serves() -> None:
    answers = ("tui.sandbox.gitlab.graphql", "tui.sandbox.gitlab.schema")
    others = [
        module.name
        for module in pkgutil.walk_packages(tui.__path__, "tui.")
        if module.name not in answers and not module.name.endswith("__main__")
    ]
    assert {"tui.app", "tui.commands.status", "tui.sources.gitlab", "tui.sandbox.server"} <= set(others)
    found = loaded(f"import {', '.join(others)}, gitlab, jenkins")
    assert "graphql" not in found
    assert "textual" in found
