"""A face of the sandbox on a loopback port, served in a thread of the test."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager

from starlette.types import ASGIApp

from tui.sandbox.server import Listener


@contextmanager
def serving(app: ASGIApp) -> Iterator[str]:
    """The address of ``app``, ``http://127.0.0.1:PORT``; it ends with the block."""
    opened: Future[tuple[int, asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def serve() -> None:
        over = asyncio.Event()
        listener = Listener(app)
        try:
            await listener.open()
            opened.set_result((listener.port, asyncio.get_running_loop(), over))
        except BaseException as error:
            opened.set_exception(error)
            raise
        await over.wait()
        await listener.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    port, loop, over = opened.result()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
