"""The example's own share of errors, at a real Prometheus that has no series of the canary's failures yet."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.command import pipedeck
from tests.real_prometheus import RealPrometheus, prometheus
from tui import config

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """Ten requests a second, one in two hundred fails at the baseline, none at the canary.

    From two hours ago to an hour from now: the command has the clock of the wall, and this machine may be slow.
    """
    now = int(time.time()) // 15 * 15
    lines = ["# TYPE requests counter"]
    for track, code, rate in (("baseline", "200", 10), ("baseline", "500", 0.05), ("canary", "200", 10)):
        for at in range(now - 7200, now + 3601, 15):
            count = int(rate * (at - now + 7200))
            lines.append(f'requests_total{{track="{track}",code="{code}"}} {count} {at}')
    with prometheus(tmp_path_factory.mktemp("healthy"), "\n".join([*lines, "# EOF", ""])) as server:
        yield server


def test_a_healthy_canary_comes_to_a_verdict(healthy: RealPrometheus, tmp_path: Path) -> None:
    errors = config.load(EXAMPLE).metrics["errors"]
    assert errors.query is not None
    file = tmp_path / "config.toml"
    file.write_text(
        f'[sources.prometheus]\ntype = "prometheus"\nurl = "{healthy.url}"\n[models.fraud]\nmetrics = ["errors"]\n'
        f'[metrics.errors]\nsource = "prometheus"\nunit = "%"\nscale = 100\nfail = 2\njudge_window = "2m"\n'
        f"query = '''{errors.query}'''\ncompare = {{ max_worse = 0.5 }}\n"
    )
    done = pipedeck("--config", file, "verdict", "fraud")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PROMOTE OK" in done.stdout
    checked = pipedeck("--config", file, "check")
    assert "judged by counts: sum(rate(requests_total{track=" in checked.stdout, (
        checked.stdout + checked.stderr
    )
