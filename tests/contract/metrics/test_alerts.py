"""Other systems' alerts: Prometheus' rules and Alertmanager, from a stub (contracts: metrics §2)."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.http_stub import Reply, http_stub
from tests.real_prometheus import prometheus
from tui.config import AlertmanagerSettings, PrometheusSettings, Secret
from tui.domain.alarm import Alerts
from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.metrics.alertmanager import AlertmanagerSource
from tui.sources.metrics.prometheus import PrometheusSource

RULES, MANAGED = "GET /api/v1/rules", "GET /api/v2/alerts"
SLOW = {
    "labels": {"alertname": "Slow", "job": "a\x1b]0;x\x07b", "severity": "critical"},
    "annotations": {"summary": "It is \x1b[31mslow"},
    "state": "firing",
    "activeAt": "2026-11-26T19:00:00.123456789Z",
    "value": "8.5e-01",
}


def rules(*rules: dict[str, Any]) -> Reply:
    return Reply.json({"status": "success", "data": {"groups": [{"name": "g", "rules": list(rules)}]}})


async def told(reply: Reply) -> Alerts:
    with http_stub({RULES: reply}) as stub:
        source = PrometheusSource("prom", PrometheusSettings(url=stub.url))
        try:
            return await source.alerts()
        finally:
            await source.close()
            assert len(stub.requests) == 1


async def managed(reply: Reply, **settings: Any) -> Alerts:
    with http_stub({MANAGED: reply}) as stub:
        source = AlertmanagerSource("am", AlertmanagerSettings(url=stub.url, **settings))
        try:
            return await source.alerts()
        finally:
            await source.close()
            if settings:
                assert stub.requests[0].headers["authorization"] == "Bearer t"
                assert stub.requests[0].headers["x-scope-orgid"] == "ml"


async def test_alerts_are_read_out_of_the_rules_and_cleaned() -> None:
    found = await told(rules({"name": "Slow", "health": "ok", "alerts": [SLOW]}))
    (alert,) = found.alerts
    assert (alert.name, alert.words, alert.state, alert.value) == ("Slow", "It is slow", "firing", 0.85)
    assert dict(alert.labels)["job"] == "ab"
    assert alert.since == pytest.approx(1795719600.123456)


async def test_a_rule_that_cannot_be_evaluated_is_noted() -> None:
    found = await told(rules({"name": "Broken", "health": "err", "lastError": "many-to-many", "alerts": []}))
    assert found == Alerts(notes=("prom cannot evaluate its rule Broken: many-to-many",))


REAL_RULES = """
groups:
  - name: models
    rules:
      - {alert: Low, expr: vector(0.85) < 0.9, labels: {severity: critical}, annotations: {summary: It is low}}
      - {alert: Soon, expr: vector(1), for: 1h}
      - {alert: Never, expr: vector(1) > 2}
      - alert: Broken
        expr: >-
          vector(1) * on() (label_replace(vector(1), "a", "x", "", "") or label_replace(vector(1), "a", "y", "", ""))
"""


async def test_a_real_prometheus_tells_what_fires_and_what_is_pending(tmp_path: Path) -> None:
    with prometheus(tmp_path, "# EOF\n", rules=REAL_RULES) as real:
        source = PrometheusSource("prom", PrometheusSettings(url=real.url))
        try:
            async with asyncio.timeout(180):
                found = await source.alerts()
                while len(found.alerts) < 2 or not found.notes:
                    await asyncio.sleep(0.1)
                    found = await source.alerts()
        finally:
            await source.close()
    low, soon = found.alerts
    assert (low.name, low.state, low.value, low.words) == ("Low", "firing", 0.85, "It is low")
    assert dict(low.labels) == {"severity": "critical"}
    assert (soon.name, soon.state) == ("Soon", "pending")
    assert found.notes[0].startswith("prom cannot evaluate its rule Broken: found duplicate series")


async def test_a_querier_without_rules_is_no_trouble() -> None:
    found = await told(Reply.text("404 page not found\n", 404))
    assert found.alerts == ()
    assert found.notes[0].startswith("prom tells of no alerting rules")


async def test_other_errors_are_told_as_such() -> None:
    with pytest.raises(SourceError) as caught:
        await told(Reply.text("Unauthorized\n", 401))
    assert caught.value.trouble is Trouble.UNAUTHORIZED


async def test_alertmanager_knows_what_is_silenced_and_inhibited() -> None:
    def one(name: str, state: str, **status: list[str]) -> dict[str, Any]:
        full = {"state": state, "silencedBy": [], "inhibitedBy": [], **status}
        return {
            "labels": {"alertname": name},
            "annotations": {},
            "startsAt": "2026-11-26T20:00:00+01:00",
            "status": full,
        }

    reply = Reply.json(
        [
            one("a", "active"),
            one("b", "suppressed", silencedBy=["5c1f0a52-9f0e"]),
            one("c", "suppressed", inhibitedBy=["x"]),
        ]
    )
    found = await managed(reply, token=Secret("t"), headers={"X-Scope-OrgID": Secret("ml")})
    assert found.silences
    assert [alert.silenced for alert in found.alerts] == [
        "",
        "silenced by 5c1f0a52",
        "inhibited by another alert",
    ]
    assert found.alerts[0].since == 1795719600


async def test_what_is_no_alertmanager_is_named() -> None:
    with pytest.raises(SourceError) as caught:
        await managed(Reply.json({"status": "success"}))
    assert "GET /api/v2/alerts" in caught.value.message
