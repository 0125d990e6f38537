"""A command that goes on, without a terminal: what it has written so far, and its end."""

import os
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from tests.e2e.terminal import PATIENCE, environment, hear_signals


class Following:
    """A context manager; at its end the process is gone."""

    def __init__(self, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
        self.out = bytearray()
        self.err = bytearray()
        self._process = subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(env or {}),
            preexec_fn=hear_signals,
        )
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self._process.stdout, self.out), (self._process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def lines(self) -> list[str]:
        return self.out.decode().splitlines()

    @property
    def said(self) -> str:
        """What came on stderr."""
        return self.err.decode()

    def wait_for(
        self, condition: Callable[[], object], meanwhile: Callable[[], object] = lambda: None
    ) -> None:
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self._process.poll() is None, f"it ended: {self.said}"
            assert time.monotonic() < end, f"it did not come; there is {self.lines[-5:]} and {self.said}"
            meanwhile()
            time.sleep(0.02)

    def wait(self, meanwhile: Callable[[], object] = lambda: None) -> int:
        """Its exit code, when all it wrote has been read."""
        end = time.monotonic() + PATIENCE
        while self._process.poll() is None:
            assert time.monotonic() < end, f"it does not end; the last: {self.lines[-5:]}, {self.said}"
            meanwhile()
            time.sleep(0.02)
        for reader in self._readers:
            reader.join(PATIENCE)
        return self._process.returncode

    def kill(self) -> None:
        self._process.kill()

    def _read(self, stream: IO[bytes] | None, into: bytearray) -> None:
        assert stream is not None
        while data := os.read(stream.fileno(), 1 << 16):
            into += data

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.wait()
        for reader in self._readers:
            reader.join(PATIENCE)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()
