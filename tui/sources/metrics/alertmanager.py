"""Alertmanager: which alerts there are, and which of them are silenced (contracts: metrics §2)."""

from datetime import datetime

import msgspec

from tui.config import AlertmanagerSettings
from tui.domain.alarm import Alerts
from tui.domain.health import Finding, Trouble
from tui.sources.metrics.alerts import alert
from tui.sources.metrics.server import MetricServerBase
from tui.text.safe import clean


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


class AlertmanagerSource(MetricServerBase[AlertmanagerSettings]):
    """A :class:`tui.sources.base.AlertSource`."""

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
                    firing.labels,
                    firing.annotations,
                    "firing",
                    firing.starts_at,
                    silenced=_silenced(firing.status),
                )
                for firing in found
            ),
            silences=True,
        )

    async def reach(self) -> Finding:
        found = (await self.alerts()).alerts
        quiet = sum(bool(firing.silenced) for firing in found)
        return Finding("ok", "alerts", f"tells of {len(found)}, {quiet} of them silenced")

    def _advice(self, trouble: Trouble) -> str:
        return "url must be what stands before /api/v2/alerts, path prefix included"


def _silenced(status: _Status) -> str:
    if status.silenced_by:
        return f"silenced by {', '.join(clean(silence)[:8] for silence in status.silenced_by)}"
    if status.inhibited_by:
        return "inhibited by another alert"
    return "" if status.state != "suppressed" else "suppressed"
