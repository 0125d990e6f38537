"""Other people's text made safe for a terminal: the one place where that happens."""

import re

_UNSAFE = re.compile(
    # Escape sequences: OSC, then DCS/SOS/PM/APC, then CSI, then the two-character ones.
    r"\x1b(?:\][^\x07\x1b]*(?:\x07|\x1b\\)?|[PX^_][^\x1b]*(?:\x1b\\)?|\[[0-?]*[ -/]*[@-~]|[ -/]*[0-~])"
    # C0 but tab and newline, DEL, C1, line separators, bidi controls; joiners and VS16, which change the width of
    # their neighbours in some terminals and not in others.
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u061c\u202a-\u202e\u2060-\u2069\ufe0f\ufeff]"
)


def clean(text: str) -> str:
    """``text`` on one line, with nothing in it that a terminal would obey.

    Escape sequences, control characters and bidirectional overrides are removed, tabs become four spaces and
    newlines one. Markup such as ``[red]`` is text and stays: widgets never parse it.
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE.sub("", text).replace("\t", "    ").replace("\n", " ")


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
