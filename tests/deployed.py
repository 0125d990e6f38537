"""Deployments for tests, made with as little ceremony as possible."""

from typing import Any

from tests.examples import NOW
from tui.domain.address import parse_address
from tui.domain.deployment import Deployment, Environment
from tui.domain.status import Status

HOUR = 3600.0
DAY = 86400.0
SHA = "0123456789abcdef0123456789abcdef01234567"


def deployed(version: str, ago: float = HOUR, status: Status = Status.PASSED, **more: Any) -> Deployment:
    """A version that was asked for ``ago`` seconds before NOW; what has ended took a minute."""
    began = NOW - ago
    ended = began + 60.0 if not status.active else None
    fields: dict[str, Any] = {"id": f"{version}@{ago:g}", "started_at": began, "finished_at": ended}
    if isinstance(more.get("run"), str):
        more["run"] = parse_address(more["run"])
    return Deployment(**{**fields, "version": version, "status": status, **more})


def environment(address: str, *deployments: Deployment, **more: Any) -> Environment:
    return Environment(parse_address(address), deployments, **more)
