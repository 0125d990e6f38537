"""What can be seen of a PromQL query without its grammar: the series that it reads."""

import re

from tui.domain.share import TEXT

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
    return tuple(dict.fromkeys(part.strip() for part in found if part))


_AGGREGATE = re.compile(
    r"\b(?:sum|avg|min|max|count|count_values|stddev|stdvar|group|topk|bottomk|quantile|histogram_quantile|on|ignoring)"
    r"\s*(?:\(|by\b|without\b)",
    re.IGNORECASE,
)
_TEXT = re.compile(TEXT, re.DOTALL)


def aggregates(query: str) -> bool:
    """Whether labels may have been summed away, so that those of the answer do not tell which series were read."""
    return _AGGREGATE.search(_TEXT.sub("", query)) is not None


def ranges(query: str) -> tuple[str, ...]:
    """The windows written in it: ``5m`` of ``rate(x[5m])``."""
    return tuple(re.findall(r"\[\s*([1-9]\d*[smhd])\s*\]", _TEXT.sub("", query)))


def newest_sample(selector: str) -> tuple[str, ...]:
    """What to ask, one after the other until there is an answer, for the time of the newest sample of some series.

    ``timestamp`` tells that of what is within the server's look-back; a look at every minute of an hour finds what
    is older.
    """
    return f"max(timestamp({selector}))", f"max(max_over_time(timestamp({selector})[1h:1m]))"


_QUANTILE = re.compile(r"\bhistogram_quantile\s*\(\s*(\d*\.?\d+)\s*,", re.IGNORECASE)


def quantile(query: str) -> float | None:
    """Which quantile a ``histogram_quantile`` gives; None where the query has none, or one that is worked out."""
    match = _QUANTILE.search(query)
    return float(match[1]) if match else None


def buckets(query: str) -> str:
    """What to ask for the buckets that a ``histogram_quantile`` is made of: for each bound, label ``le``, how many
    events up to it a window has, or, where the query names no window, how many series there are. Empty where it has
    none."""
    if "histogram_quantile" not in query:
        return ""
    asked = []
    for selector in selectors(query):
        if selector.partition("{")[0].strip().endswith("_bucket"):
            over = re.search(re.escape(selector) + r"\s*(\[\s*\w+\s*\])", query)
            selected = f"increase({selector}{over[1]})" if over else selector
            asked.append(f"{'sum' if over else 'count'} by (le) ({selected})")
    return " or ".join(asked)
