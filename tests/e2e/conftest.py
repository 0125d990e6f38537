"""A sandbox whose world stands still, and a config file that names its servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.settings import FACES, write_config
from tui.config import Settings
from tui.sandbox.process import Sandbox


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One for all tests of a module; see :func:`healthy`."""
    with Sandbox(clock="manual") as sandbox:
        yield sandbox


@pytest.fixture
def settings(sandbox: Sandbox) -> Settings:
    return sandbox.settings()


@pytest.fixture
def config(settings: Settings, tmp_path: Path) -> Path:
    return write_config(settings, tmp_path / "config.toml")


@pytest.fixture(autouse=True)
def healthy(request: pytest.FixtureRequest) -> Iterator[None]:
    """Every test leaves the shared sandbox without faults."""
    # Asked for before the test, so that it still runs after it, whatever its scope is.
    sandbox: Sandbox | None = (
        request.getfixturevalue("sandbox") if "sandbox" in request.fixturenames else None
    )
    yield
    if sandbox is not None:
        for face in FACES:
            sandbox.control.fault(face, None)
