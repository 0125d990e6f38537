"""The log for bug reports (``--log FILE``, ``PIPEDECK_LOG``): what was asked, what was answered, and what went wrong.

It gets what the program's loggers are told from ``INFO`` on: method, path, status, size and a few headers of each
request, no query and no body. Credentials that were read are struck out all the same, wherever they stand.
"""

import logging
import os
import platform
import sys
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from tui.files import open_file
from tui.text.safe import clean_lines
from tui.text.secrets import without_secrets

MOST = 5_000_000
"""Bytes of the file; what was before is kept in FILE.1 until that is full again."""
LONGEST = 8_000
"""Characters of one entry."""


def begin(file: Path, version: str, command: str) -> None:
    """Write the log to ``file``, behind what is there.

    Args:
        command: the program's, without its arguments, which may be secrets.

    Raises:
        OSError: it cannot be written, or is no regular file.
    """
    handler = _Handler(file, maxBytes=MOST, backupCount=1, encoding="utf-8")
    handler.setFormatter(_Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logger = logging.getLogger("tui")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    system = f"Python {platform.python_version()}, {platform.system()} {platform.release()}"
    terminal = f"TERM {os.environ.get('TERM')}, {'' if sys.stdout.isatty() else 'no '}terminal"
    logger.info("pipedeck %s, %s, %s; %s", version, command or "the deck", system, terminal)


class _Formatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return clean_lines(without_secrets(super().format(record)), LONGEST)


class _Handler(RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        return open(
            open_file(Path(self.baseFilename), os.O_WRONLY | os.O_CREAT | os.O_APPEND), "a", encoding="utf-8"
        )

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """A full disk ends the log, not the deck: nothing is printed over it."""
