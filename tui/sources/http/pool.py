"""Blocking clients for worker threads: each call has a client to itself (rule 7 of the design)."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from tui.sources.http.limiter import CONNECTIONS
from tui.threads import in_thread

C = TypeVar("C")
T = TypeVar("T")

KEPT = 30.0
"""Seconds after which a client that nobody wanted is closed: its server has left most likely, and the connection
would be held for as long as the program runs."""


class ClientPool(Generic[C]):
    """Clients whose libraries promise nothing about threads (contracts: gitlab §7).

    Args:
        make: a new client; called in the thread, because importing its library takes long.
        discard: closes a client.
        abort: makes a call that is under way with a client end soon; called from another thread.
        most: calls under way at once, those that were given up too, until they have ended.
        clock: seconds, from whenever.
        later: calls something after so many of them.
    """

    def __init__(
        self,
        make: Callable[[], C],
        discard: Callable[[C], None],
        abort: Callable[[C], None],
        most: int = CONNECTIONS,
        clock: Callable[[], float] = time.monotonic,
        later: Callable[[float, Callable[[], None]], object] | None = None,
    ) -> None:
        self._make = make
        self._discard = discard
        self._abort = abort
        self._clock = clock
        self._later = later or _call_later
        self._idle: list[tuple[C, float]] = []
        """With the time since when; who was wanted last stands last."""
        self._places = asyncio.Semaphore(most)
        self._closed = False

    async def use(self, call: Callable[[C], T]) -> T:
        """What ``call`` returns or raises, run with a client in a daemon thread.

        When this is cancelled the call is aborted, and its client is not used again.
        """
        await self._places.acquire()
        under_way = _Call(self._make, self._idle_one())

        def work() -> T:
            client = under_way.begin()
            try:
                if under_way.abandoned:
                    raise TimeoutError
                return call(client)
            finally:
                if under_way.end():
                    self._idle.append((client, self._clock()))
                else:
                    self._discard(client)
                if self._closed:  # perhaps while this ended
                    self._empty()

        # Not cancelled with this: it tells when the thread has ended.
        thread = asyncio.ensure_future(in_thread(work))
        thread.add_done_callback(self._ended)
        try:
            return await asyncio.shield(thread)
        except asyncio.CancelledError:
            if (begun := under_way.abandon()) is not None:
                self._abort(begun)
            raise

    def _ended(self, thread: "asyncio.Task[T]") -> None:
        self._places.release()
        self._later(KEPT + 1, lambda: self._empty(self._clock() - KEPT))
        if not thread.cancelled():
            thread.exception()  # or asyncio prints what a call that was given up raised

    def close(self) -> None:
        """Close what is idle now and the others when their calls end."""
        self._closed = True
        self._empty()

    def _idle_one(self) -> C | None:
        try:
            return self._idle.pop()[0]
        except IndexError:  # none is, or a thread has closed the last one just now
            return None

    def _empty(self, until: float | None = None) -> None:
        """Close what is idle since ``until`` or longer, None: all of it; several threads may do this at once."""
        while True:
            try:
                client, since = self._idle.pop(0)
            except IndexError:
                return
            if until is not None and since > until:
                self._idle.insert(0, (client, since))
                return
            self._discard(client)


def _call_later(seconds: float, function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, function)


class _Call(Generic[C]):
    """One call, seen by its thread and by the event loop."""

    def __init__(self, make: Callable[[], C], client: C | None) -> None:
        self.abandoned = False
        """Nobody waits for it any more."""
        self._make = make
        self._client = client
        self._lock = threading.Lock()

    def begin(self) -> C:
        """The client of the call; in its thread."""
        client = self._make() if self._client is None else self._client
        with self._lock:
            self._client = client
        return client

    def end(self) -> bool:
        """It has ended; whether its client may be used again. In its thread.

        From here on the client is no more this call's: aborted, it would fail whoever has it next.
        """
        with self._lock:
            self._client = None
            return not self.abandoned

    def abandon(self) -> C | None:
        """Nobody waits for it any more; its client, while it has one."""
        with self._lock:
            self.abandoned = True
            return self._client
