"""Plans, promotions and outcomes as plain text."""

from collections.abc import Iterator

from tui import format as fmt
from tui.commands.plain import table
from tui.config import Settings
from tui.domain.action import Activity, Plan
from tui.engine.actions import Prepared
from tui.insight.promotion import Known, Promotion
from tui.summary import difference_text, limit_text


def plan_text(prepared: Prepared, settings: Settings, now: float, *, requests: bool) -> str:
    """What would happen, as it is printed before the question.

    Args:
        requests: with what would be sent.
    """
    plan = prepared.plan
    lines = [plan.words]
    if not plan.possible:
        lines.append(f"  cannot be done now: {plan.why_not}")
    lines += [f"  {name}: {value}" for name, value in plan.facts]
    lines += [f"  {line}" for line in promotion_lines(prepared.promotion, settings, now)]
    lines += [f"  warning: {warning}" for warning in plan.warnings]
    if prepared.consent.name:
        lines.append(f"  {prepared.consent.name} is production: its name has to be typed")
    if prepared.consent.doubt:
        lines.append(f"  {prepared.consent.doubt}")
    if requests:
        lines += [line for each in _requests(plan) for line in each]
    return "\n".join(lines)


def _requests(plan: Plan) -> Iterator[list[str]]:
    for number, step in enumerate(plan.steps, 1):
        body = [f"    {name}={value}" if name else f"    {value}" for name, value in step.body]
        yield [f"  {number}. {step.words}", f"    {step.method} {plan.server}{step.path}", *body]


def promotion_lines(its: Promotion | None, settings: Settings, now: float) -> Iterator[str]:
    """What must be on screen before promoting, each part with its age where it is not from now."""
    if its is None:
        return
    yield f"model: {its.model}  {its.replaces or '?'} -> {its.version or '?'}{_age(its.environments, now)}"
    traffic = f"{its.share:g}% of the traffic" if its.share is not None else "share of the traffic not known"
    since = f", a canary for {its.minutes:.0f} min" if its.minutes is not None else ""
    yield f"environment: {its.environment or 'not known'}, {traffic}{since}"
    if its.changes is not None:
        yield f"commits: {len(its.changes.commits)}{_age(its.changes_known, now)}"
        for commit in its.changes.commits[:10]:
            yield f"  {commit.revision[:10]} {commit.title}  {commit.author}".rstrip()
    else:
        yield f"commits:{_age(its.changes_known, now)}"
    if its.tests is not None:
        yield f"tests: {its.tests.failed} failed of {its.tests.total}{_age(its.tests_known, now)}"
    else:
        yield f"tests: none told{_age(its.tests_known, now)}"
    if its.verdict is not None:
        yield f"verdict: {its.verdict.decision}  {its.verdict.reason}{_age(its.verdict_known, now)}"
        rows = []
        for each in its.verdict.metrics:
            unit = settings.metrics[each.metric].unit
            age = fmt.ago(now - each.newest) if each.newest is not None else "no value"
            rows.append(
                (
                    each.metric,
                    each.outcome.value,
                    difference_text(each, unit),
                    limit_text(each, unit),
                    age,
                    each.reason,
                )
            )
        titles = ("METRIC", "VERDICT", "DIFFERENCE", "LIMIT", "AGE", "REASON")
        yield from (f"  {line}" for line in table(titles, rows, open_end=True).splitlines())
    else:
        yield f"verdict:{_age(its.verdict_known, now)}"
    none = "" if its.alarms_known.problem else "none"
    yield f"alarms: {'; '.join(its.alarms) or none}{_age(its.alarms_known, now)}"
    for other in its.others:
        yield f"other deployment meanwhile: {other.version} by {other.who or 'somebody'}"
    yield f"rolling back: {its.back or 'nothing to go back to is known'}"


def _age(known: Known, now: float) -> str:
    read = f"read {fmt.ago(now - known.at)}" if known.at is not None and now - known.at > 5 else ""
    problem = f"not known: {known.problem}" if known.problem else ""
    both = "; ".join(part for part in (problem, read) if part)
    return f"  ({both})" if both else ""


def outcome_text(activity: Activity) -> str:
    result = f"  {activity.result}" if activity.result is not None else ""
    return f"{activity.state}: {activity.plan.wish.target}: {activity.words}{result}"
