"""A log read the simple way: the whole text at once, line by line, character by character.

What the parsers do in bulk and piece by piece must come out the same.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime

Cell = tuple[str, frozenset[str]]
"""A character, and the SGR codes in force on it."""

ENDS = {
    "22": {"1", "2"}, "23": {"3"}, "24": {"4", "21"}, "27": {"7"}, "29": {"9"}, "55": {"53"},
    "39": {str(code) for code in (*range(30, 38), *range(90, 98))},
    "49": {str(code) for code in (*range(40, 48), *range(100, 108))},
}  # fmt: skip
GROUPS = (*ENDS.values(),)
ALONE = {"1", "2"}  # bold and dim end together but do not replace each other
INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200b-\u200f\u061c\u202a-\u202e\u2060-\u2069\ufe0f\ufeff]"
)


@dataclass
class Line:
    cells: list[Cell]
    time: float | None
    position: int

    @property
    def text(self) -> str:
        return "".join(character for character, _ in self.cells)


@dataclass
class Part:
    """A section."""

    name: str
    header: str
    first: int
    parent: int | None
    collapsed: bool
    opened_at: float | None
    last: int | None = None
    closed_at: float | None = None


@dataclass
class Log:
    lines: list[Line] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    late: list[tuple[str, int]] = field(default_factory=list)
    """Sections that their parent took along when it ended."""


def style_after(style: frozenset[str], codes: str) -> frozenset[str]:
    """``style`` after one SGR sequence."""
    now = set(style)
    parts = codes.split(";")
    while parts:
        code, *sub = parts.pop(0).split(":")
        code = code.lstrip("0") or "0"
        if code == "0":
            now.clear()
        elif code == "4" and sub == ["0"]:
            now -= {"4", "21"}
        elif code in ("38", "48", "58"):
            mode = sub[0] if sub else parts.pop(0) if parts else ""
            count = {"5": 1, "2": 3}.get(mode, 0)
            values = (
                sub[1:][-3 if mode == "2" else 0 :] if sub else [parts.pop(0) for _ in range(count) if parts]
            )
            good = len(values) == count > 0 and all(
                re.fullmatch(r"\d{1,3}", v) and int(v) < 256 for v in values
            )
            if good and code != "58":
                ground = "39" if code == "38" else "49"
                now = {old for old in now if old not in ENDS[ground] and not old.startswith(code + ";")}
                now.add(";".join((code, mode, *values)))
        elif code in ENDS:
            now = {old for old in now if old not in ENDS[code] and not old.startswith(f"{int(code) - 1};")}
        else:
            for group in GROUPS:
                if code in group:
                    now -= {code} if code in ALONE else group
                    if code in ENDS["39"] | ENDS["49"]:
                        prefix = "38;" if code in ENDS["39"] else "48;"
                        now = {old for old in now if not old.startswith(prefix)}
                    now.add(code)
    return frozenset(now)


def cells_of(canonical: bytes) -> list[Cell]:
    """A canonical line as cells; it must begin and end without style."""
    cells, style = _drawn(canonical, frozenset())
    assert not style
    return cells


def shown(raw: bytes, style: frozenset[str]) -> tuple[list[Cell], frozenset[str]]:
    """What a raw line (without its newline) shows, with the style before it, and the style after it."""
    segments = raw.rstrip(b"\r").split(b"\r")
    for overwritten in segments[:-1]:
        for sequence in re.findall(rb"\x1b\[([0-9;:]{0,128})m", overwritten):
            style = style_after(style, sequence.decode())
    return _drawn(_with_targets(segments[-1]), style)


def _with_targets(raw: bytes) -> bytes:
    """Links as text with their target."""
    first, *pairs = re.split(rb"\x1b\]8;[^;\x07\x1b]*;([^\x07\x1b]*)(?:\x07|\x1b\\)", raw)
    for target, text in zip(pairs[::2], pairs[1::2], strict=True):
        first += text + (b" (" + target + b")" if target and target not in text else b"")
    return first


def _drawn(raw: bytes, style: frozenset[str]) -> tuple[list[Cell], frozenset[str]]:
    cells: list[Cell] = []
    run = b""

    def flush() -> None:
        nonlocal run
        text = INVISIBLE.sub("", run.decode("utf-8", "replace"))
        cells.extend((character, style) for character in text)
        run = b""

    at = 0
    while at < len(raw):
        if raw[at] == 0x1B:
            if sgr := re.compile(rb"\x1b\[([0-9;:]{0,128})m").match(raw, at):
                if _mark(sgr[1]):
                    flush()
                    style = style_after(style, sgr[1].decode())
                at = sgr.end()
                continue
            for foreign in (
                rb"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)",
                rb"\x1b[PX^_][^\x1b]*\x1b\\",
                rb"\x1b\[[0-?]*[ -/]*[@-~]",
                rb"\x1b[ -/]+[0-~]",
                rb"\x1b[0-~]",
                rb"\x1b",
            ):
                if match := re.compile(foreign).match(raw, at):
                    at = match.end()
                    break
        elif raw[at] in b"\x7f" + bytes(range(9)) + bytes(range(10, 32)):
            at += 1
        else:
            run += raw[at : at + 1]
            at += 1
    flush()
    return cells, style


def jenkins(data: bytes) -> Log:
    log = Log()
    style: frozenset[str] = frozenset()
    position = depth = 0
    step = ""
    stack: list[tuple[str, int]] = []
    for raw in _rows(data.replace(b"\r\n", b"\n")):
        start, position = position, position + len(raw) + 1
        raw = re.sub(rb"\x1b\[8mha:[A-Za-z0-9+/=:-]*(\x1b\[0m)?", b"", raw)
        raw = re.sub(rb"\[8mha:[A-Za-z0-9+/=:-]+\[0m", b"", raw)
        cells, style = shown(raw, style)
        text = _with_styles_marked(raw)
        time = None
        stamp = re.match(r"\[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{3})Z\] ", text, re.ASCII)
        if stamp and (time := utc(stamp[1], stamp[2])) is not None:
            cells, text = cells[stamp.end() :], text[stamp.end() :]
        line = len(log.lines)
        if text.startswith("[Pipeline] "):
            cells, style = [(character, frozenset({"2"})) for character, _ in cells], frozenset()
            marker = text.removeprefix("[Pipeline] ")
            if marker == "parallel":
                depth += 1
                if depth == 1:
                    _begin(log, stack, "parallel", Part("parallel", "parallel", line, None, False, time))
            elif marker == "// parallel":
                depth = max(0, depth - 1)
                if not depth:
                    _end(log, stack, "parallel", line + 1, time)
            elif marker == "// stage" and not depth:
                _end(log, stack, "stage", line + 1, time)
            elif marker.startswith("{ (") and step == "stage" and not depth:
                name = marker[3:].removesuffix(")").replace(_STYLE, "")
                _begin(log, stack, "stage", Part(name, name[:200], line, None, False, time))
            if not marker.startswith(("{", "}", "//")):
                step = marker
        log.lines.append(Line(cells, time, start))
    return log


def gitlab(data: bytes) -> Log:
    log = Log()
    style: frozenset[str] = frozenset()
    stack: list[tuple[str, int]] = []
    for raw, time, start in _logical_rows(data):
        marker = re.compile(
            rb"section_(start|end):(\d{1,20}):([A-Za-z0-9_.-]{1,200})(\[[^\]\r\n]{0,500}\])?"
            rb"(?:\r\x1b\[0?K|\x1b\[0?K|\r|$)"
        )
        at = 0
        waiting = ""
        rest = raw
        while True:
            found = marker.search(raw, at)
            piece = raw[at : found.start()] if found else raw[at:]
            cells, style = shown(piece, style)
            if cells or waiting or (found is None and rest is raw):
                named: list[Cell] = [] if cells else [(character, style) for character in waiting]
                log.lines.append(Line(cells or named, time, start))
                waiting = ""
            if found is None:
                break
            rest = b""
            at = found.end()
            name = found[3].decode()
            moment = float(found[2]) if float(found[2]) < 1e11 else None
            line = len(log.lines)
            if found[1] == b"end":
                _end(log, stack, name, line, moment)
            else:
                following = marker.search(raw, at)
                header = raw[at : following.start()] if following else raw[at:]
                words = "".join(character for character, _ in shown(header, style)[0])
                collapsed = b"collapsed=true" in (found[4] or b"")
                _begin(log, stack, name, Part(name, (words or name)[:200], line, None, collapsed, moment))
                waiting = name
    return log


_STYLE = "\x01"
_EVERYTHING = frozenset(("1", "2", "3", "4", "7", "9", "53", "31", "41"))


def _with_styles_marked(raw: bytes) -> str:
    """What a raw line shows, with a mark for each style sequence: prefixes are recognised only without one inside."""
    *overwritten, last = raw.rstrip(b"\r").split(b"\r")
    marked = "".join(
        _mark(codes) for codes in re.findall(rb"\x1b\[([0-9;:]{0,128})m", b"\r".join(overwritten))
    )[:1]
    for part in re.split(rb"(\x1b\[[0-9;:]{0,128}m)", _with_targets(last)):
        sgr = re.fullmatch(rb"\x1b\[([0-9;:]{0,128})m", part)
        marked += (
            _mark(sgr[1]) if sgr else "".join(character for character, _ in _drawn(part, frozenset())[0])
        )
    return marked


def _mark(codes: bytes) -> str:
    styles = (frozenset[str](), _EVERYTHING)
    return _STYLE if any(style_after(style, codes.decode()) != style for style in styles) else ""


def _rows(data: bytes) -> list[bytes]:
    rows = data.split(b"\n")
    return rows if rows[-1] else rows[:-1]


def _logical_rows(data: bytes) -> list[tuple[bytes, float | None, int]]:
    """The rows of a trace without headers, joined where they continue each other; when and where each began."""
    header = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{6})Z [0-9a-f]{2}[EO]([ +])")
    timed = header.match(data) is not None
    begun = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]*Z?(?: [0-9a-f]{0,2}[EO]?)?")
    colours = re.compile(rb"(?:\x1b\[[0-9;:]{0,128}[mK])+\r*")
    logical: list[tuple[bytes, float | None, int]] = []
    position = 0
    invisible = False
    rows = data.split(b"\n")
    for number, row in enumerate(rows):
        start, position = position, position + len(row) + 1
        last = number == len(rows) - 1
        if last and (not row or (timed and len(row) < 32 and begun.fullmatch(row))):
            break
        found = header.match(row) if timed else None
        own = found[3] == b" " if found is not None else not timed
        invisible = own and colours.fullmatch(row[32:] if timed else row) is not None
        if found is None:
            logical.append((row, None, start))
        elif found[3] == b"+" and logical:
            text, time, where = logical[-1]
            logical[-1] = (text + row[32:], time, where)
        else:
            logical.append((row[32:], utc(found[1].decode(), found[2].decode()), start))
    return logical[:-1] if invisible else logical


def _begin(log: Log, stack: list[tuple[str, int]], key: str, part: Part) -> None:
    if len(stack) < 64:
        part.parent = stack[-1][1] if stack else None
        stack.append((key, len(log.parts)))
        log.parts.append(part)


def _end(log: Log, stack: list[tuple[str, int]], key: str, line: int, time: float | None) -> None:
    """End the innermost section ``key`` and what is open in it; or tell when one ended that its parent took along."""
    if any(key == name for name, _ in stack):
        while True:
            name, number = stack.pop()
            log.parts[number].last = line - 1
            if name == key:
                log.parts[number].closed_at = time
                log.late = [other for other in log.late if other[1] != number]
                return
            log.late.append((name, number))
    for late in reversed(log.late):
        if late[0] == key:
            log.parts[late[1]].closed_at = time
            log.late.remove(late)
            return


def utc(second: str, fraction: str) -> float | None:
    """The time ``2026-05-08T09:28:43`` and ``.725``, None when there is no such time."""
    try:
        return datetime.fromisoformat(second + "+00:00").timestamp() + float(fraction)
    except ValueError:
        return None
