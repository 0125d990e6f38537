"""When alarms are pending, fire and are resolved; what looks show; quiet hours."""

from datetime import datetime, time
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.address import Address
from tui.domain.alarm import AlarmState, Alert, Alerts
from tui.domain.pipeline import Run
from tui.domain.series import Grid, Series
from tui.domain.status import Status
from tui.insight.alarms import (
    GONE,
    SHOWN,
    AlarmReading,
    AlarmRule,
    HeldAlarm,
    Key,
    acknowledged,
    joined,
    next_look,
    of_runs,
    of_series,
    quiet,
    step,
)
from tui.text.format import clock

KEY = ("slow", "fraud")
BAD, GOOD, BETWEEN, UNKNOWN = (
    AlarmReading("bad"),
    AlarmReading("good"),
    AlarmReading("between"),
    AlarmReading("unknown"),
)
LOOKS = st.lists(st.tuples(st.integers(1, 200), st.sampled_from([BAD, GOOD, BETWEEN, UNKNOWN])), max_size=40)


def walk(
    rule: AlarmRule, looks: list[tuple[int, AlarmReading]]
) -> list[tuple[int, AlarmReading, HeldAlarm | None]]:
    """Each look, with its time and what is held after it."""
    held: dict[Key, HeldAlarm] = {}
    now, told = 0, []
    for wait, seen in looks:
        now += wait
        held = step({"slow": rule}, held, {KEY: seen}, now)
        told.append((now, seen, held.get(KEY)))
    return told


@given(LOOKS, st.integers(1, 300), st.integers(0, 300))
def test_it_is_pending_before_it_fires_and_bad_for_that_long(
    looks: list[tuple[int, AlarmReading]], hold: int, keep: int
) -> None:
    before: HeldAlarm | None = None
    bad_since = None
    for now, seen, held in walk(AlarmRule(hold, keep), looks):
        if seen.state == "bad":
            bad_since = now if bad_since is None else bad_since
        elif seen.state != "unknown":
            bad_since = None
        fires = held is not None and held.state.active
        if fires and not (before is not None and before.state.active):
            assert before is not None
            assert before.state is AlarmState.PENDING
            assert bad_since is not None
            assert now - bad_since >= hold
        before = held


@given(LOOKS, st.integers(0, 100), st.integers(1, 300))
def test_it_ends_only_after_having_been_good_for_that_long(
    looks: list[tuple[int, AlarmReading]], hold: int, keep: int
) -> None:
    before: HeldAlarm | None = None
    good_since = None
    for now, seen, held in walk(AlarmRule(hold, keep), looks):
        if seen.state == "good":
            good_since = now if good_since is None else good_since
        elif seen.state != "unknown":
            good_since = None
        if before is not None and before.state.active and not (held is not None and held.state.active):
            assert held is not None
            assert held.state is AlarmState.RESOLVED
            assert good_since is not None
            assert now - good_since >= keep
        before = held


@given(st.lists(st.sampled_from([170.0, 175.0, 180.0, 185.0, None]), min_size=1, max_size=60))
def test_it_never_flaps_between_the_limit_and_the_clear_limit(values: list[float | None]) -> None:
    """A series that never comes below the clear limit fires once at most."""
    looks = []
    for n in range(len(values)):
        grid = Grid(0, n * 30, 30)
        series = Series("p95", None, grid, tuple(values[: n + 1]))
        looks.append((30, of_series(series, above=180, below=None, clear=169, unit="ms", title="p95")))
    states = [held.state.active for _, _, held in walk(AlarmRule(), looks) if held is not None]
    changes = sum(one != other for one, other in pairwise(states))
    assert changes <= 1
    assert not states or states[-1] == (True in states)


@given(LOOKS)
def test_a_subject_is_one_alarm_and_an_equal_look_changes_nothing(
    looks: list[tuple[int, AlarmReading]],
) -> None:
    rule = {"slow": AlarmRule(60, 60)}
    held: dict[Key, HeldAlarm] = {}
    now = 0
    for wait, seen in looks:
        now += wait
        held = step(rule, held, {KEY: seen}, now)
        assert len(held) <= 1
        assert step(rule, held, {KEY: seen}, now) == held


def test_what_the_past_tells_counts_at_the_first_look() -> None:
    held = step({"slow": AlarmRule(300)}, {}, {KEY: AlarmReading("bad", since=100)}, 400)
    assert held[KEY].state is AlarmState.FIRING
    assert held[KEY].since == 100
    held = step({"slow": AlarmRule(300)}, {}, {KEY: AlarmReading("bad", since=101)}, 400)
    assert held[KEY].state is AlarmState.PENDING
    assert next_look({"slow": AlarmRule(300)}, held) == 401


def test_acknowledging_lasts_until_it_is_resolved() -> None:
    rules = {"slow": AlarmRule()}
    held = step(rules, {}, {KEY: BAD}, 10)
    held = {KEY: acknowledged(held[KEY], 20)}
    assert held[KEY].state is AlarmState.ACKNOWLEDGED
    assert acknowledged(held[KEY], 21).state is AlarmState.FIRING
    held = step(rules, held, {KEY: BAD}, 30)
    assert held[KEY].state is AlarmState.ACKNOWLEDGED
    held = step(rules, held, {KEY: GOOD}, 40)
    assert held[KEY].state is AlarmState.RESOLVED
    assert step(rules, held, {KEY: BAD}, 50)[KEY].state is AlarmState.FIRING
    assert next_look(rules, held) == 40 + SHOWN
    assert step(rules, held, {KEY: GOOD}, 40 + SHOWN) == {}


def test_what_is_no_longer_there_takes_its_alarm_along() -> None:
    held = step({"slow": AlarmRule()}, {}, {KEY: BAD}, 10)
    assert step({"slow": AlarmRule()}, held, {}, 20) == {}


def series(*values: float | None) -> Series:
    return Series("m", None, Grid(0, 30 * (len(values) - 1), 30), values)


def look(found: Series) -> AlarmReading:
    return of_series(found, above=None, below=0.9, clear=0.92, unit="", title="accuracy")


def test_a_series_is_looked_at_by_its_newest_value_and_since_when() -> None:
    seen = look(series(0.95, 0.89, None, 0.88))
    assert (seen.state, seen.since, seen.value) == ("bad", 30, 0.88)
    assert seen.words == "accuracy 0.88, below 0.9"
    assert look(series(0.89, 0.91)).state == "between"
    assert look(series(0.89, 0.92)).state == "good"
    assert look(series(0.8, *(None,) * 10)).state == "bad"


def test_a_series_without_new_values_has_ended() -> None:
    ended = look(series(0.95, 0.8, *(None,) * 11))
    assert (ended.state, ended.since, ended.words) == ("ended", 30, f"no data since {clock(30)}")
    never = look(series(None, None))
    assert (never.state, never.since, never.words) == ("ended", None, f"no data since {clock(0)} or longer")


def test_values_from_before_are_about_something_else() -> None:
    def young(after: float) -> AlarmReading:
        found = series(0.8, 0.8, 0.8, 0.95)
        return of_series(found, above=None, below=0.9, clear=None, unit="", title="accuracy", after=after)

    assert (young(90).state, young(90).since) == ("good", 90)
    assert young(91).state == "unknown"


def canary(
    state: Literal["bad", "unknown", "ended"], which: str | None, began: float | None = None
) -> AlarmReading:
    return AlarmReading(state, f"it is {state}", canary=which, began=began)


def stepped(*looks: tuple[float, AlarmReading]) -> HeldAlarm | None:
    held: dict[Key, HeldAlarm] = {}
    for now, seen in looks:
        held = step({"slow": AlarmRule()}, held, {KEY: seen}, now)
    return held.get(KEY)


@pytest.mark.parametrize(
    ("looks", "state", "words"),
    [
        # It is listed on, whatever canary is there, while none has come since.
        ([canary("bad", "1", 0), canary("ended", "1", 0)], AlarmState.FIRING, "it is ended"),
        ([canary("bad", "1", 0), canary("ended", None)], AlarmState.FIRING, "it is ended"),
        ([canary("bad", None), canary("ended", None)], AlarmState.FIRING, "it is ended"),
        # The canary went, or gave way to another.
        ([canary("bad", "1", 0), canary("ended", "")], AlarmState.RESOLVED, f"{GONE}; it is ended"),
        ([canary("bad", "1", 0), canary("ended", "2", 150)], AlarmState.RESOLVED, GONE),
        ([canary("bad", "1", 0), canary("unknown", "2", 150)], AlarmState.RESOLVED, GONE),
        ([canary("bad", ""), canary("unknown", "2", 150)], AlarmState.RESOLVED, GONE),
        # While values come that are bad, something is there that makes them.
        ([canary("bad", "1", 0), canary("bad", "")], AlarmState.FIRING, "it is bad"),
        # Which one it was is learnt a moment later; or it was none that is there.
        ([canary("bad", None), canary("unknown", "1", 0)], AlarmState.FIRING, "it is bad"),
        ([canary("bad", None), canary("unknown", "2", 300)], AlarmState.RESOLVED, GONE),
        # And back it comes.
        ([canary("bad", "1", 0), canary("ended", "1", 0), BAD], AlarmState.FIRING, ""),
        ([canary("bad", "1", 0), canary("ended", "1", 0), GOOD], AlarmState.RESOLVED, ""),
        ([BAD, AlarmReading("ended", "no data since 14:02")], AlarmState.FIRING, "no data since 14:02"),
    ],
)
def test_one_whose_series_ended_stays_until_its_canary_goes(
    looks: list[AlarmReading], state: AlarmState, words: str
) -> None:
    held = stepped(*((100.0 + 50 * n, seen) for n, seen in enumerate(looks)))
    assert held is not None
    assert (held.state, held.seen.words) == (state, words)


def test_another_canary_has_its_own_beginning() -> None:
    held = stepped((100, canary("bad", "1", 0)), (200, canary("unknown", "2", 150)))
    assert held is not None
    held = step(
        {"slow": AlarmRule(60)},
        {KEY: held},
        {KEY: AlarmReading("bad", since=210, canary="2", began=150)},
        220,
    )[KEY]
    assert (held.state, held.since) == (AlarmState.PENDING, 210)


def test_one_that_was_pending_when_its_series_ended_is_dropped() -> None:
    held = step({"slow": AlarmRule(60)}, {}, {KEY: BAD}, 10)
    assert step({"slow": AlarmRule(60)}, held, {KEY: AlarmReading("ended")}, 20) == {}


def run(number: int, status: Status, at: float) -> Run:
    return Run(Address("ci", "deploy", number), f"#{number}", status, started_at=at, duration=5.0)


def test_runs_have_to_fail_one_after_the_other() -> None:
    failed, passed = Status.FAILED, Status.PASSED
    runs = [run(4, Status.RUNNING, 40), run(3, failed, 30), run(2, failed, 20), run(1, passed, 10)]
    seen = of_runs(runs, failed, 2)
    assert (seen.state, seen.since, seen.words) == ("bad", 35, "the last 2 runs failed")
    assert of_runs(runs, failed, 3).state == "good"
    assert of_runs(runs[:1], failed, 1).state == "unknown"


def test_an_alert_that_both_tell_of_is_shown_once_and_silenced() -> None:
    prom = Alert("Slow", (("job", "a"),), "slow", "firing", 1.0, 0.5)
    sent = Alert("Slow", (("job", "a"), ("monitor", "x")), "slow", "firing", 1.0, silenced="silenced by 1")
    alone = Alert("Other", (), "other", "firing", 1.0)
    found = joined({"am": Alerts((sent, alone), silences=True), "prom": Alerts((prom,))})
    assert [each.silenced for each in found["prom"]] == ["silenced by 1"]
    assert found["am"] == (alone,)


NIGHT = ((time(22), time(7)),)


@pytest.mark.parametrize(
    ("clock", "wanted"),
    [("21:59", False), ("22:00", True), ("00:00", True), ("06:59", True), ("07:00", False), ("12:00", False)],
)
def test_quiet_hours_may_go_over_midnight(clock: str, wanted: bool) -> None:
    zone = ZoneInfo("Europe/Berlin")
    at = datetime.fromisoformat(f"2026-06-01T{clock}").replace(tzinfo=zone).timestamp()
    assert quiet(NIGHT, at, zone) is wanted


@given(st.integers(0, 4 * 3600))
def test_quiet_hours_follow_the_wall_clock_when_it_is_put_back_and_forward(after: int) -> None:
    zone = ZoneInfo("Europe/Berlin")
    for night in ("2026-10-25", "2026-03-29"):
        at = datetime.fromisoformat(f"{night}T00:30").replace(tzinfo=zone).timestamp() + after
        shown = datetime.fromtimestamp(at, zone)
        assert quiet(((time(2), time(3)),), at, zone) is (shown.hour == 2)
