"""Several questions at once."""

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from tui.domain.health import Trouble
from tui.sources.base import SourceError

T = TypeVar("T")

_OF_THE_SERVER = frozenset(
    {
        Trouble.UNREACHABLE,
        Trouble.TIMEOUT,
        Trouble.TLS,
        Trouble.UNAUTHORIZED,
        Trouble.RATE_LIMITED,
        Trouble.UNAVAILABLE,
    }
)


def concerns_all(error: SourceError) -> bool:
    """The server as a whole is in trouble, not only what was asked: the next question would fare the same."""
    return error.trouble in _OF_THE_SERVER


async def gather(questions: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """All results in order. The first failure stops the other questions and is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(question) for question in questions]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
