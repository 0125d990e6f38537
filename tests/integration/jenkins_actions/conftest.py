from collections.abc import AsyncIterator

import pytest

from tests.integration.jenkins_actions.site import Site


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of requests a second is not what is tested."""
    monkeypatch.setattr("tui.sources.http.limiter.RATE", 1000.0)


@pytest.fixture
async def ci() -> AsyncIterator[Site]:
    async with Site() as site:
        yield site
