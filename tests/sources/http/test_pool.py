"""Blocking clients: one to a call, none of them used again after its call was given up."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from tui.sources.http.pool import KEPT, ClientPool


class Client:
    def __init__(self) -> None:
        self.closed = threading.Event()
        self.aborted = threading.Event()


class Clients:
    def __init__(self) -> None:
        self.made: list[Client] = []
        self.now = 0.0
        self.planned: list[Callable[[], None]] = []
        self.pool: ClientPool[Client] = ClientPool(
            self.make,
            lambda client: client.closed.set(),
            lambda client: client.aborted.set(),
            clock=lambda: self.now,
            later=lambda seconds, function: self.planned.append(function),
        )

    def at(self, now: float) -> None:
        """It is so late, and all that was to be done by then is done."""
        self.now = now
        for function in self.planned:
            function()

    def make(self) -> Client:
        self.made.append(Client())
        return self.made[-1]


def itself(client: Client) -> Client:
    return client


async def test_a_client_serves_one_call_after_another_and_several_at_once() -> None:
    clients = Clients()
    first = await clients.pool.use(itself)
    assert await clients.pool.use(itself) is first
    both = threading.Barrier(2, timeout=10)

    def meet(client: Client) -> Client:
        both.wait()
        return client

    one, other = await asyncio.gather(clients.pool.use(meet), clients.pool.use(meet))
    assert one is not other
    assert len(clients.made) == 2
    clients.pool.close()
    assert all(client.closed.is_set() for client in clients.made)


async def test_one_that_nobody_wants_any_more_is_closed() -> None:
    clients = Clients()
    both = threading.Barrier(2, timeout=180)
    await asyncio.gather(*(clients.pool.use(lambda client: both.wait()) for _ in range(2)))
    clients.at(KEPT / 2)
    wanted = await clients.pool.use(itself)
    (other,) = (client for client in clients.made if client is not wanted)
    clients.at(KEPT)
    assert other.closed.is_set()
    assert not wanted.closed.is_set()
    clients.at(2 * KEPT)
    assert wanted.closed.is_set()
    assert await clients.pool.use(itself) not in (wanted, other)


async def test_a_failed_call_gives_its_client_back() -> None:
    clients = Clients()

    def fail(client: Client) -> None:
        raise ValueError("no")

    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            await clients.pool.use(fail)
    assert len(clients.made) == 1


@pytest.mark.parametrize("cancelled", [True, False], ids=["given up", "pool closed"])
async def test_a_client_in_use_is_closed_when_its_call_ends(cancelled: bool) -> None:
    clients = Clients()
    loop, begun, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()

    def wait(client: Client) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert go_on.wait(180)

    call = asyncio.create_task(clients.pool.use(wait))
    await begun.wait()
    if cancelled:
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    else:
        clients.pool.close()
    assert clients.made[0].aborted.is_set() == cancelled
    assert not clients.made[0].closed.is_set()
    go_on.set()
    if not cancelled:
        await call
    assert await asyncio.to_thread(clients.made[0].closed.wait, 10)
    assert await clients.pool.use(itself) is not clients.made[0]


async def test_a_call_that_is_given_up_when_it_has_just_ended_leaves_its_client_as_it_is() -> None:
    """Aborted, the client would fail every request from then on: a server that is up looked as if it were down."""
    clients = Clients()
    loop, begun = asyncio.get_running_loop(), asyncio.Event()
    threads = list[threading.Thread]()

    def answer(client: Client) -> None:
        threads.append(threading.current_thread())
        loop.call_soon_threadsafe(begun.set)

    call = asyncio.create_task(clients.pool.use(answer))
    await begun.wait()
    threads[0].join(180)  # the loop is held: the thread has ended, and nobody has heard of it
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await clients.pool.use(itself) is clients.made[0]
    assert not clients.made[0].aborted.is_set()
