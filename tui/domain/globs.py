"""Globs over paths, as ``watch``, ``refs`` and ``pipelines`` in the configuration write them."""

import re
from functools import lru_cache

_PIECE = re.compile(r"(\*\*/|\*\*|\*|\?)")
_MEANING = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}


def is_glob(text: str) -> bool:
    """It holds ``*`` or ``?``. Brackets are letters like others: branch names have them."""
    return "*" in text or "?" in text


@lru_cache(maxsize=1024)
def _compiled(glob: str) -> re.Pattern[str]:
    return re.compile(
        "".join(_MEANING.get(piece) or re.escape(piece) for piece in _PIECE.split(glob)), re.DOTALL
    )


def matches(glob: str, path: str) -> bool:
    """``*`` and ``?`` stay within one part of the path, ``**`` crosses slashes, ``**/`` may also be nothing."""
    return _compiled(glob).fullmatch(path) is not None
