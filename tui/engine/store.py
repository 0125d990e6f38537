"""The current picture: the last good answer to every query, and why the newest attempt failed, if it did.

What is shown may come from elsewhere, such as what an earlier start left on disk. What this process has read itself is
kept apart from it, in :attr:`Store.own`: whatever is decided is decided by that.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

import msgspec

from tui.domain.health import Fault

T = TypeVar("T")


class Key(msgspec.Struct, Generic[T], frozen=True):
    """What the store keeps a value of type ``T`` under. Equal keys are the same key."""


AnyKey: TypeAlias = Key[Any]

FRAME = 1 / 30
"""Seconds over which changes are gathered before subscribers hear of them."""

Subscriber: TypeAlias = Callable[[frozenset[AnyKey]], None]
Defer: TypeAlias = Callable[[Callable[[], None]], object]


class Reading(msgspec.Struct, Generic[T], frozen=True):
    """What is known under one key."""

    value: T | None = None
    """The last good answer; stays when a later attempt fails. None: never answered."""
    read_at: float | None = None
    """When ``value`` was last confirmed."""
    fault: Fault | None = None
    """Why the newest attempt failed; None when it succeeded or none was made."""
    fault_since: float | None = None
    """When the attempts began to fail."""
    recalled: bool = False
    """``value`` is what an earlier start of the program read, and nothing has confirmed it yet."""

    @property
    def stale(self) -> bool:
        return self.recalled or self.fault is not None

    def age(self, now: float) -> float | None:
        """Seconds since ``value`` was last confirmed; None where there is none."""
        return None if self.read_at is None else max(0.0, now - self.read_at)


_NOTHING: Reading[Any] = Reading()


class Readings(Protocol):
    """What can be looked at: all that is shown, or only what this process has read itself."""

    def get(self, key: Key[T], /) -> Reading[T]:
        """What is known now; an empty reading where nothing is."""
        ...


class OwnReadings:
    """What this process has read itself, and nothing else. Filled by its :class:`Store`."""

    def __init__(self) -> None:
        self._readings: dict[AnyKey, Reading[Any]] = {}

    def get(self, key: Key[T]) -> Reading[T]:
        return self._readings.get(key, _NOTHING)

    def _keep(self, key: AnyKey, reading: Reading[Any]) -> None:
        self._readings[key] = reading

    def _forget(self, key: AnyKey) -> None:
        self._readings.pop(key, None)


class NotedReadings:
    """All that is shown, noting whether any of what was looked at was not read by this process."""

    def __init__(self, store: "Store") -> None:
        self._store = store
        self.borrowed = False

    def get(self, key: Key[T]) -> Reading[T]:
        reading = self._store.get(key)
        if reading.value is not None and reading.value is not self._store.own.get(key).value:
            self.borrowed = True
        return reading


def next_frame(tell: Callable[[], None]) -> None:
    """Call ``tell`` one frame from now on the running loop."""
    asyncio.get_running_loop().call_later(FRAME, tell)


class Store:
    """Readings by key.

    Args:
        defer: called with the function that tells the subscribers, at the first change after they were last told;
            it decides when that function runs.
    """

    def __init__(self, defer: Defer = next_frame) -> None:
        self.own = OwnReadings()
        self._defer = defer
        self._readings: dict[AnyKey, Reading[Any]] = {}
        self._subscribers: list[Subscriber] = []
        self._news: set[AnyKey] = set()
        self._noted: set[AnyKey] | None = None

    @contextmanager
    def noting(self) -> Iterator[set[AnyKey]]:
        """Note which keys are looked at meanwhile: whoever did need not look again before one of them changes."""
        self._noted, before = set(), self._noted
        try:
            yield self._noted
        finally:
            self._noted = before

    def get(self, key: Key[T]) -> Reading[T]:
        """What is known now; an empty reading where nothing was put."""
        if self._noted is not None:
            self._noted.add(key)
        return self._readings.get(key, _NOTHING)

    def put(self, key: Key[T], value: T, at: float, *, own: bool = True, recalled: bool = False) -> bool:
        """Take a good answer, or what an earlier start had as one; whether it is news.

        An answer equal to the one before is not, unless it is the first that this process read itself: the older,
        equal object stays, so who holds it may compare by identity.

        Args:
            own: this process has read it, now and by itself alone; else it is shown, and nothing is decided by it.
        """
        before = self.get(key)
        same = before.value == value
        reading = Reading(before.value if same else value, at, recalled=recalled)
        first = own and self.own.get(key).value is not reading.value
        self._readings[key] = reading
        if own:
            self.own._keep(key, reading)
        return self._changed(key, not same or before.stale or first)

    def fail(self, key: AnyKey, fault: Fault, at: float) -> bool:
        """Note a failed attempt beside the last good answer; whether it is news."""
        before = self.get(key)
        since = at if before.fault_since is None else before.fault_since
        self._readings[key] = Reading(before.value, before.read_at, fault, since)
        own = self.own.get(key)
        self.own._keep(key, Reading(own.value, own.read_at, fault, since))
        return self._changed(key, before.fault != fault)

    def forget(self, key: AnyKey) -> None:
        """Drop what is known of a key that nobody watches; no news."""
        self._readings.pop(key, None)
        self.own._forget(key)

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Have ``subscriber`` called with the keys whose value or fault changed, at most once a frame.

        Returns:
            The function that ends it; calling that again does nothing.
        """
        self._subscribers.append(subscriber)

        def unsubscribe() -> None:
            if subscriber in self._subscribers:
                self._subscribers.remove(subscriber)

        return unsubscribe

    def _changed(self, key: AnyKey, news: bool) -> bool:
        if news and self._subscribers:
            if not self._news:
                self._defer(self._tell)
            self._news.add(key)
        return news

    def _tell(self) -> None:
        news, self._news = frozenset(self._news), set()
        for subscriber in tuple(self._subscribers):
            subscriber(news)
