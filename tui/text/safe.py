"""Other people's text made safe for a terminal: the one place where that happens."""

import re
import unicodedata
from functools import cache

UNSEEN = (
    "\u00ad\u034f"  # soft hyphen, grapheme joiner
    "\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"  # Arabic and Syriac format characters
    "\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # fillers that show nothing
    "\u180b-\u180f"  # Mongolian selectors
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f"  # joiners, line separators, directions, invisible operators
    "\ufe00-\ufe0f\ufeff\ufff0-\ufffb"  # selectors, byte order mark, interlinear annotations
    "\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # other scripts' own
    "\U000e0000-\U000e0fff"  # tags and more selectors
)
"""What shows nothing, but hides text, turns it round, or changes the width of its neighbours in some terminals and not
in others. A class of a regular expression."""
MOST_MARKS = 4
"""Combining marks on one letter: some scripts need three, and what has more climbs over other lines."""

_UNSAFE = re.compile(
    # Escape sequences: OSC, then DCS/SOS/PM/APC, then CSI, then the two-character ones.
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~])"
    rf"|[\x00-\x08\x0b-\x1f\x7f-\x9f{UNSEEN}]"  # C0 but tab and newline, DEL, C1
)
_STYLE = r"(?:\x1b\[[0-9;:]*m)*"  # logs keep theirs
# All marks are among these, and much else. In two, for a class of several planes is searched fifty times slower.
_PERHAPS_MARK = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u06d6-\u0dff\u0e31-\u0e4e\u0eb1-\u0ece"
    "\u0f18-\u1fff\u20d0-\u20ff\u2cef-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\uabff\ufb1e\ufe20-\ufe2f]"
)
_PERHAPS_HIGH_MARK = re.compile("[\U00010000-\U0001efff]")


def is_mark(char: str) -> bool:
    """Whether it is drawn over the character before it."""
    return unicodedata.category(char) in ("Mn", "Me")


@cache
def _stacked(end: int) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """More marks in a row than may be, after those that may; and one of them. Those below the code point ``end``."""
    mark = f"[{''.join(filter(is_mark, map(chr, range(0x300, end))))}]"
    return re.compile(f"((?:{mark}{_STYLE}){{{MOST_MARKS}}})((?:{mark}{_STYLE})+)"), re.compile(mark)


def without_stacks(text: str) -> str:
    """``text`` with :data:`MOST_MARKS` combining marks on a letter at most. Colours in it stay."""
    high = _PERHAPS_HIGH_MARK.search(text)
    if not high and not _PERHAPS_MARK.search(text):
        return text
    stacked, mark = _stacked(0x1F000 if high else 0x10000)
    return stacked.sub(lambda found: found[1] + mark.sub("", found[2]), text)


def clean(text: str) -> str:
    """``text`` on one line, with nothing in it that a terminal would obey.

    Escape sequences, control characters and all that shows nothing are removed, of many combining marks the first few
    stay, tabs become four spaces and newlines one. Markup such as ``[red]`` is text and stays: widgets never parse it.
    """
    if text.isascii() and text.isprintable():
        return text
    return without_stacks(_UNSAFE.sub("", text).replace("\t", "    ").replace("\n", " "))


def clean_lines(text: str, limit: int = 100_000) -> str:
    """``text`` with its lines kept, each cleaned; of a progress bar only what is seen at the end.

    Of more than ``limit`` characters the beginning and the end stay, with the number of those left out between.
    """
    if len(text) > limit:
        half = limit // 2
        text = f"{text[:half]}\n… {len(text) - 2 * half:,} characters left out …\n{text[-half:]}"
    lines = text.rstrip().split("\n")
    return "\n".join(clean(line.rstrip("\r").rpartition("\r")[2]) for line in lines)


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters of ``text``, the last one ``…`` where something was cut."""
    return text if len(text) <= limit else text[: max(0, limit - 1)] + "…"
