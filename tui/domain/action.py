"""Actions: what a person asks a source to do, from the request to its outcome.

An :class:`ActionRequest` names a target and what is to happen to it. The source answers with a :class:`Plan`, made
from a state it has just read: the steps, each one request, in words. What a step needs for recognising its effect
later, also after a restart, is in its ``expect``; secrets are never in a plan, only the names of the fields that
hold them.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Literal

import msgspec

from tui.domain.address import Address
from tui.text.safe import clean

EMPTY = "(empty)"
"""How an empty choice is shown."""


class ActionKind(StrEnum):
    """What may be asked. The words are those of the command line, the journal and the menu."""

    APPROVE = "approve"
    """Let a gate go on: a Jenkins input, a GitLab manual job, a deployment that waits for approval."""
    REJECT = "reject"
    PROMOTE = "promote"
    """Approve the gate that the model's canary waits at."""
    ROLLBACK = "rollback"
    """Put an earlier version back into an environment."""
    RETRY = "retry"
    """Run a run, or a job of it, once more; ``values`` may name the ``stage`` to begin at."""
    CANCEL = "cancel"
    """Jenkins: the ``level`` of the request is stop, then term, then kill."""
    TRIGGER = "trigger"
    """Start a pipeline, with parameters: a retraining, a blue-green switch."""
    PAUSE = "pause"
    """Spinnaker: begin no further stage of a run."""
    RESUME = "resume"
    KEEP = "keep"
    """Jenkins: keep the run's record for ever, or no more."""
    DESCRIBE = "describe"
    """Jenkins: write the run's description."""
    STOP_ENVIRONMENT = "stop environment"
    """GitLab."""
    SET_CHAMPION = "set champion"
    """MLflow: the registry's alias to another version."""

    @property
    def verb(self) -> str:
        """What a person does, in a sentence or on a button: ``roll back``."""
        return "roll back" if self is ActionKind.ROLLBACK else self.value


FieldKind = Literal["text", "lines", "boolean", "choice", "secret", "number", "run", "file", "unsupported"]
"""``run``: written ``JOB#NUMBER``. ``file``: the path of one on this machine."""


class ActionField(msgspec.Struct, frozen=True):
    """Something a person is asked for before the plan is sent."""

    name: str
    kind: FieldKind = "text"
    default: str = ""
    choices: tuple[str, ...] = ()
    help: str = ""
    required: bool = False
    omitted: bool = False
    """It is not sent where nothing is given: the server knows its default best, or alone."""
    problem: str = ""
    """Why what it was given cannot be sent."""

    def listed(self, divider: str = ", ") -> str:
        """Its choices on one line, an empty one as ``(empty)``."""
        return divider.join(clean(choice) or EMPTY for choice in self.choices)


def at_fault(fields: Sequence[ActionField], name: str, problem: str) -> tuple[ActionField, ...]:
    """``fields``, the one of ``name`` with the ``problem`` of what it was given."""
    return tuple(
        msgspec.structs.replace(field, problem=problem) if field.name == name else field for field in fields
    )


class ActionRequest(msgspec.Struct, frozen=True):
    """What somebody wants done. Equal requests are the same request."""

    kind: ActionKind
    target: Address
    """A run, job, gate (``!NAME``), environment (``@NAME``) or pipeline."""
    values: tuple[tuple[str, str], ...] = ()
    """Fields of the plan that were filled in, and options of the kind (``stage``, ``level``, ``version``, ``ref``); no
    secrets. Inputs of a GitLab pipeline are called ``inputs.NAME``."""
    reason: str = ""
    """Why, in the person's words: for the journal, and the server where it takes one."""

    def value(self, name: str) -> str:
        """The value of a field or option; empty where none was given."""
        return dict(self.values).get(name, "")


class Offer(msgspec.Struct, frozen=True):
    """One line of the menu of what can be done to something."""

    request: ActionRequest
    words: str
    """In a few words: ``Approve 'Promote to production?'``."""
    possible: bool = True
    why_not: str = ""
    """Why it cannot be done now."""


class Step(msgspec.Struct, frozen=True):
    """One request, sent once."""

    words: str
    """What it does, on which server."""
    method: str
    path: str
    """Below the server's base url, with the query, quoted as it is sent; never a secret."""
    body: tuple[tuple[str, str], ...] = ()
    """Field and value as they are sent; ``***`` for one whose value comes from the secrets given with the sending."""
    body_kind: Literal["none", "form", "json", "raw json", "multipart"] = "none"
    """``raw json``: the one value is a JSON document. ``multipart``: some values are paths of files, whose content is
    sent."""
    expect: tuple[tuple[str, str], ...] = ()
    """The source's own notes, by which it recognises the effect when it reads back; enough after a restart, too."""
    kind: str = ""
    """Which of the source's handlers sends it and looks at its effect: a member of an enum of that source."""


class Plan(msgspec.Struct, frozen=True):
    """What would happen, as read a moment ago."""

    request: ActionRequest = msgspec.field(name="wish")  # so it is called in journals
    words: str
    """What will happen, to what, on which server; one sentence."""
    server: str = ""
    """The server's url."""
    read_at: float = 0.0
    """When the state it is made from was read."""
    possible: bool = True
    why_not: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    """Name and value of what one should know before saying yes, in order: version from and to, who waits, effects."""
    warnings: tuple[str, ...] = ()
    """What makes it doubtful: a no-op, approvals needed afterwards, artifacts that have expired."""
    fields: tuple[ActionField, ...] = ()
    """What has to be asked for. Those untouched are sent with their defaults, or left to the server's."""
    steps: tuple[Step, ...] = ()
    environment: str = ""
    """The environment it changes, where that is known."""
    button: str = ""
    """What the server's own page writes on the button for it; empty where it has none of its own."""
    account: str = ""
    """Whom the server takes us for; empty where it does not tell, or nobody logged in."""

    @property
    def missing(self) -> tuple[str, ...]:
        """The names, as shown, of the fields that have to be filled in still."""
        asked = (field for field in self.fields if field.required and not field.default)
        return tuple(clean(field.name) for field in asked if not self.request.value(field.name))


class Reply(msgspec.Struct, frozen=True):
    """What became of the one request of a step."""

    state: Literal["accepted", "refused", "unsent", "lost"]
    """``refused``: a definite no, nothing happened. ``unsent``: it never left. ``lost``: it may have happened."""
    words: str = ""
    """The server's own, cleaned: ``X-Error``, ``message`` in any of its shapes."""
    status: int | None = None
    found: tuple[tuple[str, str], ...] = ()
    """What the answer told for reading back: a queue item, the id of a new job. For the source, like ``expect``."""
    over: bool = False
    """Of a lost one: the server refused it, or told of an error of its own, in a way that may follow the effect. So it
    is done with it, and what is not seen soon did not happen."""


class Observation(msgspec.Struct, frozen=True):
    """What reading back shows of a step that was sent."""

    state: Literal["nothing", "accepted", "happening", "done", "failed", "unknown"]
    """``nothing``: no effect to be seen (yet). ``failed``: it was done and ended badly, or something else happened
    in its place. ``unknown``: it cannot be told."""
    words: str = ""
    result: Address | None = None
    """What it led to: the new run or job."""
    found: tuple[tuple[str, str], ...] = ()
    """Replaces :attr:`Reply.found` for the next look, where not empty."""
    not_ours: bool = False
    """It is somebody else's doing, or happened by itself: after a refusal, none of ours."""

    @property
    def settled(self) -> bool:
        return self.state in ("done", "failed", "unknown")


class WriteAccess(msgspec.Struct, frozen=True):
    """Whether a source's credentials may write."""

    read_only: bool | None
    """None: it is not known."""
    words: str = ""
    """Why it cannot, or is not known: ``the token has the scopes read_api``."""
    by_trying: bool = False
    """The server never tells before it is tried: what is not known may be sent all the same."""


class Activity(msgspec.Struct, frozen=True):
    """An action under way or ended, for the screen."""

    id: str
    """Of the journal."""
    plan: Plan
    state: Literal["sending", "accepted", "happening", "done", "failed", "refused", "unknown"]
    words: str
    since: float
    step: int = 0
    result: Address | None = None
    at: float = 0.0
    """When it was seen to come to this state."""

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed", "refused", "unknown")
