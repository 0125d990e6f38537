"""Credentials struck out of text that leaves the program's memory, whoever wrote it."""

import re

SHORTEST = 4
"""Characters of a credential that is struck out: a shorter one would strike out half of all words."""

_secrets: set[str] = set()
_PAIR = re.compile(
    r"(?i)((?:token|secret|password|passwd|authorization|api_?key|signature)[\"']?\s*[=:]\s*)[^\s&,;]+"
)


def never_log(secret: str) -> None:
    """Strike ``secret`` out from now on."""
    if len(secret) >= SHORTEST:
        _secrets.add(secret)


def without_secrets(text: str) -> str:
    """``text`` without the credentials that were read so far, and without what is called one."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, "***")
    return _PAIR.sub(r"\1***", text)
