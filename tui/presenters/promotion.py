"""What must be known before promoting, as short texts: what the deck's dialog and the commands both show.

Pure functions of a promotion and a time; a role is a status that the text looks like.
"""

from collections.abc import Iterator
from typing import NamedTuple

from tui.domain.verdict import Decision
from tui.insight.promotion import PartSource, Promotion
from tui.text import format as fmt

FRESH = 15.0
"""Seconds after which what was read is marked with its age."""
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


def promotion_facts(its: Promotion, now: float) -> Iterator[PromotionFact]:
    """All of it but the metrics, in the order in which it is read."""
    yield PromotionFact("model", its.model)
    yield PromotionFact(
        "version", f"{its.replaces or '?'} → {its.version or '?'}{_mark(its.environments, now)}"
    )
    if its.canary is not None and its.canary.revision:
        yield PromotionFact("commit", its.canary.revision[:12])
    yield PromotionFact("environment", its.environment or "not known")
    yield _verdict(its, now)
    share = f"{its.share:g} % of the traffic" if its.share is not None else "share of the traffic not known"
    since = f"for {its.minutes:.0f} min" if its.minutes is not None else "since when is not known"
    yield PromotionFact("canary", f"{share}, {since}")
    yield _requests(its, now)
    yield _baseline(its)
    yield from _unless_missing("brings", _brings(its), its.changes_known, now)
    tests = its.tests
    words = f"{tests.total} tests, {tests.failed} failed" if tests is not None else ""
    yield from _unless_missing("tests", words, its.tests_known, now, bool(tests and tests.failed))
    alarms = "; ".join(its.alarms) or ("" if its.alarms_known.problem else "none")
    yield from _unless_missing("alarms", alarms, its.alarms_known, now, bool(its.alarms))
    others = ", ".join(
        f"{each.deployment.version} by {each.deployment.who or 'somebody'} into {each.environment}"
        for each in its.others
    )
    meanwhile = f"also deployed: {others}" if others else "nothing else was deployed, as far as is known"
    yield PromotionFact("meanwhile", meanwhile, "warning" if others else "")
    judging = "; ".join(its.judging) or "nobody else, as far as is known"
    yield PromotionFact("also judging", judging, "warning" if its.judging else "")
    yield PromotionFact("rolling back", its.back or "nothing to go back to is known")


def notes(its: Promotion) -> Iterator[PromotionFact]:
    """What is to be said of the values that were judged."""
    for note in its.verdict.notes if its.verdict is not None else ():
        yield PromotionFact("about it", note, "dim")


def _verdict(its: Promotion, now: float) -> PromotionFact:
    verdict = its.verdict
    if verdict is None:
        return _missing("verdict", its.verdict_known)
    words = f"{verdict.decision}: {verdict.reason} (score {verdict.score:.0f}, judged by {verdict.judge})"
    return PromotionFact("verdict", words + _mark(its.verdict_known, now), _ROLES[verdict.decision])


def _requests(its: Promotion, now: float) -> PromotionFact:
    canary, baseline = its.requests.canary, its.requests.baseline
    if canary is None:
        return _missing("requests", its.requests_known)
    words = f"{fmt.quantity(round(canary))} on the canary"
    if baseline is not None:
        words += f", {fmt.quantity(round(baseline))} on the baseline in the same time"
    return PromotionFact("requests", words + _mark(its.requests_known, now))


def _baseline(its: Promotion) -> PromotionFact:
    """Whether the two can be compared at all: what is warm looks better than what has just begun."""
    if its.before is None:
        return PromotionFact("baseline", "since when it is there is not known", "warning")
    earlier = f"it was there {fmt.ago(its.before * 60)} before the canary"
    return PromotionFact("baseline", f"{its.replaces}; {earlier}: warm where the canary may be cold")


def _brings(its: Promotion) -> str:
    if its.changes is None:
        return ""
    commits = its.changes.commits
    if not commits:
        return "no commit"
    first = [f"{each.revision[:8]} {each.title} ({each.author})" for each in commits[:COMMITS]]
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
    if known.problem:
        return f"  ~ read {age(known.at, now)}, now: {known.problem}"
    return "" if known.at is not None and now - known.at < FRESH else f"  ~ read {age(known.at, now)}"


def _missing(name: str, known: PartSource) -> PromotionFact:
    return PromotionFact(name, f"not known: {known.problem or 'it was not read'}", "warning")


def age(at: float | None, now: float) -> str:
    if not at:
        return "never"
    return "just now" if now - at < FRESH else f"{fmt.duration(now - at)} ago"
