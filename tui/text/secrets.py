"""Credentials struck out of text that leaves the program's memory, whoever wrote it."""

import re

SHORTEST = 4
"""Characters of a credential that is struck out: a shorter one would strike out half of all words."""

STRUCK_OUT = "***"

_secrets: set[str] = set()
_WORDS = r"(?i:token|secret|password|passwd|authorization|api_?key|signature)"
_NAME = re.compile(rf"{_WORDS}$")
_PAIR = re.compile(rf"({_WORDS}[\"']?\s*[=:]\s*)[^\s&,;]+")


def never_log(secret: str) -> None:
    """Strike ``secret`` out from now on."""
    if len(secret) >= SHORTEST:
        _secrets.add(secret)


def names_secret(name: str) -> bool:
    """Whether what stands under ``name`` is a credential, by what it is called."""
    return _NAME.search(name) is not None


def without_secrets(text: str) -> str:
    """``text`` without the credentials that were read so far, and without what is called one."""
    for secret in sorted(_secrets, key=len, reverse=True):
        text = text.replace(secret, STRUCK_OUT)
    return _PAIR.sub(rf"\1{STRUCK_OUT}", text)
