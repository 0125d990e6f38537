"""``pipedeck init``: asks for servers, or takes them from options, tries them, and writes what they have down."""

import os
import shlex
import sys
from pathlib import Path

import msgspec

from tui.commands.config import example
from tui.commands.exit_codes import Exit
from tui.commands.frame import complain, with_runtime
from tui.commands.init import SERVERS
from tui.commands.init.survey import Survey, survey
from tui.commands.init.text import Reference, Server, additions, first_config, ready_made
from tui.commands.prompts import NoAnswer, ask, ask_secret, ask_yes
from tui.config import (
    ConfigError,
    GitLabSettings,
    JenkinsSettings,
    MetricServer,
    Secret,
    ServerSettings,
    Settings,
    load,
    parse,
)
from tui.domain.health import Finding
from tui.engine.runtime import Runtime
from tui.files import make_folder, open_file
from tui.text.safe import clean


class InitOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says; None where it does not."""

    path: Path
    urls: tuple[tuple[str, str], ...] = ()
    """Type and address of each server."""
    user: str | None = None
    """In Jenkins."""
    tokens: tuple[tuple[str, str], ...] = ()
    """By type, as in the config."""
    watch: tuple[str, ...] = ()
    print_only: bool = False
    yes: bool = False


class _Asked(msgspec.Struct, frozen=True):
    """A server, and the token to try it with where the way it is kept does not give it yet."""

    server: Server
    trial: str | None = None

    def settings(self, path: Path) -> ServerSettings:
        """As the file at ``path`` would have it.

        Raises:
            ConfigError: the address is none.
        """
        text = first_config((self.server,), Survey({}, {}), ())
        settings = parse(text, path).sources[self.server.name]
        if self.trial is None:
            return settings
        assert isinstance(settings, JenkinsSettings | GitLabSettings | MetricServer)
        return msgspec.structs.replace(settings, token=Secret(self.trial))


async def init(options: InitOptions) -> Exit:
    """Exit code 0: written, or printed; 1: a server could not be used; 4: nothing was written."""
    terminal = sys.stdin.isatty() and sys.stderr.isatty()
    if not options.urls and not terminal:
        complain("name a server: --jenkins URL, --gitlab URL; or run it in a terminal, where it asks")
        return Exit.USAGE
    try:
        return await (_by_options(options) if options.urls else _by_questions(options))
    except NoAnswer:
        complain("nothing was written")
        return Exit.REFUSED


async def _by_options(options: InitOptions) -> Exit:
    tokens = dict(options.tokens)
    servers = []
    for kind, url in options.urls:
        reference = _read_reference(tokens[kind]) if kind in tokens else None
        user = (options.user or "") if kind == "jenkins" else ""
        servers.append(_Asked(Server(kind, kind, _whole(url), user, reference, options.watch)))
    for server in servers:
        if not await _tried(server, options.path):
            return Exit.FAILED
    return await _finish(options, servers, ask_first=False)


async def _by_questions(options: InitOptions) -> Exit:
    _say("Pipedeck reads Jenkins and GitLab, and metrics from a Prometheus. Enter alone leaves one out.")
    servers: list[_Asked] = []
    for kind in SERVERS:
        while (asked := _ask_server(kind)) is not None:
            if await _tried(asked, options.path):
                servers.append(asked)
                break
            if not ask_yes("Try again with another address or token?"):
                break
    if not servers:
        complain("no server was named: nothing was written; to look around without one: pipedeck demo")
        return Exit.REFUSED
    return await _finish(options, servers, ask_first=not options.yes)


def _ask_server(kind: str) -> _Asked | None:
    url = ask(f"\nAddress of {SERVERS[kind]}: ")
    if not url:
        return None
    user = ask("Your user name there (empty: nobody logs in): ") if kind == "jenkins" else ""
    if (kind == "jenkins" and not user) or (kind == "prometheus" and not ask_yes("Does it want a token?")):
        return _Asked(Server(kind, kind, _whole(url)))
    reference, trial = _ask_token(kind)
    return _Asked(Server(kind, kind, _whole(url), user, reference), trial)


def _ask_token(kind: str) -> tuple[Reference | None, str | None]:
    """How the token is kept, and the token itself where that does not give it yet."""
    variable = f"{kind.upper()}_TOKEN"
    _say(_WAYS.format(variable=variable, kind=kind))
    while True:
        match ask("Which [1]: ") or "1":
            case "1":
                name = ask(f"Name of the variable [{variable}]: ") or variable
                if os.environ.get(name):
                    return f"env:{name}", None
                return f"env:{name}", ask_secret(
                    f"{name} is not set here. The token, only to try it now: "
                ) or None
            case "2":
                path = ask(f"File [{kind}.token]: ") or f"{kind}.token"
                return f"file:{path}", ask_secret(
                    "The token, only to try it now (empty: it is in the file): "
                ) or None
            case "3":
                return f"keyring:{ask(f'SERVICE/USER [pipedeck/{kind}]: ') or f'pipedeck/{kind}'}", None
            case "4":
                return tuple(shlex.split(ask("Command: "))), None
            case "5":
                return ask_secret("Token: "), None
            case "6":
                return None, None


async def _tried(asked: _Asked, path: Path) -> bool:
    """Whether it can be used; all that was found is told."""
    server = asked.server
    try:
        settings = Settings(sources={server.name: asked.settings(path)})
    except ConfigError as error:
        complain(str(error))
        return False
    found: list[Finding] = []

    async def look(runtime: Runtime) -> Exit:
        found.extend(await runtime.sources.check(server.name))
        return Exit.OK

    await with_runtime(settings, look)
    _say(f"{SERVERS[server.type]} at {server.url}:")
    for finding in found:
        _say(
            f"  {'ERROR' if finding.level == 'error' else finding.level}: {finding.subject}: {finding.message}"
        )
        if finding.advice:
            _say(f"    {finding.advice}")
    return all(finding.level != "error" for finding in found)


async def _finish(options: InitOptions, servers: list[_Asked], *, ask_first: bool) -> Exit:
    presets = ready_made(example().read_text(encoding="utf-8"))
    settings = Settings(sources={each.server.name: each.settings(options.path) for each in servers})
    surveys: list[Survey] = []

    async def look(runtime: Runtime) -> Exit:
        surveys.append(await survey(runtime, [each.series for each in presets]))
        return Exit.OK

    if code := await with_runtime(settings, look):
        return code
    (found,) = surveys
    for note in found.notes:
        _say(f"  note: {note}")
    _say(_told(found))
    wanted = [each.server for each in servers]
    if ask_first:
        wanted = [_with_watch(each, found) for each in wanted]
    text = first_config(wanted, found, presets)
    parse(text, options.path)  # what is proposed is never wrong
    if options.path.exists():
        return _propose_additions(options.path, wanted, found)
    print(text, end="")
    if options.print_only:
        return Exit.OK
    if ask_first and not ask_yes(f"\nWrite this to {options.path}, for your eyes only?"):
        raise NoAnswer
    _write(options.path, text)
    _say(f"\nWritten to {options.path}. Next: pipedeck check, then pipedeck{_missing(wanted)}")
    return Exit.OK


def _with_watch(server: Server, found: Survey) -> Server:
    if server.type not in ("jenkins", "gitlab"):
        return server
    proposed = found.watch.get(server.name, ("**",))
    given = ask(
        f"What of {SERVERS[server.type]} to watch, globs with commas between [{clean(', '.join(proposed))}]: "
    )
    globs = tuple(part.strip() for part in given.split(",") if part.strip())
    return msgspec.structs.replace(server, watch=globs or proposed)


def _told(found: Survey) -> str:
    """What was found, in lines."""
    lines = [
        f"{name}: {len({row.address.path for row in listing.pipelines})} pipelines"
        for name, listing in found.listings.items()
    ]
    parts: list[tuple[str, list[str]]] = [
        ("environments that look like production", [f"{m.pipeline}@{m.environment}" for m in found.models]),
        ("jobs that look like deployments", [job.path for job in found.deploy_jobs]),
        ("what waits for a person", list(map(str, found.gates))),
        ("jobs that look like canaries", list(found.canary_jobs)),
        ("ready-made metrics that fit", sorted(found.series)),
    ]
    lines += [f"{what}: {clean(', '.join(names))}" for what, names in parts if names]
    return "\n" + "\n".join(lines)


def _propose_additions(path: Path, servers: list[Server], found: Survey) -> Exit:
    """A file that is there is a person's: nothing in it is changed."""
    known = {name: source.base_url for name, source in load(path).sources.items()}
    if text := additions(servers, found, known):
        _say(f"\n{path} is there and stays as it is. What it lacks:\n")
        print(text)
    else:
        _say(f"\n{path} is there, stays as it is, and has these servers.")
    return Exit.OK


def _write(path: Path, text: str) -> None:
    """
    Raises:
        ConfigError
    """
    try:
        if not path.parent.exists():
            make_folder(path.parent)
        with open(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from None


def _missing(servers: list[Server]) -> str:
    """What is to be done before: tokens that are not where the file says."""
    names = [
        each.token[4:]
        for each in servers
        if isinstance(each.token, str)
        and each.token.startswith("env:")
        and not os.environ.get(each.token[4:])
    ]
    return f"; before that set {', '.join(names)}" if names else ""


def _read_reference(text: str) -> Reference:
    return tuple(shlex.split(text[8:])) if text.startswith("command:") else text


def _whole(url: str) -> str:
    return url if "://" in url else f"https://{url}"


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)


_WAYS = """\
How is its token kept? A token itself never stands in the file unless you choose so.
  1  in an environment variable (env:{variable})
  2  in a file of its own (file:{kind}.token)
  3  in the system's keyring (needs pipedeck[keyring])
  4  by a command that prints it (pass show {kind})
  5  in the configuration itself
  6  there is none"""
