"""What holds for every test: one time zone, no configuration or cache of the person who runs them."""

import os
import sys
import time
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure, and what fails once fails every time.
settings.register_profile(
    "steady", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("steady")

os.environ["TZ"] = "UTC"
time.tzset()
# Hundreds of processes are started here; each would compile the program anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False
for name in ("NO_COLOR", "COLORTERM", "PIPEDECK_CONFIG", "TMUX", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
    os.environ.pop(name, None)
    os.environ.pop(name.lower(), None)


HOMES = count()


@pytest.fixture(autouse=True)
def _nobody_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """A home for each test: what one keeps in a cache or a journal is not found by the next."""
    home = tmp_path_factory.getbasetemp() / "homes" / str(next(HOMES))
    for variable, folder in (
        ("XDG_CONFIG_HOME", "config"),
        ("XDG_CACHE_HOME", "cache"),
        ("XDG_STATE_HOME", "state"),
    ):
        monkeypatch.setenv(variable, str(Path(home) / folder))
