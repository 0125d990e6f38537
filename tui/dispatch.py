"""From a parsed command line to what carries it out. Everything heavy is imported by the command that needs it."""

import asyncio
import gc
import os
import sys
from argparse import Namespace
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

import msgspec

from tui import __version__, config
from tui.commands.action_arguments import AmbiguousArguments
from tui.commands.exit_codes import Exit
from tui.config import ConfigError, Settings
from tui.config.mistakes import nearest
from tui.domain.action_kinds import COMMANDS
from tui.domain.address import Address, AddressError
from tui.files import expanded
from tui.keys import keymap, ui_mistakes
from tui.text.few_characters import write_without_escapes
from tui.threads import use_daemon_threads


def run(arguments: Namespace) -> int:
    """Carry out one command; the exit code."""
    write_without_escapes(sys.stdout, sys.stderr)
    try:
        _begin_log(arguments)
        code = _run(arguments)
        sys.stdout.flush()  # here, where a reader that went away is no error
        return code
    except (ConfigError, AddressError, AmbiguousArguments) as error:
        for line in str(error).splitlines():
            print(f"pipedeck: {line}", file=sys.stderr)
        return Exit.USAGE
    except BrokenPipeError:
        # The reader went away; keep the interpreter from complaining when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        return 130


def _begin_log(arguments: Namespace) -> None:
    """Raises ConfigError: the file cannot be written."""
    if (file := arguments.log or os.environ.get("PIPEDECK_LOG")) is None or not str(file):
        return
    from tui import bug_log

    try:
        bug_log.begin(expanded(file), __version__, arguments.command or "")
    except OSError as error:
        raise ConfigError(f"the log {file} cannot be written: {error.strerror}") from None


def _run(arguments: Namespace) -> int:
    if arguments.command == "journal":
        from tui.commands.journal import journal

        return journal(as_json=arguments.json, verify=arguments.verify)
    if arguments.command == "completion":
        from tui.commands.completion import print_completion

        return print_completion(arguments.shell)
    if arguments.command == "init":
        return _plainly(_init(arguments))
    if arguments.command == "config" and arguments.what != "show":
        from tui.commands import config as printed

        match arguments.what:
            case "path":
                return printed.print_path(arguments.config)
            case "schema":
                return printed.print_schema()
            case _:
                return printed.print_example()
    if arguments.world:
        return _in_the_demo(arguments)
    if arguments.config is None and not config.default_path().exists():
        print(_WELCOME.format(path=config.default_path()), file=sys.stderr)
        return Exit.USAGE
    return _with(config.load(arguments.config or config.default_path(), ui_mistakes), arguments)


def _with(settings: Settings, arguments: Namespace) -> int:
    """The command with what it works on."""
    settings = _looking(settings, arguments)
    if arguments.command is None:
        return _deck(settings, view=arguments.view or "")
    if arguments.command == "open":
        return _open(settings, arguments)
    return _plainly(_WORK[arguments.command](settings, arguments))


def _in_the_demo(arguments: Namespace) -> int:
    """The command with a sandbox: its own, or that of the demo that runs."""
    from tui.sandbox import shared
    from tui.sandbox.process import Sandbox

    def settings(sandbox: Sandbox) -> Settings:
        of_demo = sandbox.settings(alarms=True)
        if arguments.config is None:
            return of_demo
        mine = config.load(arguments.config, ui_mistakes)
        return msgspec.structs.replace(of_demo, ui=mine.ui, views=mine.views)

    if arguments.world == "running":
        if (running := shared.find()) is None:
            raise ConfigError("no demo runs; start one in another terminal: pipedeck demo")
        return _with(settings(running), arguments)
    with Sandbox("tour") as sandbox, shared.shared(sandbox):
        return _with(settings(sandbox), arguments)


def _looking(settings: Settings, arguments: Namespace) -> Settings:
    """The settings, with ``--read-only`` in them."""
    if not arguments.read_only:
        return settings
    safety = msgspec.structs.replace(settings.safety, read_only=True)
    return msgspec.structs.replace(settings, safety=safety)


def _plainly(command: Coroutine[Any, Any, int]) -> int:
    """Run a command that needs no terminal. A name look-up that hangs does not keep it from ending."""

    async def run() -> int:
        use_daemon_threads(asyncio.get_running_loop())
        return await command

    return asyncio.run(run())


# --- the deck


def _deck(settings: Settings, at: Address | None = None, view: str = "") -> int:
    """The deck where there is a terminal, its picture as text where there is none.

    Args:
        at: what it goes to first.
        view: the name of the one that it starts with.

    Raises:
        ConfigError: there is no such view.
    """
    if view and view not in settings.views:
        raise ConfigError(f"--view: there is no [views.{view}]{nearest(view, settings.views)}")
    keys = keymap(settings.ui.keys)
    for warning in settings.warnings:
        print(f"pipedeck: {warning}", file=sys.stderr)
    if not _on_terminal():
        from tui.commands.status import picture

        return _plainly(picture(settings))
    gc.disable()  # until the deck has settled: nothing that is imported and made for it is garbage
    from tui.app import Pipedeck

    return Pipedeck(settings, keys, at=at, view=view).run_deck()


def _on_terminal() -> bool:
    # Textual reads stdin and draws on stderr.
    terminal = all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))
    return terminal and os.environ.get("TERM", "dumb") != "dumb"


def _open(settings: Settings, arguments: Namespace) -> int:
    """The deck at an address; without a terminal what there is to print of it."""
    if not _on_terminal():
        return _plainly(_print_one(settings, arguments.address))
    found: list[Address] = []

    async def look() -> Exit:
        async def keep(address: Address) -> Exit:
            found.append(address)
            return Exit.OK

        return await _at(settings, arguments.address, keep)

    code = _plainly(look())
    return _deck(settings, found[0]) if found else code


async def _print_one(settings: Settings, text: str) -> Exit:
    async def show(address: Address) -> Exit:
        if address.environment is not None:
            from tui.commands.environments import environments

            return await environments(settings, address, as_json=False)
        from tui.commands.status import status

        return await status(settings, address, as_json=False)

    return await _at(settings, text, show)


# --- the commands


async def _at(settings: Settings, text: str, work: Callable[[Address], Awaitable[Exit]]) -> Exit:
    from tui.commands.addresses import at_address

    return await at_address(settings, text, work)


async def _status(settings: Settings, arguments: Namespace) -> Exit:
    if arguments.cached:
        from tui.commands.cached_status import cached_status

        return cached_status(settings, as_json=arguments.json)
    from tui.commands.status import status

    if arguments.address is None:
        return await status(settings, None, as_json=arguments.json)
    return await _at(settings, arguments.address, lambda at: status(settings, at, as_json=arguments.json))


async def _environments(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.environments import environments

    if arguments.address is None:
        return await environments(settings, None, as_json=arguments.json)
    return await _at(
        settings, arguments.address, lambda at: environments(settings, at, as_json=arguments.json)
    )


async def _tests(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.tests import Form, Kind, tests

    kind: Kind = "new" if arguments.new else "failed" if arguments.failed else "all"
    form: Form = "json" if arguments.json else "junit" if arguments.junit else "text"
    return await _at(settings, arguments.address, lambda at: tests(settings, at, kind=kind, form=form))


async def _logs(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.logs import LogOptions, logs

    wanted = LogOptions(
        follow=arguments.follow,
        last=arguments.tail,
        first=max(0, (arguments.since_line or 0) - 1),
        raw=arguments.raw,
        timestamps=arguments.timestamps,
    )
    return await _at(settings, arguments.address, lambda at: logs(settings, at, wanted))


async def _watch(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.watch import watch

    return await watch(settings, arguments.addresses, as_json=arguments.json)


async def _init(arguments: Namespace) -> Exit:
    from tui.commands.init import SERVERS
    from tui.commands.init.command import InitOptions, init

    given = vars(arguments)
    return await init(
        InitOptions(
            path=expanded(arguments.config or config.default_path()),
            urls=tuple((kind, given[kind]) for kind in SERVERS if given[kind]),
            user=arguments.user,
            tokens=tuple((kind, token) for kind in SERVERS if (token := given[f"{kind}_token"])),
            watch=tuple(arguments.watch),
            print_only=arguments.print,
            yes=arguments.yes,
        )
    )


async def _show_config(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.config import show

    return show(settings)


async def _addresses(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.completion import print_addresses

    return await print_addresses(settings, models=arguments.models)


async def _check(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.check import check

    return await check(settings, as_json=arguments.json)


async def _verdict(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.verdict import verdict

    return await verdict(settings, arguments.model, as_json=arguments.json, explain=arguments.explain)


async def _compare(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.compare import compare

    return await compare(settings, arguments.model, arguments.versions, as_json=arguments.json)


async def _dossier(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.dossier import dossier

    return await dossier(settings, arguments.model, arguments.version, arguments.folder)


async def _alarms(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.alarms import alarms

    return await alarms(settings, as_json=arguments.json)


async def _gates(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.journal import gates

    return await gates(settings, optional=arguments.optional, as_json=arguments.json)


async def _act(settings: Settings, arguments: Namespace) -> Exit:
    from tui.commands.act import act
    from tui.commands.action_arguments import asked

    return await act(settings, asked(arguments))


_WORK: Mapping[str, Callable[[Settings, Namespace], Coroutine[Any, Any, Exit]]] = {
    "status": _status,
    "environments": _environments,
    "tests": _tests,
    "logs": _logs,
    "watch": _watch,
    "check": _check,
    "addresses": _addresses,
    "config": _show_config,
    "verdict": _verdict,
    "compare": _compare,
    "dossier": _dossier,
    "alarms": _alarms,
    "gates": _gates,
    **dict.fromkeys(COMMANDS, _act),
}

_WELCOME = """\
Pipedeck has no configuration yet; it is looked for at {path}
(or where --config or PIPEDECK_CONFIG say).
To make one: pipedeck init asks for a Jenkins or a GitLab, tries it and writes the file.
To write one yourself: pipedeck config example shows every setting; pipedeck check tells whether it works.
To look around first, without any server: pipedeck demo"""
