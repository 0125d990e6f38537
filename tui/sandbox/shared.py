"""A running demo, as other processes of the same person find it: ``pipedeck --demo COMMAND``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from tui.files import make_folder, open_file, read_file, user_folder
from tui.sandbox.process import Sandbox


class _Running(msgspec.Struct, frozen=True):
    pid: int
    addresses: dict[str, str]


@contextmanager
def shared(sandbox: Sandbox) -> Iterator[None]:
    """Let others find it meanwhile; of several demos the one that began last is found. Where that cannot be noted the
    demo does without."""
    try:
        path = user_folder("state") / "demo.json"
        make_folder(path.parent)
        text = msgspec.json.encode(_Running(os.getpid(), sandbox.addresses))
        with open(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), "wb") as file:
            file.write(text)
    except OSError:
        path = None
    try:
        yield
    finally:
        if path is not None and (noted := _noted()) is not None and noted.pid == os.getpid():
            path.unlink(missing_ok=True)


def find() -> Sandbox | None:
    """The sandbox of the demo that runs; None where none does."""
    noted = _noted()
    if noted is None:
        return None
    try:
        os.kill(noted.pid, 0)
    except OSError:
        return None
    return Sandbox.running(noted.addresses)


def _noted() -> _Running | None:
    try:
        return msgspec.json.decode(read_file(user_folder("state") / "demo.json"), type=_Running)
    except (OSError, msgspec.DecodeError):
        return None
