"""A terminal for a program under test: a pty, an emulator that keeps the screen, and every byte that came.

Linux only where memory and processor time are read (``/proc``).
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyte

PATIENCE = 180.0
"""Seconds after which a wait is given up: a loaded machine is slow, a broken program is so for ever."""
_SLICE = 0.05
"""Seconds after which a condition that the terminal tells nothing of is looked at again."""

_QUERY = re.compile(rb"\x1b\[(?:\?(?P<mode>2026|2048)\$p|(?P<attributes>c)|(?P<cursor>6n))")
_MODE = re.compile(rb"\x1b\[\?(?P<modes>[0-9;]+)(?P<set>[hl])")
_ALTERNATE = re.compile(rb"(\x1b\[\?1049[hl])")
# What pyte would print or obey as something else: kitty keys, mode queries, OSC, DCS, APC, cursor shapes.
_NOT_FOR_PYTE = re.compile(
    rb"\x1b\[[<>=][0-9;]*[a-zA-Z]|\x1b\[\??[0-9;]*\$[a-z]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    rb"|\x1b[P_][^\x1b]*\x1b\\|\x1b\[[0-9;]*t|\x1b\[[0-9;]* q"
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-9;?<>=$ ]*|[\]P_][^\x07\x1b]*\x1b?)?\Z")
_TERMINAL: Mapping[str, str | None] = {
    "TERM": "xterm-256color",
    "COLORTERM": "truecolor",
    "LANG": "C.UTF-8",
    # Of the terminal in which the tests run.
    "COLUMNS": None,
    "LINES": None,
    "TMUX": None,
}
_ON_FROM_THE_START = {7, 25}  # wrapping lines, a cursor to be seen


class Terminal:
    """A program in a terminal of its own, which it controls and which answers as a modern one does.

    A context manager; at its end the program is gone, by SIGKILL if it must be.

    Args:
        size: columns and lines.
        env: what to change in the environment; None takes a variable out.
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        size: tuple[int, int] = (120, 40),
        env: Mapping[str, str | None] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.raw = bytearray()
        self.reads: list[tuple[float, int]] = []
        """For each read: when (``time.monotonic``), and how many bytes there were after it."""
        self._block = 1 << 16
        """Bytes taken at once, at most."""
        self._answered = 0
        self._emulated = 0
        # pyte knows nothing of the alternate screen, so there are two, and what is written goes to one of them.
        self._screens = [pyte.Screen(*size) for _ in ("main", "alternate")]
        self._streams = [pyte.ByteStream(screen) for screen in self._screens]
        self._alternate = False
        self._ended = False
        self._master: int | None
        self._master, slave = pty.openpty()
        try:
            self._set_size(*size)
            self.attributes_before = self.attributes()
            self.started = time.monotonic()
            self._process = subprocess.Popen(
                [str(part) for part in command],
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=cwd,
                env=environment({**_TERMINAL, **(env or {})}),
                start_new_session=True,
                preexec_fn=_take_terminal,
            )
        except BaseException:
            os.close(self._master)
            raise
        finally:
            os.close(slave)

    @property
    def pid(self) -> int:
        return self._process.pid

    # What it shows

    @property
    def text(self) -> str:
        """What stands on the screen, a line of text for each of the terminal's."""
        whole = bytes(self.raw[self._emulated :])
        unfinished = _UNFINISHED.search(whole)
        ready = whole[: unfinished.start()] if unfinished else whole
        self._emulated += len(ready)
        for part in _ALTERNATE.split(ready):
            if part in (b"\x1b[?1049h", b"\x1b[?1049l"):
                self._alternate = part.endswith(b"h")
                if self._alternate:
                    self._screens[True].reset()
            else:
                self._streams[self._alternate].feed(_NOT_FOR_PYTE.sub(b"", part))
        return "\n".join(line.rstrip() for line in self._screens[self._alternate].display)

    def forget(self) -> int:
        """Keep the screen only, for programs that run for hours; how many bytes had come since this was done last."""
        _ = self.text
        come = self._emulated
        del self.raw[:come]
        self.reads.clear()
        self._emulated, self._answered = 0, max(0, self._answered - come)
        return come

    def modes(self) -> set[int]:
        """The private modes that differ from a fresh terminal's: mouse, alternate screen, hidden cursor, …"""
        differing: set[int] = set()
        for match in _MODE.finditer(self.raw):
            for mode in map(int, match["modes"].split(b";")):
                if (match["set"] == b"h") == (mode in _ON_FROM_THE_START):
                    differing.discard(mode)
                else:
                    differing.add(mode)
        return differing

    def attributes(self) -> list[Any]:
        """The line discipline's settings: echo, signals, line editing (``termios.tcgetattr``)."""
        assert self._master is not None
        return termios.tcgetattr(self._master)

    # What a person does

    def send(self, keys: str) -> float:
        """Type ``keys``; when that was (``time.monotonic``)."""
        assert self._master is not None
        os.write(self._master, keys.encode())
        return time.monotonic()

    def resize(self, columns: int, lines: int) -> None:
        _ = self.text  # what was written for the old size is emulated in it
        for screen in self._screens:
            screen.resize(lines, columns)
        self._set_size(columns, lines)

    def signal(self, number: signal.Signals) -> float:
        """Send the program a signal; when that was."""
        self._process.send_signal(number)
        return time.monotonic()

    def hang_up(self) -> float:
        """Take the terminal away, as a closed window or a lost connection does; when that was."""
        assert self._master is not None
        os.close(self._master)
        self._master = None
        return time.monotonic()

    # Waiting

    def wait_for(self, what: str | Callable[[], bool], patience: float = PATIENCE) -> float:
        """Wait until the screen holds a text, or a condition is met; when that was seen (``time.monotonic``).

        Raises:
            AssertionError: it did not come; the message holds the screen.
        """
        end = time.monotonic() + patience
        while self._mid_frame() or not (what in self.text if isinstance(what, str) else what()):
            left = end - time.monotonic()
            if left <= 0 or self._ended:
                why = "the program ended" if self._ended else f"not within {patience:g} s"
                wanted = repr(what) if isinstance(what, str) else f"the condition {what}"
                raise AssertionError(f"{wanted} did not come: {why}; on the screen:\n{self.text}")
            self._read(min(left, _SLICE))
        return time.monotonic()

    def watch(self, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> int:
        """Read for so long; how many bytes came. ``meanwhile`` is called every now and then."""
        before, end = len(self.raw), time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not self._ended:
            self._read(min(left, _SLICE))
            meanwhile()
        return len(self.raw) - before

    def settle(self, quiet: float = 0.3, patience: float = PATIENCE) -> None:
        """Wait until nothing has been written for ``quiet`` seconds."""
        end = time.monotonic() + patience
        while not self._ended and self._read(quiet):
            assert time.monotonic() < end, f"it goes on writing:\n{self.text}"

    def wait_exit(self, since: float | None = None, patience: float = PATIENCE) -> tuple[int, float]:
        """Wait for the program's end: its exit code, and the seconds from ``since`` (or now) to it."""
        begun = time.monotonic()
        while self._master is not None and not self._ended:
            left = begun + patience - time.monotonic()
            assert left > 0, f"it did not end within {patience:g} s; on the screen:\n{self.text}"
            self._read(left)
        code = self._process.wait(patience)
        return code, time.monotonic() - (begun if since is None else since)

    def _read(self, patience: float) -> bool:
        """Take what the program writes within ``patience`` seconds; whether anything came."""
        assert self._master is not None
        if not select.select([self._master], [], [], patience)[0]:
            return False
        try:
            data = os.read(self._master, self._block)
        except OSError:  # EIO: nobody has the other side open any more
            data = b""
        if not data:
            self._ended = True
            return False
        self.raw += data
        self.reads.append((time.monotonic(), len(self.raw)))
        self._answer()
        return True

    def _mid_frame(self) -> bool:
        """The program has said that more belongs to what it is drawing; a terminal shows all of it at once."""
        return self.raw.rfind(b"\x1b[?2026h") > self.raw.rfind(b"\x1b[?2026l")

    def _answer(self) -> None:
        """Answer what programs ask a terminal: synchronised output yes, resize reports no, a plain VT220."""
        for query in _QUERY.finditer(self.raw, self._answered):
            self._answered = query.end()
            if mode := query["mode"]:
                self.send(f"\x1b[?{mode.decode()};{2 if mode == b'2026' else 0}$y")
            else:
                self.send("\x1b[?62;22c" if query["attributes"] else "\x1b[1;1R")

    def wait_until_stuck(self, patience: float = PATIENCE) -> None:
        """Read nothing until the program waits for somebody to: what the terminal holds does not grow any more."""
        end, before = time.monotonic() + patience, -1
        while (held := self._unread()) != before or not held:
            assert time.monotonic() < end, f"it never filled the terminal: {held} bytes"
            before = held
            select.select([], [], [], 0.5)

    def _unread(self) -> int:
        assert self._master is not None
        return int.from_bytes(fcntl.ioctl(self._master, termios.FIONREAD, b"\0" * 4), sys.byteorder)

    # What it costs

    def cpu(self) -> float:
        """Seconds of processor time it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self) -> float:
        """MiB that are resident."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def descriptors(self) -> int:
        """How many files, sockets and pipes it has open."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self) -> int:
        return len(os.listdir(f"/proc/{self.pid}/task"))

    def children(self) -> list[int]:
        """The ids of the processes that it started and that still run."""
        found: list[int] = []
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            try:
                found += map(int, (task / "children").read_text().split())
            except FileNotFoundError:
                pass  # a thread that has just ended
        return found

    def close(self, patience: float = 5.0) -> None:
        """Take the terminal away and see that the program is gone."""
        if self._master is not None:
            self.hang_up()
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _set_size(self, columns: int, lines: int) -> None:
        assert self._master is not None
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


def _take_terminal() -> None:
    """In the new process: make stdin's terminal the one whose end, keys and jobs concern it, and hear of them."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    hear_signals()


def hear_signals() -> None:
    """In a new process: signals may be ignored where the tests run (``nohup``, ``&``), which children inherit."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def environment(changes: Mapping[str, str | None]) -> dict[str, str]:
    """That of the tests with some changes (None: without it), and without what makes Python behave unusually."""
    merged: dict[str, str | None] = {**os.environ, "PYTHONUNBUFFERED": None, **changes}
    return {name: value for name, value in merged.items() if value is not None}


def program() -> Path:
    """The command ``pipedeck`` beside the interpreter that runs the tests."""
    command = Path(sys.executable).parent / "pipedeck"
    assert command.exists(), f"there is no {command}; install the project: pip install -e ."
    return command
