"""Why a Pipeline run failed before its first stage, as the beginning of its log tells."""

import re

from tui.text.safe import clean, shorten

BEGINNING = 64 * 1024
"""Bytes of the log that are read. A run that failed before its first stage logged little more than its error."""
_LIMIT = 240
_COMPILATION = re.compile(r"startup failed:\s*\n(?P<first>[^\n]+)")
_ERROR = re.compile(r"^ERROR: (?P<first>.+)$", re.MULTILINE)
_EXCEPTION = re.compile(r"^(?P<first>(?:[\w$]+\.)+[\w$]*(?:Exception|Error)\b.*)$", re.MULTILINE)


def problem_in(log: str) -> str:
    """A compiler's first message, else what the log calls an error."""
    for shape in (_COMPILATION, _ERROR, _EXCEPTION):
        if match := shape.search(log):
            return shorten(clean(match["first"].strip()), _LIMIT)
    return "failed before its first stage; its log tells why"
