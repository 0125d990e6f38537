"""Alertmanager: which alerts there are, and which of them are silenced (contracts: metrics §2)."""

import time
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from tui.config import AlertmanagerSettings
from tui.domain.alarm import Alerts
from tui.domain.health import Finding, SourceFacts
from tui.sources.alerts import alert
from tui.sources.base import SourceError
from tui.sources.checks import clock as clock_finding
from tui.sources.checks import unencrypted
from tui.sources.http import Http
from tui.sources.wire import Wire
from tui.text import clean


class _Status(msgspec.Struct):
    state: str
    silenced_by: list[str] = msgspec.field(name="silencedBy", default_factory=list)
    inhibited_by: list[str] = msgspec.field(name="inhibitedBy", default_factory=list)


class _Alert(msgspec.Struct):
    labels: dict[str, str]
    starts_at: datetime = msgspec.field(name="startsAt")
    status: _Status
    annotations: dict[str, str] = {}


_alerts = msgspec.json.Decoder(list[_Alert])


class AlertmanagerSource:
    """A :class:`tui.sources.base.AlertSource`."""

    def __init__(
        self, name: str, settings: AlertmanagerSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._name = name
        self._settings = settings
        self._wire = Wire(name, clock=clock)
        self._http = Http(self._wire, settings, self._credentials)

    @property
    def name(self) -> str:
        return self._name

    def facts(self) -> SourceFacts:
        return SourceFacts(
            name=self._name,
            type="alertmanager",
            url=self._settings.base_url,
            user=self._settings.user or "",
            clock_skew=self._wire.clock_skew,
            requests=self._wire.requests,
            bytes_read=self._wire.bytes_read,
        )

    async def alerts(self) -> Alerts:
        """All alerts that have not ended, those that are silenced or inhibited too.

        Raises:
            SourceError
        """
        answer = await self._http.send("GET", "/api/v2/alerts")
        if answer.status != 200:
            raise self._wire.refuse(answer)
        found = self._wire.decode(answer, _alerts)
        return Alerts(
            tuple(
                alert(
                    each.labels, each.annotations, "firing", each.starts_at, silenced=_silenced(each.status)
                )
                for each in found
            ),
            silences=True,
        )

    async def check(self) -> tuple[Finding, ...]:
        secret = self._settings.token or self._settings.password
        findings = [*unencrypted(self._settings.base_url)] if secret else []
        try:
            found = (await self.alerts()).alerts
        except SourceError as error:
            advice = "url must be what stands before /api/v2/alerts, path prefix included"
            return (*findings, Finding("error", error.trouble.value, error.message, advice))
        quiet = sum(bool(each.silenced) for each in found)
        findings.append(Finding("ok", "alerts", f"tells of {len(found)}, {quiet} of them silenced"))
        if self._wire.clock_skew is not None:
            findings.append(clock_finding(self._wire.clock_skew))
        return tuple(findings)

    async def close(self) -> None:
        await self._http.close()

    def _credentials(self) -> Mapping[str, str]:
        settings = self._settings
        if settings.token:
            return {"Authorization": f"Bearer {settings.token.reveal()}"}
        if settings.user or settings.password:
            password = settings.password.reveal() if settings.password else ""
            pair = f"{settings.user or ''}:{password}".encode()
            return {"Authorization": f"Basic {b64encode(pair).decode()}"}
        return {}


def _silenced(status: _Status) -> str:
    if status.silenced_by:
        return f"silenced by {', '.join(clean(each)[:8] for each in status.silenced_by)}"
    if status.inhibited_by:
        return "inhibited by another alert"
    return "" if status.state != "suppressed" else "suppressed"
