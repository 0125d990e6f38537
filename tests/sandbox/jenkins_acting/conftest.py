from collections.abc import AsyncIterator

import pytest

from tests.sandbox.jenkins_acting.site import Site


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of requests a second is not what is tested."""
    monkeypatch.setattr("tui.sources.wire.RATE", 1000.0)


@pytest.fixture
async def ci() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site
