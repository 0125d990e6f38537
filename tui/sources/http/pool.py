"""Blocking clients for worker threads: each call has a client to itself (rule 7 of the design)."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from tui.threads import in_thread

C = TypeVar("C")
T = TypeVar("T")


class ClientPool(Generic[C]):
    """Clients whose libraries promise nothing about threads (contracts: gitlab §7).

    How many there are is limited by those who call (:class:`tui.sources.http.limiter.Limiter`).

    Args:
        make: a new client; called in the thread, because importing its library takes long.
        discard: closes a client.
    """

    def __init__(self, make: Callable[[], C], discard: Callable[[C], None]) -> None:
        self._make = make
        self._discard = discard
        self._idle: list[C] = []
        self._closed = False

    async def use(self, call: Callable[[C], T]) -> T:
        """What ``call`` returns or raises, run with a client in a daemon thread.

        When this is cancelled the call goes on unseen, and its client is not used again.
        """
        client = self._idle.pop() if self._idle else None
        abandoned = False

        def work() -> T:
            mine = self._make() if client is None else client
            try:
                return call(mine)
            finally:
                if abandoned:
                    self._discard(mine)
                else:
                    self._idle.append(mine)
                if self._closed:  # perhaps while this ended
                    self._empty()

        try:
            return await in_thread(work)
        except asyncio.CancelledError:
            abandoned = True
            raise

    def close(self) -> None:
        """Close what is idle now and the others when their calls end."""
        self._closed = True
        self._empty()

    def _empty(self) -> None:
        """Close what is idle; several threads may do this at once."""
        while True:
            try:
                client = self._idle.pop()
            except IndexError:
                return
            self._discard(client)
