"""Metric queries with placeholders.

A placeholder is one of a closed list of names in braces, found by a regex and never by ``str.format``: PromQL is
full of braces (contracts: metrics, section 6). ``{version}`` is inserted for use inside a double-quoted PromQL
string, ``{version:re}`` for use in a regex matcher (``=~``); in a JSON pointer or a URI it is one step of the path.
"""

import re
from collections.abc import Mapping
from typing import Literal
from urllib.parse import quote

Dialect = Literal["promql", "pointer", "uri"]

PLACEHOLDERS = ("environment", "version", "track", "window", "step", "model", "namespace")

_BRACED_WORD = re.compile(r"\{([A-Za-z_]\w*)(:re)?\}")
_RE2_SPECIAL = re.compile(r"([\\.+*?()|\[\]{}^$])")


class TemplateError(ValueError):
    """A query names a placeholder that does not exist or has no value."""


def placeholders(query: str, dialect: Dialect = "promql") -> frozenset[str]:
    """The placeholder names used in ``query``.

    Raises:
        QueryError: for a braced word that is not a placeholder.
    """
    if dialect != "promql" and (match := re.search(r"\{(\w+):re\}", query)):
        raise TemplateError(f"{{{match[1]}:re}} is for a regex matcher, which this type of source has not")
    names = frozenset(match[1] for match in _BRACED_WORD.finditer(query))
    if unknown := sorted(names.difference(PLACEHOLDERS)):
        raise TemplateError(f"unknown placeholder {{{unknown[0]}}}; allowed: {', '.join(PLACEHOLDERS)}")
    return names


def fill(query: str, values: Mapping[str, str], dialect: Dialect = "promql") -> str:
    """``query`` with each placeholder replaced by its escaped value.

    Values come from branch names and tags, which are other people's text: quotes, backslashes and newlines are
    escaped so that no value can end the string it stands in.

    Raises:
        QueryError: for a placeholder that is unknown or has no value.
    """

    def value(match: re.Match[str]) -> str:
        name, as_regex = match[1], match[2]
        if name not in values:
            raise TemplateError(f"no value for {{{name}}}; allowed here: {', '.join(sorted(values))}")
        text = values[name]
        if as_regex:
            text = _RE2_SPECIAL.sub(r"\\\1", text)
        match dialect:
            case "pointer":
                return text.replace("~", "~0").replace("/", "~1")
            case "uri":
                return quote(text, safe="")
        return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    placeholders(query, dialect)
    return _BRACED_WORD.sub(value, query)
