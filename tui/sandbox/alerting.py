"""What the rules of the sandbox's Prometheus found, and its Alertmanager's silences (contracts: metrics §2)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from math import isnan
from typing import Any

import msgspec

from tui.sandbox.series import LABELLED, Serving, servings, value
from tui.sandbox.world import World

LOWEST = 0.93
"""The accuracy below which the sandbox's rule is broken."""
HOLD = 300.0
SILENCE = "5c1f0a52-9f0e-4c5e-8a51-0f6f2a7b1d11"


class Found(msgspec.Struct, frozen=True):
    labels: dict[str, str]
    annotations: dict[str, str]
    since: float
    value: float
    firing: bool
    silenced: bool = False


def found(world: World) -> Iterator[Found]:
    """The alerts there are now: of each canary whose accuracy is too low, and of a full disk, which is silenced."""
    for serving in servings(world):
        if serving.until > world.now() and (since := _low_since(world, serving)) is not None:
            labels = {"alertname": "ModelAccuracyLow", "severity": "critical"}
            labels |= {name: serving.labels[name] for name in ("environment", "model", "track")}
            words = f"Accuracy of {serving.model.name} ({serving.track}) is below {LOWEST}"
            now = value(world, serving, "accuracy", since) or LOWEST
            yield Found(labels, {"summary": words}, since, now, world.now() - since >= HOLD)
    if world.scenario.models:
        labels = {"alertname": "DiskFilling", "severity": "warning", "instance": "gpu-3:9100", "job": "node"}
        summary = {"summary": "The disk of gpu-3 is full in four hours"}
        yield Found(labels, summary, world.start - 5 * 3600, 0.93, firing=True, silenced=True)


def _low_since(world: World, serving: Serving) -> float | None:
    """Since which update of its accuracy it has been too low; None while it is not."""
    at = world.now() // LABELLED * LABELLED
    since = None
    while at > serving.since:
        accuracy = value(world, serving, "accuracy", at)
        if accuracy is not None and not isnan(accuracy):
            if accuracy >= LOWEST:
                break
            since = at
        at -= LABELLED
    return since


def rules(world: World) -> Any:
    """The data of ``/api/v1/rules?type=alert``."""
    named: dict[str, list[Any]] = {"ModelAccuracyLow": [], "DiskFilling": []}
    for each in found(world):
        named[each.labels["alertname"]].append(alert(each))
    return {
        "groups": [
            {
                "name": "serving",
                "file": "/etc/prometheus/rules.yml",
                "interval": 60,
                "rules": [
                    {
                        "type": "alerting",
                        "name": name,
                        "query": f"{name} > 0",
                        "duration": HOLD,
                        "health": "ok",
                        "state": max((each["state"] for each in alerts), default="inactive"),
                        "alerts": alerts,
                    }
                    for name, alerts in named.items()
                ],
            }
        ]
    }


def alert(each: Found) -> Any:
    return {
        "labels": each.labels,
        "annotations": each.annotations,
        "state": "firing" if each.firing else "pending",
        "activeAt": _written(each.since),
        "value": f"{each.value:.6e}",
    }


def managed(world: World) -> Any:
    """The answer to Alertmanager's ``/api/v2/alerts``: what fires, with the label that Prometheus adds."""
    return [
        {
            "labels": {**each.labels, "monitor": "sandbox"},
            "annotations": each.annotations,
            "startsAt": _written(each.since),
            "endsAt": _written(world.now() + 300),
            "updatedAt": _written(world.now()),
            "fingerprint": f"{number:016x}",
            "generatorURL": "",
            "receivers": [{"name": "team"}],
            "status": {
                "state": "suppressed" if each.silenced else "active",
                "silencedBy": [SILENCE] if each.silenced else [],
                "inhibitedBy": [],
            },
        }
        for number, each in enumerate(found(world))
        if each.firing
    ]


def _written(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
