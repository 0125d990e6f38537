"""``pipedeck verdict`` of metrics that have no past on their server: a job that calls it every minute gets one."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import pipedeck
from tests.http_stub import Reply, Request, Stub, http_stub
from tui import config
from tui.commands.exit_codes import Exit
from tui.commands.verdict import verdict

START = 1_795_422_000.0
CONFIG = """
[sources.pod]
type = "exposition"
url = "{url}/metrics"
[sources.monitor]
type = "json"
url = "{url}/latest.json"
[models.fraud]
baseline = {{ track = "baseline" }}
canary = {{ track = "canary" }}
metrics = ["errors", "drift"]
[metrics.errors]
source = "pod"
window = "1m"
max_age = "1h"
scale = 100
query = '''sum(rate(requests_total{{code="500",track="{{track}}"}}[{{window}}]))
  / sum(rate(requests_total{{track="{{track}}"}}[{{window}}]))'''
compare = {{ max_worse = 1.0 }}
[metrics.drift]
source = "monitor"
window = "1m"
max_age = "1h"
query = "/[track={{track}}]/drift"
compare = {{ max_worse = 0.1 }}
"""


class Service:
    """Counts its requests, four hundred in a minute for each track; of the canary's ``wrong`` of them fail."""

    def __init__(self) -> None:
        self.now = START
        self.wrong = 3

    def metrics(self, asked: Request) -> Reply:
        minutes = int((self.now - START) // 60)
        lines = []
        for track, failed in (("baseline", 3), ("canary", self.wrong)):
            # Not the same in every minute, but the same whenever it is asked.
            bad = 4 * sum(failed + n % 3 for n in range(minutes))
            lines.append(f'requests_total{{track="{track}",code="500"}} {bad}')
            lines.append(f'requests_total{{track="{track}",code="200"}} {400 * minutes - bad}')
        return Reply.text("\n".join([*lines, ""]))

    def document(self, asked: Request) -> Reply:
        at = int(self.now // 60) % 5 / 1000
        return Reply.json([{"track": track, "drift": 0.2 + at} for track in ("baseline", "canary")])


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def stub(service: Service) -> Iterator[Stub]:
    with http_stub({"GET /metrics": service.metrics, "GET /latest.json": service.document}) as stub:
        yield stub


@pytest.fixture
def file(stub: Stub, tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(url=stub.url))
    return path


def call(file: Path, service: Service) -> Exit:
    """The command, as a program of its own: nothing but what is on disk goes from one call to the next."""
    return asyncio.run(verdict(config.load(file), "fraud", as_json=False, clock=lambda: service.now))


def calls(file: Path, service: Service, count: int) -> list[Exit]:
    """One each minute, and some seconds more or less, as a CI job is started."""
    exits = []
    for n in range(count):
        service.now = START + 60 * n + n * 7 % 13
        exits.append(call(file, service))
    return exits


def test_a_canary_like_its_baseline_may_be_promoted_after_a_while(
    file: Path, service: Service, stub: Stub, capsys: pytest.CaptureFixture[str]
) -> None:
    exits = calls(file, service, 30)
    assert exits[:8] == [Exit.UNCLEAR] * 8
    assert exits[-1] is Exit.OK, capsys.readouterr().out
    # Both tracks and both halves of a share come from one look.
    assert len(stub.requests) == 2 * len(exits)


def test_a_canary_with_more_errors_must_not_be(file: Path, service: Service) -> None:
    service.wrong = 9
    assert calls(file, service, 30)[-1] is Exit.WORSE


def test_another_address_begins_anew(file: Path, service: Service) -> None:
    assert calls(file, service, 30)[-1] is Exit.OK
    with http_stub({"GET /metrics": service.metrics, "GET /latest.json": service.document}) as moved:
        file.write_text(CONFIG.format(url=moved.url))
        assert call(file, service) is Exit.UNCLEAR


def test_that_nothing_can_be_kept_is_said(
    file: Path,
    service: Service,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "cache").write_text("in the way")
    assert call(file, service) is Exit.UNCLEAR
    assert (
        f"drift: no looks are kept in {tmp_path}/cache/pipedeck/looks.sqlite: Not a directory"
        in capsys.readouterr().out
    )


def test_a_process_goes_on_with_what_others_saw(
    file: Path, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The looks until now by the command, the newest one by a real process, which has the clock of the wall."""
    begin = time.time() - 60 * 40
    monkeypatch.setattr(f"{__name__}.START", begin)
    calls(file, service, 40)
    service.now = time.time()
    done: subprocess.CompletedProcess[str] = pipedeck("--config", file, "verdict", "fraud")
    assert (done.returncode, done.stderr) == (Exit.OK, ""), done.stdout
    alone = pipedeck("--config", file, "verdict", "fraud", env={"XDG_CACHE_HOME": str(file.parent / "empty")})
    assert alone.returncode == Exit.UNCLEAR
