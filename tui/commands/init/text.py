"""A first configuration as text, with comments on what to look at; and the ready-made metrics of the example."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from tui.commands.init.survey import DeployJob, Shipped, Survey
from tui.text.safe import clean

Reference = str | tuple[str, ...]
"""How a token is kept: ``env:NAME``, ``file:PATH``, ``keyring:SERVICE/USER``, a command, or the token itself."""


class Server(msgspec.Struct, frozen=True):
    """A source as it was asked for."""

    name: str
    type: str
    url: str
    user: str = ""
    token: Reference | None = None
    watch: tuple[str, ...] = ()


class ReadyMade(msgspec.Struct, frozen=True):
    """A metric of the example that many have."""

    name: str
    about: str
    series: str
    """A metric it reads: where that is, it will do."""
    lines: str


def ready_made(example: str) -> tuple[ReadyMade, ...]:
    """Those that the example has as comments."""
    found = []
    for about, block in re.findall(r"^#: (.*(?:\n# (?!\[).*)*)\n((?:# .*\n)+)", example, re.MULTILINE):
        lines = re.sub(r"^# ", "", block, flags=re.MULTILINE)
        name = re.search(r"\[metrics\.(\w+)\]", lines)
        series = re.search(r"([a-z_:]{12,})\{", lines)
        if name and series:
            found.append(ReadyMade(name[1], about.split(".")[0], series[1], lines.rstrip()))
    return tuple(found)


def first_config(servers: Iterable[Server], found: Survey, metrics: Iterable[ReadyMade]) -> str:
    """The whole file."""
    servers, metrics = tuple(servers), tuple(metrics)
    blocks = [_HEAD, *(_source(each, found) for each in servers)]
    named = [each for each in metrics if each.series in found.series]
    prometheus = next((each.name for each in servers if each.type == "prometheus"), "")
    blocks += _models(found.models, [each.name for each in named])
    if named:
        blocks += [each.lines.replace('source = "prometheus"', f'source = "{prometheus}"') for each in named]
    elif prometheus:
        blocks.append(_METRIC.replace("PROMETHEUS", prometheus))
    return "\n\n".join(blocks) + "\n"


def additions(servers: Iterable[Server], found: Survey, known: Mapping[str, str]) -> str:
    """What a file that is there lacks: the servers whose urls are not in it.

    Args:
        known: the urls that it has, by name.
    """
    new = [each for each in servers if each.url.rstrip("/") not in known.values()]
    taken = set(known)
    blocks = []
    for each in new:
        name = next(f"{each.name}{tail}" for tail in ("", *range(2, 99)) if f"{each.name}{tail}" not in taken)
        taken.add(name)
        blocks.append(_source(msgspec.structs.replace(each, name=name), found))
    return "\n\n".join(blocks)


def _source(server: Server, found: Survey) -> str:
    lines = [f"[sources.{server.name}]", f"type = {_toml(server.type)}", f"url = {_toml(server.url)}"]
    if server.user:
        lines.append(f"user = {_toml(server.user)}")
    if server.token is not None:
        lines.append(f"token = {_reference(server.token)}")
    if server.type in ("jenkins", "gitlab"):
        watch = server.watch or found.watch.get(server.name) or ("**",)
        lines.append(f"watch = {_toml(watch)}  # globs: * within a folder or group, ** across")
        rows = found.listings[server.name].pipelines if server.name in found.listings else ()
        paths = list(dict.fromkeys(row.address.path for row in rows))
        if paths:
            more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
            lines.append(f"# there are now: {clean(', '.join(paths[:5]))}{more}")
    if server.type == "gitlab" and found.canary_jobs:
        lines.append(f"canary_jobs = {_toml(('*canary*', *found.canary_jobs))}  # take a part of the traffic")
    if server.type == "jenkins":
        lines.append(_NO_RULES if not found.deploy_jobs else "")
        lines += [_rule(job) for job in found.deploy_jobs]
    return "\n".join(line for line in lines if line)


def _rule(job: DeployJob) -> str:
    canary = (
        f"canary = {{ input = {_toml(f'(?i){re.escape(job.gate)}')} }}  # it is one while it waits there\n"
    )
    return (
        "\n[[sources.jenkins.deployments]]  # Jenkins knows no deployments: this makes them out of runs\n"
        f"job = {_toml(job.path)}\n"
        f"environment = {{ parameter = {_toml(job.environment)} }}\n"
        f"version = {{ parameter = {_toml(job.version)} }}\n" + (canary if job.gate else "")
    ).rstrip()


def _models(models: Iterable[Shipped], metrics: list[str]) -> Iterator[str]:
    taken: set[str] = set()
    for model in models:
        name = model.name if model.name not in taken else f"{model.name}-{model.pipeline.source}"
        if name in taken:
            continue
        taken.add(name)
        yield (
            f"[models.{name}]  # what is shipped: joins pipelines, an environment and metrics\n"
            f"pipelines = [{_toml(str(model.pipeline))}]\n"
            f"environment = {_toml(model.environment)}\n"
            f"metrics = {_toml(metrics)}  # names of [metrics.NAME] below"
        )


def _reference(token: Reference) -> str:
    return _toml(token) if isinstance(token, str) else f"{{ command = {_toml(token)} }}"


def _toml(value: str | Iterable[str]) -> str:
    """Texts and lists of texts are written in TOML as in JSON; what a terminal would obey, as its number."""
    written = json.dumps(value if isinstance(value, str) else list(value), ensure_ascii=False)
    return "".join(char if clean(char) == char else f"\\U{ord(char):08x}" for char in written)


_HEAD = """\
# Pipedeck's configuration, as `pipedeck init` found things. All that can stand here: `pipedeck config example`;
# whether it works: `pipedeck check`.
format = 1"""
_NO_RULES = """\
# No run looked like a deployment. Which are, rules say: [[sources.jenkins.deployments]] in
# `pipedeck config example`"""
_METRIC = """\
# No ready-made metric fits what this Prometheus has. A metric of your own, to be named in `metrics` of a model:
# [metrics.errors]
# source = "PROMETHEUS"
# bad = '''sum(rate(requests_total{track="{track}", code=~"5.."}[{window}]))'''
# total = '''sum(rate(requests_total{track="{track}"}[{window}]))'''
# compare = { max_worse = 0.5 }"""
