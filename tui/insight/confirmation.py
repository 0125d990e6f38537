"""What it takes to say yes to an action: a pure function of what it would do (design: rule 9)."""

from collections.abc import Iterable, Sequence

import msgspec

from tui.domain.action import Plan
from tui.domain.action_kinds import ACTION_KINDS
from tui.domain.globs import matches
from tui.domain.verdict import Decision


class RequiredConfirmation(msgspec.Struct, frozen=True):
    """What is demanded; without any of it one Yes is enough, and the default is No."""

    name: str = ""
    """To be typed: the environment, because it is production."""
    doubt: str = ""
    """Why it is asked a second time: the verdict is not PROMOTE OK, or the validation of what would be champion."""

    @property
    def typing(self) -> str:
        """What is demanded with the name, in words."""
        return f"it changes {self.name}: that name has to be typed" if self.name else ""


class Confirmation(msgspec.Struct, frozen=True):
    """What the person said."""

    yes: bool = False
    name: str = ""
    """As it was typed."""
    despite: bool = False
    """Yes to the second question, too."""
    reason: str = ""
    """Why, where that was asked with the question and not part of the request."""


def required_confirmation(
    plan: Plan, production: str, decision: Decision | None, judged: bool, doubt: str = ""
) -> RequiredConfirmation:
    """What ``plan`` demands.

    Args:
        production: the environment it changes, where that is production; else empty.
        decision: the verdict on the canary; None: it could not be read.
        judged: there is a verdict to be had on it.
        doubt: what else is doubtful.
    """
    judged = judged and ACTION_KINDS[plan.request.kind].judged_by == "verdict"
    if judged and decision is not Decision.PROMOTE:
        doubt = f"the verdict is {decision}" if decision is not None else "the verdict could not be read"
    return RequiredConfirmation(production, doubt)


def missing_confirmation(consent: RequiredConfirmation, given: Confirmation) -> str:
    """What of the demands is not met, in words; empty: it may be sent."""
    if not given.yes:
        return "nobody said yes"
    if consent.name and given.name != consent.name:
        return consent.typing
    if consent.doubt and not given.despite:
        return f"{consent.doubt}: it takes a second yes"
    return ""


def names(consents: Iterable[RequiredConfirmation]) -> tuple[str, ...]:
    """Of the environments that have to be typed before all of it may be done, each once."""
    return tuple(dict.fromkeys(each.name for each in consents if each.name))


def among(globs: Sequence[str], names: Iterable[str]) -> str:
    """The first of ``names``, environments by name or address, that one of ``globs`` matches; empty: none."""
    return next((name for name in names if any(matches(glob, name) for glob in globs)), "")
