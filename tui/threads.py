"""Daemon threads for calls that block.

An ordinary worker thread, also the ones behind ``asyncio.to_thread`` and the loop's name look-ups, keeps the
process alive until its call returns: with a hanging server, until its time-out (11 s were seen). These do not.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class DaemonThreads(ThreadPoolExecutor):
    """An executor that gives each call a daemon thread of its own and never waits for one.

    How many run at once is limited by those who call (:class:`tui.sources.http.limiter.Limiter`). It is a
    ``ThreadPoolExecutor`` by name only, because ``loop.set_default_executor`` insists on one.
    """

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                result = fn(*args, **kwargs)
            except BaseException as error:  # the caller's, whatever it is
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=run, name=f"pipedeck-{getattr(fn, '__name__', 'call')}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Nothing to wait for: the threads end with their calls or with the process."""


_THREADS = DaemonThreads()


def use_daemon_threads(loop: asyncio.AbstractEventLoop) -> None:
    """Make ``loop`` do its own blocking work (name look-ups) in daemon threads too."""
    loop.set_default_executor(_THREADS)


async def in_thread(fn: Callable[[], T]) -> T:
    """What ``fn()`` returns or raises, run in a daemon thread. Cancelling abandons the call; it goes on unseen."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, fn)
