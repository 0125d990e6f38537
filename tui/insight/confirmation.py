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
    version: str = ""
    """To be typed with the second question, because of the doubt: the version that is meant, or where that is not
    known the number of its run, or the address."""

    @property
    def typing(self) -> str:
        """What is demanded with the name, in words."""
        return f"it changes {self.name}: that name has to be typed" if self.name else ""

    @property
    def typing_version(self) -> str:
        """What is demanded with the version, in words."""
        return f"{self.doubt}: {self.version} has to be typed" if self.doubt else ""


class Confirmation(msgspec.Struct, frozen=True):
    """What the person said."""

    yes: bool = False
    name: str = ""
    """As it was typed."""
    version: str = ""
    """As it was typed for the second question."""
    reason: str = ""
    """Why, where that was asked with the question and not part of the request."""


def required_confirmation(
    plan: Plan, production: str, decision: Decision | None, judged: bool, doubt: str = "", version: str = ""
) -> RequiredConfirmation:
    """What ``plan`` demands.

    Args:
        production: the environment it changes, where that is production; else empty.
        decision: the verdict on the canary; None: it could not be read.
        judged: there is a verdict to be had on it.
        doubt: what else is doubtful.
        version: what it puts there, where that is known.
    """
    judged = judged and ACTION_KINDS[plan.request.kind].judged_by == "verdict"
    if judged and decision is not Decision.PROMOTE:
        doubt = f"the verdict is {decision}" if decision is not None else "the verdict could not be read"
    if not doubt:
        return RequiredConfirmation(production)
    target = plan.request.target
    return RequiredConfirmation(production, doubt, version or str(target.run or target))


def missing_confirmation(consent: RequiredConfirmation, given: Confirmation) -> str | None:
    """What of the demands is not met, in words; None: it may be sent."""
    if not given.yes:
        return "nobody said yes"
    if consent.name and given.name != consent.name:
        return consent.typing
    if consent.doubt and given.version != consent.version:
        return consent.typing_version
    return None


def names(consents: Iterable[RequiredConfirmation]) -> tuple[str, ...]:
    """Of the environments that have to be typed before all of it may be done, each once."""
    return tuple(dict.fromkeys(consent.name for consent in consents if consent.name))


def among(globs: Sequence[str], names: Iterable[str]) -> str | None:
    """The first of ``names``, environments by name or address, that one of ``globs`` matches."""
    return next((name for name in names if any(matches(glob, name) for glob in globs)), None)
