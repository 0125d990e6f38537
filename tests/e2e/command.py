"""Commands as scripts run them."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.e2e.terminal import PATIENCE, environment, program

Done = subprocess.CompletedProcess[str]


def pipedeck(*arguments: str | Path, env: Mapping[str, str] | None = None) -> Done:
    """Run ``pipedeck`` without a terminal, to its end."""
    return subprocess.run(
        [program(), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env=environment(env or {}),
    )
