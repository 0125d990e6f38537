"""Notices in words: alarms and what policies announce, as a text for people and a document for programs.

The two functions :func:`text` and :func:`document` are what the engine's notifier takes as its formatter.
"""

from collections.abc import Sequence

import msgspec

from tui.domain.alarm import Alarm, AlarmState, Announcement
from tui.text.format import count, duration, until
from tui.text.safe import clean

_NAMED = 3
"""Alarms that one notice names."""


def announced(announcement: Announcement, now: float) -> str:
    """``policy go back for slow of fraud: in 10m: roll back to 2026.11.5 (…)``."""
    when = f"in {until(announcement.at - now)}: " if announcement.at is not None else ""
    no = "; the alarms pane is where to say no" if announcement.at is not None else ""
    return clean(f"{_head(announcement)}: {when}{announcement.words}{no}")


def countdown(announcement: Announcement, now: float) -> str:
    """Which policy is about to act, and when."""
    return f"policy {announcement.policy}" + (
        f" in {until(announcement.at - now)}" if announcement.at is not None else ""
    )


def _head(notice: Alarm | Announcement) -> str:
    if isinstance(notice, Announcement):
        return f"policy {notice.policy} for {notice.alarm} of {notice.model}"
    return f"{notice.name} {notice.state.value}: {notice.subject}"


def _alarm(alarm: Alarm) -> str:
    parts = [_head(alarm), alarm.words]
    if alarm.before is not None and alarm.state is not AlarmState.RESOLVED:
        parts.append(before_words(alarm))
    if alarm.advice and alarm.state is not AlarmState.RESOLVED:
        parts.append(f"proposed: {', '.join(alarm.advice)}")
    return clean("; ".join(part for part in parts if part))


def before_words(alarm: Alarm) -> str:
    """``14m 10s after 2026.11.7 by chen``; empty where no deployment is known."""
    if (before := alarm.before) is None:
        return ""
    by = f" by {before.deployment.who}" if before.deployment.who else ""
    kind = "canary " if before.deployment.canary else ""
    return f"{duration(before.seconds)} after {kind}{before.deployment.version}{by}"


def text(notices: Sequence[Alarm | Announcement], now: float) -> str:
    """All of them in one text: what policies say, and the first few alarms by name."""
    announcements = [announced(notice, now) for notice in notices if isinstance(notice, Announcement)]
    alarms = [notice for notice in notices if isinstance(notice, Alarm)]
    if len(alarms) == 1:
        return clean(". ".join((*announcements, _alarm(alarms[0]))))
    names = [_head(alarm) for alarm in alarms[:_NAMED]]
    more = [f"{len(alarms) - _NAMED} more"] if len(alarms) > _NAMED else []
    counted = [f"{count(len(alarms), 'alarm')}: {', '.join((*names, *more))}"] if alarms else []
    return clean(". ".join((*announcements, *counted)))


def document(notices: Sequence[Alarm | Announcement], at: float) -> bytes:
    """All of them as JSON."""
    from tui.presenters.alarm_documents import notice_document  # not with the first frame

    alarms = (notice for notice in notices if isinstance(notice, Alarm))
    announcements = (notice for notice in notices if isinstance(notice, Announcement))
    return msgspec.json.encode(notice_document(alarms, announcements, at))
