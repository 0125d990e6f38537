"""``status --cached``: what was read last, with its age, from a disk and no server."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.e2e.settings import write_config
from tui.cli import main
from tui.presenters.documents import StatusDoc
from tui.sandbox.process import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock="manual", start=1_790_000_000.0) as running:
        yield running


def test_it_prints_what_status_read_and_how_old_that_is(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = str(write_config(sandbox.settings(), tmp_path / "config.toml"))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main(["--config", config, "status", *arguments])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    code, out, err = run("--cached")
    assert (code, out) == (3, "")
    assert "gitlab: no list of it is kept here" in err
    live = run()[1].splitlines()
    asked = sandbox.control.state().faces
    code, out, _ = run("--cached")
    head, *lines = out.splitlines()
    assert (code, lines[0], len(lines)) == (0, live[0], len(live))
    assert head.startswith("jenkins as it was <1m ago, ")
    assert "; gitlab as it was <1m ago, " in head
    found = msgspec.json.decode(run("--cached", "--json")[1], type=StatusDoc)
    assert all(source.read_at is not None and source.read_at <= found.at for source in found.sources)
    assert sum(len(source.pipelines) for source in found.sources) > 10
    assert sandbox.control.state().faces == asked, "no server was asked"
    file = Path(config)
    file.write_text(file.read_text().replace('watch = ["', 'watch = ["other/**", "'))
    code, out, err = run("--cached")
    assert (code, out) == (3, ""), "another choice of pipelines is another list"
    assert "gitlab: no list of it is kept here" in err
    with pytest.raises(SystemExit) as caught:
        run("jenkins:deploy-model", "--cached")
    assert caught.value.code == 2
