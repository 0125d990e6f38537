"""Alerts as Prometheus and Alertmanager tell them (contracts: metrics §2, Alerts and rules)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal

from tui.domain.alarm import Alert
from tui.sources.http.bounds import instant
from tui.text.safe import clean, shorten

_LONGEST = 300


def alert(
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    state: Literal["pending", "firing"],
    since: datetime,
    *,
    value: str = "",
    silenced: str = "",
) -> Alert:
    """One alert, its texts cleaned; in words by the annotation that says most, else by its labels."""
    summary = next(
        (annotations[name] for name in ("summary", "message", "description") if annotations.get(name)), ""
    )
    others = tuple(sorted((clean(name), clean(text)) for name, text in labels.items() if name != "alertname"))
    return Alert(
        name=shorten(clean(labels.get("alertname", "")) or "alert", 80),
        labels=others,
        words=shorten(clean(summary) or " ".join(f"{name}={text}" for name, text in others), _LONGEST),
        state=state,
        since=instant(since.timestamp()) or 0.0,
        value=_number(value),
        silenced=silenced,
    )


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
