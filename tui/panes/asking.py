"""What a plan looks like to the person who is asked: doubts, facts, and the metrics of a promotion."""

from collections.abc import Iterator, Mapping, Sequence

from tui import format as fmt
from tui.config import Settings
from tui.domain.action import Field, Plan
from tui.domain.verdict import MetricVerdict, Outcome
from tui.engine.actions import Prepared
from tui.engine.aiming import Item, able
from tui.insight.consent import names
from tui.insight.promotion import Promotion
from tui.promotion_facts import Told, age, metric_words, notes, promotion_facts
from tui.text import clean, clean_lines
from widgets.cells import Cell
from widgets.dialog import FACTS, Doubt, Fact, Paper
from widgets.form import Entry
from widgets.line_table import Column, Row
from widgets.theme import look

METRICS = (
    Column("", 1),
    Column("", 13, flex=1),
    Column("", 12, flex=1),
    Column("", 12, flex=1),
    Column("", 7),
    Column("", 5, align="right"),
    Column("", 5, align="right"),
)
_TITLES = ("", "Metric", "baseline", "canary", "verdict", "n", "age")
_LOOKS = {Outcome.WORSE: "failed", Outcome.UNCLEAR: "warning", Outcome.IGNORED: "skipped"}


def paper(prepared: Prepared, settings: Settings, now: float) -> Paper:
    """All that is to be known before an answer: what it is, what makes it doubtful, the facts, the metrics."""
    plan, promotion = prepared.plan, prepared.promotion
    lines: list[Fact | Doubt | Row] = [Fact("what", (plan.words, "strong"))]
    if not plan.possible:
        lines.append(Fact("cannot now", (plan.why_not, "failed")))
    if prepared.consent.doubt:
        lines.append(Doubt(f"{prepared.consent.doubt}: it is asked twice"))
    if prepared.consent.name:
        lines.append(Doubt(f"{prepared.consent.name} is production: its name has to be typed"))
    lines += map(Doubt, plan.warnings)
    for field in plan.fields:
        if field.kind == "unsupported":
            lines.append(
                Doubt(f"{clean(field.name)} cannot be filled in here; it is sent as the server has it")
            )
    lines.append(Fact("server", plan.server or plan.wish.target.source))
    if promotion is not None:
        lines += _promotion(promotion, settings, now)
    lines += [Fact(name, value) for name, value in plan.facts]
    if not promotion and plan.environment and "environment" not in dict(plan.facts):
        lines.append(Fact("environment", plan.environment))
    if len(plan.steps) > 1:
        lines += [Fact(f"step {number}", step.words) for number, step in enumerate(plan.steps, 1)]
    lines.append(Fact("state read", age(plan.read_at, now)))
    if promotion is not None:
        lines += [Fact(each.name, _marked(each)) for each in notes(promotion)]
    title = f"{plan.wish.kind.value.capitalize()} {plan.wish.target}"
    return Paper(title, lines, METRICS if promotion is not None else FACTS)


def paper_of_all(title: str, items: Sequence[Item], settings: Settings, now: float) -> Paper:
    """What is done together: what of it is possible, and then all that is to be known of each."""
    plans = able(items)
    lines: list[Fact | Doubt | Row] = [
        Fact("what", (f"{len(plans)} of {len(items)}, each by itself", "strong"))
    ]
    if typed := names(each.consent for each in plans):
        lines.append(Doubt(f"{', '.join(typed)}: production, to be typed"))
    lines += [Doubt(f"left out: {each.target}: {each.why_not}") for each in items if each.why_not]
    lines += [Fact(f"{number}", (each.plan.words, "strong")) for number, each in enumerate(plans, 1)]
    for number, each in enumerate(plans, 1):
        lines.append(Row(f"{number}", ("", f"{number}", str(each.plan.wish.target)), "group"))
        for line in paper(each, settings, now).lines:
            lines.append(line._replace(key=f"{number} {line.key}") if isinstance(line, Row) else line)
    return Paper(title, lines, METRICS if any(each.promotion for each in plans) else FACTS)


def _promotion(promotion: Promotion, settings: Settings, now: float) -> Iterator[Fact | Row]:
    yield from (Fact(each.name, _marked(each)) for each in promotion_facts(promotion, now))
    metrics = promotion.verdict.metrics if promotion.verdict is not None else ()
    if metrics:
        yield Row("metrics", _TITLES, "group")
    for each in metrics:
        yield from _metric(each, settings, now)


def _marked(told: Told) -> Cell:
    """With the glyph of what is good or bad about it, for a colour alone says nothing."""
    shown = look(told.role)
    return (f"{shown.glyph} {told.words}", shown.role) if told.good_or_bad else (told.words, told.role)


def _metric(metric: MetricVerdict, settings: Settings, now: float) -> Iterator[Fact | Row]:
    shown, table = look(_LOOKS.get(metric.outcome, "passed")), settings.metrics.get(metric.metric)
    unit = table.unit if table is not None else ""
    cells: tuple[Cell, ...] = (
        (shown.glyph, shown.role),
        metric.metric,
        fmt.level(metric.baseline, unit, at_least=metric.baseline_at_least),
        fmt.level(metric.canary, unit, at_least=metric.canary_at_least),
        (metric.outcome.value, shown.role),
        f"{metric.effective:.0f}" if metric.effective is not None else "",
        _newest(metric, now),
    )
    yield Row(f"metric {metric.metric}", cells)
    yield Fact("", (metric_words(metric, settings), "dim"))


def _newest(metric: MetricVerdict, now: float) -> Cell:
    if metric.newest is None:
        return ("none", "warning")
    seconds = now - metric.newest
    return fmt.ago(seconds) if seconds < 300 else (f"~{fmt.ago(seconds)}", "warning")


def entries(plan: Plan) -> list[Entry]:
    """What is to be filled in, of what can be; with what the wish says of it already."""
    return [
        Entry(
            field.name,
            field.kind,
            _shown(field, _before(plan, field)),
            tuple(map(clean, field.choices)),
            clean(field.help),
            field.required,
            clean(field.name),
        )
        for field in plan.fields
        if field.kind != "unsupported"
    ]


def values(plan: Plan, answers: Mapping[str, str]) -> dict[str, str]:
    """What the wish says and what was filled in; what was left as it stood goes back to the server as it came, however
    it had to be shown."""
    fields = {field.name: field for field in plan.fields}
    found = dict(plan.wish.values)
    for name, answer in answers.items():
        field = fields[name]
        came = (_before(plan, field), *field.choices)
        found[name] = next((each for each in came if _shown(field, each) == answer), answer)
    return found


def _before(plan: Plan, field: Field) -> str:
    return dict(plan.wish.values).get(field.name, field.default)


def _shown(field: Field, value: str) -> str:
    return clean_lines(value) if field.kind == "lines" else clean(value)
