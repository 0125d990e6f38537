"""A real Prometheus with a written past, for tests; skipped, visibly, where it is not installed.

A folder of tests gets the fixture by importing it in its ``conftest.py``.
"""

import shutil
import socket
import ssl
import subprocess
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

import pytest

START = 1_767_225_600
"""The first sample of the history: 2026-01-01 00:00 UTC."""
INTERVAL = 30
END = START + 6 * 3600
"""The last sample."""
GAP = (START + 2 * 3600, START + 3 * 3600)
"""Where the baseline's latency has no samples (after GAP[0], before GAP[1])."""
VANISHED = START + 5 * 3600
"""The last sample of the canary's latency."""
ODD_VERSION = 'x"} or vector(1) #'
"""A version that would rewrite a query in which it is not escaped."""


@dataclass(frozen=True)
class RealPrometheus:
    url: str
    """Without a slash at its end, with the path prefix if there is one."""
    pid: int


def history() -> str:
    """OpenMetrics text: two tracks of a latency, one with a gap and one that vanishes; a counter for rates; a gauge
    with NaN and infinities; two pods of one track."""
    lines: list[str] = []

    def family(name: str, kind: str, samples: Mapping[str, Sequence[tuple[int, float]]]) -> None:
        lines.append(f"# TYPE {name} {kind}")
        suffix = "_total" if kind == "counter" else ""
        for labels, points in samples.items():
            lines.extend(f"{name}{suffix}{{{labels}}} {value:g} {at}" for at, value in points)

    times = range(START, END + 1, INTERVAL)
    hours = {at: (at - START) / 3600 for at in times}
    latency = 'environment="production",track="{}",model_version="{}"'
    family(
        "latency_seconds",
        "gauge",
        {
            latency.format("baseline", "1.4"): [
                (at, 0.2 + 0.01 * hours[at]) for at in times if not GAP[0] < at < GAP[1]
            ],
            latency.format("canary", "1.5"): [(at, 0.2 + 0.05 * hours[at]) for at in times if at <= VANISHED],
            latency.format("canary", ODD_VERSION.replace('"', '\\"')): [(START, 7.0)],
        },
    )
    family(
        "requests",
        "counter",
        {
            'track="baseline"': [(at, (at - START) * 2) for at in times],
            'track="canary"': [(at, (at - START) * 5) for at in times],
        },
    )
    spoilt = {3: float("nan"), 4: float("inf"), 5: float("-inf")}
    family(
        "accuracy",
        "gauge",
        {'track="canary"': [(at, spoilt.get(number % 10, 0.9)) for number, at in enumerate(times)]},
    )
    family("load", "gauge", {f'track="canary",pod="pod-{pod}"': [(START, pod)] for pod in range(2)})
    return "\n".join([*lines, "# EOF", ""])


@contextmanager
def prometheus(
    folder: Path,
    openmetrics: str,
    *options: str,
    prefix: str = "",
    user: str = "",
    tls: ssl.SSLContext | None = None,
    rules: str = "",
) -> Iterator[RealPrometheus]:
    """A server over ``openmetrics``, in ``folder``. Skips the test where there is none installed.

    Args:
        options: of the command line.
        prefix: the path it is served under.
        user: ``NAME:PASSWORD`` where the options ask for one.
        rules: a file of rules, evaluated every second.
        tls: how to ask it, where the options make it speak TLS.
    """
    server, tool = shutil.which("prometheus"), shutil.which("promtool")
    if not server or not tool:
        pytest.skip("prometheus and promtool are not installed")
    source, data, config = folder / "history.txt", folder / "data", folder / "prometheus.yml"
    source.write_text(openmetrics)
    config.write_text("global: {evaluation_interval: 1s}\nrule_files: [rules.yml]\n")
    (folder / "rules.yml").write_text(rules or "groups: []\n")
    create = [tool, "tsdb", "create-blocks-from", "openmetrics", "--quiet", str(source), str(data)]
    subprocess.run(create, check=True, stdout=subprocess.DEVNULL, timeout=60)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        server,
        f"--config.file={config}",
        f"--storage.tsdb.path={data}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--web.route-prefix=/{prefix.strip('/')}",
        "--log.level=warn",
        *options,
    ]
    url = f"{'https' if tls else 'http'}://127.0.0.1:{port}{prefix}"
    log = folder / "log.txt"
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _wait_until_ready(url, user, tls, process, log)
            yield RealPrometheus(url, process.pid)
        finally:
            process.terminate()


def _wait_until_ready(
    url: str, user: str, tls: ssl.SSLContext | None, process: "subprocess.Popen[bytes]", log: Path
) -> None:
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=tls))
    login = {"Authorization": f"Basic {b64encode(user.encode()).decode()}"} if user else {}
    request = Request(f"{url}/-/ready", headers=login)
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with opener.open(request, timeout=60):
                return
        except HTTPError as error:
            error.close()
        except (URLError, OSError):
            pass
        time.sleep(0.02)
    raise RuntimeError(f"prometheus did not start: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def real_prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealPrometheus]:
    """A server with :func:`history`, one for each test process."""
    with prometheus(tmp_path_factory.mktemp("prometheus"), history()) as server:
        yield server
