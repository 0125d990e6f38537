"""Every kind of source against every kind of hostile answer."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.asking import SOURCES
from tests.hostile.cases import CASES
from tests.hostile.document import HEAD, PAGE, rows, say
from tests.hostile.server import hostile_server

MOST = 150.0
"""Megabytes that one answer may cost."""
TIMES = 200

linux = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="the kernel does not tell")


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with hostile_server() as url:
        yield url


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize("number", range(len(CASES)), ids=[case.name for case in CASES])
async def test_every_source_says_what_the_page_in_the_docs_says(url: str, number: int) -> None:
    found = await say(url, number)  # which raises what is no SourceError
    assert all(message.isprintable() and len(message) < 700 for message in found.values())
    if sys.version_info[:2] == (3, 11):
        assert rows(CASES[number].name, found) in PAGE.read_text()


def test_the_page_has_no_other_cases() -> None:
    text = PAGE.read_text()
    assert text.startswith(HEAD)
    named = [line.split("|")[1].strip() for line in text.removeprefix(HEAD).splitlines()]
    assert list(filter(None, named)) == [case.name for case in CASES]


def measured(url: str, source: str, *arguments: str) -> dict[str, list[float]]:
    command = [sys.executable, "-m", "tests.hostile.measuring", url, source, *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=500, check=False)
    assert ended.returncode == 0, ended.stderr
    found: dict[str, list[float]] = json.loads(ended.stdout)
    return found


@linux
@pytest.mark.parametrize("source", SOURCES)
def test_one_answer_never_costs_more_than_150_megabytes(url: str, source: str) -> None:
    dear = [str(number) for number, case in enumerate(CASES) if case.dear]
    cost = {CASES[int(number)].name: peak for number, (peak, _) in measured(url, source, *dear).items()}
    assert len(cost) == len(dear)
    assert max(cost.values()) < MOST, cost


@linux
@pytest.mark.parametrize("source", ["Jenkins", "GitLab REST", "GitLab GraphQL", "GitLab log"])
def test_requests_that_were_given_up_leave_no_threads_and_no_descriptors(url: str, source: str) -> None:
    dripping = [str(number) for number, case in enumerate(CASES) if case.pause]
    assert len(dripping) == 3
    found = measured(url, source, *dripping, "--times", str(TIMES))
    for number, (threads, descriptors, threads_after, descriptors_after) in found.items():
        assert threads_after <= threads, CASES[int(number)].name
        assert descriptors_after <= descriptors, CASES[int(number)].name
