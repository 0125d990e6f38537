"""Job logs as GitLab keeps them: the runner's words around the job's output, sections, and a header on each row.

Contracts: gitlab §5.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache

import msgspec

from tui.sandbox.logs import Write, writes
from tui.sandbox.plan import State, TaskState
from tui.sandbox.world import Run


class Trace(msgspec.Struct, frozen=True):
    """What the runner has sent of one attempt, and what it has written."""

    sent: bytes
    written: bytes


def trace(run: Run, state: TaskState, attempt: int, now: float, *, every: float, rows: bool) -> Trace:
    """The log of one attempt at ``now``.

    Args:
        every: seconds between two times that the runner sends what it has.
        rows: whether it puts a time before each row (runners since 18.7).
    """
    attempt_state = state.attempts[attempt]
    if attempt_state.started_at is None:
        return Trace(b"", b"")
    if attempt_state.ended_at is not None:
        whole = _rendered(tuple(_told(run, state, attempt, now)), rows)
        return Trace(whole, whole)
    written = list(_told(run, state, attempt, now))
    sent_at = attempt_state.started_at + (now - attempt_state.started_at) // every * every
    sent = tuple(write for write in written if write.at <= sent_at)
    return Trace(_rendered(sent, rows), _rendered(tuple(written), rows))


def _told(run: Run, state: TaskState, attempt: int, now: float) -> Iterator[Write]:
    attempt_state = state.attempts[attempt]
    start = attempt_state.started_at or 0.0
    for at, data in _opening(run, start):
        if at > now or (attempt_state.ended_at is not None and at > attempt_state.ended_at):
            return
        yield Write(at, data)
    yield from writes(run, state, attempt, now)
    if attempt_state.ended_at is None:
        return
    end = attempt_state.ended_at
    section = "cleanup_file_variables"
    yield Write(end, _section("end", "step_script", end) + _section("start", section, end))
    yield Write(end, b"\x1b[36;1mCleaning up project directory and file based variables\x1b[0;m\n")
    yield Write(end, _section("end", section, end))
    yield Write(end, _ENDINGS.get(attempt_state.state, b"Job succeeded\n"))


_ENDINGS = {
    State.FAILED: b"\x1b[31;1mERROR: Job failed: exit code 1\x1b[0;m\n",
    State.CANCELED: b"\x1b[31;1mERROR: Job failed: canceled\x1b[0;m\n",
}


def _opening(run: Run, start: float) -> Iterator[tuple[float, bytes]]:
    yield start, b"\x1b[0KRunning with gitlab-runner 18.7.0 (a1b2c3d4)\x1b[0;m\n"
    yield start, b"\x1b[0K  on linux-1 x7Kq, system ID: s_0a1b2c\x1b[0;m\n"
    yield (
        start,
        _section("start", "prepare_executor", start) + b'\x1b[36;1mPreparing the "docker" executor\x1b[0;m\n',
    )
    yield (
        start,
        b"Using Docker image registry.example/ml/train:3 ...\n" + _section("end", "prepare_executor", start),
    )
    name = "get_sources"
    opened = _section("start", name, start, "[hide_duration=true,collapsed=true]")
    yield start, opened + b"\x1b[36;1mGetting source from Git repository\x1b[0;m\n"
    yield (
        start,
        f"Checking out {run.commit.sha[:8]} as detached HEAD (ref is {run.pipeline.ref})...\n".encode(),
    )
    yield start, _section("end", name, start) + _section("start", "step_script", start)
    yield start, b'\x1b[36;1mExecuting "step_script" stage of the job script\x1b[0;m\n'


def _section(kind: str, name: str, at: float, options: str = "") -> bytes:
    return f"section_{kind}:{int(at)}:{name}{options}\r\x1b[0K".encode()


@lru_cache(maxsize=8)
def _rendered(written: tuple[Write, ...], rows: bool) -> bytes:
    return b"".join(_rows(written)) if rows else b"".join(write.data for write in written)


def _rows(written: tuple[Write, ...]) -> Iterator[bytes]:
    """Each write as rows: the time, the stream, and ``+`` where a row goes on with the one before.

    A row ends with each write, and behind each lone carriage return.
    """
    mark = b" "
    for write in written:
        time = datetime.fromtimestamp(write.at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f").encode()
        head = time + (b"Z 01E" if write.error else b"Z 01O")
        data = write.data
        while data:
            line, end = data.find(b"\n"), data.find(b"\r")
            if end >= 0 and (line < 0 or end + 1 < line) and data[end + 1 : end + 2] != b"\n":
                row, data, following = data[: end + 1], data[end + 1 :], b"+"
            elif line >= 0:
                row, data, following = data[:line], data[line + 1 :], b" "
            else:
                row, data, following = data, b"", b"+"
            yield head + mark + row + b"\n"
            mark = following
