"""The command line. Everything heavy is imported by the command that needs it."""

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tui import __version__, config
from tui.commands.action_arguments import AmbiguousArguments, add_acting
from tui.commands.exit_codes import Exit
from tui.config import ConfigError, Settings
from tui.domain.action_kinds import COMMANDS
from tui.domain.address import AddressError, parse_address
from tui.keys import keymap
from tui.threads import use_daemon_threads


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is one of :class:`tui.commands.exit_codes.Exit`."""
    arguments = _parser().parse_args(argv)
    try:
        code = _run(arguments)
        sys.stdout.flush()  # here, where a reader that went away is no error
        return code
    except (ConfigError, AddressError, AmbiguousArguments) as error:
        print(f"pipedeck: {error}", file=sys.stderr)
        return Exit.USAGE
    except BrokenPipeError:
        # The reader went away; keep the interpreter from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pipedeck",
        description="Pipelines of Jenkins and GitLab beside the metrics of the models they ship.",
        epilog="Without a command it opens the dashboard. Exit codes: 0 fine, 1 failed, 2 usage or config, "
        "3 a source could not be reached, 4 refused, 5 outcome unknown, 10 worse, 11 unclear.",
    )
    parser.add_argument("--config", type=Path, metavar="FILE", help=f"default: {config.default_path()}")
    parser.add_argument("--version", action="version", version=f"pipedeck {__version__}")
    parser.add_argument(
        "--read-only", action="store_true", help="only look: nothing is sent that changes anything"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser("demo", help="open the dashboard on an embedded sandbox, without any server")
    status = commands.add_parser("status", help="print the pipelines, or one run with its stages, and exit")
    status.add_argument("address", nargs="?", metavar="ADDRESS", help="SOURCE:PATH[#RUN]")
    status.add_argument("--json", action="store_true", help="as a document (docs/json.md)")
    tests = commands.add_parser(
        "tests",
        help="print the tests of a run beside those of the runs before, and exit",
        epilog="Exit code 0: nothing failed; 1: something did; 5: nothing did as far as it could be read.",
    )
    tests.add_argument(
        "address", metavar="ADDRESS", help="SOURCE:PATH[#RUN]; without RUN the newest with tests"
    )
    which = tests.add_mutually_exclusive_group()
    which.add_argument("--failed", action="store_true", help="only those that failed")
    which.add_argument("--new", action="store_true", help="only those that failed and did not before")
    form = tests.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as a document (docs/json.md)")
    form.add_argument("--junit", action="store_true", help="as a JUnit file, with what the failed ones said")
    logs = commands.add_parser(
        "logs",
        help="print the log of a job, a stage or a run as text",
        epilog="Exit code 1: what it is the log of failed or was canceled.",
    )
    logs.add_argument(
        "address",
        metavar="ADDRESS",
        help="SOURCE:PATH[#RUN[/JOB]]; without RUN the newest, of a GitLab run the job that failed or runs",
    )
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the job has ended")
    part = logs.add_mutually_exclusive_group()
    part.add_argument("--tail", type=_count, metavar="N", help="only the last N lines, and what follows")
    part.add_argument("--since-line", type=_count, metavar="N", help="from line N on, counted from 1")
    logs.add_argument(
        "--timestamps", action="store_true", help="when each line was written, where that is known"
    )
    part.add_argument("--raw", action="store_true", help="as the server sends it; not to a terminal")
    check = commands.add_parser("check", help="try every source and metric and say what is wrong")
    check.add_argument("--json", action="store_true", help="as a document (docs/json.md)")
    verdict = commands.add_parser(
        "verdict",
        help="say how a model's canary compares with its baseline",
        epilog="Exit code 0: it may be promoted; 10: it must not; 11: that is not clear yet.",
    )
    verdict.add_argument("model", metavar="MODEL", help="NAME of a [models.NAME] in the config")
    verdict.add_argument("--json", action="store_true", help="as a document (docs/json.md)")
    verdict.add_argument("--explain", action="store_true", help="with the method's numbers (docs/verdict.md)")
    alarms = commands.add_parser(
        "alarms",
        help="print the alarms that fire, or are about to, and exit",
        epilog="Exit code 0: none fires; 1: one does; 3: none does as far as the sources could be read.",
    )
    alarms.add_argument("--json", action="store_true", help="as a document (docs/json.md)")
    environments = commands.add_parser(
        "environments", help="print which version stands where, or the past of one environment, and exit"
    )
    environments.add_argument("address", nargs="?", metavar="ADDRESS", help="SOURCE:PATH[@ENVIRONMENT]")
    environments.add_argument("--json", action="store_true", help="as a document (docs/json.md)")
    add_acting(commands)
    gates = commands.add_parser("gates", help="print what waits for a person, oldest first, and exit")
    gates.add_argument(
        "--optional",
        action="store_true",
        help="with what needs nobody: optional jobs, and what was overtaken",
    )
    gates.add_argument("--json", action="store_true", help="as a document (docs/json.md)")
    journal = commands.add_parser("journal", help="print what was done from here, newest first, and exit")
    journal.add_argument("--json", action="store_true", help="as a document (docs/json.md)")
    return parser


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of lines")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command == "demo":
        from tui.sandbox.process import Sandbox

        with Sandbox() as sandbox:
            return _open(_looking(sandbox.settings(alarms=True), arguments))
    if arguments.command == "journal":
        from tui.commands.journal import journal

        return journal(as_json=arguments.json)
    if arguments.command is None and arguments.config is None and not config.default_path().exists():
        print(_WELCOME.format(path=config.default_path()), file=sys.stderr)
        return Exit.USAGE
    settings = _looking(config.load((arguments.config or config.default_path()).expanduser()), arguments)
    if arguments.command in COMMANDS:
        from tui.commands.act import act
        from tui.commands.action_arguments import asked

        return _plainly(act(settings, asked(arguments)))
    if arguments.command == "gates":
        from tui.commands.journal import gates

        return _plainly(gates(settings, optional=arguments.optional, as_json=arguments.json))
    if arguments.command == "status":
        from tui.commands.status import status

        address = parse_address(arguments.address) if arguments.address else None
        return _plainly(status(settings, address, as_json=arguments.json))
    if arguments.command == "tests":
        from tui.commands.tests import tests

        return _plainly(
            tests(
                settings,
                parse_address(arguments.address),
                kind="new" if arguments.new else "failed" if arguments.failed else "all",
                form="json" if arguments.json else "junit" if arguments.junit else "text",
            )
        )
    if arguments.command == "logs":
        from tui.commands.logs import LogOptions, logs

        wanted = LogOptions(
            follow=arguments.follow,
            last=arguments.tail,
            first=max(0, (arguments.since_line or 0) - 1),
            raw=arguments.raw,
            timestamps=arguments.timestamps,
        )
        return _plainly(logs(settings, parse_address(arguments.address), wanted))
    if arguments.command == "check":
        from tui.commands.check import check

        keymap(settings.ui.keys)
        return _plainly(check(settings, as_json=arguments.json))
    if arguments.command == "verdict":
        from tui.commands.verdict import verdict

        return _plainly(verdict(settings, arguments.model, as_json=arguments.json, explain=arguments.explain))
    if arguments.command == "alarms":
        from tui.commands.alarms import alarms

        return _plainly(alarms(settings, as_json=arguments.json))
    if arguments.command == "environments":
        from tui.commands.environments import environments

        address = parse_address(arguments.address) if arguments.address else None
        return _plainly(environments(settings, address, as_json=arguments.json))
    return _open(settings)


def _looking(settings: Settings, arguments: argparse.Namespace) -> Settings:
    """The settings, with ``--read-only`` in them."""
    if not arguments.read_only:
        return settings
    safety = msgspec.structs.replace(settings.safety, read_only=True)
    return msgspec.structs.replace(settings, safety=safety)


def _open(settings: Settings) -> int:
    """The deck where there is a terminal, its picture as text where there is none."""
    keys = keymap(settings.ui.keys)
    for warning in settings.warnings:
        print(f"pipedeck: {warning}", file=sys.stderr)
    # Textual reads stdin and draws on stderr.
    terminal = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    if not terminal or os.environ.get("TERM", "dumb") == "dumb":
        from tui.commands.status import picture

        return _plainly(picture(settings))
    gc.disable()  # until the deck has settled: nothing that is imported and made for it is garbage
    from tui.app import Pipedeck

    return Pipedeck(settings, keys).run_deck()


def _plainly(command: Coroutine[Any, Any, int]) -> int:
    """Run a command that needs no terminal. A name look-up that hangs does not keep it from ending."""

    async def run() -> int:
        use_daemon_threads(asyncio.get_running_loop())
        return await command

    return asyncio.run(run())


_WELCOME = """\
Pipedeck has no configuration yet.
Put one at {path} (or name a file with --config or PIPEDECK_CONFIG);
config.example.toml in the documentation shows every setting: a url, a token and what to watch are enough.
Then `pipedeck check` tells whether it works.
To look around first, without any server: pipedeck demo"""
