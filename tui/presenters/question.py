"""What is told before an action is answered with yes or no, in the order in which it decides: what speaks against it
first, the red before the yellow, then what is not known, what it does, and all the rest.

The deck's dialog and the commands tell the same.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tui.domain.action import EMPTY, ActionField, ActionRequest, Plan
from tui.insight.confirmation import RequiredConfirmation
from tui.insight.promotion import Promotion
from tui.presenters.fact import Fact
from tui.presenters.promotion import CHANGED, age, promotion_facts, verdict_fact, way_back
from tui.text.safe import clean

AGAINST, UNKNOWN = "against it", "not known"
LEFT_OUT = "(left to the server)"


class Question(NamedTuple):
    """Facts by how much they decide."""

    title: str
    verdict: tuple[Fact, ...]
    """Why it cannot be done now, and what the judge says: sentences, which need no name."""
    against: tuple[Fact, ...]
    unknown: tuple[Fact, ...]
    change: tuple[Fact, ...]
    """What it does, and how it is undone."""
    rest: tuple[Fact, ...]

    @property
    def deciding(self) -> tuple[Fact, ...]:
        """All but the verdict and the rest, each named for what it is."""
        against = tuple(fact._replace(name=AGAINST) for fact in self.against)
        unknown = tuple(
            fact._replace(name=UNKNOWN, words=f"{fact.name}: {fact.words}") for fact in self.unknown
        )
        return (*against, *unknown, *self.change)


def question(plan: Plan, consent: RequiredConfirmation, promotion: Promotion | None, now: float) -> Question:
    """All that is known of what is asked, but the metrics."""
    facts = list(promotion_facts(promotion, now)) if promotion is not None else []
    verdict = [] if plan.possible else [Fact("possible", f"cannot be done now: {plan.why_not}", "failed")]
    if promotion is not None:
        verdict.append(verdict_fact(promotion, now))
    elif consent.doubt:
        verdict.append(Fact("verdict", consent.doubt, "failed"))
    facts += [Fact("warning", words, "warning") for words in plan.warnings]
    facts += [Fact("warning", _unsupported(field), "warning") for field in plan.fields if _beyond_us(field)]
    against = sorted((fact for fact in facts if fact.against), key=lambda fact: fact.role != "failed")
    if promotion is not None and not against:
        against = [Fact(AGAINST, "nothing that is known")]
    plan_facts = [Fact(name, value) for name, value in plan.facts]
    if promotion is None and plan.environment and "environment" not in dict(plan.facts):
        plan_facts.append(Fact("environment", plan.environment))
    changed = tuple(fact for fact in facts if fact.name == CHANGED and not fact.role)
    change = (
        Fact("it does", plan.words),
        *changed,
        *((way_back(promotion),) if promotion is not None else plan_facts),
    )
    return Question(
        title(plan, promotion),
        tuple(verdict),
        tuple(against),
        tuple(fact for fact in facts if fact.role == "unknown"),
        change,
        (
            *(fact for fact in facts if not fact.against and fact.role != "unknown" and fact not in changed),
            *(plan_facts if promotion is not None else ()),
            Fact("server", plan.server or plan.request.target.source),
            Fact("state read", age(plan.read_at, now)),
            *_typing(plan, consent),
        ),
    )


def title(plan: Plan, promotion: Promotion | None) -> str:
    """``Promote fraud 9f21ee86 to production``; the address, where that is not known."""
    verb = plan.request.kind.verb.capitalize()
    if promotion is None or not promotion.version or not promotion.environment:
        return f"{verb} {plan.request.target}"
    return f"{verb} {promotion.model} {promotion.version} to {promotion.environment}"


def last_facts(
    asked: Question, request: ActionRequest, fields: Sequence[ActionField], secrets: Mapping[str, str]
) -> tuple[Fact, ...]:
    """What stands beside the last answer, once more: all that speaks against it, what it does, and what is sent.

    Args:
        fields: what was filled in.
    """
    again = asked._replace(unknown=(), change=asked.change[:1]).deciding
    sends = (Fact("sends", sent_values(request, fields, secrets)),) if fields else ()
    return (*again, *sends)


def sent_values(request: ActionRequest, fields: Sequence[ActionField], secrets: Mapping[str, str]) -> str:
    """What was filled in, as it is sent: ``STRATEGY=rolling, PIN=***``."""
    return ", ".join(
        f"{clean(field.name)}{_value(request, field, secrets)}" for field in fields if not _beyond_us(field)
    )


def _value(request: ActionRequest, field: ActionField, secrets: Mapping[str, str]) -> str:
    if field.kind == "secret":
        return "=***" if field.name in secrets else f" {LEFT_OUT}"
    value = dict(request.values).get(field.name, field.default)
    if not value and field.omitted:
        return f" {LEFT_OUT}"
    return f"={clean(value) or EMPTY}"


def _typing(plan: Plan, consent: RequiredConfirmation) -> tuple[Fact, ...]:
    words = (consent.typing if plan.possible else "", consent.typing_version)
    return tuple(Fact("to confirm", each) for each in words if each)


def _beyond_us(field: ActionField) -> bool:
    return field.kind == "unsupported"


def _unsupported(field: ActionField) -> str:
    return f"{clean(field.name)} cannot be filled in here; it is sent as the server has it"
