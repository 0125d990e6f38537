"""What a plan looks like to the person who is asked: what speaks against it, what it does, and the metrics."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tui.config import Settings
from tui.domain.action import ActionField, Plan
from tui.domain.verdict import MetricOutcome, MetricVerdict
from tui.engine.actions.service import PreparedAction
from tui.engine.actions.targets import TargetPlan, able
from tui.insight.confirmation import names
from tui.presenters.fact import Fact
from tui.presenters.judged_metrics import MetricLine, metric_line
from tui.presenters.promotion import NOT_KNOWN
from tui.presenters.question import Question, last_facts, question
from tui.text.safe import clean, clean_lines
from widgets.cells import Cell, width_of
from widgets.chart.sparkline import sparkline
from widgets.dialog.dialog import FACTS, DialogContent, DialogDoubt, DialogFact
from widgets.dialog.form import Entry
from widgets.table.columns import Column
from widgets.table.line_table import Row
from widgets.theme import StatusStyle, status_style

Line = DialogFact | DialogDoubt | Row

EVIDENCE = ("", "", "baseline", "canary", "difference", "", "verdict", "canary so far", "baseline so far")
_LEAST = (1, 10, 0, 0, 0, 0, 0, 0, 0)
_DROPS = (0, 0, 0, 0, 0, 2, 0, 1, 3)
"""Of its columns: where there is no room, the curve of the baseline goes first, then the interval."""
CURVE = 13
METRICS = (
    Column("", 1),
    Column("", 13, flex=1),
    Column("", 12, flex=1),
    Column("", 12, flex=1),
    Column("", 7),
    Column("", 5, align="right"),
    Column("", 5, align="right"),
)
_TITLES = ("", "metric", "baseline", "canary", "verdict", "n", "age")
LONGEST_NAME = 20
OLD = 300.0
"""Seconds after which the newest value of a metric is marked."""
_LOOKS = {MetricOutcome.WORSE: "failed", MetricOutcome.UNCLEAR: "warning", MetricOutcome.IGNORED: "skipped"}
_ORDER = tuple(_LOOKS)
"""Worse first, what is as it should be last."""


class Paper(NamedTuple):
    """What is told of a question."""

    deciding: DialogContent
    everything: DialogContent


def paper(prepared: PreparedAction, settings: Settings, now: float) -> Paper:
    """All that is to be known before an answer: what speaks against it, what it does, the metrics, the rest."""
    asked = _question(prepared, now)
    deciding = list(_deciding(asked))
    rows = [_evidence(metric, line, now) for metric, line in _judged(prepared, settings, now)]
    if rows:
        deciding += [Row("space", ("",)), Row("evidence", EVIDENCE, "group"), *rows]
    everything = list(_everything(prepared, settings, now))
    return Paper(
        DialogContent(asked.title, deciding, _columns(rows) if rows else _beside(deciding)),
        DialogContent(asked.title, everything, METRICS if rows else _beside(everything)),
    )


def last_paper(
    prepared: PreparedAction, fields: Sequence[ActionField], secrets: Mapping[str, str], now: float
) -> DialogContent:
    """What stands beside the later answers: what speaks against it and what it does, and what is sent, once more.

    Args:
        fields: what was filled in.
    """
    asked = _question(prepared, now)
    lines: list[Line] = [*map(_headline, asked.verdict)]
    lines += _named(last_facts(asked, prepared.plan.request, fields, secrets))
    return DialogContent(asked.title, lines, _beside(lines))


def paper_of_all(title: str, items: Sequence[TargetPlan], settings: Settings, now: float) -> Paper:
    """What is done together: what of it is possible, and then what is to be known of each."""
    plans = able(items)
    head: list[Line] = [
        DialogDoubt(f"left out: {item.target}: {item.why_not}") for item in items if item.why_not
    ]
    head.append(DialogFact("it does", (f"{len(plans)} of {len(items)}, each by itself", "strong")))
    if typed := names(plan.consent for plan in plans):
        head.append(DialogDoubt(f"{', '.join(typed)}: production, to be typed"))
    head += [DialogFact(f"{number}", (each.plan.words, "strong")) for number, each in enumerate(plans, 1)]
    deciding, everything = [*head], [*head]
    for number, each in enumerate(plans, 1):
        group = Row(f"{number}", ("", f"{number}", str(each.plan.request.target)), "group")
        deciding += [group, *_deciding(_question(each, now))]
        for line in (group, *_everything(each, settings, now)):
            everything.append(line._replace(key=f"{number} {line.key}") if isinstance(line, Row) else line)
    columns = METRICS if any(plan.promotion for plan in plans) else _beside(everything)
    return Paper(DialogContent(title, deciding, _beside(deciding)), DialogContent(title, everything, columns))


def _question(prepared: PreparedAction, now: float) -> Question:
    return question(prepared.plan, prepared.consent, prepared.promotion, now)


def _deciding(asked: Question) -> Iterator[Line]:
    yield from map(_headline, asked.verdict)
    yield from _named(asked.deciding)


def _named(facts: Iterable[Fact]) -> Iterator[DialogFact]:
    """Each name once, before the first fact that has it."""
    before = ""
    for fact in facts:
        yield _fact(fact._replace(name="" if fact.name == before else fact.name))
        before = fact.name


def _everything(prepared: PreparedAction, settings: Settings, now: float) -> Iterator[Line]:
    asked = _question(prepared, now)
    yield from _deciding(asked)
    if judged := _judged(prepared, settings, now):
        yield Row("metrics", _TITLES, "group")
    for metric, line in judged:
        yield from _metric(metric, line, now)
    yield from map(_fact, asked.rest)
    for number, step in enumerate(prepared.plan.steps, 1):
        yield DialogFact(f"step {number}", step.words)


def _headline(fact: Fact) -> DialogDoubt:
    return DialogDoubt(fact.words, fact.role)


def _fact(fact: Fact) -> DialogFact:
    """With the glyph of what is good or bad about it, for a colour alone says nothing."""
    if fact.role in ("", "dim"):
        return DialogFact(fact.name, (fact.words, fact.role))
    shown = status_style(fact.role)
    return DialogFact(fact.name, (f"{shown.glyph} {fact.words}", shown.role))


def _judged(
    prepared: PreparedAction, settings: Settings, now: float
) -> list[tuple[MetricVerdict, MetricLine]]:
    verdict = prepared.promotion.verdict if prepared.promotion is not None else None
    metrics = sorted(
        verdict.metrics if verdict is not None else (),
        key=lambda metric: _ORDER.index(metric.outcome) if metric.outcome in _ORDER else len(_ORDER),
    )
    units = {name: metric.unit for name, metric in settings.metrics.items()}
    return [(metric, metric_line(metric, units.get(metric.metric, ""), now)) for metric in metrics]


def _evidence(metric: MetricVerdict, line: MetricLine, now: float) -> Row:
    """One metric in a line: both levels, how they differ, and how both have moved, on one scale."""
    shown = _look(metric)
    difference, _, interval = line.difference.partition(" (")
    known = [value for value in (*metric.baseline_values, *metric.canary_values) if value is not None]
    bounds = (min(known), max(known)) if known else (0.0, 0.0)
    cells: tuple[Cell, ...] = (
        (shown.glyph, shown.role),
        line.metric,
        line.baseline or NOT_KNOWN,
        line.canary or NOT_KNOWN,
        difference or NOT_KNOWN,
        (f"({interval}" if interval else "", "dim"),
        ((line.outcome.value, shown.role), (_old(metric, line.age, now), "warning")),
        (sparkline(metric.canary_values, CURVE, bounds), shown.role),
        (sparkline(metric.baseline_values, CURVE, bounds), "dim"),
    )
    return Row(f"metric {metric.metric}", cells)


def _columns(rows: Sequence[Row]) -> tuple[Column, ...]:
    """As wide as what stands in them; without what stands nowhere."""
    found = []
    for i, (title, least, drop) in enumerate(zip(EVIDENCE, _LEAST, _DROPS, strict=True)):
        widths = [width_of(row.cells[i]) for row in rows]
        found.append(Column("", max(least, width_of(title) if any(widths) else 0, *widths), drop=drop))
    return tuple(found)


def _beside(lines: Sequence[Line]) -> tuple[Column, ...]:
    """Columns for facts beside their names, as wide as these need."""
    names = [width_of(line.name) for line in lines if isinstance(line, DialogFact)]
    glyph, name, words = FACTS
    return glyph, name._replace(width=min(LONGEST_NAME, max(names, default=1))), words


def _metric(metric: MetricVerdict, line: MetricLine, now: float) -> Iterator[Line]:
    shown = _look(metric)
    cells: tuple[Cell, ...] = (
        (shown.glyph, shown.role),
        line.metric,
        line.baseline or NOT_KNOWN,
        line.canary or NOT_KNOWN,
        (line.outcome.value, shown.role),
        line.effective,
        _newest(metric, line.age, now),
    )
    yield Row(f"metric {metric.metric}", cells)
    yield DialogFact("", (line.why, "dim"))


def _look(metric: MetricVerdict) -> StatusStyle:
    return status_style(_LOOKS.get(metric.outcome, "passed"))


def _newest(metric: MetricVerdict, age: str, now: float) -> Cell:
    if metric.newest is None:
        return ("none", "warning")
    return (old.strip(), "warning") if (old := _old(metric, age, now)) else age


def _old(metric: MetricVerdict, age: str, now: float) -> str:
    return f" ~{age}" if metric.newest is not None and now - metric.newest >= OLD else ""


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
            wrong=field.problem,
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
