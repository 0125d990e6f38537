"""What the config adds to acting: which model something belongs to, its promoting gate, what it starts."""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from tui.config import RegistrySettings, Settings
from tui.domain.action import ActionKind, ActionRequest, Offer, Plan
from tui.domain.address import Address, parse_address
from tui.domain.alarm import SuspectDeployment
from tui.domain.candidate import Candidacy
from tui.domain.deployment import Deployment, Environment
from tui.domain.pipeline import Gate, Listing, Pipeline
from tui.insight.deployment_rules import filled
from tui.insight.derived_deployments import app_of
from tui.insight.environment_state import environment_state


def model_of(settings: Settings, address: Address) -> str | None:
    """The name of the first model that has the pipeline of ``address``."""
    pipeline = address.pipeline
    return next((name for name, model in settings.models.items() if model.ships(pipeline)), None)


def canary_gates(settings: Settings, address: Address) -> tuple[re.Pattern[str], ...] | None:
    """What the gates of a pipeline are called at which a canary waits; None: any of them may be one."""
    source = settings.sources.get(address.source)
    model = settings.models.get(model_of(settings, address) or "")
    return source.canary_gates(address.path, model.promote if model else "") if source is not None else None


def promotes(settings: Settings, gate: Gate) -> bool:
    """Whether a canary waits at ``gate``, or may."""
    patterns = canary_gates(settings, gate.address)
    names = (gate.address.gate or gate.address.job or "", gate.message)
    return patterns is None or any(pattern.search(name) for pattern in patterns for name in names)


def with_gates(settings: Settings, listings: Iterable[Listing]) -> tuple[Address, ...]:
    """The pipelines that have gates, of those that may deploy."""
    found = (
        pipeline.address
        for listing in listings
        for pipeline in listing.pipelines
        if any(run.gates for run in pipeline.runs)
    )
    return tuple(
        dict.fromkeys(
            address.pipeline
            for address in found
            if (source := settings.sources.get(address.source)) is not None and source.deploys(address.path)
        )
    )


def gates_of(settings: Settings, model: str, listings: Iterable[Listing]) -> tuple[Gate, ...]:
    """The gates at which the canary of ``model`` waits, oldest first."""
    found = [
        gate
        for listing in listings
        for pipeline in listing.pipelines
        if settings.models[model].ships(pipeline.address)
        for run in pipeline.runs
        for gate in run.gates
        if promotes(settings, gate)
    ]
    return tuple(sorted(found, key=lambda gate: (gate.since or 0.0, gate.address)))


def retrain(
    settings: Settings,
    model: str,
    before: SuspectDeployment | None = None,
    jobs: Iterable[Address] = (),
    known: Sequence[Pipeline] = (),
) -> ActionRequest | None:
    """The request to train ``model`` anew: by its own ``retrain``, else by the rules of Jenkins for its jobs.

    Args:
        before: the deployment that is the reason.
        jobs: those to look at before those that the config names.
        known: pipelines with their runs, which may tell what a job deploys.

    Returns:
        None where the config does not say how.
    """
    model_settings = settings.models[model]
    words = {"model": model, "environment": model_settings.environment}
    if before is not None:
        words["app"] = before.environment.path
        words["environment"] = before.environment.environment or ""
        words["version"] = before.deployment.version
        words["revision"] = before.deployment.revision
    if model_settings.retrain is not None:
        return ActionRequest(
            ActionKind.TRIGGER,
            parse_address(model_settings.retrain.pipeline),
            model_settings.retrain.values(words),
        )
    run = before.deployment.run if before is not None else None
    first = (run.pipeline,) if run is not None else ()
    listed = (pipeline.address for pipeline in known if model_settings.ships(pipeline.address))
    for job in (*first, *jobs, *listed, *map(parse_address, model_settings.pipelines)):
        source = settings.sources.get(job.source)
        for rule, start in source.retraining(job.path) if source is not None else ():
            values = filled(start, {"app": app_of(rule, job, known), **words})
            return ActionRequest(ActionKind.TRIGGER, Address(job.source, start.job), values)
    return None


def switch(settings: Settings, model: str, to: str, version: str = "") -> ActionRequest | None:
    """The request to give the traffic to ``to``, one of the model's blue-green pair; None where there is no such."""
    model_settings = settings.models[model]
    if (
        model_settings.switch is None
        or model_settings.blue_green is None
        or to not in model_settings.blue_green
    ):
        return None
    colour = to.rpartition("/")[2]
    words = {"model": model, "environment": model_settings.environment, "version": version, "colour": colour}
    return ActionRequest(
        ActionKind.TRIGGER, parse_address(model_settings.switch.pipeline), model_settings.switch.values(words)
    )


class ConfiguredStart(msgspec.Struct, frozen=True):
    """Something that the config starts, as it is written there."""

    key: str
    """Where it stands: ``models.fraud.retrain``."""
    target: Address
    parameters: tuple[str, ...]
    """Their names."""


def configured_starts(settings: Settings) -> Iterator[ConfiguredStart]:
    """All that the config would start in a source whose pipelines declare their parameters."""
    for name, source in settings.sources.items():
        for key, start in source.starts:
            yield ConfiguredStart(f"sources.{name}.{key}", Address(name, start.job), tuple(start.parameters))
    for name, model in settings.models.items():
        for key, launch in (("retrain", model.retrain), ("switch", model.switch)):
            if launch is not None:
                target = parse_address(launch.pipeline)
                if (server := settings.sources.get(target.source)) is not None and server.declares_parameters:
                    yield ConfiguredStart(f"models.{name}.{key}", target, tuple(launch.parameters))


SOME = "\x00"
"""Stands for a version, whichever it is."""


def switched(settings: Settings, request: ActionRequest) -> tuple[str, str]:
    """The model whose traffic ``request`` switches and the environment that gets it; empty where it does not."""
    for name, model in settings.models.items():
        for to in model.blue_green or ():
            made = switch(settings, name, to, SOME)
            if (
                made is not None
                and made.target == request.target
                and len(made.values) == len(request.values)
                and all(SOME in value or request.value(key) == value for key, value in made.values)
            ):
                return name, to
    return "", ""


def launches(
    settings: Settings,
    model: str,
    live: str | None,
    jobs: Iterable[Address] = (),
    known: Sequence[Pipeline] = (),
) -> Iterator[Offer]:
    """What the config of ``model`` offers.

    Args:
        live: which of its pair has the traffic; None: not known.
        jobs: those of it that are looked at.
        known: as of :func:`retrain`.
    """
    title = settings.models[model].title or model
    if request := retrain(settings, model, jobs=jobs, known=known):
        yield Offer(request, f"Retrain {title}")
    for to in settings.models[model].blue_green or ():
        if request := switch(settings, model, to):
            why = f"{to} has the traffic" if to == live else ""
            yield Offer(request, f"Give {to} the traffic of {title}", possible=not why, why_not=why)


def champion(registry: RegistrySettings, version: str) -> ActionRequest:
    """The request to make ``version`` of a registered model its champion."""
    values = (("alias", registry.champion), ("version", version))
    return ActionRequest(ActionKind.SET_CHAMPION, Address(registry.source, registry.model), values)


def champions(registry: RegistrySettings, found: Candidacy) -> Iterator[Offer]:
    """The candidate, and the way back to the version that was champion before."""
    alias, now, candidate = registry.champion, found.champion, found.candidate
    there = now.version if now is not None else ""
    before = now.before.get(alias, "") if now is not None else ""
    if candidate is not None and candidate.version != there:
        words = f"Make version {candidate.version} ({registry.candidate}) the {alias}"
        yield Offer(champion(registry, candidate.version), words)
    if before not in ("", there):
        yield Offer(champion(registry, before), f"Back to version {before}, the {alias} before")


def registered(settings: Settings, target: Address) -> str | None:
    """The model of the config that a registry has under that name."""
    for name, model in settings.models.items():
        if model.registry and (model.registry.source, model.registry.model) == (target.source, target.path):
            return name
    return None


def deployment_of(environment: Environment, version: str) -> Deployment | None:
    """The deployment to go back to: of that version or id, the newest that one can go back to before others; without
    one the newest of all that one can, or else the one that was there before, which tells why one cannot."""
    named = [
        deployment
        for deployment in environment.deployments
        if version in (deployment.version, deployment.id, "")
    ]
    able = (
        deployment for deployment in named if deployment.rollback is not None and deployment.rollback.possible
    )
    now = environment_state(environment.deployments)
    before = now.stable if now.canary is not None else now.previous
    return next(able, (named[0] if named else None) if version else before)


def changed_by(settings: Settings, request: ActionRequest) -> str | None:
    """The name of the model that ``request`` is about; None: of none, or it only trains one."""
    if request.kind is ActionKind.TRIGGER:
        given = {name for name, _ in request.values}
        for name, model in settings.models.items():
            if model.switch is not None and parse_address(model.switch.pipeline) == request.target:
                return name
            training = retrain(settings, name)
            if (
                training is not None
                and training.target == request.target
                and given >= {*dict(training.values)}
            ):
                return None
    return model_of(settings, request.target)


def environments(settings: Settings, plan: Plan) -> tuple[str, ...]:
    """Names of the environments that ``plan`` would change, as far as anybody knows.

    A source tells where it knows. Of a model's pipeline the model's is meant where nothing else is known, and behind a
    gate in any case where the source's gates do not tell (``names_environments``).
    """
    request = plan.request
    known = tuple(dict.fromkeys(name for name in (plan.environment, request.target.environment) if name))
    model = changed_by(settings, request)
    own = settings.models[model].environment if model else ""
    if not own or own in known:
        return known
    source = settings.sources.get(request.target.source)
    vague = source is None or not source.names_environments
    gate = request.kind in (ActionKind.APPROVE, ActionKind.PROMOTE)
    run = request.kind is ActionKind.TRIGGER or (request.kind is ActionKind.RETRY and vague)
    return (*known, own) if (gate and vague) or (not known and (gate or run)) else known
