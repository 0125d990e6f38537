"""What must be known before promoting, as short texts: what the deck's dialog and the commands both show.

Pure functions of a promotion and a time; a role is a status that the text looks like.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tui.domain.verdict import Decision
from tui.insight.promotion import FRESH, PartSource, Promotion
from tui.text import format as fmt

COMMITS = 3
"""Told by their titles; more are counted."""
_ROLES = {Decision.PROMOTE: "passed", Decision.WAIT: "warning", Decision.STOP: "failed"}


class PromotionFact(NamedTuple):
    name: str
    words: str
    role: str = ""
    """The status it looks like; ``dim`` for what is less important."""

    @property
    def good_or_bad(self) -> bool:
        return self.role in ("passed", "warning", "failed")


def promotion_facts(promotion: Promotion, now: float) -> Iterator[PromotionFact]:
    """All of it but the metrics, in the order in which it is read."""
    yield PromotionFact("model", promotion.model)
    yield PromotionFact(
        "version",
        f"{promotion.replaces or '?'} → {promotion.version or '?'}{_mark(promotion.environments, now)}",
    )
    if promotion.canary is not None and promotion.canary.revision:
        yield PromotionFact("commit", promotion.canary.revision[:12])
    yield PromotionFact("environment", promotion.environment or "not known")
    yield _verdict(promotion, now)
    share = (
        f"{promotion.share:g} % of the traffic"
        if promotion.share is not None
        else "share of the traffic not known"
    )
    since = f"for {promotion.minutes:.0f} min" if promotion.minutes is not None else "since when is not known"
    yield PromotionFact("canary", f"{share}, {since}")
    yield _requests(promotion, now)
    yield _baseline(promotion)
    yield from _unless_missing("brings", _brings(promotion), promotion.changes_known, now)
    tests = promotion.tests
    words = f"{tests.total} tests, {tests.failed} failed" if tests is not None else ""
    yield from _unless_missing("tests", words, promotion.tests_known, now, bool(tests and tests.failed))
    alarms = "; ".join(promotion.alarms) or ("" if promotion.alarms_known.problem else "none")
    yield from _unless_missing("alarms", alarms, promotion.alarms_known, now, bool(promotion.alarms))
    others = ", ".join(
        f"{other.deployment.version} by {other.deployment.who or 'somebody'} into {other.environment}"
        for other in promotion.others
    )
    meanwhile = f"also deployed: {others}" if others else "nothing else was deployed, as far as is known"
    yield PromotionFact("meanwhile", meanwhile, "warning" if others else "")
    judging = "; ".join(promotion.judging) or "nobody else, as far as is known"
    yield PromotionFact("also judging", judging, "warning" if promotion.judging else "")
    yield PromotionFact("rolling back", promotion.back or "nothing to go back to is known")


def notes(promotion: Promotion) -> Iterator[PromotionFact]:
    """What is to be said of the values that were judged."""
    for note in promotion.verdict.notes if promotion.verdict is not None else ():
        yield PromotionFact("about it", note, "dim")


def _verdict(promotion: Promotion, now: float) -> PromotionFact:
    verdict = promotion.verdict
    if verdict is None:
        return _missing("verdict", promotion.verdict_known)
    words = f"{verdict.decision}: {verdict.reason} (score {verdict.score:.0f}, judged by {verdict.judge})"
    return PromotionFact("verdict", words + _mark(promotion.verdict_known, now), _ROLES[verdict.decision])


def _requests(promotion: Promotion, now: float) -> PromotionFact:
    canary, baseline = promotion.requests.canary, promotion.requests.baseline
    if canary is None:
        return _missing("requests", promotion.requests_known)
    words = f"{fmt.quantity(round(canary))} on the canary"
    if baseline is not None:
        words += f", {fmt.quantity(round(baseline))} on the baseline in the same time"
    return PromotionFact("requests", words + _mark(promotion.requests_known, now))


def _baseline(promotion: Promotion) -> PromotionFact:
    """Whether the two can be compared at all: what is warm looks better than what has just begun."""
    if promotion.before is None:
        return PromotionFact("baseline", "since when it is there is not known", "warning")
    earlier = f"it was there {fmt.ago(promotion.before * 60)} before the canary"
    return PromotionFact("baseline", f"{promotion.replaces}; {earlier}: warm where the canary may be cold")


def _brings(promotion: Promotion) -> str:
    if promotion.changes is None:
        return ""
    commits = promotion.changes.commits
    if not commits:
        return "no commit"
    first = [f"{commit.revision[:8]} {commit.title} ({commit.author})" for commit in commits[:COMMITS]]
    more = [f"{len(commits) - COMMITS} more"] if len(commits) > COMMITS else []
    return f"{fmt.count(len(commits), 'commit')}: {'; '.join([*first, *more])}"


def _unless_missing(
    name: str, words: str, known: PartSource, now: float, bad: bool = False
) -> Iterator[PromotionFact]:
    yield (
        PromotionFact(name, words + _mark(known, now), "failed" if bad else "")
        if words
        else _missing(name, known)
    )


def _mark(known: PartSource, now: float) -> str:
    """How old a part is, where it was not read within the last seconds."""
    if known.fresh(now):
        return ""
    problem = f", now: {known.problem}" if known.problem else ""
    return f"  ~ read {age(known.at, now)}{problem}"


def _missing(name: str, known: PartSource) -> PromotionFact:
    return PromotionFact(name, f"not known: {known.problem or 'it was not read'}", "warning")


def age(at: float | None, now: float) -> str:
    if not at:
        return "never"
    return "just now" if now - at < FRESH else f"{fmt.duration(now - at)} ago"
