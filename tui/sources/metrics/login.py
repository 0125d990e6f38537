"""How the sources of metrics say who asks."""

from base64 import b64encode
from collections.abc import Callable, Mapping

from tui.config import MetricServer


def login(settings: MetricServer) -> Callable[[], Mapping[str, str]]:
    """Makes the headers of a request: the configured ones, and a bearer token, or user and password."""

    def headers() -> Mapping[str, str]:
        own = {name: value.reveal() for name, value in settings.headers.items()}
        if settings.token:
            return {**own, "Authorization": f"Bearer {settings.token.reveal()}"}
        if settings.user or settings.password:
            password = settings.password.reveal() if settings.password else ""
            pair = f"{settings.user or ''}:{password}".encode()
            return {**own, "Authorization": f"Basic {b64encode(pair).decode()}"}
        return own

    return headers


def written(parameters: Mapping[str, str | bool | int]) -> dict[str, str]:
    """Parameters as a query has them: ``true``, not ``True``."""
    return {
        name: str(value).lower() if isinstance(value, bool) else str(value)
        for name, value in parameters.items()
    }
