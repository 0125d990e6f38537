"""The command line of acting: which arguments there are."""

import argparse
from collections.abc import Mapping

import msgspec

from tui.domain.action import ActionKind

ACTING: Mapping[str, str] = {
    "approve": "let gates go on",
    "reject": "refuse gates",
    "promote": "let the canary of a model go on",
    "rollback": "put an earlier version back into an environment",
    "retry": "run a run or a job once more",
    "cancel": "cancel a run or a job",
    "set-champion": "give the champion's alias of a model in MLflow to its candidate, or to another version",
    "switch": "give the traffic to the other half of a model's blue-green pair",
    "trigger": "start a pipeline; of a model, what trains it anew",
}


_GATE = "SOURCE:PATH#RUN[/JOB][!NAME], of GitLab also SOURCE:PATH@ENVIRONMENT"
_RUN = "SOURCE:PATH#RUN[/JOB]"
_TARGETS: Mapping[str, str] = {
    "approve": _GATE,
    "reject": _GATE,
    "promote": f"{_GATE}; or a MODEL of the config",
    "rollback": "SOURCE:PATH@ENVIRONMENT, or a MODEL of the config",
    "retry": _RUN,
    "cancel": f"{_RUN}; of Jenkins without RUN what waits in the queue",
    "set-champion": "NAME of a [models.NAME] in the config, with a registry",
    "switch": "NAME of a [models.NAME] in the config, with blue_green and switch",
    "trigger": "SOURCE:PATH, or a MODEL of the config",
}


class ActionArguments(msgspec.Struct, frozen=True):
    """What an acting command was given."""

    command: str
    kind: ActionKind
    targets: tuple[str, ...]
    """Addresses, or names of models."""
    options: tuple[tuple[str, str], ...] = ()
    given: tuple[tuple[str, str], ...] = ()
    """``--set``: fields by name."""
    reason: str = ""
    yes: bool = False
    confirmed: tuple[str, ...] = ()
    to: str | None = None
    """The half of a blue-green pair that is to have the traffic."""
    version: str = ""
    """Which is to have it there."""
    despite: tuple[str, ...] = ()
    """Versions that are meant although a verdict or validation is not good."""
    dry_run: bool = False
    as_json: bool = False


class AmbiguousArguments(Exception):
    """The command line asks for nothing that could be done; the message says why."""


def add_acting(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, help_ in ACTING.items():
        command = commands.add_parser(
            name,
            help=help_,
            epilog="Exit code 0: done; 1: it failed; 3: nothing could be read; 4: refused; 5: outcome unknown.",
        )
        metavar = "MODEL" if name in ("set-champion", "switch") else "ADDRESS"
        command.add_argument("targets", nargs="+", metavar=metavar, help=_TARGETS[name])
        command.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a field; a secret one as NAME=env:VARIABLE",
        )
        if name == "retry":
            command.add_argument("--stage", help="the stage to begin at")
        if name == "cancel":
            command.add_argument("--level", choices=("stop", "term", "kill", "force"), help="default: stop")
            command.add_argument(
                "--item", metavar="ID", help="which of several that wait in the queue of Jenkins"
            )
        if name == "rollback":
            command.add_argument("--version", help="to which; default: the one before")
        command.add_argument("--reason", default="", help="for the journal, and servers that take one")
        command.add_argument("--yes", action="store_true", help="do not ask")
        command.add_argument(
            "--confirm",
            action="append",
            default=[],
            metavar="NAME",
            help="the production environment that is meant",
        )
        if name == "switch":
            command.add_argument(
                "--to", metavar="ENVIRONMENT", help="which half; default: the one without the traffic"
            )
            command.add_argument("--version", help="what {version} in its switch stands for")
        if name == "set-champion":
            command.add_argument("--version", help="which; default: the candidate")
        if name in ("promote", "approve", "set-champion"):
            command.add_argument(
                "--despite-verdict",
                action="append",
                default=[],
                metavar="VERSION",
                help="that version also while the verdict is not PROMOTE OK, or its validation not good; where no "
                "version is known the number of the run",
            )
        command.add_argument(
            "--dry-run", action="store_true", help="print the plan and its requests, send nothing"
        )
        command.add_argument("--json", action="store_true", help="as a document (docs/json.md)")


def asked(arguments: argparse.Namespace) -> ActionArguments:
    """Raises Unclear."""
    given = []
    for text in arguments.set:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise AmbiguousArguments(f"--set takes NAME=VALUE, not {text!r}")
        given.append((name, value))
    found = vars(arguments)
    switch = arguments.command == "switch"
    return ActionArguments(
        command=arguments.command,
        kind=ActionKind.TRIGGER if switch else ActionKind(arguments.command.replace("-", " ")),
        targets=tuple(dict.fromkeys(arguments.targets)),
        options=()
        if switch
        else tuple((name, found[name]) for name in ("stage", "level", "item", "version") if found.get(name)),
        to=found.get("to"),
        version=(found["version"] or "") if switch else "",
        given=tuple(given),
        reason=arguments.reason,
        yes=arguments.yes,
        confirmed=tuple(arguments.confirm),
        despite=tuple(found.get("despite_verdict", ())),
        dry_run=arguments.dry_run,
        as_json=arguments.json,
    )
