"""What a shell is told of names that other people chose."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from tui.commands.completion import print_addresses
from tui.config import parse
from tui.domain.address import Address
from tui.domain.pipeline import Listing, Pipeline, Run
from tui.domain.status import Status
from tui.engine.cache.disk import disk_cache_for
from tui.engine.cache.runs import RunCache

CONFIG = '[sources.gitlab]\ntype = "gitlab"\nurl = "https://git.example.com"\nwatch = ["**"]\n'
EVIL = ("$(touch${IFS}pwned)", "`touch${IFS}pwned`", "a b", "x;id", "{a,b}", "*")


def test_bash_runs_nothing_of_what_it_completes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    settings = parse(CONFIG, tmp_path / "config.toml")
    names = ("ml/fraud", "ml/évaluation", *EVIL)
    pipelines = []
    for name in names:
        address = Address("gitlab", name)
        pipelines.append(Pipeline(address, runs=(Run(address.at_run(7), "#7", Status.PASSED),)))
    cache = RunCache(disk_cache_for(settings), settings)
    asyncio.run(cache.keep_listing("gitlab", Listing(tuple(pipelines)), 1_790_000_000.0))
    asyncio.run(print_addresses(settings, models=False))
    printed = capsys.readouterr().out
    assert printed.split() == [f"gitlab:{name}{run}" for name in names[:2] for run in ("", "#7")]
    words = ["bash", "-c", 'compgen -W "$1" -- gitlab:ml/fr', "bash", printed]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["gitlab:ml/fraud", "gitlab:ml/fraud#7"]
    assert not (tmp_path / "pwned").exists()
