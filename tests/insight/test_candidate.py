"""The candidate against the champion."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.candidate import Candidacy, RegisteredVersion
from tui.domain.verdict import MetricOutcome
from tui.insight.candidate import compare
from tui.insight.judge import MetricRule


def compared(rule: MetricRule, old: float | None, new: float | None) -> Candidacy:
    pair = [
        RegisteredVersion("m", number, metrics=(("x", value),)) for number, value in (("1", old), ("2", new))
    ]
    return compare("model", "m", {"x": rule}, ("champion", pair[0]), ("challenger", pair[1]))


@pytest.mark.parametrize(
    ("better", "max_worse", "relative", "new", "outcome"),
    [
        ("higher", 0.0, False, 0.8, MetricOutcome.OK),
        ("higher", 0.0, False, 0.79, MetricOutcome.WORSE),
        ("higher", 0.0, False, 0.81, MetricOutcome.BETTER),
        ("higher", 0.1, False, 0.7, MetricOutcome.OK),
        ("higher", 0.1, False, 0.69, MetricOutcome.WORSE),
        ("lower", 0.1, True, 0.88, MetricOutcome.OK),
        ("lower", 0.1, True, 0.89, MetricOutcome.WORSE),
        ("lower", 0.1, True, 0.7, MetricOutcome.BETTER),
    ],
)
def test_worse_is_by_more_than_is_allowed(
    better: str, max_worse: float, relative: bool, new: float, outcome: MetricOutcome
) -> None:
    rule = MetricRule(
        better="lower" if better == "lower" else "higher", max_worse=max_worse, relative=relative
    )
    (metric,) = compared(rule, 0.8, new).metrics
    assert metric.outcome is outcome
    assert (metric.baseline, metric.canary) == (0.8, new)
    assert metric.difference == pytest.approx(new - 0.8)


def test_what_was_not_measured_is_unclear() -> None:
    found = compared(MetricRule(better="higher"), 0.8, None)
    assert found.metrics[0].reason == "is no number for version 2"
    assert found.outcome is MetricOutcome.UNCLEAR
    pair = RegisteredVersion("m", "1"), RegisteredVersion("m", "2", metrics=(("x", 1.0),))
    absent = compare("model", "m", {"x": MetricRule()}, ("a", pair[0]), ("b", pair[1]))
    assert absent.metrics[0].reason == "was not measured for version 1"


def test_an_alias_that_names_nothing_and_two_that_name_the_same_are_told() -> None:
    one = RegisteredVersion("m", "1", metrics=(("x", 1.0),))
    found = compare("model", "m", {"x": MetricRule()}, ("champion", one), ("challenger", None))
    assert (found.metrics, found.notes) == ((), ("no version of m has the alias challenger",))
    same = compare("model", "m", {"x": MetricRule()}, ("champion", one), ("challenger", one))
    assert (same.metrics, same.notes) == ((), ("champion and challenger are the same version, 1",))
    assert same.candidate == one


@given(st.floats(0.01, 100), st.floats(0.01, 100), st.floats(0, 10), st.booleans())
def test_lower_and_higher_are_mirrors(old: float, new: float, margin: float, relative: bool) -> None:
    lower = compared(MetricRule(better="lower", max_worse=margin, relative=relative), old, new)
    higher = compared(MetricRule(better="higher", max_worse=margin, relative=relative), -old, -new)
    assert lower.outcome is higher.outcome
