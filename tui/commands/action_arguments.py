"""The command line of acting: which arguments there are."""

import argparse

import msgspec

from tui.commands.command_help import Commands, Everywhere, add_command
from tui.domain.action import ActionKind
from tui.domain.action_kinds import ACTION_KINDS, COMMANDS


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


def add_acting(commands: Commands, everywhere: Everywhere) -> None:
    for name, row in COMMANDS.items():
        command = add_command(
            commands,
            everywhere,
            name,
            row.help,
            example=f"pipedeck {name} {row.example}",
            codes="0: done; 1: it failed; 3: nothing could be read; 4: refused; 5: outcome unknown.",
        )
        command.add_argument("targets", nargs="+", metavar=row.metavar, help=row.targets)
        command.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a field; a secret one as NAME=env:VARIABLE",
        )
        for option in row.options:
            command.add_argument(
                f"--{option.name}",
                choices=option.choices or None,
                metavar=option.metavar,
                help=option.help,
            )
        command.add_argument("--reason", default="", help="for the journal, and servers that take one")
        command.add_argument("--yes", action="store_true", help="do not ask")
        command.add_argument(
            "--confirm",
            action="append",
            default=[],
            metavar="NAME",
            help="the production environment that is meant",
        )
        if any(ACTION_KINDS[kind].judged_by is not None for kind in (row.kind, *row.also)):
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
    row, found = COMMANDS[arguments.command], vars(arguments)
    switch = arguments.command == "switch"
    options = tuple((option.name, found[option.name]) for option in row.options if found[option.name])
    return ActionArguments(
        command=arguments.command,
        kind=row.kind,
        targets=tuple(dict.fromkeys(arguments.targets)),
        options=() if switch else options,
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
