"""The table of what can be done: for each kind of action its words, key, command, and what it takes.

The keys of the deck, the rows of ``docs/keys.md``, the keys shown in the menu, the commands and the demand for a
verdict are made from it. How a source plans a kind, sends it and sees its effect stands in that source's own tables.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from tui.domain.action import ActionKind
from tui.domain.status import Status


class CommandOption(msgspec.Struct, frozen=True):
    """An option of a command that is a value of the request."""

    name: str
    help: str
    choices: tuple[str, ...] = ()
    metavar: str | None = None


class ActionSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The row of one kind. Without keys there is no key, without help no command."""

    kind: ActionKind
    keys: tuple[str, ...] = ()
    """Textual's names for keys, the first one shown."""
    key_words: str = ""
    """What the key does, for the help; without a key, for the palette."""
    key_id: str = ""
    """What the key is called in ``[ui.keys]``, where that is not the kind."""
    hint: str = ""
    """A word for the bottom line."""
    likely: tuple[Status, ...] = ()
    """The statuses of what it is likely to be done to; it is hinted at there. Without: everywhere."""
    help: str = ""
    """What the command does."""
    called: str = ""
    """What the command is called, where that is not the kind."""
    targets: str = ""
    """What the command is given."""
    metavar: str = "ADDRESS"
    example: str = ""
    """What may stand behind the command."""
    takes_model: bool = False
    """A MODEL of the config may stand in place of an ADDRESS."""
    options: tuple[CommandOption, ...] = ()
    any_field: bool = False
    """It takes fields that its plan does not ask for."""
    also: tuple[ActionKind, ...] = ()
    """What it may turn out to be: to approve the gate of a canary is to promote."""
    judged_by: Literal["verdict", "validation"] | None = None
    """What has to speak for it; against that it is asked once more."""

    @property
    def command(self) -> str | None:
        """What the command is called."""
        return (self.called or self.kind.value.replace(" ", "-")) if self.help else None

    @property
    def action_id(self) -> str | None:
        """What the key is called in ``[ui.keys]``."""
        return (self.key_id or self.kind.value) if self.keys else None


_GATE = "SOURCE:PATH#RUN[/JOB][!NAME], of GitLab also SOURCE:PATH@ENVIRONMENT"
_RUN = "SOURCE:PATH#RUN[/JOB]"
_ROWS = (
    ActionSpec(
        kind=ActionKind.APPROVE,
        keys=("a",),
        key_words="Approve what waits, or promote the canary",
        hint="approve",
        likely=(Status.WAITING,),
        help="let gates go on",
        example="jenkins:deploy-model#7 --dry-run",
        targets=_GATE,
        also=(ActionKind.PROMOTE,),
    ),
    ActionSpec(
        kind=ActionKind.REJECT,
        keys=("x",),
        key_words="Reject what waits",
        hint="reject",
        likely=(Status.WAITING,),
        help="refuse gates",
        example="jenkins:deploy-model#7 --reason 'accuracy fell'",
        targets=_GATE,
    ),
    ActionSpec(
        kind=ActionKind.PROMOTE,
        help="let the canary of a model go on",
        example="fraud --dry-run",
        targets=f"{_GATE}; or a MODEL of the config",
        takes_model=True,
        judged_by="verdict",
    ),
    ActionSpec(
        kind=ActionKind.ROLLBACK,
        keys=("b",),
        key_words="Roll back",
        key_id="roll_back",
        hint="roll back",
        likely=(Status.WAITING,),
        help="put an earlier version back into an environment",
        example="gitlab:ml/fraud@production --dry-run",
        targets="SOURCE:PATH@ENVIRONMENT, or a MODEL of the config",
        takes_model=True,
        options=(CommandOption("version", "to which; default: the one before"),),
    ),
    ActionSpec(
        kind=ActionKind.RETRY,
        keys=("r",),
        key_words="Run it once more",
        hint="retry",
        likely=(Status.FAILED, Status.WARNING, Status.CANCELED),
        help="run a run or a job once more",
        example="gitlab:ml/fraud#1842/train",
        targets=_RUN,
        options=(CommandOption("stage", "the stage to begin at"),),
    ),
    ActionSpec(
        kind=ActionKind.CANCEL,
        keys=("c",),
        key_words="Cancel it",
        hint="cancel",
        likely=(Status.RUNNING, Status.QUEUED),
        help="cancel a run or a job",
        example="jenkins:ml/train#12",
        targets=f"{_RUN}; of Jenkins without RUN what waits in the queue",
        options=(
            CommandOption("level", "default: stop", ("stop", "term", "kill", "force")),
            CommandOption("item", "which of several that wait in the queue of Jenkins", metavar="ID"),
        ),
    ),
    ActionSpec(
        kind=ActionKind.SET_CHAMPION,
        help="give the champion's alias of a model in MLflow to its candidate, or to another version",
        example="fraud --version 7",
        targets="NAME of a [models.NAME] in the config, with a registry",
        metavar="MODEL",
        options=(CommandOption("version", "which; default: the candidate"),),
        judged_by="validation",
    ),
    ActionSpec(
        kind=ActionKind.TRIGGER,
        keys=("t",),
        key_words="Start the pipeline, or a retraining",
        hint="start",
        likely=(Status.PASSED, Status.SKIPPED, Status.UNKNOWN),
        help="start a pipeline; of a model, what trains it anew",
        example="jenkins:ml/train --set EPOCHS=20",
        targets="SOURCE:PATH, or a MODEL of the config",
        takes_model=True,
        any_field=True,
    ),
    ActionSpec(kind=ActionKind.PAUSE, key_words="Pause it: no further stage begins"),
    ActionSpec(kind=ActionKind.RESUME, key_words="Resume what is paused"),
    ActionSpec(kind=ActionKind.KEEP, key_words="Keep the record of the run, or no more"),
    ActionSpec(kind=ActionKind.DESCRIBE, key_words="Write the description of the run"),
    ActionSpec(kind=ActionKind.STOP_ENVIRONMENT, key_words="Stop the environment"),
)

_SWITCH = ActionSpec(
    kind=ActionKind.TRIGGER,
    called="switch",
    help="give the traffic to the other half of a model's blue-green pair",
    example="fraud --dry-run",
    targets="NAME of a [models.NAME] in the config, with blue_green and switch",
    metavar="MODEL",
    options=(
        CommandOption("to", "which half; default: the one without the traffic", metavar="ENVIRONMENT"),
        CommandOption("version", "what {version} in its switch stands for"),
    ),
)
"""A start by another name."""

ACTION_KINDS: Mapping[ActionKind, ActionSpec] = {row.kind: row for row in _ROWS}
"""In the order of the keys and commands."""

COMMANDS: Mapping[str, ActionSpec] = {
    row.command: row for row in (*_ROWS, _SWITCH) if row.command is not None
}

SHORTCUTS: Mapping[ActionKind, str] = {
    kind: row.action_id for row in _ROWS if row.action_id is not None for kind in (row.kind, *row.also)
}
"""What the key that does a kind is called in ``[ui.keys]``."""
