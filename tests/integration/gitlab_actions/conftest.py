from collections.abc import AsyncIterator

import pytest

from tests.integration.gitlab_actions.site import Site
from tui.sandbox.scenario import named


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit of requests a second is not what is tested."""
    monkeypatch.setattr("tui.sources.http.limiter.RATE", 1000.0)


@pytest.fixture
async def shop() -> AsyncIterator[Site]:
    """Deployments of all kinds; in ``ml/fraud`` a canary stands and its gate waits."""
    async with Site(named("deployments")) as site:
        yield site
