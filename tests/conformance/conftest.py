"""Each CI in turn, and the one line by which the program knows the third."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.thirdci.settings import ThirdSettings
from tests.conformance.vendors import VENDORS, SmallWorld, Terminal, Vendor, terminal_at
from tui.config.sources import SOURCE_TYPES, SourceType


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line in the registry: nothing else tells the program of the third CI."""
    line = SourceType(ThirdSettings, "tests.conformance.thirdci.source:ThirdSource")
    monkeypatch.setitem(SOURCE_TYPES, "thirdci", line)


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of requests a second, and the waits between two looks, are not what is tested."""
    monkeypatch.setattr("tui.sources.http.limiter.RATE", 1000.0)
    monkeypatch.setattr("tui.engine.actions.executor.WAITS", (0.02,))


@pytest.fixture(params=VENDORS, ids=lambda vendor: vendor.name)
def vendor(request: pytest.FixtureRequest) -> Vendor:
    found: Vendor = request.param
    return found


At = Callable[..., Terminal]


@pytest.fixture
def at(vendor: Vendor, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[At]:
    """Opens the CI with a world that differs from the ordinary by the arguments."""
    with ExitStack() as open_servers:

        def open_at(around: Callable[[Any], Any] = lambda app: app, **world: Any) -> Terminal:
            found = terminal_at(vendor, tmp_path, capsys, SmallWorld(**world), around)
            return open_servers.enter_context(found)

        yield open_at


@pytest.fixture
def ci(at: At) -> Terminal:
    """The CI with the ordinary world."""
    return at()
