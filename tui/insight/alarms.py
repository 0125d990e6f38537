"""When an alarm is pending, fires and is resolved: pure functions of rules, what was, what is seen, and a time."""

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, time, tzinfo
from typing import Literal

import msgspec

from tui.domain.alarm import Alarm, AlarmState, Alert, Alerts
from tui.domain.pipeline import Run
from tui.domain.series import Series
from tui.domain.status import Status
from tui.domain.verdict import Decision, Verdict
from tui.text.format import clock, count, quantity

SHOWN = 3600.0
"""Seconds that a resolved alarm is still told of."""
STALE = 300.0
"""Seconds, or ten steps if that is more, after which the newest value of a series says nothing of now."""

_SLACK = 60.0
"""Seconds by which the times of deployments and of what was measured may differ."""

GONE = "the canary it was about is no longer deployed"

Key = tuple[str, str]
"""Name of the rule, and subject."""


class AlarmRule(msgspec.Struct, frozen=True):
    """How long something has to be bad, and then to be good."""

    hold: float = 0.0
    """Seconds it has to be bad before the alarm fires."""
    keep: float = 0.0
    """Seconds it has to be good before the alarm is resolved."""


class AlarmReading(msgspec.Struct, frozen=True):
    """What one look shows of one subject."""

    state: Literal["bad", "between", "good", "unknown", "ended"]
    """``between``: not bad enough to begin an alarm, nor good enough to end one. ``unknown``: nothing new is known.
    ``ended``: what is measured has come to its end, and nothing new will be known."""
    words: str = ""
    since: float | None = None
    """Since when it is so, as far as this look tells."""
    value: float | None = None
    canary: str | None = None
    """Of what is about a canary, the deployment of the one that is there; empty: none is; None: that is not known."""
    began: float | None = None
    """Since when that canary is there."""


UNKNOWN = AlarmReading("unknown")


class HeldAlarm(msgspec.Struct, frozen=True):
    """What is remembered of one rule and subject between two looks."""

    state: AlarmState
    since: float
    """When it became bad."""
    changed: float
    """When it came into its state."""
    seen: AlarmReading
    """The last look at which it was bad, or the one that resolved it."""
    good_since: float | None = None
    """It fires, but has been good from then on."""
    canary: str | None = None
    """What it is about, as of :class:`AlarmReading`."""


def step(
    rules: Mapping[str, AlarmRule],
    before: Mapping[Key, HeldAlarm],
    seen: Mapping[Key, AlarmReading],
    now: float,
) -> dict[Key, HeldAlarm]:
    """The next states. A rule or subject that is no longer there takes its alarm along; what is unknown stays.

    Args:
        seen: the looks at all subjects of all rules.
    """
    held = {}
    for key, look in seen.items():
        after = _next(rules[key[0]], before.get(key), look, now)
        if after is not None:
            held[key] = after
    return held


def _next(rule: AlarmRule, before: HeldAlarm | None, look: AlarmReading, now: float) -> HeldAlarm | None:
    after = _stepped(rule, before, look, now)
    if after is None or look.canary is None or not (after.state.active or after.state is AlarmState.PENDING):
        return after
    # One that began while no canary was there is about none of those that come.
    return msgspec.structs.replace(after, canary=look.canary or after.canary or "")


def _stepped(rule: AlarmRule, before: HeldAlarm | None, look: AlarmReading, now: float) -> HeldAlarm | None:
    if before is not None and _of_another(before, look):
        if before.state.active:
            return HeldAlarm(AlarmState.RESOLVED, before.since, now, AlarmReading("good", GONE))
        before = before if before.state is AlarmState.RESOLVED else None
    if before is not None and before.state.active:
        return _active(rule, before, look, now)
    if look.state == "bad":
        pending = before is not None and before.state is AlarmState.PENDING
        since = min(now, look.since if look.since is not None else now)
        if before is not None:
            # An old beginning cannot come back after it was resolved.
            since = min(since, before.since) if pending else max(since, before.changed)
        if now - since >= rule.hold:
            return HeldAlarm(AlarmState.FIRING, since, now, look)
        return HeldAlarm(AlarmState.PENDING, since, before.changed if before and pending else now, look)
    if before is None:
        return None
    if before.state is AlarmState.PENDING:
        return before if look.state == "unknown" else None
    return before if now - before.changed < SHOWN else None


def _of_another(before: HeldAlarm, look: AlarmReading) -> bool:
    """It was about a canary before the one that is there now."""
    if not look.canary:
        return False
    if before.canary is None:
        return look.began is not None and before.since < look.began - _SLACK
    return before.canary != look.canary


def _active(rule: AlarmRule, before: HeldAlarm, look: AlarmReading, now: float) -> HeldAlarm:
    if look.state == "unknown":
        return before
    if look.state == "ended":
        if look.canary == "":
            over = msgspec.structs.replace(look, words=f"{GONE}; {look.words}")
            return HeldAlarm(AlarmState.RESOLVED, before.since, now, over)
        known = look.since is not None or before.seen.state != "ended"
        return msgspec.structs.replace(before, seen=look if known else before.seen, good_since=None)
    if look.state != "good":
        shown = look if look.state == "bad" else msgspec.structs.replace(look, since=before.seen.since)
        return msgspec.structs.replace(before, seen=shown, good_since=None)
    changed_at = max(look.since if look.since is not None else now, before.since)
    good = min(now, changed_at if before.good_since is None else min(changed_at, before.good_since))
    if now - good >= rule.keep:
        return HeldAlarm(AlarmState.RESOLVED, before.since, now, look)
    return msgspec.structs.replace(before, good_since=good)


def next_look(rules: Mapping[str, AlarmRule], held: Mapping[Key, HeldAlarm]) -> float:
    """When time alone may change something; infinity where it cannot."""
    times = [math.inf]
    for (name, _), alarm in held.items():
        if alarm.state is AlarmState.PENDING:
            times.append(alarm.since + rules[name].hold)
        elif alarm.state is AlarmState.RESOLVED:
            times.append(alarm.changed + SHOWN)
        elif alarm.good_since is not None:
            times.append(alarm.good_since + rules[name].keep)
    return min(times)


def acknowledged(held: HeldAlarm, now: float) -> HeldAlarm:
    """What becomes of one that somebody acknowledges, or does not any more."""
    match held.state:
        case AlarmState.FIRING:
            return msgspec.structs.replace(held, state=AlarmState.ACKNOWLEDGED, changed=now)
        case AlarmState.ACKNOWLEDGED:
            return msgspec.structs.replace(held, state=AlarmState.FIRING, changed=now)
    return held


_ORDER = (AlarmState.FIRING, AlarmState.ACKNOWLEDGED, AlarmState.PENDING, AlarmState.RESOLVED)


def ordered(alarms: Iterable[Alarm]) -> tuple[Alarm, ...]:
    """Firing first, what others silenced after what is pending; the graver, then the newer before the others."""

    def place(alarm: Alarm) -> tuple[object, ...]:
        rank = 2.5 if alarm.silenced else float(_ORDER.index(alarm.state))
        return rank, alarm.severity != "critical", -alarm.since, alarm.key

    return tuple(sorted(alarms, key=place))


# --- what is seen -------------------------------------------------------------------------------------------------


def of_series(
    series: Series,
    *,
    above: float | None,
    below: float | None,
    clear: float | None,
    unit: str,
    title: str,
    after: float | None = None,
) -> AlarmReading:
    """How a series stands to its limit, by its newest value. Gaps say nothing; where that value is old, it has ended.

    Args:
        clear: the limit on whose good side it has to be before it counts as good; None: the limit itself.
        after: values from before are about something else.
    """
    limit = above if above is not None else below
    assert limit is not None
    sign = 1.0 if above is not None else -1.0
    good = clear if clear is not None else limit

    def state(value: float) -> Literal["bad", "between", "good"]:
        if sign * (value - limit) > 0:
            return "bad"
        return "good" if sign * (value - good) <= 0 else "between"

    points = [
        (at, value) for at, value in zip(series.grid.times, series.values, strict=True) if value is not None
    ]
    grid = series.grid
    if not points:
        return AlarmReading("ended", f"no data since {clock(grid.start)} or longer")
    if grid.end - points[-1][0] > max(STALE, 10 * grid.step):
        return AlarmReading("ended", f"no data since {clock(points[-1][0])}", float(points[-1][0]))
    points = [(at, value) for at, value in points if after is None or at >= after]
    if not points:
        return UNKNOWN
    newest = points[-1][1]
    found = state(newest)
    since = float(points[-1][0])
    for at, value in reversed(points):
        if state(value) != found:
            break
        since = float(at)
    side = "above" if above is not None else "below"
    words = f"{title} {quantity(newest, unit)}, "
    words += f"{side} {quantity(limit, unit)}" if found == "bad" else f"not {side} {quantity(limit, unit)}"
    if found == "between":
        words += f"; good from {quantity(good, unit)} on"
    return AlarmReading(found, words, since, newest)


def of_verdict(verdict: Verdict, wanted: Decision) -> AlarmReading:
    bad = verdict.counts is wanted
    return AlarmReading("bad" if bad else "good", f"{verdict.counts}: {verdict.why}")


def of_runs(runs: Sequence[Run], status: Status, consecutive: int) -> AlarmReading:
    """Whether the newest runs that have ended, so many, all ended that way. ``runs`` are newest first."""
    ended = [run for run in runs if run.status.finished]
    alike = 0
    while alike < len(ended) and ended[alike].status is status:
        alike += 1
    if not ended:
        return UNKNOWN
    newest = ended[0].address
    if alike < consecutive:
        return AlarmReading("good", f"#{newest.run_text} {ended[0].status.value}", _end(ended[0]))
    words = f"the last {alike} runs {status.value}" if alike > 1 else f"#{newest.run_text} {status.value}"
    return AlarmReading("bad", words, _end(ended[alike - consecutive]), float(alike))


def of_tests(run: Run, new: int | None, limit: int) -> AlarmReading:
    """Whether the newest run that told of tests has so many failures that its forerunner had not."""
    if new is None:
        return UNKNOWN
    words = f"{count(new, 'new test failure')} in #{run.address.run_text}"
    return AlarmReading("bad" if new >= limit else "good", words, _end(run), float(new))


def _end(run: Run) -> float | None:
    return run.started_at + (run.duration or 0.0) if run.started_at is not None else None


def joined(found: Mapping[str, Alerts]) -> dict[str, tuple[Alert, ...]]:
    """Other systems' alerts by source, each once: an Alertmanager has those that Prometheus sent it, with more labels,
    and it is the one that knows which are silenced (contracts: metrics §2, Alerts and rules)."""
    managed = [
        managed_alert for alerts in found.values() if alerts.silences for managed_alert in alerts.alerts
    ]
    sent: list[Alert] = []
    joint: dict[str, tuple[Alert, ...]] = {}
    for name, alerts in found.items():
        if alerts.silences:
            continue
        kept = []
        for alert in alerts.alerts:
            twins = [twin for twin in managed if _same(alert, twin)]
            sent += twins
            silenced = alert.silenced or next((twin.silenced for twin in twins if twin.silenced), "")
            kept.append(msgspec.structs.replace(alert, silenced=silenced))
        joint[name] = tuple(kept)
    for name, alerts in found.items():
        if alerts.silences:
            joint[name] = tuple(sent_alert for sent_alert in alerts.alerts if sent_alert not in sent)
    return joint


def _same(alert: Alert, managed: Alert) -> bool:
    return alert.name == managed.name and set(alert.labels) <= set(managed.labels)


# --- quiet hours --------------------------------------------------------------------------------------------------


def quiet(ranges: Sequence[tuple[time, time]], at: float, zone: tzinfo | None = None) -> bool:
    """Whether the wall clock shows a quiet hour: from the first time of a range until before the second, over
    midnight where that is earlier.

    Args:
        zone: whose clock; None: this machine's.
    """
    wall = datetime.fromtimestamp(at, zone).time()
    return any(start <= wall < end if start <= end else wall >= start or wall < end for start, end in ranges)
