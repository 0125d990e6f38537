"""An alarm as JSON: for ``pipedeck alarms --json``, the command and the webhook; documented in docs/json.md."""

from collections.abc import Iterable

import msgspec

from tui.domain.action import ActionRequest
from tui.domain.alarm import Alarm, Announcement, SuspectDeployment
from tui.presenters.documents import SCHEMA, document_of


class BeforeDoc(msgspec.Struct, frozen=True):
    environment: str
    version: str
    who: str
    at: float | None
    seconds: float
    run: str | None
    canary: bool


class ProposalDoc(msgspec.Struct, frozen=True):
    kind: str
    target: str
    values: dict[str, str]


class AlarmDoc(msgspec.Struct, frozen=True):
    name: str
    subject: str
    model: str
    state: str
    severity: str
    since: float
    changed: float
    words: str
    value: float | None
    unit: str
    origin: str
    silenced: str
    before: BeforeDoc | None
    advice: tuple[str, ...]
    proposals: tuple[ProposalDoc, ...]


class AnnouncementDoc(msgspec.Struct, frozen=True):
    policy: str
    alarm: str
    model: str
    words: str
    at: float | None


class NoticeDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    alarms: tuple[AlarmDoc, ...]
    policies: tuple[AnnouncementDoc, ...]


def alarm_document(alarm: Alarm) -> AlarmDoc:
    return document_of(
        AlarmDoc,
        alarm,
        before=_before(alarm.before) if alarm.before is not None else None,
        proposals=tuple(map(_proposal, alarm.proposals)),
    )


def notice_document(alarms: Iterable[Alarm], announcements: Iterable[Announcement], at: float) -> NoticeDoc:
    """What the command and the webhook get."""
    policies = tuple(document_of(AnnouncementDoc, announcement) for announcement in announcements)
    return NoticeDoc(SCHEMA, at, tuple(map(alarm_document, alarms)), policies)


def _before(before: SuspectDeployment) -> BeforeDoc:
    deployment = before.deployment
    return BeforeDoc(
        environment=str(before.environment),
        version=deployment.version,
        who=deployment.who,
        at=deployment.finished_at if deployment.finished_at is not None else deployment.started_at,
        seconds=before.seconds,
        run=str(deployment.run) if deployment.run is not None else None,
        canary=deployment.canary,
    )


def _proposal(request: ActionRequest) -> ProposalDoc:
    return ProposalDoc(request.kind.value, str(request.target), dict(request.values))
