"""Domain values for tests, made with as little ceremony as possible."""

from typing import Any

from tui.domain.address import Address, parse_address
from tui.domain.pipeline import Gate, Pipeline, Run
from tui.domain.status import Status

NOW = 1_795_000_000.0


def run(address: str, status: Status = Status.PASSED, **more: Any) -> Run:
    """A run that began ten minutes ago; a finished one took two minutes."""
    at = parse_address(address)
    timing: dict[str, Any] = {"started_at": NOW - 600, "duration": 120.0 if status.finished else None}
    return Run(**{"address": at, "title": f"#{at.run}", "status": status, **timing, **more})


def pipeline(address: str, *runs: Run, **more: Any) -> Pipeline:
    at = parse_address(address)
    folder, _, name = at.path.rpartition("/")
    return Pipeline(**{"address": at, "name": name, "folder": folder, "runs": runs, **more})


def gate(address: str, message: str, **more: Any) -> Gate:
    return Gate(**{"address": parse_address(address), "message": message, "since": NOW - 720, **more})


def address(text: str) -> Address:
    return parse_address(text)
