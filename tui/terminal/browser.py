"""Web pages, where a browser is at hand."""

import os
import shutil
import subprocess
import sys

OPENERS = ("xdg-open", "wslview")
"""Programs that hand a page to the browser of the desktop."""


def open_in_browser(url: str) -> bool:
    """Have the desktop's browser show ``url``; False where there is none: over SSH, or without a desktop.

    Never one that would take this terminal.
    """
    command = _opener()
    if command is None or not url.startswith(("http://", "https://")):
        return False
    try:
        done = subprocess.run(
            [command, url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=10,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _opener() -> str | None:
    environment = os.environ
    if environment.get("SSH_CONNECTION"):
        return None
    if sys.platform == "darwin":
        return shutil.which("open")
    if not any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "WSL_DISTRO_NAME")):
        return None
    return next(filter(None, map(shutil.which, OPENERS)), None)
