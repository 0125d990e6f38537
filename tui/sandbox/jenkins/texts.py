"""How Jenkins sends logs: whole, by steps, and by ``progressiveText`` of three generations (contracts: jenkins §9)."""

import json
import re
from collections.abc import Mapping

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response

from tui.sandbox.jenkins import pages
from tui.sandbox.jenkins.console import NOTE, console, leaves, stage_log, step_id, step_log
from tui.sandbox.logs import packed
from tui.sandbox.world import Run, World

UNSTRIPPED = (2, 509)
STREAMING = (2, 534)
_BOUNDARY = "f3a1c0de-0b5e-4d1c-9a57-1c5e5b2f7a90"
_LONE_LF = re.compile(rb"(?<!\r)\n")
_LINE_END = re.compile(rb"\r\n|\n|\r")


class LogSettings(msgspec.Struct, frozen=True):
    version: str
    """Of the core."""
    place: str
    """What tells of stages and steps; empty for a run that has none."""
    limit: int
    """Lines of a growing log in one answer."""
    windows: bool


class Text(msgspec.Struct, frozen=True):
    """A log as it lies on the controller's disk."""

    raw: bytes
    more: bool
    """It will grow."""


def log_answer(
    world: World, run: Run, path: list[str], query: Mapping[str, str], asked: Headers, settings: LogSettings
) -> Response | None:
    """The answer to what asks for a log, or for the steps that have one; None to anything else."""
    seen, now = world.progress(run), world.now()
    more = not seen.state.finished
    match path:
        case ["logText", "progressiveText"]:
            return _growing(Text(run_log(world, run, windows=settings.windows), more), query, asked, settings)
        case ["consoleText"]:
            body, headers = packed(
                NOTE.sub(b"", run_log(world, run, windows=settings.windows)), asked.get("accept-encoding", "")
            )
            return Response(body, 200, headers, "text/plain;charset=utf-8")
        case ["execution", "node", node, "log", "logText", "progressiveText"] if node.isdigit():
            found = step_log(run, seen, now, int(node), windows=settings.windows)
            return _growing(Text(*found), query, asked, settings) if found else None
        case ["execution", "node", node, "wfapi", "describe"] if settings.place == "wfapi":
            flows = [
                {"id": step, "_links": {"log": {"href": f"/execution/node/{step}/wfapi/log"}}}
                for leaf in leaves(run, seen, now)
                if str(leaf.id) == node and (step := str(step_id(leaf)))
            ]
            return _told({"id": node, "stageFlowNodes": flows})
        case [there, "steps" | "allSteps" as which] if there == settings.place:
            steps = [
                {"id": str(step_id(leaf)), "name": "Shell Script", "type": "STEP", "stageId": str(leaf.id)}
                for leaf in leaves(run, seen, now)
                if which == "allSteps" or query.get("nodeId") == str(leaf.id)
            ]
            return _told({"status": "ok", "data": {"steps": steps, "runIsComplete": not more}})
        case [there, "log"] if there == settings.place and query.get("nodeId", "").isdigit():
            text = stage_log(run, seen, now, int(query["nodeId"]), windows=settings.windows)
            return Response(text or b"No logs found\n", 200, media_type="text/plain;charset=utf-8")
    return None


def run_log(world: World, run: Run, *, windows: bool = False) -> bytes:
    """The log of a build as it lies on the controller's disk now."""
    seen, since = world.progress(run), world.forgotten(run) or 0.0
    return console(run, seen, world.now(), since=since, windows=windows)


def _told(value: object) -> Response:
    return Response(msgspec.json.encode(value), 200, media_type="application/json;charset=utf-8")


def _growing(text: Text, query: Mapping[str, str], asked: Headers, settings: LogSettings) -> Response:
    try:
        return progressive(text, query, asked, settings.version, settings.limit)
    except ValueError as error:
        return Response(pages.jenkins_page("Oops!", str(error)), 500, media_type=pages.HTML)


def progressive(text: Text, query: Mapping[str, str], asked: Headers, version: str, limit: int) -> Response:
    """The answer to ``logText/progressiveText``.

    Args:
        limit: lines that one answer about a growing text holds at most.

    Raises:
        ValueError: ``start`` is no number.
    """
    core = tuple(int(part) for part in version.split(".")[:2])
    start = int(query.get("start", 0))
    if core >= STREAMING and asked.get("accept", "").startswith("multipart/form-data"):
        return _parts(text, start, asked)
    raw = text.raw
    if start < 0:
        return _answer(b"", len(raw), text, asked)
    if start > len(raw):
        start = 0
    data = raw[start:]
    if text.more:
        ends = [match.end() for match in _LINE_END.finditer(data)]
        data = data[: ends[min(len(ends), limit) - 1]] if ends else b""
    if core >= UNSTRIPPED:
        return _answer(data, len(raw), text, asked)
    return _answer(NOTE.sub(b"", data), start + len(data), text, asked)


def _answer(data: bytes, size: int, text: Text, asked: Headers) -> Response:
    body = _LONE_LF.sub(b"\r\n", data).decode(errors="replace").encode()
    headers = {"X-Text-Size": str(size)} | ({"X-More-Data": "true"} if text.more else {})
    body, more = packed(body, asked.get("accept-encoding", ""))
    return Response(body, headers={**headers, **more, "Content-Type": "text/plain;charset=utf-8"})


def _parts(text: Text, start: int, asked: Headers) -> Response:
    """The text from ``start``, or the last ``-start`` bytes of it from a line on, and what is known of it.

    The head of an unfinished line is counted but not sent, as real ones have it (contracts: jenkins §9.4).
    """
    raw = text.raw
    meta: dict[str, object] = {"completed": not text.more, "end": len(raw)}
    if start < 0:
        start = max(0, len(raw) + start)
        if start:
            start = raw.find(b"\n", start - 1) + 1 or len(raw)
        meta["startFromNewLine"] = True
    start = 0 if start > len(raw) else start
    meta["start"] = start
    data = raw[start:]
    data = NOTE.sub(b"", data[: data.rfind(b"\n") + 1] if text.more else data)
    body = b"".join(
        b'--%b\r\nContent-Disposition: form-data; name="%b"\r\nContent-Type: %b\r\n\r\n%b\r\n'
        % (_BOUNDARY.encode(), name, kind, content)
        for name, kind, content in (
            (b"text", b"text/plain;charset=utf-8", data),
            (b"meta", b"application/json;charset=utf-8", json.dumps(meta).encode()),
        )
    )
    body, more = packed(body + f"--{_BOUNDARY}--\r\n".encode(), asked.get("accept-encoding", ""))
    return Response(body, headers={**more, "Content-Type": f"multipart/form-data;boundary={_BOUNDARY}"})
