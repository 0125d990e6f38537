"""Where a series stands against the limits ``warn`` and ``fail``, whatever the baseline does."""

from typing import Literal

from tui.domain.verdict import MetricOutcome
from tui.insight.judge.case import LOOKS, JudgedWindow, MetricRule, Values, reaches
from tui.text.format import level, quantity

NEWEST = 10
"""Looks among which :data:`INTERMITTENT` bad ones are as bad as :data:`LOOKS` in a row."""
INTERMITTENT = 3


def limit_state(values: Values, fail: float, better: Literal["lower", "higher"]) -> MetricOutcome:
    """Where a series stands against an absolute limit.

    WORSE at the second value in a row beyond it, or the third of the newest ten, until two in a row are within it and
    fewer than three of the newest ten beyond. UNCLEAR at the first one beyond. What is missing is no look.
    """
    firing = False
    looks: list[bool] = []
    for value in values:
        if value is None:
            continue
        looks.append(_beyond(value, fail, better))
        often = sum(looks[-NEWEST:]) >= INTERMITTENT
        if looks[-1]:
            firing = firing or often or (len(looks) >= LOOKS and all(looks[-LOOKS:]))
        elif not any(looks[-LOOKS:]) and not often:
            firing = False
    return (
        MetricOutcome.WORSE if firing else MetricOutcome.UNCLEAR if looks and looks[-1] else MetricOutcome.OK
    )


def limited(
    seen: JudgedWindow, rule: MetricRule, ceiling: float | None
) -> tuple[MetricOutcome, str, float | None]:
    """What the limits say, a remark where there is something to remark, and seconds after which it may be clear."""
    newest = next(value for value in reversed(seen.canary) if value is not None)
    at_least = reaches(newest, ceiling)
    now = f"{level(newest, rule.unit, at_least=at_least)} now"
    state = MetricOutcome.OK if rule.fail is None else limit_state(seen.canary, rule.fail, rule.better)
    if rule.fail is not None and state is not MetricOutcome.OK:
        limit = f"beyond the fail limit {quantity(rule.fail, rule.unit)}"
        if state is MetricOutcome.UNCLEAR:
            return state, f"{limit} at one look, {now}; the next one decides", float(seen.grid.step)
        looks = [value for value in seen.canary if value is not None]
        if all(_beyond(value, rule.fail, rule.better) for value in looks[-LOOKS:]):
            return state, f"{limit}: {now}", None
        bad = sum(_beyond(value, rule.fail, rule.better) for value in looks[-NEWEST:])
        if bad >= INTERMITTENT:
            return state, f"{limit} at {bad} of the newest {len(looks[-NEWEST:])} looks: {now}", None
        if _beyond(newest, rule.fail, rule.better):
            return state, f"{limit} again: {now}", None
        return state, f"was {limit}, within it at one look only: {now}", None
    if rule.fail is not None and at_least and rule.lower:
        return (
            MetricOutcome.UNCLEAR,
            f"may be beyond the fail limit {quantity(rule.fail, rule.unit)}: {now}",
            None,
        )
    if rule.warn is not None and _beyond(newest, rule.warn, rule.better):
        return state, f"beyond the warn limit {quantity(rule.warn, rule.unit)}: {now}", None
    return state, "", None


def _beyond(value: float, limit: float, better: Literal["lower", "higher"]) -> bool:
    return value > limit if better == "lower" else value < limit
