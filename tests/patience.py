"""Time-outs without waiting for them: the event loop's clock is put on when there is nothing left to wait for."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from unittest.mock import patch

T = TypeVar("T")


async def given_up(asking: Awaitable[T], when: Callable[[], object]) -> T:
    """What ``asking`` comes to when an hour passes at once ``when`` the server has got what it should, or it raises.

    A short time-out in its place would end it before that where the machine is busy.
    """
    task = asyncio.ensure_future(asking)
    while not when() and not task.done():
        await asyncio.wait({task}, timeout=0.01)
    loop = asyncio.get_running_loop()
    time = loop.time
    with patch.object(loop, "time", lambda: time() + 3600):
        return await task
