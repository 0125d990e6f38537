"""A candidate against the champion by what was measured before either was deployed. Pure.

Each is one number, measured once: there is no interval, and whether the same data was used is not known.
"""

from collections.abc import Mapping

from tui.domain.candidate import Candidacy, RegisteredVersion
from tui.domain.verdict import MetricOutcome, MetricVerdict
from tui.insight.judge import MetricRule
from tui.text import format as fmt

NEARLY = 1e-12
"""Of the numbers compared: by so much a difference may be off because of how floats are written."""


def compare(
    model: str,
    registered: str,
    rules: Mapping[str, MetricRule],
    champion: tuple[str, RegisteredVersion | None],
    candidate: tuple[str, RegisteredVersion | None],
) -> Candidacy:
    """``champion`` and ``candidate`` are an alias and the version it names; None where it names none."""
    notes = tuple(
        f"no version of {registered} {'has the alias' if ' ' not in alias else 'is'} {alias}"
        for alias, version in (champion, candidate)
        if version is None
    )
    one, other = champion[1], candidate[1]
    if one is not None and other is not None and one.version == other.version:
        notes = (f"{champion[0]} and {candidate[0]} are the same version, {one.version}",)
        other = None
    judged = tuple(_judge(name, rule, one, other) for name, rule in rules.items()) if one and other else ()
    notes += tuple(note for version in (one, other) if version is not None for note in version.notes)
    return Candidacy(
        model=model,
        registered=registered,
        champion=one,
        candidate=candidate[1],
        metrics=judged,
        notes=notes,
    )


def _judge(
    name: str, rule: MetricRule, champion: RegisteredVersion, candidate: RegisteredVersion
) -> MetricVerdict:
    old, new = dict(champion.metrics).get(name), dict(candidate.metrics).get(name)
    if indistinct(champion, candidate):
        reason = (
            f"one run made versions {champion.version} and {candidate.version}: its metrics are of either"
        )
        return MetricVerdict(metric=name, outcome=MetricOutcome.UNCLEAR, reason=reason)
    for version, value in ((champion, old), (candidate, new)):
        if value is None:
            measured = name in dict(version.metrics)
            reason = f"{'is no number' if measured else 'was not measured'} for version {version.version}"
            return MetricVerdict(
                metric=name, outcome=MetricOutcome.UNCLEAR, reason=reason, baseline=old, canary=new
            )
    assert old is not None
    assert new is not None
    margin = (rule.max_worse or 0.0) * (abs(old) if rule.relative else 1.0)
    worse = new - old if rule.better == "lower" else old - new
    slack = NEARLY * max(abs(old), abs(new))
    if worse > margin + slack:
        outcome = MetricOutcome.WORSE
        reason = f"worse than version {champion.version} by {fmt.quantity(worse)}, {fmt.quantity(margin)} is allowed"
    elif -worse > margin + slack:
        outcome, reason = MetricOutcome.BETTER, f"better than version {champion.version}"
    else:
        outcome, reason = MetricOutcome.OK, f"not worse than version {champion.version}"
    return MetricVerdict(
        metric=name,
        outcome=outcome,
        reason=reason,
        baseline=old,
        canary=new,
        difference=new - old,
        margin=margin,
        points=1,
    )


def indistinct(one: RegisteredVersion, other: RegisteredVersion) -> bool:
    """Whether both versions' metrics are those of one run, which made two models."""
    if one.model_id and other.model_id:
        return False
    return bool(one.run) and one.run == other.run and one.source_uri != other.source_uri
