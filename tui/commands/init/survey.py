"""What the servers have that a configuration would name: what can be watched, where it deploys, what waits."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from tui.commands.frame import ask_all
from tui.config import Settings
from tui.domain.address import Address
from tui.domain.deployment import Environments
from tui.domain.pipeline import Listing, Pipeline
from tui.domain.series import Grid
from tui.engine.queries import EnvironmentsOf, PipelinesOf
from tui.engine.runtime import Runtime
from tui.sources.base import MetricSource, SourceError

MOST_PIPELINES = 30
"""Whose environments are asked for: a first look must not take minutes."""
FEW = 40
"""Pipelines that can all be watched; of more it is proposed to watch some folders."""

_ENVIRONMENT = re.compile(r"(?i)^(target|env(ironment)?|stage|deploy_?(to|env))$")
_VERSION = re.compile(r"(?i)(^|_)(version|tag|image|release)$")
_CANARY = re.compile(r"(?i)canary|rollout|percent|\d+ ?%")
_PROMOTE = re.compile(r"(?i)promot|canary|approve|go live|production")


class DeployJob(msgspec.Struct, frozen=True):
    """A Jenkins job whose runs look like deployments."""

    path: str
    environment: str
    version: str
    """Names of its parameters."""
    gate: str
    """What it waits at; empty for nothing that was seen."""
    production: str
    """A value of the first parameter that looks like production; empty for none."""


class Shipped(msgspec.Struct, frozen=True):
    """What looks like a model: a pipeline, and the environment that it serves in."""

    name: str
    pipeline: Address
    environment: str


class Survey(msgspec.Struct, frozen=True):
    listings: Mapping[str, Listing]
    watch: Mapping[str, tuple[str, ...]]
    """For each source what is proposed to be watched."""
    deploy_jobs: tuple[DeployJob, ...] = ()
    models: tuple[Shipped, ...] = ()
    gates: tuple[Address, ...] = ()
    canary_jobs: tuple[str, ...] = ()
    """Names of GitLab jobs that look like a canary's and that the default does not cover."""
    series: frozenset[str] = frozenset()
    """Names of metrics that the ready-made ones are about."""
    notes: tuple[str, ...] = ()


async def survey(runtime: Runtime, ready_made: Iterable[str]) -> Survey:
    """What there is; what could not be read is in the notes."""
    settings = runtime.settings
    listings, faults = await ask_all(runtime, {name: PipelinesOf(name) for name in settings.pipeline_sources})
    notes = [f"{name}: {fault.message}" for name, fault in faults.items()]
    notes += [f"{name}: {note}" for name, listing in listings.items() for note in listing.notes]
    rows = {row.address: row for listing in listings.values() for row in listing.pipelines}
    asked = {each: EnvironmentsOf(each) for each in _newest(rows.values()) if _deploys(settings, each)}
    places, _ = await ask_all(runtime, asked)
    jobs = {
        Address(name, job.path): job
        for name, listing in listings.items()
        if _is_jenkins(settings, name)
        for job in _deploy_jobs(listing)
    }
    return Survey(
        listings=listings,
        watch={name: watch_proposal(listing.pipelines) for name, listing in listings.items()},
        deploy_jobs=tuple(jobs.values()),
        models=(*_models(places), *_shipped_by(jobs)),
        gates=tuple(
            gate.address for row in rows.values() for run in row.runs for gate in run.gates if gate.blocking
        ),
        canary_jobs=_canary_jobs(places),
        series=frozenset(await _series(runtime, ready_made, notes)),
        notes=tuple(dict.fromkeys(notes)),
    )


def watch_proposal(pipelines: Iterable[Pipeline]) -> tuple[str, ...]:
    """All where that is little; else the folders in which something ran, the busiest first."""
    paths = {row.address.path for row in pipelines}
    if len(paths) <= FEW:
        return ("**",)
    folders = Counter(
        row.address.path.partition("/")[0] for row in pipelines if row.runs and "/" in row.address.path
    )
    return tuple(f"{folder}/**" for folder, _ in folders.most_common(5)) or ("**",)


def _newest(rows: Iterable[Pipeline]) -> list[Address]:
    def began(row: Pipeline) -> float:
        return (row.last.started_at or row.last.created_at or 0.0) if row.last else 0.0

    ordered = sorted(rows, key=began, reverse=True)
    return list(dict.fromkeys(row.address for row in ordered))[:MOST_PIPELINES]


def _deploys(settings: Settings, address: Address) -> bool:
    return settings.sources[address.source].deploys(address.path)


def _is_jenkins(settings: Settings, name: str) -> bool:
    return not settings.sources[name].knows_tiers


def _deploy_jobs(listing: Listing) -> Iterable[DeployJob]:
    for row in listing.pipelines:
        names = [name for run in row.runs for name, _ in run.parameters]
        environment = next((name for name in names if _ENVIRONMENT.search(name)), None)
        version = next((name for name in names if _VERSION.search(name)), None)
        if environment and version:
            gates = [gate.address.gate or "" for run in row.runs for gate in run.gates]
            gate = next((name for name in gates if _PROMOTE.search(name)), "")
            values = [value for run in row.runs for name, value in run.parameters if name == environment]
            production = next((value for value in values if "prod" in value), "")
            yield DeployJob(row.address.path, environment, version, gate, production)


def _models(places: Mapping[Address, Environments]) -> Iterable[Shipped]:
    for pipeline, found in places.items():
        names = [each for each in found.environments if not each.stopped]
        production = [each for each in names if each.tier == "production"] or [
            each for each in names if "prod" in each.name
        ]
        if production:
            yield Shipped(_name(pipeline), pipeline, production[0].name)


def _shipped_by(jobs: Mapping[Address, DeployJob]) -> Iterable[Shipped]:
    for address, job in jobs.items():
        if job.production:
            yield Shipped(_name(address), address, job.production)


def _name(pipeline: Address) -> str:
    """The last part of its path, as far as it may stand in a table's name."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", pipeline.path.rpartition("/")[2]).strip("-") or "model"


def _canary_jobs(places: Mapping[Address, Environments]) -> tuple[str, ...]:
    names = {
        deployment.run.job.partition("~")[0]
        for found in places.values()
        for environment in found.environments
        for deployment in environment.deployments
        if deployment.run is not None and deployment.run.job
    }
    return tuple(sorted(name for name in names if _CANARY.search(name) and "canary" not in name))


async def _series(runtime: Runtime, names: Iterable[str], notes: list[str]) -> list[str]:
    """Which of the metrics of these names the Prometheus has."""
    sources = [name for name, each in runtime.settings.sources.items() if each.gives_metrics]
    if not sources:
        return []
    now = int(runtime.clock())
    found: list[str] = []
    try:
        source = await runtime.sources.get(sources[0], MetricSource)
        for name in names:
            samples = await source.samples(f"count({name})", Grid(now - 60, now, 60))
            if samples.rows:
                found.append(name)
    except SourceError as error:
        notes.append(error.message)
    return found
