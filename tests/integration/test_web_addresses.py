"""Web addresses in place of ours, against the sandbox: each page that is told leads back to what it is of."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from tests.e2e.settings import write_config
from tui.cli import main
from tui.commands.addresses import read_address
from tui.config import JenkinsSettings, Settings
from tui.domain.address import AddressError
from tui.engine.runtime import Runtime
from tui.presenters.documents import EnvironmentsDoc, RunDoc, StatusDoc
from tui.sandbox.process import Sandbox
from tui.sources.base import SourceError

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(clock="manual", start=1_790_000_000.0) as running:
        yield running


@pytest.fixture
def pipedeck(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    config = write_config(sandbox.settings(), tmp_path / "config.toml")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = main([*arguments, "--config", str(config)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def pages(pipedeck: Run) -> dict[str, str]:
    """By web address, what commands say is there: pipelines, runs, jobs, environments."""
    listed = msgspec.json.decode(pipedeck("status", "--json")[1], type=StatusDoc)
    rows = [pipeline for source in listed.sources for pipeline in source.pipelines]
    found = {row.web_url: row.address for row in rows}
    found |= {row.last_run.web_url: row.last_run.address for row in rows if row.last_run}
    whole = msgspec.json.decode(pipedeck("status", "gitlab:ml/fraud#1851", "--json")[1], type=RunDoc)
    jobs = [job for stage in whole.stages or () for job in stage.jobs if not job.downstream]
    found |= {job.web_url: job.address for job in jobs}
    places = msgspec.json.decode(pipedeck("environments", "--json")[1], type=EnvironmentsDoc).environments
    return found | {each.web_url: each.address for each in places if "/environments/" in each.web_url}


def test_each_page_leads_back_to_its_address(sandbox: Sandbox, pipedeck: Run) -> None:
    known = pages(pipedeck)
    assert {"jenkins", "gitlab"} == {address.partition(":")[0] for address in known.values()}
    assert any("/-/jobs/" in page for page in known)
    assert any("/-/environments/" in page for page in known)

    async def read() -> dict[str, str]:
        runtime = Runtime(sandbox.settings())
        found = {page: str(await read_address(runtime, page)) for page in known}
        await runtime.close()
        return found

    assert asyncio.run(read()) == known


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ("{jenkins}/job/deploy-model/7/console", "jenkins:deploy-model#7"),
        (
            "{jenkins}/view/all/job/deploy-model/7/pipeline-overview/?selected-node=12",
            "jenkins:deploy-model#7",
        ),
        (
            "{jenkins}/blue/organizations/jenkins/deploy-model/detail/deploy-model/7/pipeline",
            "jenkins:deploy-model#7",
        ),
        (
            "{jenkins}/blue/organizations/jenkins/ml-service/detail/feature%2Fx/3",
            "jenkins:ml-service/feature%2Fx#3",
        ),
        ("{gitlab}/ml/fraud/-/pipelines/1851/test_report", "gitlab:ml/fraud#1851"),
        ("{gitlab}/ml/fraud/-/pipelines", "gitlab:ml/fraud"),
        ("HTTP://{host}/gitlab/ml/fraud", "gitlab:ml/fraud"),
    ],
)
async def test_pages_as_they_are_copied_from_a_browser(sandbox: Sandbox, page: str, address: str) -> None:
    urls = sandbox.urls
    host = urls["gitlab"].removeprefix("http://").removesuffix("/gitlab")
    runtime = Runtime(sandbox.settings())
    assert str(await read_address(runtime, page.format(**urls, host=host))) == address
    await runtime.close()


async def test_what_is_no_page_of_ours_is_told_with_what_there_is(sandbox: Sandbox) -> None:
    runtime = Runtime(sandbox.settings())
    with pytest.raises(
        AddressError, match=r"at no server of the config; it has: jenkins http://127\.0\.0\.1"
    ):
        await read_address(runtime, "https://ci.example.com/job/x/1/")
    with pytest.raises(AddressError, match="no page of a pipeline"):
        await read_address(runtime, f"{sandbox.urls['gitlab']}/ml/fraud/-/merge_requests/3")
    with pytest.raises(SourceError, match="404"):
        await read_address(runtime, f"{sandbox.urls['gitlab']}/ml/fraud/-/jobs/99999999")
    await runtime.close()


async def test_a_port_that_goes_without_saying_and_the_scheme_do_not_count() -> None:
    runtime = Runtime(
        Settings(
            sources={
                "outer": JenkinsSettings(url="https://ci.example.com:443/"),
                "inner": JenkinsSettings(url="https://ci.example.com/team"),
            }
        )
    )
    assert str(await read_address(runtime, "http://CI.example.com/job/x/1/")) == "outer:x#1"
    assert str(await read_address(runtime, "https://ci.example.com/team/job/x/1/")) == "inner:x#1"
    await runtime.close()


def test_commands_take_them(sandbox: Sandbox, pipedeck: Run) -> None:
    jenkins, gitlab = sandbox.urls["jenkins"], sandbox.urls["gitlab"]
    assert pipedeck("status", f"{jenkins}/job/failing-pipeline/5/")[0] == 1
    assert pipedeck("tests", f"{jenkins}/job/deploy-model/7/testReport/")[1].startswith(
        "jenkins:deploy-model#7"
    )
    assert pipedeck("logs", f"{jenkins}/job/failing-pipeline/5/console")[0] == 1
    _, said, _ = pipedeck("retry", f"{gitlab}/ml/fraud/-/pipelines/1851", "--dry-run")
    assert "gitlab:ml/fraud#1851" in said
    assert pipedeck("open", f"{jenkins}/job/failing-pipeline/5/")[1].startswith("jenkins:failing-pipeline#5")
    assert pipedeck("open", "gitlab:ml/fraud@production")[1].startswith("ENVIRONMENT")
