"""Plans, promotions and outcomes as plain text."""

from collections.abc import Iterator, Mapping, Sequence

from tui.config import Settings
from tui.domain.action import ActionField, Activity, Plan
from tui.engine.actions.service import PreparedAction
from tui.insight.promotion import Promotion
from tui.presenters.judged_metrics import metric_line
from tui.presenters.plain_text import table
from tui.presenters.question import last_facts, question
from tui.text.safe import clean


def plan_text(prepared: PreparedAction, settings: Settings, now: float, *, requests: bool) -> str:
    """What would happen, as it is printed before the question.

    Args:
        requests: with what would be sent.
    """
    plan, asked = prepared.plan, question(prepared.plan, prepared.consent, prepared.promotion, now)
    lines = [asked.title, *(f"  {fact.words}" for fact in asked.verdict)]
    lines += [f"  {fact.name}: {fact.words}" for fact in asked.deciding]
    lines += [f"    {line}" for line in metric_lines(prepared.promotion, settings, now)]
    lines += [f"  {fact.name}: {fact.words}" for fact in asked.rest]
    if requests:
        lines += [f"  it asks for {_field(field)}" for field in plan.fields]
        lines += [line for request in _requests(plan) for line in request]
    return "\n".join(lines)


def last_text(prepared: PreparedAction, secrets: Mapping[str, str], now: float) -> str:
    """What stands once more between the plan and the question: nothing, where that is short anyway."""
    plan = prepared.plan
    if prepared.promotion is None and not plan.fields:
        return ""
    asked = question(plan, prepared.consent, prepared.promotion, now)
    lines = [asked.title, *(f"  {fact.words}" for fact in asked.verdict)]
    lines += [
        f"  {fact.name}: {fact.words}" for fact in last_facts(asked, plan.request, plan.fields, secrets)
    ]
    return "\n".join(lines)


def _field(field: ActionField) -> str:
    """What may be given as ``--set``."""
    kind = field.listed(" or ") if field.kind == "choice" else field.kind
    if field.kind == "unsupported":
        kind = "which cannot be given here"
    default = f"default {field.default!r}" if field.default else "required" if field.required else ""
    if field.kind == "secret" and not field.required:
        default = "left out, the server takes what it has"
    return f"{clean(field.name)}: {'; '.join(filter(None, (clean(kind), default, clean(field.help))))}"


def _requests(plan: Plan) -> Iterator[list[str]]:
    for number, step in enumerate(plan.steps, 1):
        body = [clean(f"    {name}={value}" if name else f"    {value}") for name, value in step.body]
        yield [f"  {number}. {step.words}", f"    {step.method} {plan.server}{step.path}", *body]


def metric_lines(promotion: Promotion | None, settings: Settings, now: float) -> Sequence[str]:
    """What the verdict is made of; nothing without one."""
    if promotion is None or promotion.verdict is None or not promotion.verdict.metrics:
        return ()
    lines = [
        metric_line(metric, settings.metrics[metric.metric].unit, now) for metric in promotion.verdict.metrics
    ]
    rows = [
        (
            line.metric,
            line.baseline,
            line.canary,
            line.outcome.value,
            line.effective,
            line.age or "no value",
            line.why,
        )
        for line in lines
    ]
    titles = ("METRIC", "BASELINE", "CANARY", "VERDICT", "N", "AGE", "WHY")
    return table(titles, rows, open_end=True).splitlines()


def outcome_text(activity: Activity) -> str:
    result = f"  {activity.result}" if activity.result is not None else ""
    return f"{activity.state}: {activity.plan.request.target}: {activity.words}{result}"
