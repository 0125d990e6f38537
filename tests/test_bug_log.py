"""The log for bug reports: what was asked and answered, bounded, without secrets."""

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http_stub import Reply, http_stub
from tui import bug_log
from tui.cli import main
from tui.config import Secret

CONFIG = "[sources.ci]\ntype = 'jenkins'\nurl = '{url}'\nuser = 'me'\ntoken = 'env:CI_TOKEN'\n"


@pytest.fixture(autouse=True)
def no_log_afterwards() -> Iterator[None]:
    logger = logging.getLogger("tui")
    before, level = logger.handlers[:], logger.level
    yield
    for handler in logger.handlers[:]:
        if handler not in before:
            logger.removeHandler(handler)
            handler.close()
    logger.setLevel(level)


@pytest.mark.parametrize("how", ["--log", "PIPEDECK_LOG"])
def test_it_tells_what_was_asked_and_answered(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_TOKEN", "hunter2hunter2")
    file, config = tmp_path / "it.log", tmp_path / "config.toml"
    arguments = [] if how == "PIPEDECK_LOG" else ["--log", str(file)]
    if how == "PIPEDECK_LOG":
        monkeypatch.setenv(how, str(file))
    body = b"<p>hunter2hunter2 was wrong"
    headers = {"X-Jenkins": "2.440 hunter2hunter2", "Set-Cookie": "s=1", "Location": "/x?token=abcdef"}
    answer = Reply(500, headers, body)
    with http_stub({"GET /api/json": answer}) as stub:
        config.write_text(CONFIG.format(url=stub.url))
        assert main([*arguments, "--config", str(config), "status"]) == 3
    text = file.read_text()
    assert "pipedeck 0.1.0, status, Python" in text
    assert "ci: asked GET /api/json" in text
    assert f"ci: GET /api/json answered 500, {len(body)} bytes" in text
    assert "x-jenkins: 2.440 ***" in text
    for hidden in ("hunter2", "s=1", "was wrong", "abcdef"):
        assert hidden not in text
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_got_no_answer_is_told(tmp_path: Path) -> None:
    file, config = tmp_path / "it.log", tmp_path / "config.toml"
    with http_stub({}) as stub:
        url = stub.url
    config.write_text(CONFIG.format(url=url).replace("user = 'me'\ntoken = 'env:CI_TOKEN'\n", ""))
    assert main(["--log", str(file), "--config", str(config), "status"]) == 3
    assert "ci: GET /api/json: no answer, ConnectionError: refuses connections" in file.read_text()


def test_it_does_not_grow_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bug_log, "MOST", 20_000)
    bug_log.begin(tmp_path / "it.log", "1", "")
    for number in range(2000):
        logging.getLogger("tui.x").info("%d %s", number, "x" * 100)
    logging.getLogger("tui.x").info("y" * 1_000_000)
    sizes = {path.name: path.stat().st_size for path in tmp_path.iterdir()}
    assert sizes.keys() == {"it.log", "it.log.1"}
    assert max(sizes.values()) <= 20_000


def test_nothing_in_it_drives_a_terminal_or_is_a_secret(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug_log.begin(tmp_path / "it.log", "1", "")
    monkeypatch.setenv("T", "s3cr3t-value")
    assert Secret("env:T").reveal() == "s3cr3t-value"
    logging.getLogger("tui.x").warning("a\x1b[2Jb s3cr3t-value token=abc&x password: hush")
    assert (tmp_path / "it.log").read_text().splitlines()[-1].endswith("x: ab *** token=***&x password: ***")


@pytest.mark.parametrize("put", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("elsewhere")])
def test_where_it_cannot_be_written_it_says_so(
    put: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert callable(put)
    put(tmp_path / "it.log")
    assert main(["--log", str(tmp_path / "it.log"), "journal"]) == 2
    assert "it.log cannot be written: " in capsys.readouterr().err
    assert main(["--log", "~nobody-of-that-name/it.log", "journal"]) == 2
    assert "is no home directory here" in capsys.readouterr().err
