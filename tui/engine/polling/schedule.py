"""When to ask what: a plain data structure, told the time by its caller, that knows no loop and no source."""

import math
from collections.abc import Callable, Iterable, Sequence
from random import Random

import msgspec

from tui.domain.health import Fault, Trouble
from tui.engine.queries.base import AnyQuery, Query

SETTLE = 0.2
"""Seconds a watcher that just changed its mind must hold still before its new question is asked."""
SOONEST = 1.0
"""Seconds that must lie between two askings of one question, whoever presses refresh how often."""
UNFOCUSED = 4.0
"""How much longer waits are while the terminal has no focus."""
JITTER = 0.2
"""Waits are lengthened by up to this part, so that many dashboards do not ask in step. Never shortened."""
FAULT_FIRST = 2.0
"""Seconds after which what failed once is asked again; twice that for each time more."""
FAULT_LONGEST = 60.0
REFUSED = 600.0
"""Seconds after which what the server refuses is asked again."""
_DEFINITE = frozenset(
    {Trouble.TLS, Trouble.UNAUTHORIZED, Trouble.FORBIDDEN, Trouble.NOT_FOUND, Trouble.MISCONFIGURED}
)


class _Plan(msgspec.Struct):
    watchers: int = 0
    epoch: int = 0
    in_flight: bool = False
    ended_at: float | None = None
    wait: float = 0.0
    failures: int = 0
    not_before: float = -math.inf
    soon: bool = False


class Schedule:
    """Watched questions and when each is due.

    A question that several watch is one question. One that nobody watches any more is not due, but when it was last
    asked is remembered, so that coming back to it does not ask again within its cadence.

    Args:
        host: what the question is sent to; a pause that a server asked for holds all questions of its host.
        rng: where jitter comes from.
    """

    def __init__(self, host: Callable[[AnyQuery], str | None], rng: Random) -> None:
        self._host = host
        self._rng = rng
        self._plans: dict[AnyQuery, _Plan] = {}
        self._wants: dict[object, tuple[tuple[AnyQuery, ...], float]] = {}
        self._holds: dict[str | None, float] = {}
        self._lifted: set[str | None] = set()
        self._epoch = 0
        self._pace = 1.0
        self._seen = -math.inf

    def set_focus(self, focused: bool) -> None:
        """Stretch all waits while the terminal has no focus; what is overdue when it returns is due at once."""
        self._pace = 1.0 if focused else UNFOCUSED

    def want(self, who: object, queries: Sequence[AnyQuery], now: float) -> list[AnyQuery]:
        """Replace what ``who`` wants watched, the most urgent first.

        A watcher that changed its mind within the last :data:`SETTLE` seconds (a cursor running down a list) is
        asked for only once it holds still.

        Returns:
            The questions under way that nobody watches any more; their replies will be dropped.
        """
        self._see(now)
        before, changed_at = self._wants.get(who, ((), -math.inf))
        wanted = tuple(dict.fromkeys(queries))
        self._wants[who] = wanted, now
        for query in wanted:
            if query in before:
                continue
            plan = self._plans.setdefault(query, _Plan())
            if not plan.watchers:
                plan.not_before = now + SETTLE if now - changed_at < SETTLE else now
            plan.watchers += 1
        return self._release(query for query in before if query not in wanted)

    def leave(self, who: object) -> list[AnyQuery]:
        """Forget a watcher; returns what :meth:`want` does."""
        wanted, _ = self._wants.pop(who, ((), 0.0))
        return self._release(wanted)

    def watched(self, query: AnyQuery) -> bool:
        plan = self._plans.get(query)
        return plan is not None and plan.watchers > 0

    def known(self) -> list[AnyQuery]:
        """All questions that are watched or remembered."""
        return list(self._plans)

    def due(self, now: float) -> list[AnyQuery]:
        """What should be asked now: what was never answered first, then what has been due longest."""
        self._see(now)
        ready = [
            (plan.ended_at is not None, at, query)
            for query, plan in self._plans.items()
            if (at := self._due_at(query, plan)) <= now
        ]
        ready.sort(key=lambda entry: entry[:2])
        return [query for *_, query in ready]

    def next_at(self) -> float:
        """When the next question is due; infinity when none is."""
        return min((self._due_at(query, plan) for query, plan in self._plans.items()), default=math.inf)

    def held_until(self, query: AnyQuery) -> float:
        """When its server said it may be asked again; minus infinity when it said nothing."""
        return self._holds.get(self._host(query), -math.inf)

    def lift(self, host: str) -> None:
        """Forget the pause that a server asked for; once more when it has answered, which ends the pause."""
        self._holds.pop(host, None)
        self._lifted.add(host)

    def refresh(self, query: AnyQuery) -> None:
        """Make it due as soon as manners allow, also when it is finished or backs off.

        One that is under way is asked once more after its reply, which may tell of the time before. One that nobody
        watches is due when somebody does; one never seen is left alone.
        """
        if plan := self._plans.get(query):
            plan.soon = True

    def started(self, query: AnyQuery) -> int:
        """A watched question is being asked; the epoch its reply must carry."""
        plan = self._plans[query]
        assert not plan.in_flight, f"{query} is already under way"
        assert plan.watchers, f"nobody watches {query}"
        plan.in_flight = True
        plan.soon = False
        self._epoch += 1
        plan.epoch = self._epoch
        return plan.epoch

    def answered(self, query: AnyQuery, epoch: int, now: float, wait: float) -> bool:
        """A good reply came; ask again in ``wait`` seconds. False when it came too late and is to be dropped."""
        if (plan := self._end(query, epoch, now, wait)) is None:
            return False
        host = self._host(query)
        if host in self._lifted:  # asked early, the server answered: the pause is over for all
            self._lifted.remove(host)
            self._holds.pop(host, None)
        if plan.failures:
            plan.failures = 0
            # The server is back: what failed beside this one need not sit out its backoff.
            for other, other_plan in self._plans.items():
                if other_plan.failures and self._host(other) == host:
                    other_plan.soon = True
        return True

    def failed(self, query: AnyQuery, epoch: int, now: float, fault: Fault) -> bool:
        """The question failed; back off, and hold its host as long as the server asked. False when too late."""
        failures = self._plans[query].failures + 1 if query in self._plans else 1
        if (plan := self._end(query, epoch, now, after_fault(fault, failures))) is None:
            return False
        plan.failures = failures
        if fault.retry_at is not None:
            self._holds[self._host(query)] = max(fault.retry_at, self.held_until(query))
        return True

    def trim(self, keep: int, kind: type[AnyQuery] = Query) -> list[AnyQuery]:
        """Forget all but the ``keep`` questions of a kind that were let go last; the ones forgotten."""
        idle = [query for query, plan in self._plans.items() if not plan.watchers and isinstance(query, kind)]
        old = idle[: max(0, len(idle) - keep)]
        for query in old:
            del self._plans[query]
        return old

    def _release(self, queries: Iterable[AnyQuery]) -> list[AnyQuery]:
        abandoned = []
        for query in queries:
            plan = self._plans[query]
            plan.watchers -= 1
            if plan.watchers:
                continue
            self._plans[query] = self._plans.pop(query)  # to the end: trim() keeps the last let go
            if plan.in_flight:
                plan.in_flight = False
                abandoned.append(query)
        return abandoned

    def _end(self, query: AnyQuery, epoch: int, now: float, wait: float) -> _Plan | None:
        self._see(now)
        plan = self._plans.get(query)
        if plan is None or not plan.in_flight or plan.epoch != epoch:
            return None
        plan.in_flight = False
        plan.ended_at = now
        plan.wait = wait * self._rng.uniform(1.0, 1.0 + JITTER)
        return plan

    def _due_at(self, query: AnyQuery, plan: _Plan) -> float:
        if plan.in_flight or not plan.watchers:
            return math.inf
        at = plan.not_before
        if plan.ended_at is not None:
            at = max(at, plan.ended_at + (SOONEST if plan.soon else plan.wait * self._pace))
        return max(at, self.held_until(query))

    def _see(self, now: float) -> None:
        """Where the clock was set back, move everything planned with it: nothing may wait out the difference."""
        if (back := self._seen - now) > 0:
            for plan in self._plans.values():
                plan.not_before -= back
                if plan.ended_at is not None:
                    plan.ended_at -= back
            self._holds = {host: until - back for host, until in self._holds.items()}
            self._wants = {who: (wanted, at - back) for who, (wanted, at) in self._wants.items()}
        self._seen = now


def after_fault(fault: Fault, failures: int) -> float:
    """Seconds until a question that failed ``failures`` times in a row (1 or more) should be asked again.

    Doubling from two seconds to a minute. A definite no (bad credentials, not found) waits the minute at once: asking
    sooner changes nothing, and repeated bad logins can lock an account. A refused request waits ten minutes: it stays
    wrong until somebody changes it, unless the refusal came from something between us and the server.
    """
    if fault.trouble is Trouble.REFUSED:
        return REFUSED
    if fault.trouble in _DEFINITE:
        return FAULT_LONGEST
    return min(FAULT_LONGEST, FAULT_FIRST * 2.0 ** min(failures - 1, 10))
