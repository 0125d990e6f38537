"""Globs over paths, as ``watch``, ``refs`` and ``pipelines`` in the configuration write them."""

import re
from functools import cache, lru_cache

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


def may_overlap(one: str, other: str) -> bool:
    """Whether some address fits both, which are globs over whole addresses: ``*`` crosses slashes there, too. Yes
    where brackets make that hard to tell."""
    if "[" in one + other:
        return True

    @cache
    def fit(i: int, j: int) -> bool:
        a, b = one[i : i + 1], other[j : j + 1]
        if not a and not b:
            return True
        if a == "*":
            return fit(i + 1, j) or (bool(b) and fit(i, j + 1))
        if b == "*":
            return fit(i, j + 1) or (bool(a) and fit(i + 1, j))
        return bool(a and b) and (a == b or "?" in (a, b)) and fit(i + 1, j + 1)

    return fit(0, 0)
