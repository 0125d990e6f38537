"""On which line of a TOML text a key stands: the parser of the standard library does not tell."""

import re
from collections.abc import Iterator

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_KEY = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"[ \t]*(?P<list>\[?)\[[ \t]*(?P<key>{_KEY})[ \t]*\]")
_SETTING = re.compile(rf"[ \t]*(?P<key>{_KEY})[ \t]*=")
_TEXT = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}' r"|'''.*?'{3,5}" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'" r"|#[^\n]*", re.DOTALL
)
_STEP = re.compile(r"(?:\.|\[)[^.\[]*$")


def line_of(text: str, key: str) -> int | None:
    """The line, from 1, where a key such as ``sources.ci.deployments[0].version`` is set; where it is not, or within a
    value, that of what it would be in. None for a table that is not there at all.

    Args:
        text: valid TOML.
    """
    lines = dict(_lines(text))
    while key not in lines and (shorter := _STEP.sub("", key)) != key:
        key = shorter
    return lines.get(key)


def _lines(text: str) -> Iterator[tuple[str, int]]:
    # Without what stands in texts and comments, but with all its line ends: what is left of it has only structure.
    bare = _TEXT.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text).split("\n")
    table, depth = "", 0
    counts: dict[str, int] = {}
    for number, (line, left) in enumerate(zip(text.split("\n"), bare, strict=True), 1):
        if depth == 0 and left.lstrip()[:1] == "[" and (header := _HEADER.match(line)):
            table = _resolved(header["key"], counts, whole=not header["list"])
            if header["list"]:
                counts[table] = counts.get(table, -1) + 1
                yield from ((table, number),) if not counts[table] else ()
                table = f"{table}[{counts[table]}]"
            yield table, number
            continue
        if depth == 0 and (setting := _SETTING.match(line)):
            yield ".".join(filter(None, (table, _plain(setting["key"])))), number
            left = left[setting.end() :]
        depth += sum(left.count(each) for each in "[{") - sum(left.count(each) for each in "]}")


def _resolved(key: str, counts: dict[str, int], *, whole: bool) -> str:
    """The table that a header means: of a list of tables the last one so far."""
    found = ""
    parts = re.findall(_PART, key)
    for at, part in enumerate(parts):
        found = ".".join(filter(None, (found, _plain(part))))
        if found in counts and (whole or at < len(parts) - 1):
            found = f"{found}[{counts[found]}]"
    return found


def _plain(key: str) -> str:
    return ".".join(part.strip("\"'") for part in re.findall(_PART, key))
