"""A log's bytes made safe for a terminal: the bulk counterpart of :mod:`tui.text`, which keeps colours.

All functions work on blocks of whole lines, each ended by a newline: no character and no sequence that may stay is
ever cut. Blocks without escapes cost a few passes of C code.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice

from tui.text.safe import without_stacks

RESET = b"\x1b[0m"

_SGR = re.compile(rb"\x1b\[[0-9;:]{0,128}m")
# What is not one of the plain sequences that most logs have and nothing else: they need no second look.
_UNUSUAL = re.compile(rb"\x1b(?!\[(?:0|1(?:;[349][0-7])?|[34][0-79]?|9[0-7]?|2|7)m)")
_LEFT_OPEN = re.compile(rb"\x1b\[(?!0m)[0-9;:]*m[^\x1b\n]*\n")  # a line whose last sequence is not the reset
# Every escape sequence but SGR, longest form first. One that is cut off loses its introducer only, so that the text
# behind it stays readable; an escape character that introduces nothing goes alone.
_FOREIGN = re.compile(
    rb"\x1b(?!\[[0-9;:]{0,128}m)(?:"
    rb"\][^\x07\x1b\n]*(?:\x07|\x1b\\)"  # OSC: titles, clipboard, links
    rb"|[PX^_][^\x1b\n]*\x1b\\"  # DCS, SOS, PM, APC
    rb"|\[[0-?]*[ -/]*[@-~]"  # CSI
    rb"|[ -/]+[0-~]"  # character sets and the like
    rb"|[0-~])?"
)
_LINK = re.compile(
    rb"\x1b\]8;[^;\x07\x1b\n]*;([^\x07\x1b\n]*)(?:\x07|\x1b\\)"
    rb"([^\n]*?)(?:\x1b\]8;[^;\x07\x1b\n]*;(?:\x07|\x1b\\)|(?=\x1b\]8;|\n))"
)
_DROPPED = bytes(code for code in (*range(0x20), 0x7F) if code not in b"\t\n\x1b")
# The same characters as in tui.text, as UTF-8: by their first byte, which is found many times faster than a class.
_UNSAFE = (
    (b"\xc2", re.compile(rb"\xc2[\x80-\x9f\xad]")),  # C1, soft hyphen
    (b"\xcd", re.compile(rb"\xcd\x8f")),
    (b"\xd8", re.compile(rb"\xd8[\x80-\x85\x9c]")),
    (b"\xdb", re.compile(rb"\xdb\x9d")),
    (b"\xdc", re.compile(rb"\xdc\x8f")),
    (b"\xe0", re.compile(rb"\xe0\xa2[\x90\x91]|\xe0\xa3\xa2")),
    (b"\xe1", re.compile(rb"\xe1(?:\x85[\x9f\xa0]|\x9e[\xb4\xb5]|\xa0[\x8b-\x8f])")),
    # Joiners, direction marks, line separators, bidi embeddings and isolates, invisible operators
    (b"\xe2", re.compile(rb"\xe2(?:\x80[\x8b-\x8f\xa8-\xae]|\x81[\xa0-\xaf])")),
    (b"\xe3\x85\xa4", re.compile(rb"\xe3\x85\xa4")),
    # Selectors, byte order mark, fillers, interlinear annotations
    (b"\xef", re.compile(rb"\xef(?:\xb8[\x80-\x8f]|\xbb\xbf|\xbe\xa0|\xbf[\xb0-\xbb])")),
    (
        b"\xf0",
        re.compile(
            rb"\xf0(?:\x91\x82\xbd|\x91\x83\x8d|\x93\x90[\xb0-\xbf]|\x93\x91[\x80-\x9f]|\x9b\xb2[\xa0-\xa3]"
            rb"|\x9d\x85[\xb3-\xba])"
        ),
    ),
    (b"\xf3\xa0", re.compile(rb"\xf3\xa0[\x80-\xbf][\x80-\xbf]")),  # tags and more selectors
)


def neutral(block: bytes) -> bytes:
    """``block`` with printable text, tabs, newlines and SGR sequences only, as valid UTF-8."""
    if b"\x1b" in block:
        block = block.replace(b"\x1b[0;m", RESET)  # as GitLab's runner writes it
        if _UNUSUAL.search(block):
            block = _plain_styles(_FOREIGN.sub(b"", _LINK.sub(_with_target, block)))
    block = block.translate(None, _DROPPED)
    if not block.isascii():
        block = _printable(block)
    return block


def _with_target(link: re.Match[bytes]) -> bytes:
    target, text = link[1], link[2]
    return text if not target or target in text else text + b" (" + target + b")"


def _printable(block: bytes) -> bytes:
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        block = block.decode("utf-8", "replace").encode()
    for lead, pattern in _UNSAFE:
        if lead in block:
            block = pattern.sub(b"", block)
    text = block.decode()
    fewer = without_stacks(text)
    return block if fewer is text else fewer.encode()


def last_segments(block: bytes) -> bytes:
    """``block`` with each line as a terminal would leave it: what follows its last lone carriage return.

    Carriage returns before a newline belong to the newline. Styles set in the overwritten text stay in force.
    """
    at = block.find(b"\r")
    if at < 0:
        return block
    parts: list[bytes] = []
    done = 0
    while at >= 0:
        start = block.rfind(b"\n", done, at) + 1 or done
        end = block.find(b"\n", at)
        line = block[at:end].rstrip(b"\r")
        cut = at + line.rfind(b"\r") + 1 if line else start
        overwritten = block[start:cut]
        parts += (
            block[done:start],
            styles_of(overwritten) if b"\x1b" in overwritten else b"",
            block[cut:end].rstrip(b"\r"),
        )
        done = end
        at = block.find(b"\r", end)
    parts.append(block[done:])
    return b"".join(parts)


# What the codes of an SGR sequence set, and which of them take it back. Not here, and so dropped: blinking (5, 6),
# concealment (8: a log shows what it holds), fonts, frames, underline colours.
_SETS = {
    b"1": "bold", b"2": "dim", b"3": "italic", b"4": "underline", b"21": "underline", b"7": "reverse",
    b"9": "strike", b"53": "overline",
    **{b"%d" % code: "colour" for code in (*range(30, 38), *range(90, 98))},
    **{b"%d" % code: "ground" for code in (*range(40, 48), *range(100, 108))},
}  # fmt: skip
_TAKES_BACK = {
    b"22": ("bold", "dim"), b"23": ("italic",), b"24": ("underline",), b"27": ("reverse",), b"29": ("strike",),
    b"39": ("colour",), b"49": ("ground",), b"55": ("overline",),
}  # fmt: skip
_EXTENDED = {b"38": "colour", b"48": "ground", b"58": ""}  # codes with a colour behind them


def self_contained(block: bytes, style: bytes) -> tuple[bytes, bytes]:
    """The neutral ``block`` with each line beginning and ending without style, given the style in force before it.

    Styles are SGR codes, empty for none. Returns the style in force after the block too.
    """
    if not style and (b"\x1b" not in block or not _LEFT_OPEN.search(block)):
        return block, style
    lines = block.split(b"\n")
    for index, line in enumerate(lines):
        if b"\x1b" in line:
            before = style
            if line.rfind(b"\x1b") == line.rfind(RESET):
                style = b""
            else:
                for sequence in _SGR.findall(line):
                    style = _after(style, sequence[2:-1])
                line += RESET if style else b""
            lines[index] = b"\x1b[" + before + b"m" + line if before else line
        elif style and line:
            lines[index] = b"\x1b[" + style + b"m" + line + RESET
    return b"\n".join(lines), style


def styles_of(text: bytes) -> bytes:
    """The one SGR sequence that does what all those in ``text`` do; empty when there is none."""
    codes = b""
    for sequence in _SGR.findall(text):
        codes = _together(codes, sequence[2:-1])
    return b"\x1b[" + codes + b"m" if codes else b""


def without_styles(text: bytes) -> bytes:
    """Canonical ``text`` without its colours."""
    return _SGR.sub(b"", text) if b"\x1b" in text else text


def _plain_styles(block: bytes) -> bytes:
    """``block`` with its SGR sequences in their shortest usual form, so that a reset has one spelling."""
    sequences = set(_SGR.findall(block))
    odd = {sequence: plain for sequence in sequences if (plain := styles_of(sequence)) != sequence}
    if len(odd) > 8:
        return _SGR.sub(lambda found: odd.get(found[0], found[0]), block)
    for sequence, plain in odd.items():
        block = block.replace(sequence, plain)
    return block


@lru_cache(maxsize=4096)
def _together(first: bytes, second: bytes) -> bytes:
    """The SGR codes that do what ``first`` and then ``second`` do."""
    reset, slots = _slots(first, second or b"0")
    return b";".join([b"0"] * reset + list(dict.fromkeys(slots.values())))


@lru_cache(maxsize=4096)
def _after(style: bytes, codes: bytes) -> bytes:
    """The style in force after ``codes`` where ``style`` was: without resets and what takes back."""
    _, slots = _slots(style, codes or b"0")
    return b";".join(dict.fromkeys(code for code in slots.values() if code not in _TAKES_BACK))


def _slots(*sequences: bytes) -> tuple[bool, dict[str, bytes]]:
    """Whether the codes reset, and what they say after that: for each thing they change, the code that did it last."""
    reset = False
    slots: dict[str, bytes] = {}
    for codes in filter(None, sequences):
        for names, code in _units(codes):
            if not names:
                reset = True
                slots.clear()
            for name in names:
                slots.pop(name, None)
            slots.update(dict.fromkeys(names, code))
    return reset, slots


def _units(codes: bytes) -> Iterator[tuple[tuple[str, ...], bytes]]:
    """Each code of an SGR sequence with the things it changes: none for a reset. Unknown codes are left out."""
    parts = iter(codes.split(b";"))
    for part in parts:
        written, *arguments = part.split(b":")
        code = written.lstrip(b"0") or b"0"
        if code in _EXTENDED:
            if not arguments:
                mode = next(parts, b"")
                arguments = [mode, *islice(parts, {b"5": 1, b"2": 3}.get(mode, 0))]
            if (name := _EXTENDED[code]) and (colour := _colour(arguments)):
                yield (name,), code + b";" + colour
        elif code == b"4" and arguments == [b"0"]:
            yield ("underline",), b"24"
        elif code in _TAKES_BACK:
            yield _TAKES_BACK[code], code
        elif code in _SETS:
            yield (_SETS[code],), code
        elif code == b"0":
            yield (), code


def _colour(arguments: list[bytes]) -> bytes:
    """``5;N`` or ``2;R;G;B``; empty when it is neither."""
    mode, *values = arguments
    values = values[-3:] if mode == b"2" else values  # 38:2::R:G:B has a colour space before them
    if len(values) != {b"5": 1, b"2": 3}.get(mode) or not all(
        v.isdigit() and len(v) < 4 and int(v) < 256 for v in values
    ):
        return b""
    return b";".join((mode, *values))
