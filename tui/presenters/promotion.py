"""What must be known before promoting, as short texts: what the deck's dialog and the commands both show.

Pure functions of a promotion and a time.
"""

from collections.abc import Iterator

from tui.domain.model_comparison import Group, Standing
from tui.domain.verdict import Decision, MetricOutcome, MetricVerdict, Verdict
from tui.insight.model_comparison import most_important
from tui.insight.promotion import FRESH, PartSource, Promotion
from tui.presenters.evaluation import EVALUATION, evaluation_facts
from tui.presenters.fact import Fact
from tui.presenters.judged_metrics import server_words
from tui.presenters.model_comparison import difference_words
from tui.text import format as fmt

COMMITS = 3
"""Told by their titles; more are counted."""
NOT_KNOWN = "not known"
CHANGED = "what changed"
MOST_CHANGES = 3
_ROLES = {Decision.PROMOTE: "passed", Decision.WAIT: "warning", Decision.STOP: "failed"}
_AGAINST = {MetricOutcome.WORSE: "failed", MetricOutcome.UNCLEAR: "warning"}


def verdict_fact(promotion: Promotion, now: float) -> Fact:
    """What the judge decided, a sentence; what he says of a metric stands with what speaks against it."""
    verdict = promotion.verdict
    if verdict is None:
        return Fact("verdict", f"the verdict is {NOT_KNOWN}: {_why(promotion.verdict_known)}", "warning")
    words = f"{verdict.decision}: {_reason(verdict)}{_mark(promotion.verdict_known, now)}"
    if verdict.server is not None and verdict.counts is not verdict.decision:
        words = f"{verdict.counts}, as {verdict.server.judge} has it; ours is {words}"
    return Fact("verdict", words, _ROLES[verdict.counts])


def promotion_facts(promotion: Promotion, now: float) -> Iterator[Fact]:
    """All of it but the verdict and the metrics that are as they should be."""
    verdict = promotion.verdict
    if verdict is not None and verdict.server is not None:
        server = verdict.server
        words = f"{server.judge} says {server_words(server)}"
        yield Fact(server.judge, words, _ROLES[server.decision])
    for metric in verdict.metrics if verdict is not None else ():
        if role := _AGAINST.get(metric.outcome, ""):
            yield Fact(metric.metric, _metric_words(metric), role)
    yield from _evaluated(promotion)
    yield from _compared(promotion)
    yield _tests(promotion, now)
    yield from _alarms(promotion, now)
    yield from _meanwhile(promotion)
    yield from (Fact("also judging", words, "warning") for words in promotion.judging)
    if not promotion.judging:
        yield Fact("also judging", "nobody else, as far as is known")
    yield Fact("model", promotion.model)
    versions = f"{promotion.replaces or NOT_KNOWN} → {promotion.version or NOT_KNOWN}"
    yield Fact("version", versions + _mark(promotion.environments, now))
    if promotion.canary is not None and promotion.canary.revision:
        yield Fact("commit", promotion.canary.revision[:12])
    yield Fact("environment", promotion.environment or NOT_KNOWN)
    yield from _canary(promotion)
    yield _requests(promotion, now)
    yield _baseline(promotion)
    yield _unless_missing("brings", _brings(promotion), promotion.changes_known, now)
    if verdict is not None:
        yield Fact("score", f"{verdict.score:.0f} of 100, judged by {verdict.judge}")
        yield from (Fact("about it", note, "dim") for note in verdict.notes)


def way_back(promotion: Promotion) -> Fact:
    return Fact("way back", promotion.back or f"{NOT_KNOWN}: no version to go back to was found")


def _reason(verdict: Verdict) -> str:
    reason = verdict.reason
    for metric in verdict.metrics:
        if metric.outcome is MetricOutcome.WORSE and metric.reason:
            reason = reason.removesuffix(metric.reason)
    return reason.rstrip()


def _metric_words(metric: MetricVerdict) -> str:
    unclear = " is unclear:" if metric.outcome is MetricOutcome.UNCLEAR else ""
    return f"{metric.metric}{unclear} {metric.reason}"


def _evaluated(promotion: Promotion) -> Iterator[Fact]:
    known = promotion.evaluations_known
    if known is not None and known.problem:
        yield _missing(EVALUATION, known)
    elif known is not None:
        yield from evaluation_facts(promotion.evaluations)


def _compared(promotion: Promotion) -> Iterator[Fact]:
    """Of what the registry says that changed the three that matter most: what is worse, or asks something of callers,
    speaks against it, the rest does not."""
    known, found = promotion.comparison_known, promotion.comparison
    if known is None:
        return
    if found is None or known.problem:
        yield _missing(CHANGED, known)
        return
    if not found.differences:
        yield Fact(CHANGED, "; ".join(found.notes) or "there are no two versions to compare", "unknown")
        return
    sides = ((found.deployed, "what is deployed"), (found.candidate, "the canary"))
    for basis, (record, what) in zip(found.basis, sides, strict=True):
        if basis.startswith("by the alias") and record is not None:
            yield Fact(
                CHANGED, f"that version {record.version.version} is {what} is told only {basis}", "unknown"
            )
    matter = most_important(found.differences)
    plain = []
    for each in matter[:MOST_CHANGES]:
        role = "failed" if each.outcome is MetricOutcome.WORSE else "warning" if each.marked else ""
        if role:
            yield Fact(CHANGED, difference_words(each), role)
        else:
            plain.append(difference_words(each))
    more = len(matter) - MOST_CHANGES
    texts = [*plain, f"{more} more differ" if more > 0 else ""]
    if any(texts):
        yield Fact(CHANGED, "; ".join(filter(None, texts)))
    elif not matter:
        yield Fact(CHANGED, "nothing, as far as it was recorded")
    unknown = [each for each in found.standing(Standing.UNKNOWN) if each.group is not Group.ORIGIN]
    if unknown:
        names = ", ".join(each.name for each in unknown[:MOST_CHANGES])
        rest = f" and {len(unknown) - MOST_CHANGES} more" if len(unknown) > MOST_CHANGES else ""
        yield Fact(CHANGED, f"not recorded of both, or not readable: {names}{rest}", "unknown")
    yield from (Fact(CHANGED, note, "dim") for note in found.notes)


def _tests(promotion: Promotion, now: float) -> Fact:
    tests = promotion.tests
    if tests is None:
        return _missing("tests", promotion.tests_known)
    words = f"{tests.failed or 'none'} of {fmt.count(tests.total, 'test')} failed"
    return Fact("tests", words + _mark(promotion.tests_known, now), "failed" if tests.failed else "")


def _alarms(promotion: Promotion, now: float) -> Iterator[Fact]:
    known = promotion.alarms_known
    mark = "" if known.problem else _mark(known, now)
    for words in promotion.alarms:
        yield Fact("alarms", f"alarm {words}{mark}", "failed")
    for words in promotion.alarms_elsewhere:
        yield Fact("alarms", f"alarm elsewhere, {words}{mark}", "warning")
    if known.problem:
        yield _missing("alarms", known)
    elif not promotion.alarms + promotion.alarms_elsewhere:
        yield Fact("alarms", f"none fires{mark}")


def _meanwhile(promotion: Promotion) -> Iterator[Fact]:
    for other in promotion.others:
        who = other.deployment.who or "somebody"
        words = f"also deployed meanwhile: {other.deployment.version} by {who} into {other.environment}"
        yield Fact("meanwhile", words, "warning")
    if not promotion.others:
        yield Fact("meanwhile", "nothing else was deployed, as far as is known")


def _canary(promotion: Promotion) -> Iterator[Fact]:
    parts = (
        f"{promotion.share:g} % of the traffic" if promotion.share is not None else "",
        f"for {promotion.minutes:.0f} min" if promotion.minutes is not None else "",
    )
    missing = (
        "its share of the traffic" if promotion.share is None else "",
        "since when it is there" if promotion.minutes is None else "",
    )
    for words, role in ((parts, ""), (missing, "unknown")):
        if any(words):
            yield Fact("canary", ", ".join(filter(None, words)), role)


def _requests(promotion: Promotion, now: float) -> Fact:
    canary, baseline = promotion.requests.canary, promotion.requests.baseline
    if canary is None:
        return _missing("requests", promotion.requests_known)
    words = f"{fmt.quantity(round(canary))} on the canary"
    if baseline is not None:
        words += f", {fmt.quantity(round(baseline))} on the baseline in the same time"
    return Fact("requests", words + _mark(promotion.requests_known, now))


def _baseline(promotion: Promotion) -> Fact:
    """Whether the two can be compared at all: what is warm looks better than what has just begun."""
    if promotion.before is None:
        return Fact("baseline", "since when it is there", "unknown")
    earlier = f"it was there {fmt.ago(promotion.before * 60)} before the canary"
    return Fact("baseline", f"{promotion.replaces}; {earlier}: warm where the canary may be cold")


def _brings(promotion: Promotion) -> str:
    if promotion.changes is None:
        return ""
    commits = promotion.changes.commits
    if not commits:
        return "no commit"
    first = [f"{commit.revision[:8]} {commit.title} ({commit.author})" for commit in commits[:COMMITS]]
    more = [f"{len(commits) - COMMITS} more"] if len(commits) > COMMITS else []
    return f"{fmt.count(len(commits), 'commit')}: {'; '.join([*first, *more])}"


def _unless_missing(name: str, words: str, known: PartSource, now: float) -> Fact:
    return Fact(name, words + _mark(known, now)) if words else _missing(name, known)


def _mark(known: PartSource, now: float) -> str:
    """How old a part is, where it was not read within the last seconds."""
    if known.fresh(now):
        return ""
    problem = f", now: {known.problem}" if known.problem else ""
    return f"  ~ read {age(known.at, now)}{problem}"


def _missing(name: str, known: PartSource) -> Fact:
    return Fact(name, _why(known), "unknown")


def _why(known: PartSource) -> str:
    return known.problem or "it was not read"


def age(at: float | None, now: float) -> str:
    if not at:
        return "never"
    return "just now" if now - at < FRESH else f"{fmt.duration(now - at)} ago"
