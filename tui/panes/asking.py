"""What a plan looks like to the person who is asked: facts, doubts, and the canary of a promotion."""

from collections.abc import Iterator

from tui import format as fmt
from tui.domain.action import Plan
from tui.domain.verdict import Decision, MetricVerdict, Outcome
from tui.engine.actions import Prepared
from tui.insight.promotion import Known, Promotion
from widgets.cells import Cell
from widgets.dialog import FACTS, Paper
from widgets.form import Entry
from widgets.line_table import Column, Row
from widgets.theme import look

METRICS = (
    Column("", 1),
    Column("", 13),
    Column("", 8, flex=1),
    Column("", 8, flex=1),
    Column("", 17, flex=3),
    Column("", 7),
    Column("", 5, align="right"),
    Column("", 4, align="right"),
)
_TITLES = ("", "Metric", "baseline", "canary", "difference", "verdict", "n", "age")
FRESH = 15.0
"""Seconds after which what was read is marked with its age."""
_LOOKS = {Outcome.WORSE: "failed", Outcome.UNCLEAR: "warning", Outcome.IGNORED: "skipped"}
_DECISIONS = {Decision.PROMOTE: "passed", Decision.WAIT: "warning", Decision.STOP: "failed"}


def paper(prepared: Prepared, now: float) -> Paper:
    """All that is to be known before an answer."""
    plan, promotion = prepared.plan, prepared.promotion
    facts: list[tuple[str, Cell]] = [
        ("what", (plan.words, "strong")),
        ("server", plan.server or plan.wish.target.source),
    ]
    if not plan.possible:
        facts.append(("cannot now", (plan.why_not, "failed")))
    warnings = list(plan.warnings)
    for field in plan.fields:
        if field.kind == "unsupported":
            warnings.append(f"{field.name} cannot be filled in here; it is sent as the server has it")
    rows: list[Row] = []
    if promotion is not None:
        facts += _promotion(promotion, now)
        rows = list(_metrics(promotion, now))
    facts += [(name, value) for name, value in plan.facts]
    if not promotion and plan.environment and "environment" not in dict(plan.facts):
        facts.append(("environment", plan.environment))
    facts += [
        (f"step {number}", step.words) for number, step in enumerate(plan.steps, 1) if len(plan.steps) > 1
    ]
    facts.append(("state read", age(plan.read_at, now)))
    if prepared.consent.doubt:
        warnings.insert(0, f"{prepared.consent.doubt}: it is asked twice")
    if prepared.consent.name:
        warnings.append(f"{prepared.consent.name} is production: its name has to be typed")
    title = f"{plan.wish.kind.value.capitalize()} {plan.wish.target}"
    return Paper(title, facts, warnings, METRICS if rows else FACTS, rows)


def _promotion(known: Promotion, now: float) -> Iterator[tuple[str, Cell]]:
    yield "model", known.model
    yield "version", f"{known.replaces or '?'} → {known.version or '?'}{_mark(known.environments, now)}"
    if known.canary is not None and known.canary.revision:
        yield "commit", known.canary.revision[:12]
    yield "environment", known.environment or "?"
    share = (
        f"{known.share:g} % of the traffic" if known.share is not None else "share of the traffic not known"
    )
    minutes = f"{known.minutes:.0f} min" if known.minutes is not None else "since when is not known"
    yield "canary", f"{share}, {minutes}"
    if (changes := known.changes) is not None:
        first = "; ".join(
            f"{commit.revision[:8]} {commit.title} ({commit.author})" for commit in changes.commits[:3]
        )
        more = f"; {len(changes.commits) - 3} more" if len(changes.commits) > 3 else ""
        words = (
            f"{fmt.count(len(changes.commits), 'commit')}: {first}{more}" if changes.commits else "no commit"
        )
        yield "brings", words + _mark(known.changes_known, now)
    else:
        yield "brings", _missing(known.changes_known)
    if (tests := known.tests) is not None:
        role = "failed" if tests.failed else ""
        yield "tests", (f"{tests.total} tests, {tests.failed} failed{_mark(known.tests_known, now)}", role)
    else:
        yield "tests", _missing(known.tests_known)
    if (verdict := known.verdict) is not None:
        shown = look(_DECISIONS[verdict.decision])
        words = f"{shown.glyph} {verdict.decision}: {verdict.reason}"
        words += f" (score {verdict.score:.0f}, judged by {verdict.judge})"
        yield "verdict", (words + _mark(known.verdict_known, now), shown.role)
    else:
        yield "verdict", _missing(known.verdict_known)
    if known.alarms:
        yield "alarms", ("; ".join(known.alarms) + _mark(known.alarms_known, now), "failed")
    elif known.alarms_known.problem:
        yield "alarms", _missing(known.alarms_known)
    else:
        yield "alarms", f"none{_mark(known.alarms_known, now)}"
    others = ", ".join(f"{each.version} by {each.who or '?'}" for each in known.others)
    yield (
        "meanwhile",
        (f"also deployed there: {others}", "warning") if others else "nothing else was deployed there",
    )
    yield "rolling back", known.back or "not known"
    for note in known.verdict.notes if known.verdict is not None else ():
        yield "about it", (note, "dim")


def _metrics(known: Promotion, now: float) -> Iterator[Row]:
    metrics = known.verdict.metrics if known.verdict is not None else ()
    if metrics:
        yield Row("metrics", _TITLES, "group")
    for metric in metrics:
        shown = look(_LOOKS.get(metric.outcome, "passed"))
        cells: tuple[Cell, ...] = (
            (shown.glyph, shown.role),
            metric.metric,
            _number(metric.baseline),
            _number(metric.canary),
            _difference(metric),
            (metric.outcome.value, shown.role),
            f"{metric.effective:.0f}" if metric.effective is not None else "",
            _newest(metric, now),
        )
        yield Row(f"metric {metric.metric}", cells)
        limit = f"limit {_number(metric.fail)}; " if metric.fail is not None else ""
        yield Row(f"reason {metric.metric}", ("", (f"  {limit}{metric.reason}", "dim")))


def _difference(metric: MetricVerdict) -> str:
    if metric.difference is None:
        return ""
    low = _number(metric.low) if metric.low is not None else "−∞"
    high = _number(metric.high) if metric.high is not None else "∞"
    return f"{metric.difference:+.3g} [{low}, {high}]"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _newest(metric: MetricVerdict, now: float) -> Cell:
    if metric.newest is None:
        return ("none", "warning")
    seconds = now - metric.newest
    return fmt.ago(seconds) if seconds < 300 else (f"~{fmt.ago(seconds)}", "warning")


def _mark(known: Known, now: float) -> str:
    """How old a part is, where it was not read within the last seconds."""
    if known.problem:
        return f"  ~ read {age(known.at, now)}, now: {known.problem}"
    return "" if known.at is not None and now - known.at < FRESH else f"  ~ read {age(known.at, now)}"


def _missing(known: Known) -> Cell:
    return (f"? not known: {known.problem or 'it was not read'}", "warning")


def age(at: float | None, now: float) -> str:
    if not at:
        return "never"
    return "just now" if now - at < FRESH else f"{fmt.duration(now - at)} ago"


def entries(plan: Plan) -> list[Entry]:
    """What is to be filled in, of what can be."""
    return [
        Entry(field.name, field.kind, field.default, field.choices, field.help, field.required)
        for field in plan.fields
        if field.kind != "unsupported"
    ]
