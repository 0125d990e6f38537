"""What a plan looks like to the person who is asked: doubts, facts, and the metrics of a promotion."""

from collections.abc import Iterator, Mapping, Sequence

from tui.config import Settings
from tui.domain.action import ActionField, Plan
from tui.domain.verdict import MetricOutcome, MetricVerdict
from tui.engine.actions.service import PreparedAction
from tui.engine.actions.targets import TargetPlan, able
from tui.insight.confirmation import names
from tui.insight.promotion import Promotion
from tui.presenters.judged_metrics import metric_line
from tui.presenters.promotion import PromotionFact, age, notes, promotion_facts
from tui.text.safe import clean, clean_lines
from widgets.cells import Cell
from widgets.dialog.dialog import FACTS, DialogContent, DialogDoubt, DialogFact
from widgets.dialog.form import Entry
from widgets.table.line_table import Column, Row
from widgets.theme import status_style

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
OLD = 300.0
"""Seconds after which the newest value of a metric is marked."""
_LOOKS = {MetricOutcome.WORSE: "failed", MetricOutcome.UNCLEAR: "warning", MetricOutcome.IGNORED: "skipped"}


def paper(prepared: PreparedAction, settings: Settings, now: float) -> DialogContent:
    """All that is to be known before an answer: what it is, what makes it doubtful, the facts, the metrics."""
    plan, promotion = prepared.plan, prepared.promotion
    lines: list[DialogFact | DialogDoubt | Row] = [DialogFact("what", (plan.words, "strong"))]
    if not plan.possible:
        lines.append(DialogFact("cannot now", (plan.why_not, "failed")))
    if prepared.consent.doubt:
        lines.append(DialogDoubt(f"{prepared.consent.typing_version}, after the yes"))
    if plan.possible and prepared.consent.name:
        lines.append(DialogDoubt(prepared.consent.typing))
    lines += map(DialogDoubt, plan.warnings)
    for field in plan.fields:
        if field.kind == "unsupported":
            lines.append(
                DialogDoubt(f"{clean(field.name)} cannot be filled in here; it is sent as the server has it")
            )
    lines.append(DialogFact("server", plan.server or plan.request.target.source))
    if promotion is not None:
        lines += _promotion(promotion, settings, now)
    lines += [DialogFact(name, value) for name, value in plan.facts]
    if not promotion and plan.environment and "environment" not in dict(plan.facts):
        lines.append(DialogFact("environment", plan.environment))
    if len(plan.steps) > 1:
        lines += [DialogFact(f"step {number}", step.words) for number, step in enumerate(plan.steps, 1)]
    lines.append(DialogFact("state read", age(plan.read_at, now)))
    if promotion is not None:
        lines += [DialogFact(note.name, _marked(note)) for note in notes(promotion)]
    title = f"{plan.request.kind.verb.capitalize()} {plan.request.target}"
    return DialogContent(title, lines, METRICS if promotion is not None else FACTS)


def paper_of_all(title: str, items: Sequence[TargetPlan], settings: Settings, now: float) -> DialogContent:
    """What is done together: what of it is possible, and then all that is to be known of each."""
    plans = able(items)
    lines: list[DialogFact | DialogDoubt | Row] = [
        DialogFact("what", (f"{len(plans)} of {len(items)}, each by itself", "strong"))
    ]
    if typed := names(plan.consent for plan in plans):
        lines.append(DialogDoubt(f"{', '.join(typed)}: production, to be typed"))
    lines += [DialogDoubt(f"left out: {item.target}: {item.why_not}") for item in items if item.why_not]
    lines += [DialogFact(f"{number}", (each.plan.words, "strong")) for number, each in enumerate(plans, 1)]
    for number, each in enumerate(plans, 1):
        lines.append(Row(f"{number}", ("", f"{number}", str(each.plan.request.target)), "group"))
        for line in paper(each, settings, now).lines:
            lines.append(line._replace(key=f"{number} {line.key}") if isinstance(line, Row) else line)
    return DialogContent(title, lines, METRICS if any(plan.promotion for plan in plans) else FACTS)


def _promotion(promotion: Promotion, settings: Settings, now: float) -> Iterator[DialogFact | Row]:
    yield from (
        DialogFact(promotion_fact.name, _marked(promotion_fact))
        for promotion_fact in promotion_facts(promotion, now)
    )
    metrics = promotion.verdict.metrics if promotion.verdict is not None else ()
    if metrics:
        yield Row("metrics", _TITLES, "group")
    for metric in metrics:
        yield from _metric(metric, settings, now)


def _marked(told: PromotionFact) -> Cell:
    """With the glyph of what is good or bad about it, for a colour alone says nothing."""
    shown = status_style(told.role)
    return (f"{shown.glyph} {told.words}", shown.role) if told.good_or_bad else (told.words, told.role)


def _metric(metric: MetricVerdict, settings: Settings, now: float) -> Iterator[DialogFact | Row]:
    shown, table = status_style(_LOOKS.get(metric.outcome, "passed")), settings.metrics.get(metric.metric)
    line = metric_line(metric, table.unit if table is not None else "", now)
    cells: tuple[Cell, ...] = (
        (shown.glyph, shown.role),
        line.metric,
        line.baseline,
        line.canary,
        (line.outcome.value, shown.role),
        line.effective,
        _newest(metric, line.age, now),
    )
    yield Row(f"metric {metric.metric}", cells)
    yield DialogFact("", (line.why, "dim"))


def _newest(metric: MetricVerdict, age: str, now: float) -> Cell:
    if metric.newest is None:
        return ("none", "warning")
    return age if now - metric.newest < OLD else (f"~{age}", "warning")


def entries(plan: Plan) -> list[Entry]:
    """What is to be filled in, of what can be; with what the request says of it already."""
    return [
        Entry(
            field.name,
            "text" if field.kind == "run" or field.kind == "file" else field.kind,
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
    """What the request says and what was filled in; what was left as it stood goes back to the server as it came,
    however it had to be shown."""
    fields = {field.name: field for field in plan.fields}
    found = dict(plan.request.values)
    for name, answer in answers.items():
        field = fields[name]
        came = (_before(plan, field), *field.choices)
        found[name] = next((each for each in came if _shown(field, each) == answer), answer)
    return found


def secrets(plan: Plan, answers: Mapping[str, str]) -> dict[str, str]:
    """What was typed; one that need not be given and was left empty is left to the server."""
    required = {field.name for field in plan.fields if field.required}
    return {name: answer for name, answer in answers.items() if answer or name in required}


def _before(plan: Plan, field: ActionField) -> str:
    return dict(plan.request.values).get(field.name, field.default)


def _shown(field: ActionField, value: str) -> str:
    return clean_lines(value) if field.kind == "lines" else clean(value)
