"""Deployments out of runs, by configured rules: the first rule that can read a run decides what it was.

A rule reads a run when the job's name fits its glob and environment and version can both be found. Stages count by
themselves: one that passed has deployed even if its run failed later (contracts: jenkins §11).
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import unquote

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Rollback
from tui.domain.globs import matches
from tui.domain.pipeline import Gate, Pipeline, Run, Stage
from tui.domain.status import Status
from tui.insight.deployment_rules import DeploymentRule, Start, WordPart, filled
from tui.insight.environment_state import EnvironmentState, environment_state, newest_first
from tui.text.safe import clean

_MARKUP = re.compile(r"<[^<>]*>")
_LONGEST = 300
"""Characters of a text that regexes look at."""
_TIERS = (
    ("development", r"dev|review|trunk"),
    ("testing", r"test|tst|qa|acc"),
    ("staging", r"stag|stg|pre|demo|non"),
    ("production", r"prod|live"),
)


class RuleMatch(msgspec.Struct, frozen=True):
    """One deployment that a rule found in a run."""

    rule: int
    """The rule's place in the list."""
    app: str
    environment: str
    deployment: Deployment


class RuleTrial(msgspec.Struct, frozen=True):
    """What the rules made of one run."""

    hits: tuple[RuleMatch, ...] = ()
    misses: tuple[tuple[int, str], ...] = ()
    """For each rule whose glob fits but that could not read the run, why."""


class _NotThere(Exception):
    """What a rule looks for is not in the run; the message says where it looked."""


def trial(rules: Sequence[DeploymentRule], pipeline: Pipeline, run: Run) -> RuleTrial:
    """What the first rule that can read ``run`` makes of it, and why those before it could not."""
    misses: list[tuple[int, str]] = []
    for number, rule in enumerate(rules):
        if not rule.covers(pipeline.address.path):
            continue
        if run.vendor_status in rule.ignore_results and run.status.finished:
            return RuleTrial((), (*misses, (number, f"ended as {run.vendor_status}, which is ignored")))
        try:
            hits = tuple(_hits(number, rule, pipeline, run))
        except _NotThere as error:
            misses.append((number, str(error)))
        else:
            return RuleTrial(hits, tuple(misses))
    return RuleTrial((), tuple(misses))


def aim(rules: Sequence[DeploymentRule], job: Address, parameters: Iterable[tuple[str, str]]) -> str:
    """The environment that a run of ``job`` with such parameters goes to, by the first rule that can tell; empty: none
    can, as where only the run itself will say it."""
    pipeline = Pipeline(job, name=unquote(job.path.rpartition("/")[2]))
    run = Run(job, "", Status.QUEUED, parameters=tuple(parameters))
    for rule in rules:
        if rule.rollback is not None and rule.rollback.job == job.path:
            for name, value in rule.rollback.parameters.items():
                if value == "{environment}" and (found := dict(run.parameters).get(name)):
                    return found
        if rule.covers(job.path) and not rule.reads_stages:
            try:
                return _word("environment", rule.environment, pipeline, run)
            except _NotThere:
                continue
    return ""


def app_of(rule: DeploymentRule, job: Address, known: Iterable[Pipeline] = ()) -> str:
    """What ``job`` deploys by ``rule``: as the newest of its runs tells of which it can be read; empty: none does."""
    pipeline = next((listed for listed in known if listed.address == job), Pipeline(job))
    if rule.app is None:
        return job.path
    for run in (*pipeline.runs, Run(job, "", Status.UNKNOWN)):  # a word, or a part of the name, needs none
        try:
            return _word("app", rule.app, pipeline, run)
        except _NotThere:
            continue
    return ""


def environments(
    rules: Sequence[DeploymentRule], pipelines: Iterable[Pipeline], known: Iterable[Pipeline] = ()
) -> tuple[Environment, ...]:
    """All environments that the runs of ``pipelines`` were put into, each with its deployments, newest first.

    Args:
        known: the jobs a rollback could start, to say of one that is disabled or not among them.
    """
    found: dict[tuple[str, str, str], list[RuleMatch]] = {}
    jobs = {pipeline.address.path: pipeline for pipeline in known}
    for pipeline in pipelines:
        for run in pipeline.runs:
            for hit in trial(rules, pipeline, run).hits:
                key = (pipeline.address.source, hit.app, hit.environment)
                found.setdefault(key, []).append(hit)
    return tuple(_environment(key, hits, rules, jobs) for key, hits in found.items())


def _environment(
    key: tuple[str, str, str],
    hits: Sequence[RuleMatch],
    rules: Sequence[DeploymentRule],
    jobs: dict[str, Pipeline],
) -> Environment:
    source, app, name = key
    rule_of = {hit.deployment.id: rules[hit.rule] for hit in hits}
    deployments = newest_first(hit.deployment for hit in hits)
    now = environment_state(deployments)
    notes: tuple[str, ...] = ()
    if now.failed and now.failed.status is Status.CANCELED and rule_of[now.failed.id].canary:
        notes = (f"{now.failed.run} was aborted: whether its canary was taken out, only the Pipeline knows",)
    return Environment(
        address=Address(source, app, environment=name),
        deployments=tuple(
            msgspec.structs.replace(
                deployment,
                rollback=_rollback(deployment, now, rule_of[deployment.id].rollback, source, app, name, jobs),
            )
            for deployment in deployments
        ),
        tier=tier_of(name),
        notes=notes,
    )


def _rollback(
    deployment: Deployment,
    now: EnvironmentState,
    start: Start | None,
    source: str,
    app: str,
    environment: str,
    jobs: dict[str, Pipeline],
) -> Rollback:
    if (why := no_way_back(deployment, now)) is not None:
        return Rollback(False, why)
    if start is None:
        return Rollback(False, "no rollback job is configured for it")
    job = jobs.get(start.job)
    if job is None:
        return Rollback(False, f"its rollback job {start.job} is not among the watched jobs")
    if job.disabled:
        return Rollback(False, f"its rollback job {start.job} is disabled")
    words = {
        "app": app,
        "environment": environment,
        "version": deployment.version,
        "revision": deployment.revision,
    }
    parameters = filled(start, words)
    spelled = ", ".join(f"{name}={value}" for name, value in parameters)
    with_them = f" with {spelled}" if spelled else ""
    return Rollback(True, f"would start {start.job}{with_them}", Address(source, start.job), parameters)


def no_way_back(deployment: Deployment, now: EnvironmentState) -> str | None:
    """Why nobody can go back to ``deployment``, whatever the system; None where the system decides.

    While a canary stands beside it, going back to the stable one means taking the canary out.
    """
    stable = now.stable
    if deployment.status.active:
        return "it is still on its way"
    if deployment.status is not Status.PASSED:
        return f"it ended as {deployment.vendor_status.lower() or deployment.status.value}"
    if stable is None:
        return None
    if deployment.id == stable.id:
        return "it is there now" if now.canary is None else None
    if deployment.version == stable.version:
        return "the same version is there now"
    return None


def tier_of(name: str) -> str:
    """What kind of environment a name suggests, as GitLab guesses it (contracts: gitlab §2)."""
    return next((tier for tier, words in _TIERS if re.search(words, name, re.IGNORECASE)), "other")


def explain(
    rules: Sequence[DeploymentRule], pipelines: Sequence[Pipeline]
) -> Iterator[tuple[int, list[RuleMatch], dict[str, list[Address]]]]:
    """For each rule what it found in the runs of ``pipelines``, and of which runs it could not, by reason."""
    hits: dict[int, list[RuleMatch]] = {number: [] for number in range(len(rules))}
    misses: dict[int, dict[str, list[Address]]] = {number: {} for number in range(len(rules))}
    for pipeline in pipelines:
        for run in pipeline.runs:
            tried = trial(rules, pipeline, run)
            for hit in tried.hits:
                hits[hit.rule].append(hit)
            for number, why in tried.misses:
                misses[number].setdefault(why, []).append(run.address)
    for number in range(len(rules)):
        yield number, hits[number], misses[number]


# --- reading one run ----------------------------------------------------------------------------------------------


def _hits(number: int, rule: DeploymentRule, pipeline: Pipeline, run: Run) -> Iterator[RuleMatch]:
    """Raises: _NotThere."""
    app = pipeline.address.path if rule.app is None else _word("app", rule.app, pipeline, run)
    if rule.reads_stages:
        yield from _stage_hits(number, rule, pipeline, run, app)
        return
    environment = _word("environment", rule.environment, pipeline, run)
    version = _word("version", rule.version, pipeline, run)
    yield RuleMatch(number, app, environment, _of_run(rule, pipeline, run, version))


def _of_run(rule: DeploymentRule, pipeline: Pipeline, run: Run, version: str) -> Deployment:
    canary = _is_canary(rule, run)
    gate = run.gates[0] if run.gates else None
    return Deployment(
        id=str(run.address),
        status=_status(rule, run.status),
        version=version,
        revision=run.revision,
        vendor_status=run.vendor_status,
        ref=run.ref,
        who=run.cause,
        started_at=run.started_at if run.started_at is not None else run.created_at,
        finished_at=_end(run.started_at, run.duration),
        run=run.address,
        canary=canary,
        share=_share(rule, run) if canary else None,
        colour=_word("colour", rule.colour, pipeline, run) if rule.colour else "",
        waits_for=gate.message if gate is not None and run.status is Status.WAITING else "",
        web_url=run.web_url,
    )


def _stage_hits(
    number: int, rule: DeploymentRule, pipeline: Pipeline, run: Run, app: str
) -> Iterator[RuleMatch]:
    assert isinstance(rule.environment, WordPart)
    assert rule.environment.stage is not None
    if run.stages is None:
        raise _NotThere("its stages were not read")
    whole = _of_run(rule, pipeline, run, "")
    found = False
    for stage in _all_stages(run.stages):
        match = re.search(rule.environment.stage, stage.name[:_LONGEST])
        if match is None or not match["environment"] or stage.status is Status.SKIPPED:
            continue
        found = True
        version = (
            _group("version", rule.version.stage, stage.name, "the stage's name")
            if rule.version.stage is not None
            else _word("version", rule.version, pipeline, run)
        )
        # A run may wait for a person at a later stage, whose canary this one is.
        waits = stage.status is Status.WAITING or (run.status is Status.WAITING and whole.canary)
        status = _status(rule, stage.status)
        yield RuleMatch(
            number,
            app,
            match["environment"],
            msgspec.structs.replace(
                whole,
                id=f"{run.address} {stage.id}",
                version=version,
                status=Status.WAITING if waits and status is Status.PASSED else status,
                vendor_status=stage.vendor_status,
                started_at=stage.started_at if stage.started_at is not None else whole.started_at,
                finished_at=_end(stage.started_at, stage.duration, stage.paused) or whole.finished_at,
                waits_for=whole.waits_for if waits else "",
            ),
        )
    if not found:
        raise _NotThere(f"no stage of it matches {rule.environment.stage}")


def _all_stages(stages: Sequence[Stage]) -> Iterator[Stage]:
    for stage in stages:
        yield stage
        yield from _all_stages(stage.children)


def _status(rule: DeploymentRule, status: Status) -> Status:
    return Status.PASSED if rule.unstable and status is Status.WARNING else status


def _end(start: float | None, duration: float | None, paused: float = 0.0) -> float | None:
    return None if start is None or duration is None else start + duration + paused


def _is_canary(rule: DeploymentRule, run: Run) -> bool:
    canary = rule.canary
    if canary is None:
        return False
    if canary.parameter is not None:
        return dict(run.parameters).get(canary.parameter) == canary.equals
    assert canary.input is not None
    return run.status is Status.WAITING and any(_asks(canary.input, gate) for gate in run.gates)


def _asks(pattern: str, gate: Gate) -> bool:
    return any(
        re.search(pattern, text[:_LONGEST]) is not None for text in (gate.address.gate or "", gate.message)
    )


def _share(rule: DeploymentRule, run: Run) -> float | None:
    """A weight that is no number between 0 and 100 tells nothing."""
    if rule.weight is None:
        return None
    text = dict(run.parameters).get(rule.weight.parameter, "").strip().removesuffix("%").strip()
    try:
        share = float(text)
    except ValueError:
        return None
    return share if 0.0 <= share <= 100.0 else None


def _word(name: str, part: str | WordPart, pipeline: Pipeline, run: Run) -> str:
    """Raises: _NotThere."""
    if isinstance(part, str):
        return part
    word = _read(name, part, pipeline, run).strip()
    if not word:
        raise _NotThere(f"{name}: what its {part.kind} says is empty")
    return word


def _read(name: str, part: WordPart, pipeline: Pipeline, run: Run) -> str:
    if part.parameter is not None:
        value = dict(run.parameters).get(part.parameter)
        if value is None:
            raise _NotThere(f"{name}: it has no parameter {part.parameter}")
        return clean(value)  # its lines as one
    if part.folder is not None:
        parts = [clean(unquote(part)) for part in pipeline.address.path.split("/")]
        try:
            return parts[part.folder]
        except IndexError:
            raise _NotThere(f"{name}: its full name has no part {part.folder}") from None
    if part.branch is not None:
        branch = run.ref or pipeline.name
        for glob, meaning in part.branch.items():
            if matches(glob, branch):
                return meaning
        raise _NotThere(f"{name}: no entry for the branch {branch}")
    if part.display_name is not None:
        return _group(name, part.display_name, run.title, "its display name")
    if part.description is not None:
        return _group(name, part.description, _MARKUP.sub(" ", run.description), "its description")
    if part.revision is not None:
        if not run.revision:
            raise _NotThere(f"{name}: its commit is not known")
        return run.revision[: part.revision]
    raise _NotThere(f"{name}: {part.kind} cannot be read of a whole run")


def _group(name: str, pattern: str, text: str, place: str) -> str:
    match = re.search(pattern, text[:_LONGEST])
    if match is None or not match[name]:
        raise _NotThere(f"{name}: {place} does not match {pattern}")
    return match[name]
