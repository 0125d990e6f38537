"""What a run, a job and the queue are like before and after a write, as far as it concerns the write."""

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec
from msgspec import UNSET

from tui.domain.action import ActionField
from tui.sources.jenkins.actions.action_payload import ActedBuild, ActedItem, ActedJob
from tui.sources.jenkins.fields import field_of, input_field
from tui.sources.jenkins.payload import ACTION, BuildAction, Cause, Definition, Parameter, WfInput
from tui.sources.jenkins.read.runs import CAUSES, INPUT, INTERRUPTED, PARAMETERS, actions_of
from tui.text.safe import clean, shorten

_APPROVER = "org.jenkinsci.plugins.workflow.support.steps.input.ApproverAction"
_WORDS = 200


class PendingInput(msgspec.Struct, frozen=True):
    """An input that waits for an answer."""

    id: str
    message: str
    button: str
    """What is written on it: ``Deploy``; empty where that is not told."""
    submitter: str
    fields: tuple[ActionField, ...]


class Interruption(msgspec.Struct, frozen=True):
    kind: str
    """``UserInterruption``, ``Rejection``."""
    user: str
    """Id; empty where it is not told."""
    words: str


class RunState(msgspec.Struct, frozen=True):
    number: int
    is_pipeline: bool
    active: bool
    result: str
    kept: bool
    description: str
    """As it was written, markup included."""
    waiting: tuple[PendingInput, ...]
    inputs_hidden: bool
    """Its plugin is too old to tell which inputs wait."""
    approvers: tuple[str, ...]
    """Ids of those who approved an input, one for each approval, oldest first."""
    interruptions: tuple[Interruption, ...]
    parameters: tuple[Parameter, ...]

    def gate(self, name: str) -> PendingInput | None:
        return next((one for one in self.waiting if clean(one.id) == name), None)

    @property
    def gates(self) -> tuple[str, ...]:
        """Their names in addresses."""
        return tuple(clean(one.id) for one in self.waiting)

    @property
    def ending(self) -> str:
        """``ABORTED``, or what it does now."""
        return (
            clean(self.result) if not self.active and self.result else "running" if self.active else "ended"
        )


class Started(msgspec.Struct, frozen=True):
    """A build, or an item of the queue, by what it is recognised."""

    id: int
    """Number, or id of the item."""
    queue_id: int | None
    causes: tuple[Cause, ...]
    parameters: tuple[Parameter, ...]

    def by(self, user: str) -> bool:
        """``user`` started it; empty stands for anonymous."""
        return any(
            same(cause.user_id or "", user)
            for cause in self.causes
            if cause.kind.endswith("UserIdCause") or cause.user_id
        )


class JobState(msgspec.Struct, frozen=True):
    is_pipeline: bool
    buildable: bool
    running: tuple[int, ...]
    """The builds that have to end before another begins, where it runs one at a time."""
    holds: Literal["", "branches", "jobs"]
    """``branches``: building it is looking for branches anew; ``jobs``: it is a folder, and never built itself."""
    next_number: int
    fields: tuple[ActionField, ...]
    """Its parameters."""
    builds: tuple[Started, ...]
    """Newest first."""


def same(user: str, other: str) -> bool:
    """Most realms do not tell upper from lower case; an anonymous one has no id."""
    names = {name.casefold() for name in (user, other)} - {"", "anonymous"}
    return len(names) == 0 or (len(names) == 1 and bool(user) and bool(other))


def run_state(build: ActedBuild) -> RunState:
    """Raises:
    msgspec.ValidationError: an action of a known class has a wrong type.
    """
    actions = tuple(actions_of(build))
    active = build.in_progress if build.in_progress is not None else bool(build.building)
    inputs = [action for action in actions if action.kind == INPUT]
    return RunState(
        number=build.number or 0,
        is_pipeline=build.kind.endswith("WorkflowRun"),
        active=active,
        result=build.result or "",
        kept=bool(build.keep_log),
        description=build.description or "",
        waiting=tuple(_waiting(inputs)) if active else (),
        inputs_hidden=active and any(action.executions is UNSET for action in inputs),
        approvers=tuple(action.user_id or "" for action in actions if action.kind == _APPROVER),
        interruptions=tuple(
            Interruption(
                cause.kind.replace("$", ".").rpartition(".")[2],
                clean((cause.user and (cause.user.id or cause.user.full_name)) or ""),
                _one_line(cause.short_description),
            )
            for action in actions
            if action.kind == INTERRUPTED
            for cause in action.causes or ()
        ),
        parameters=_parameters(actions),
    )


def job_state(job: ActedJob) -> JobState:
    definitions = [one for known in job.property or () for one in known.parameter_definitions or ()]
    builds = tuple(_started(build.number or 0, build.queue_id, build.actions) for build in job.builds or ())
    return JobState(
        is_pipeline=job.kind.endswith("WorkflowJob"),
        buildable=job.buildable is not False and not job.disabled,
        running=tuple(build.number or 0 for build in job.builds or () if build.building)
        if job.concurrent_build is False
        else (),
        # Of those that hold others only what can be built says whether it can (contracts: jenkins_observed, Jobs).
        holds="" if job.jobs is None else "jobs" if job.buildable is None else "branches",
        next_number=job.next_build_number or max((build.id for build in builds), default=0) + 1,
        fields=tuple(field_of(one, of_job=True) for one in definitions),
        builds=builds,
    )


def item_state(item: ActedItem) -> Started:
    return _started(item.id, item.id, item.actions)


def wfapi_inputs(inputs: Sequence[WfInput]) -> tuple[PendingInput, ...]:
    """Pending inputs as wfapi tells them, which knows nothing of who may answer."""
    return tuple(
        PendingInput(
            one.id,
            _one_line(one.message),
            _one_line(one.proceed_text),
            "",
            tuple(
                input_field(
                    Definition(
                        parameter.name,
                        parameter.type if parameter.definition else "",
                        parameter.description,
                        parameter.definition.choices if parameter.definition else None,
                    ),
                    default=parameter.definition.default_val if parameter.definition else None,
                )
                for parameter in one.inputs or ()
            ),
        )
        for one in inputs
    )


def _started(number: int, queue_id: int | None, raw: tuple[msgspec.Raw, ...] | None) -> Started:
    actions = tuple(_known(raw or ()))
    causes = tuple(
        cause for action in actions if action.kind in (CAUSES, "") for cause in action.causes or ()
    )
    return Started(number, queue_id, causes, _parameters(actions))


def _known(raw: Sequence[msgspec.Raw]) -> Iterator[BuildAction]:
    for one in raw:
        try:
            yield ACTION.decode(one)
        except msgspec.ValidationError:
            pass  # another plugin's


def _parameters(actions: Sequence[BuildAction]) -> tuple[Parameter, ...]:
    return tuple(
        parameter
        for action in actions
        if action.kind in (PARAMETERS, "")
        for parameter in action.parameters or ()
    )


def _waiting(inputs: Sequence[BuildAction]) -> Iterator[PendingInput]:
    for action in inputs:
        for one in action.executions or ():
            asked = one.input
            name = (asked and asked.id) or one.id
            if one.settled or not name:
                continue
            yield PendingInput(
                name,
                _one_line(asked.message if asked else None) or clean(name),
                _one_line(asked.ok if asked else None),
                _one_line(asked.submitter if asked else None),
                tuple(map(input_field, (asked and asked.parameters) or ())),
            )


def _one_line(text: str | None) -> str:
    return shorten(" ".join(clean(text or "").split()), _WORDS)
