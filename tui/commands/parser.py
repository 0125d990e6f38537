"""The command line: which commands and options there are. Imports nothing that a command does, only their words."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from tui import __version__
from tui.commands.action_arguments import add_acting
from tui.commands.command_help import Commands, add_command
from tui.commands.init import SERVERS

ADDRESS = "or the web address of its page"
NOT_IN_THE_DEMO = ("demo", "init", "journal", "completion")
"""Commands that ask none of its servers."""


def parser() -> argparse.ArgumentParser:
    """The parser of the whole program; help, completion and the man page are made from it."""
    whole = argparse.ArgumentParser(
        prog="pipedeck",
        description="Pipelines of Jenkins, GitLab and Spinnaker beside the metrics of the models they ship.",
        epilog="Without a command it opens the dashboard. Exit codes: 0 fine, 1 failed, 2 usage or config, "
        "3 a source could not be reached, 4 refused, 5 outcome unknown, 10 worse, 11 unclear.",
        parents=[everywhere()],
    )
    whole.set_defaults(config=None, read_only=False, log=None, demo=False)
    whole.add_argument("--version", action="version", version=f"pipedeck {__version__}")
    whole.add_argument("--view", metavar="NAME", help="start the dashboard with [views.NAME] of the config")
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _add_beginning(commands)
    _add_looking(commands)
    add_acting(commands, everywhere)
    _add_helpers(commands)
    return whole


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The arguments. Those of ``demo COMMAND…`` are those of the command, with ``world`` saying where it runs."""
    whole = parser()
    found = whole.parse_args(argv)
    world = "running" if found.demo else ""
    if found.command == "demo":
        world = "own"
        if found.rest:
            inner = whole.parse_args([*found.rest])
            if inner.command in NOT_IN_THE_DEMO:
                whole.error(f"there is nothing of {inner.command} in the demo")
            before = {
                name: value for name, value in vars(found).items() if name in ("config", "log") and value
            }
            found = argparse.Namespace(
                **vars(inner) | before | {"read_only": inner.read_only or found.read_only}
            )
        else:
            found.command = None
    del found.demo
    if "rest" in found:
        del found.rest
    found.world = world
    return found


def everywhere() -> argparse.ArgumentParser:
    """The options of every command, which may stand before or after its name."""
    options = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    options.add_argument(
        "--config",
        type=Path,
        metavar="FILE",
        help="default: what PIPEDECK_CONFIG names, or ~/.config/pipedeck/config.toml",
    )
    options.add_argument(
        "--read-only", action="store_true", help="only look: nothing is sent that changes anything"
    )
    options.add_argument(
        "--log", type=Path, metavar="FILE", help="write what is asked and answered there, for a bug report"
    )
    options.add_argument(
        "--demo",
        action="store_true",
        help="use the sandbox of the `pipedeck demo` that runs in another terminal",
    )
    return options


def _add_beginning(commands: Commands) -> None:
    demo = add_command(
        commands,
        everywhere,
        "demo",
        "open the dashboard on an embedded sandbox, or run a command against one, without any server",
        example="pipedeck demo verdict fraud",
    )
    demo.add_argument(
        "rest",
        nargs=argparse.REMAINDER,
        metavar="COMMAND",
        help="a command with what belongs to it; default: the dashboard",
    )
    _add_init(commands)
    check = add_command(
        commands,
        everywhere,
        "check",
        "try every source and metric and say what is wrong",
        example="pipedeck check",
        codes="0: nothing is wrong; 1: something is.",
    )
    _add_json(check)

    settings = add_command(
        commands,
        everywhere,
        "config",
        "print the configuration that is in effect, or where it is, an example, or its schema",
        example="pipedeck config show",
    )
    settings.add_argument(
        "what",
        choices=("show", "path", "example", "schema"),
        help="show: what is in effect, without secrets; path: where it is looked for; "
        "example: a file with every setting; schema: a JSON Schema for editors",
    )


def _add_helpers(commands: Commands) -> None:
    completion = add_command(
        commands,
        everywhere,
        "completion",
        "print the completion for a shell, made from the commands there are",
        example="pipedeck completion bash",
    )
    completion.add_argument("shell", choices=("bash", "zsh", "fish"))
    addresses = add_command(
        commands,
        everywhere,
        "addresses",
        "print the models and the addresses that were listed last, without asking any server",
        example="pipedeck addresses",
    )
    addresses.add_argument("--models", action="store_true", help="only the models")


def _add_init(commands: Commands) -> None:
    init = add_command(
        commands,
        everywhere,
        "init",
        "write a first configuration: ask for servers, try them, and see what they have",
        example="pipedeck init --gitlab https://gitlab.example.com --gitlab-token env:GITLAB_TOKEN",
        codes="0: it is written, or printed; 1: a server cannot be used; 4: nothing was written.",
    )
    for kind, title in SERVERS.items():
        init.add_argument(f"--{kind}", metavar="URL", help=f"address of a {title}, path prefix included")
        init.add_argument(
            f"--{kind}-token",
            metavar="WHERE",
            help="env:NAME, file:PATH, keyring:SERVICE/USER, 'command:pass show x', or the token itself",
        )
    init.add_argument("--user", help="whose the token of Jenkins is")
    init.add_argument(
        "--watch",
        action="append",
        default=[],
        metavar="GLOB",
        help="what is watched; default: what is proposed",
    )
    init.add_argument("--print", action="store_true", help="only print it")
    init.add_argument("--yes", action="store_true", help="write without asking")


def _add_looking(commands: Commands) -> None:
    opened = add_command(
        commands,
        everywhere,
        "open",
        "open the dashboard at a pipeline, run, job, gate or environment",
        example="pipedeck open gitlab:ml/fraud#1842",
    )
    opened.add_argument(
        "address",
        metavar="ADDRESS",
        help=f"SOURCE:PATH[#RUN[/JOB][!GATE]] or SOURCE:PATH@ENVIRONMENT, {ADDRESS}",
    )
    status = add_command(
        commands,
        everywhere,
        "status",
        "print the pipelines, or one run with its stages, and exit",
        example="pipedeck status jenkins:deploy-model#7",
        codes="of one run: 1 when it failed or was canceled.",
    )
    which = status.add_mutually_exclusive_group()
    which.add_argument("address", nargs="?", metavar="ADDRESS", help=f"SOURCE:PATH[#RUN], {ADDRESS}")
    which.add_argument(
        "--cached", action="store_true", help="the pipelines as they were last read; no server is asked"
    )
    _add_json(status)
    watch = add_command(
        commands,
        everywhere,
        "watch",
        "print each change as one line: what begins, fails or waits, alarms, verdicts",
        example="pipedeck watch gitlab:ml/fraud#1842",
        codes="with ADDRESSes it ends when all their runs have ended; 1: one of them failed or was canceled.",
    )
    watch.add_argument(
        "addresses",
        nargs="*",
        metavar="ADDRESS",
        help=f"SOURCE:PATH[#RUN], {ADDRESS}; without RUN the newest; default: all that is watched, for ever",
    )
    watch.add_argument("--json", action="store_true", help="each line as a document (docs/json.md)")
    _add_tests(commands)
    _add_logs(commands)
    verdict = add_command(
        commands,
        everywhere,
        "verdict",
        "say how a model's canary compares with its baseline",
        example="pipedeck verdict fraud --explain",
        codes="0: it may be promoted; 10: it must not; 11: that is not clear yet.",
    )
    verdict.add_argument("model", metavar="MODEL", help="NAME of a [models.NAME] in the config")
    _add_json(verdict)
    verdict.add_argument("--explain", action="store_true", help="with the method's numbers (docs/verdict.md)")
    _add_compare(commands)
    alarms = add_command(
        commands,
        everywhere,
        "alarms",
        "print the alarms that fire, or are about to, and exit",
        example="pipedeck alarms --json",
        codes="0: none fires; 1: one does; 3: none does as far as the sources could be read.",
    )
    _add_json(alarms)
    environments = add_command(
        commands,
        everywhere,
        "environments",
        "print which version stands where, or the past of one environment, and exit",
        example="pipedeck environments gitlab:ml/fraud@production",
    )
    environments.add_argument(
        "address", nargs="?", metavar="ADDRESS", help=f"SOURCE:PATH[@ENVIRONMENT], {ADDRESS}"
    )
    _add_json(environments)
    gates = add_command(
        commands,
        everywhere,
        "gates",
        "print what waits for a person, oldest first, and exit",
        example="pipedeck gates --optional",
    )
    gates.add_argument(
        "--optional",
        action="store_true",
        help="with what needs nobody: optional jobs, and what was overtaken",
    )
    _add_json(gates)
    journal = add_command(
        commands,
        everywhere,
        "journal",
        "print what was done from here, newest first, and exit",
        example="pipedeck journal --verify",
    )
    form = journal.add_mutually_exclusive_group()
    _add_json(form)
    form.add_argument(
        "--verify", action="store_true", help="whether it is as it was written (docs/journal.md)"
    )


def _add_compare(commands: Commands) -> None:
    compare = add_command(
        commands,
        everywhere,
        "compare",
        "say what changed between two versions of a model: metrics, data, parameters, signature, environment, code",
        example="pipedeck compare fraud 7 9",
        codes="10: a metric is worse; 11: there are no two versions to compare.",
    )
    compare.add_argument(
        "model", metavar="MODEL", help="NAME of a [models.NAME] with a registry in the config"
    )
    compare.add_argument(
        "versions",
        nargs="*",
        metavar="VERSION",
        help="two versions or aliases of the registry, the older first; default: what is deployed, and the canary "
        "or the candidate",
    )
    _add_json(compare)
    dossier = add_command(
        commands,
        everywhere,
        "dossier",
        "write what is known of one version of a model to two files, Markdown and JSON, to be kept",
        example="pipedeck dossier fraud 2026.11.7",
        codes="4: a file is there already.",
    )
    dossier.add_argument("model", metavar="MODEL", help="NAME of a [models.NAME] in the config")
    dossier.add_argument("version", metavar="VERSION", help="as it is deployed, or as the registry has it")
    dossier.add_argument("--folder", type=Path, default=Path(), help="where they are written; default: here")


def _add_tests(commands: Commands) -> None:
    tests = add_command(
        commands,
        everywhere,
        "tests",
        "print the tests of a run beside those of the runs before, and exit",
        example="pipedeck tests gitlab:ml/fraud --new",
        codes="0: nothing failed; 1: something did; 5: nothing did as far as it could be read.",
    )
    tests.add_argument(
        "address",
        metavar="ADDRESS",
        help=f"SOURCE:PATH[#RUN], {ADDRESS}; without RUN the newest with tests",
    )
    which = tests.add_mutually_exclusive_group()
    which.add_argument("--failed", action="store_true", help="only those that failed")
    which.add_argument("--new", action="store_true", help="only those that failed and did not before")
    form = tests.add_mutually_exclusive_group()
    _add_json(form)
    form.add_argument("--junit", action="store_true", help="as a JUnit file, with what the failed ones said")


def _add_logs(commands: Commands) -> None:
    logs = add_command(
        commands,
        everywhere,
        "logs",
        "print the log of a job, a stage or a run as text",
        example="pipedeck logs gitlab:ml/fraud#1842/train --follow",
        codes="1: what it is the log of failed or was canceled.",
    )
    logs.add_argument(
        "address",
        metavar="ADDRESS",
        help=f"SOURCE:PATH[#RUN[/JOB]], {ADDRESS}; without RUN the newest, "
        "of a GitLab run the job that failed or runs",
    )
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    part = logs.add_mutually_exclusive_group()
    part.add_argument("--tail", type=_count, metavar="N", help="only the last N lines, and what follows")
    part.add_argument("--since-line", type=_count, metavar="N", help="from line N on, counted from 1")
    logs.add_argument(
        "--timestamps", action="store_true", help="when each line was written, where that is known"
    )
    part.add_argument("--raw", action="store_true", help="as the server sends it; not to a terminal")


def _add_json(command: argparse._ActionsContainer) -> None:
    command.add_argument("--json", action="store_true", help="as a document (docs/json.md)")


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)
