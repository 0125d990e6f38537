"""Every address that a command prints is one that commands take, whatever the server calls its jobs."""

from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest

from tests.contract.jenkins.support import EMPTY_QUEUE, core
from tests.e2e.settings import write_config
from tests.http_stub import Route, http_stub
from tui.cli import main
from tui.config import JenkinsSettings, Settings
from tui.presenters.documents import RunDoc, StatusDoc
from tui.text.safe import clean

NAMES = (
    "fix@2",
    "why!",
    "bug%237",
    "100%25",
    "feature%2Fx",
    "a b+c~1",
    "sharp # and %40",
    "\N{ROCKET} \N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}",
    "dev\N{RIGHT-TO-LEFT OVERRIDE}cod",
    "\x1b[31mred",
    "trailing ",
)
BUILD = {
    "_class": "hudson.model.FreeStyleBuild",
    "number": 1,
    "result": "SUCCESS",
    "timestamp": 1_790_000_000_000,
}


def routes() -> dict[str, Route]:
    jobs = [
        {
            "_class": "hudson.model.FreeStyleProject",
            "name": name,
            "fullName": f"svc/{name}",
            "color": "blue",
            "builds": [BUILD],
        }
        for name in NAMES
    ]
    folder = {"_class": "com.cloudbees.hudson.plugins.folder.Folder", "name": "svc", "jobs": jobs}
    builds = {f"GET /job/svc/job/{quote(name, safe='')}/1/api/json": core(BUILD) for name in NAMES}
    return {"GET /api/json": core({"jobs": [folder]}), "GET /queue/api/json": EMPTY_QUEUE, **builds}


def test_what_status_prints_is_what_status_takes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with http_stub(routes()) as stub:
        settings = Settings(sources={"ci": JenkinsSettings(url=stub.url)})
        config = str(write_config(settings, tmp_path / "config.toml"))

        def pipedeck(*arguments: str) -> str:
            code = main(["--config", config, *arguments])
            printed = capsys.readouterr()
            assert (code, printed.err) == (0, "")
            return printed.out

        listed = msgspec.json.decode(pipedeck("status", "--json"), type=StatusDoc).sources[0].pipelines
        assert len(listed) == len(NAMES)
        for pipeline, name in zip(listed, NAMES, strict=True):
            assert clean(pipeline.address) == pipeline.address
            for address in (pipeline.address, f"{pipeline.address}#1"):
                stub.requests.clear()
                run = msgspec.json.decode(pipedeck("status", address, "--json"), type=RunDoc)
                assert run.address == f"{pipeline.address}#1"
                assert stub.requests[-1].path == f"/job/svc/job/{quote(name, safe='')}/1/api/json"
        assert [each.address for each in listed[:6]] == [
            "ci:svc/fix%402",
            "ci:svc/why%21",
            "ci:svc/bug%237",
            "ci:svc/100%25",
            "ci:svc/feature%2Fx",
            "ci:svc/a b+c~1",
        ]


def test_a_text_id_is_no_run_of_a_server_that_numbers_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with http_stub(routes()) as stub:
        settings = Settings(sources={"ci": JenkinsSettings(url=stub.url)})
        config = str(write_config(settings, tmp_path / "config.toml"))
        assert main(["--config", config, "status", "ci:svc/why%21#01JSDR9Q2VBK2PTRZWKG0F5452"]) != 0
        said = capsys.readouterr().err
        assert "ci:svc/why%21#01JSDR9Q2VBK2PTRZWKG0F5452 names no run; write ci:svc/why%21#NUMBER" in said
        assert main(["--config", config, "cancel", "--yes", "ci:svc/why%21#x"]) == 4
        assert "it names no run by its number" in capsys.readouterr().err
    assert all(request.method == "GET" for request in stub.requests)
