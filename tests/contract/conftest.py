import pytest

from tests.real_prometheus import real_prometheus

__all__ = ["real_prometheus"]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stub servers may be asked as fast as they answer."""
    monkeypatch.setattr("tui.sources.http.limiter.RATE", 10_000.0)
