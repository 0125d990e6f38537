"""Manual judgments: what waits for a person, and what the person is told (contracts: spinnaker §9.1)."""

import re
from collections.abc import Callable

import msgspec

from tui.domain.action import ActionField
from tui.domain.address import Address
from tui.domain.pipeline import Gate
from tui.sources.spinnaker.payload import Stage, at, flag, number, rows, seconds, text, words
from tui.text.safe import clean, clean_lines, shorten

TIMEOUT = 72 * 3600.0
"""Seconds after which Orca gives up waiting where the stage does not say."""
INPUT = "input"
"""What the choice is called that a judgment asks for."""
_TAG = re.compile(r"<[^<>]{0,500}>")


class Judgment(msgspec.Struct, frozen=True):
    """The words of one that waits."""

    message: str
    """The first line of its instructions, else its name."""
    instructions: str = ""
    choices: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """One of them is needed; none: nobody in particular is named."""
    deadline: float | None = None
    status: str = ""
    """``continue`` or ``stop`` where it was judged and Orca has not taken that in yet."""
    stop_goes_on: bool = False
    """A "stop" lets the pipeline go on (``continuePipeline``)."""
    stop_ends_branch: bool = False
    """A "stop" ends its branch only (``failPipeline`` is off)."""
    runs_as_judge: bool = False
    no_self_approval: bool = False

    @property
    def field(self) -> tuple[ActionField, ...]:
        if not self.choices:
            return ()
        note = "it is only remembered, and does not decide by itself what happens"
        return (ActionField(INPUT, "choice", "", ("", *self.choices), note, omitted=True),)


def judgment(stage: Stage) -> Judgment:
    """What is known of ``stage``; of one in a list, only its name."""
    values = stage.values
    written = at(values, "instructions")
    lines = clean_lines(_TAG.sub(" ", written)).strip() if isinstance(written, str) else ""
    first = shorten(" ".join(lines.partition("\n")[0].split()), 200)
    begun = seconds(stage.start_time)
    limit = number(values, "stageTimeoutMs")
    patience = limit / 1000 if limit is not None and limit > 0 else TIMEOUT
    return Judgment(
        message=first or stage.called,
        instructions=lines,
        choices=tuple(
            dict.fromkeys(filter(None, (text(choice, "value") for choice in rows(values, "judgmentInputs"))))
        ),
        roles=words(values, "selectedStageRoles") or words(values, "requiredJudgmentRoles"),
        deadline=begun + patience if begun is not None else None,
        status=text(values, "judgmentStatus").lower(),
        stop_goes_on=flag(values, "continuePipeline") is True,
        stop_ends_branch=flag(values, "failPipeline") is False,
        runs_as_judge=flag(values, "propagateAuthenticationContext") is True,
        no_self_approval=flag(values, "preventSelfApproval") is True,
    )


def gate(run: Address, stage: Stage, label: str, known: Judgment) -> Gate:
    return Gate(
        run.at_gate(label),
        known.message,
        since=seconds(stage.start_time),
        submitter=", ".join(known.roles),
        fields=known.field,
    )


def fact(stage: Stage, known: Judgment, clock: Callable[[float], str]) -> str:
    """A line about who may judge, and until when."""
    who = f"one of {', '.join(known.roles)} may judge" if known.roles else "anybody with the right may judge"
    until = f", it gives up at {clock(known.deadline)}" if known.deadline is not None else ""
    judged = f"; judged: {clean(known.status)}, which is being taken in" if known.status else ""
    return f"{stage.called}: {who}{until}{judged}"
