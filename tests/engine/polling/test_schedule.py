"""The schedule: what is due when, and the promises that hold whatever happens in whatever order."""

import math
from copy import deepcopy
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.engine.world import START, NoJitter, address
from tui.domain.health import Fault, Trouble
from tui.engine.polling.schedule import JITTER, SETTLE, SOONEST, UNFOCUSED, Schedule
from tui.engine.queries import AnyQuery, PipelinesOf, RunAt
from tui.engine.queries.base import NEVER

LIST = PipelinesOf("ci")
RUN = RunAt(address("train", 1))
ELSEWHERE = PipelinesOf("lab")
TIMEOUT = Fault(Trouble.TIMEOUT, "no answer")


def host(query: AnyQuery) -> str:
    return query.of if isinstance(query, PipelinesOf) else "ci"


def schedule_of(*queries: AnyQuery, rng: Random | None = None) -> Schedule:
    schedule = Schedule(host, rng or NoJitter())
    schedule.want("pane", queries, START)
    return schedule


def answer(schedule: Schedule, query: AnyQuery, now: float, wait: float) -> None:
    assert schedule.answered(query, schedule.started(query), now, wait)


def test_nothing_wanted_is_never_due() -> None:
    schedule = Schedule(host, NoJitter())
    assert schedule.due(START) == []
    assert schedule.next_at() == math.inf


def test_a_new_question_is_due_at_once_and_one_under_way_is_not() -> None:
    schedule = schedule_of(LIST)
    assert schedule.due(START) == [LIST]
    schedule.started(LIST)
    assert schedule.due(START + 1000) == []
    assert schedule.next_at() == math.inf


def test_the_wait_begins_when_the_answer_is_in() -> None:
    schedule = schedule_of(LIST)
    epoch = schedule.started(LIST)
    schedule.answered(LIST, epoch, START + 7, 10)
    assert schedule.next_at() == START + 17
    assert schedule.due(START + 16.9) == []
    assert schedule.due(START + 17) == [LIST]


def test_two_watchers_are_one_question_until_both_are_gone() -> None:
    schedule = schedule_of(LIST)
    schedule.want("other", (LIST,), START)
    assert schedule.due(START) == [LIST]
    schedule.leave("pane")
    assert schedule.due(START) == [LIST]
    schedule.leave("other")
    schedule.leave("other")
    assert schedule.due(START) == []
    assert not schedule.watched(LIST)


def test_what_was_never_answered_comes_first_then_what_is_most_overdue() -> None:
    schedule = schedule_of(LIST, ELSEWHERE)
    answer(schedule, ELSEWHERE, START, 10)
    answer(schedule, LIST, START, 5)
    schedule.want("pane", (LIST, ELSEWHERE, RUN), START + 20)
    assert schedule.due(START + 20) == [RUN, LIST, ELSEWHERE]


def test_coming_back_to_a_question_does_not_ask_it_within_its_cadence() -> None:
    schedule = schedule_of(RUN)
    answer(schedule, RUN, START, 10)
    schedule.want("pane", (), START + 1)
    schedule.want("pane", (RUN,), START + 5)
    assert schedule.due(START + 9) == []
    assert schedule.due(START + 10) == [RUN]


def test_a_cursor_on_the_run_is_asked_where_it_starts_and_where_it_stops() -> None:
    schedule = Schedule(host, NoJitter())
    now, asked = START, []
    for number in range(1, 30):
        schedule.want("pane", (RunAt(address("train", number)),), now)
        for query in schedule.due(now):
            schedule.started(query)
            asked.append(query)
        now += 0.05
    last = RunAt(address("train", 29))
    assert asked == [RunAt(address("train", 1))]
    assert schedule.next_at() == now - 0.05 + SETTLE
    assert schedule.due(now + SETTLE) == [last]


def test_focus_lost_quarters_the_pace_and_regained_makes_up_for_it() -> None:
    schedule = schedule_of(LIST)
    answer(schedule, LIST, START, 10)
    schedule.set_focus(False)
    assert schedule.next_at() == START + 40
    assert schedule.due(START + 39) == []
    schedule.set_focus(True)
    assert schedule.due(START + 39) == [LIST]


def test_jitter_only_lengthens() -> None:
    schedule = schedule_of(LIST, rng=Random(7))
    waits = []
    now = START
    for _ in range(200):
        answer(schedule, LIST, now, 10)
        waits.append(schedule.next_at() - now)
        now = schedule.next_at()
    assert 10 <= min(waits) < 10.2
    assert 11.8 < max(waits) <= 10 * (1 + JITTER)


def test_failures_back_off_and_success_ends_it() -> None:
    schedule = schedule_of(LIST)
    now, waits = START, []
    for _ in range(7):
        schedule.failed(LIST, schedule.started(LIST), now, TIMEOUT)
        waits.append(schedule.next_at() - now)
        now = schedule.next_at()
    assert waits == [2, 4, 8, 16, 32, 60, 60]
    answer(schedule, LIST, now, 10)
    schedule.failed(LIST, schedule.started(LIST), now + 10, TIMEOUT)
    assert schedule.next_at() == now + 12


def test_a_pause_a_server_asked_for_holds_all_its_questions_even_refreshed_ones() -> None:
    schedule = schedule_of(LIST, RUN, ELSEWHERE)
    limited = Fault(Trouble.RATE_LIMITED, "too many", retry_at=START + 90)
    schedule.failed(LIST, schedule.started(LIST), START, limited)
    schedule.refresh(RUN)
    schedule.refresh(LIST)
    assert schedule.due(START + 89.9) == [ELSEWHERE]
    assert schedule.held_until(RUN) == START + 90
    assert set(schedule.due(START + 90)) == {LIST, RUN, ELSEWHERE}


def test_a_shorter_pause_does_not_undo_a_longer_one() -> None:
    schedule = schedule_of(LIST, RUN)
    first, second = schedule.started(LIST), schedule.started(RUN)
    schedule.failed(LIST, first, START, Fault(Trouble.RATE_LIMITED, "", retry_at=START + 90))
    schedule.failed(RUN, second, START, Fault(Trouble.RATE_LIMITED, "", retry_at=START + 5))
    assert schedule.next_at() == START + 90


def test_refresh_revives_the_finished_but_not_within_a_second() -> None:
    schedule = schedule_of(RUN)
    answer(schedule, RUN, START, NEVER)
    assert schedule.next_at() == math.inf
    schedule.refresh(RUN)
    assert schedule.next_at() == START + SOONEST
    answer(schedule, RUN, START + 1, NEVER)
    assert schedule.next_at() == math.inf
    schedule.refresh(RUN)
    assert schedule.due(START + 500) == [RUN]


def test_refresh_under_way_asks_once_more_after_the_reply() -> None:
    schedule = schedule_of(RUN)
    epoch = schedule.started(RUN)
    schedule.refresh(RUN)
    schedule.refresh(RUN)
    assert schedule.due(START) == []
    schedule.answered(RUN, epoch, START + 5, NEVER)
    assert schedule.due(START + 5 + SOONEST) == [RUN]
    answer(schedule, RUN, START + 6, NEVER)
    assert schedule.next_at() == math.inf


def test_refresh_of_an_unwatched_question_waits_for_a_watcher() -> None:
    schedule = schedule_of(RUN)
    answer(schedule, RUN, START, NEVER)
    schedule.want("pane", (), START + 10)
    schedule.refresh(RUN)
    schedule.refresh(ELSEWHERE)
    assert schedule.due(START + 20) == []
    schedule.want("pane", (RUN,), START + 30)
    assert schedule.due(START + 30) == [RUN]


def test_a_reply_to_an_abandoned_question_is_dropped_also_when_it_is_asked_again() -> None:
    schedule = schedule_of(RUN, LIST)
    old = schedule.started(RUN)
    assert schedule.want("pane", (LIST,), START) == [RUN]
    assert not schedule.answered(RUN, old, START + 1, 10)
    schedule.want("pane", (RUN,), START + 2)
    new = schedule.started(RUN)
    assert not schedule.answered(RUN, old, START + 3, 10)
    assert not schedule.failed(RUN, old, START + 3, TIMEOUT)
    assert schedule.answered(RUN, new, START + 4, 10)
    assert not schedule.answered(RUN, new, START + 5, 10)


def test_a_reply_to_a_forgotten_question_is_dropped_also_when_it_is_asked_again() -> None:
    schedule = schedule_of(RUN)
    old = schedule.started(RUN)
    schedule.leave("pane")
    assert schedule.trim(0) == [RUN]
    assert not schedule.failed(RUN, old, START, TIMEOUT)
    schedule.want("pane", (RUN,), START)
    schedule.started(RUN)
    assert not schedule.answered(RUN, old, START, 10)


def test_the_return_of_a_server_is_made_use_of() -> None:
    schedule = schedule_of(LIST, RUN, ELSEWHERE)
    now = START
    for _ in range(6):
        for query in (LIST, RUN, ELSEWHERE):
            schedule.failed(query, schedule.started(query), now, TIMEOUT)
    answer(schedule, LIST, now + 30, 10)
    assert schedule.due(now + 30) == [RUN]


def test_of_unwatched_questions_those_let_go_last_are_remembered() -> None:
    schedule = Schedule(host, NoJitter())
    queries: list[AnyQuery] = [RunAt(address("train", number)) for number in range(10)]
    for number, query in enumerate([*queries, queries[0], ELSEWHERE]):
        schedule.want("pane", (query,), START + number)
    assert schedule.trim(3) == queries[1:8]
    assert set(schedule.known()) == {queries[8], queries[9], queries[0], ELSEWHERE}
    assert schedule.trim(3) == []


def test_a_clock_set_back_delays_nothing() -> None:
    schedule = schedule_of(LIST, RUN)
    answer(schedule, LIST, START, 10)
    schedule.failed(RUN, schedule.started(RUN), START, Fault(Trouble.RATE_LIMITED, "", retry_at=START + 90))
    earlier = START - 3600
    assert schedule.due(earlier) == []
    assert schedule.next_at() == earlier + 90
    assert set(schedule.due(earlier + 90)) == {LIST, RUN}


class Promises(RuleBasedStateMachine):
    """Whatever panes want, however servers answer: never before its time, never twice at once, never forgotten."""

    QUESTIONS = (LIST, ELSEWHERE, RUN, RunAt(address("train", 2)), RunAt(address("deploy", 1, "lab")))

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.pace = 1.0
        self.schedule = Schedule(host, Random(1))
        self.wants: dict[str, frozenset[AnyQuery]] = {}
        self.under_way: dict[AnyQuery, int] = {}
        self.late: list[tuple[AnyQuery, int]] = []
        self.ended: dict[AnyQuery, tuple[float, float]] = {}
        self.excused: set[AnyQuery] = set()
        self.failing: set[AnyQuery] = set()
        self.holds: dict[str, float] = {}

    @property
    def wanted(self) -> frozenset[AnyQuery]:
        return frozenset().union(*self.wants.values())

    @rule(who=st.sampled_from("abc"), queries=st.frozensets(st.sampled_from(QUESTIONS)))
    def want(self, who: str, queries: frozenset[AnyQuery]) -> None:
        self.wants[who] = queries
        self._abandon(self.schedule.want(who, tuple(queries), self.now))

    @rule(who=st.sampled_from("abc"))
    def leave(self, who: str) -> None:
        self.wants.pop(who, None)
        self._abandon(self.schedule.leave(who))

    def _abandon(self, abandoned: list[AnyQuery]) -> None:
        assert set(abandoned) == self.under_way.keys() - self.wanted
        self.late += [(query, self.under_way.pop(query)) for query in abandoned]

    @rule(seconds=st.floats(0, 100))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def sleep_until_next(self) -> None:
        if (at := self.schedule.next_at()) < math.inf:
            self.now = max(self.now, at)

    @rule(focused=st.booleans())
    def focus(self, focused: bool) -> None:
        self.pace = 1.0 if focused else UNFOCUSED
        self.schedule.set_focus(focused)

    @rule(query=st.sampled_from(QUESTIONS))
    def refresh(self, query: AnyQuery) -> None:
        self.schedule.refresh(query)
        self.excused.add(query)

    @rule()
    def ask_what_is_due(self) -> None:
        for query in self.schedule.due(self.now):
            assert query in self.wanted
            assert query not in self.under_way
            assert self.now >= self.holds.get(host(query), 0.0)
            if query in self.ended:
                at, wait = self.ended[query]
                least = SOONEST if query in self.excused else wait * self.pace
                assert self.now >= at + least
            self.under_way[query] = self.schedule.started(query)
            self.excused.discard(query)

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), wait=st.sampled_from([3.0, 10.0, 30.0, NEVER]))
    def answer(self, data: st.DataObject, wait: float) -> None:
        query = data.draw(st.sampled_from(sorted(self.under_way, key=str)))
        assert self.schedule.answered(query, self.under_way.pop(query), self.now, wait)
        self.ended[query] = self.now, wait
        if query in self.failing:
            self.failing.discard(query)
            self.excused |= {other for other in self.failing if host(other) == host(query)}

    @precondition(lambda self: self.under_way)
    @rule(data=st.data(), pause=st.none() | st.floats(0, 300))
    def fail(self, data: st.DataObject, pause: float | None) -> None:
        query = data.draw(st.sampled_from(sorted(self.under_way, key=str)))
        retry_at = None if pause is None else self.now + pause
        fault = Fault(Trouble.UNAVAILABLE, "", retry_at)
        assert self.schedule.failed(query, self.under_way.pop(query), self.now, fault)
        self.ended[query] = self.now, 2.0
        self.failing.add(query)
        if retry_at is not None:
            self.holds[host(query)] = max(retry_at, self.holds.get(host(query), 0.0))

    @precondition(lambda self: self.late)
    @rule(good=st.booleans())
    def reply_too_late(self, good: bool) -> None:
        query, epoch = self.late.pop()
        if good:
            assert not self.schedule.answered(query, epoch, self.now, 10)
        else:
            assert not self.schedule.failed(query, epoch, self.now, Fault(Trouble.TIMEOUT, ""))

    @rule(keep=st.integers(0, 3))
    def trim(self, keep: int) -> None:
        for query in self.schedule.trim(keep):
            assert query not in self.wanted
            self.ended.pop(query, None)
            self.excused.discard(query)
            self.failing.discard(query)

    @invariant()
    def nothing_is_forgotten(self) -> None:
        """What is watched, not under way and not finished is due within the longest wait there is."""
        for query in self.wanted - self.under_way.keys():
            _, wait = self.ended.get(query, (0.0, 0.0))
            if wait == NEVER and query not in self.excused:
                continue
            longest = max(SETTLE, 60 * (1 + JITTER) * UNFOCUSED)
            by = max(self.now + longest, self.holds.get(host(query), 0.0))
            assert self.schedule.next_at() <= by
            assert query in deepcopy(self.schedule).due(by)  # a copy: time does not go back afterwards


Promises.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestPromises = Promises.TestCase
