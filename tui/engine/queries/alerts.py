"""Queries for a source's own alerts, and for whether it answers at all."""

from tui.config import Settings
from tui.domain.alarm import Alerts
from tui.domain.health import Finding
from tui.engine.queries.base import Context, Query
from tui.sources.base import AlertSource, ReachableSource

ALERTS = 30.0
"""Rules are evaluated once a minute, as a rule."""
REACHED = 30.0
"""An alarm on a source that is lost waits for minutes."""


class AlertsOf(Query[Alerts], frozen=True):
    """What the rules of a source found: a Prometheus, an Alertmanager."""

    of: str

    def source(self, settings: Settings) -> str:
        return self.of

    async def fetch(self, context: Context) -> Alerts:
        return await (await context.sources.get(self.of, AlertSource)).alerts()

    def wait(self, answer: Alerts) -> float:
        return ALERTS


class ReachOf(Query[Finding], frozen=True):
    """Whether a source of metrics answers, where nothing else need be asked of it."""

    of: str

    def source(self, settings: Settings) -> str:
        return self.of

    async def fetch(self, context: Context) -> Finding:
        return await (await context.sources.get(self.of, ReachableSource)).reach()

    def wait(self, answer: Finding) -> float:
        return REACHED
