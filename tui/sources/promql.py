"""What can be seen of a PromQL query without its grammar: the series that it reads."""

import re

_TOKEN = re.compile(
    r"""
      \#[^\n]*                                                                # a comment
    | \[[^\]]*\]                                                              # a range
    | \b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)         # names of labels
    | \b(?:and|or|unless|bool|offset|start|end|inf|nan|atan2|group_left|group_right)\b    # words
    | (?P<selector>(?:[A-Za-z_:][\w:]*)?\s*\{(?:"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[^{}"'`])*\})
    | "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' | `[^`]*`                         # texts
    | [A-Za-z_:][\w:]*\s*(?:\(|(?=\b(?:by|without)\b))                        # functions
    | \d[\w.]*                                                                # numbers and durations
    | (?P<name>[A-Za-z_:][\w:]*)
    """,
    re.VERBOSE | re.IGNORECASE,
)


def selectors(query: str) -> tuple[str, ...]:
    """The series that ``query`` reads, each once: ``requests_total{track="canary"}``, without ranges and offsets."""
    found = (match["selector"] or match["name"] for match in _TOKEN.finditer(query))
    return tuple(dict.fromkeys(each.strip() for each in found if each))


def newest_sample(selector: str) -> tuple[str, ...]:
    """What to ask, one after the other until there is an answer, for the time of the newest sample of some series.

    ``timestamp`` tells that of what is within the server's look-back; a look at every minute of an hour finds what
    is older.
    """
    return f"max(timestamp({selector}))", f"max(max_over_time(timestamp({selector})[1h:1m]))"


def bucket_bounds(query: str) -> str:
    """What to ask for the bounds of the buckets, label ``le``, that a ``histogram_quantile`` is made of; empty where
    the query has none."""
    if "histogram_quantile" not in query:
        return ""
    buckets = [each for each in selectors(query) if each.partition("{")[0].strip().endswith("_bucket")]
    return " or ".join(f"count by (le) ({each})" for each in buckets)
