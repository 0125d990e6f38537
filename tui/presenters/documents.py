"""The shapes of ``--json``: stable, documented in docs/json.md, and apart from the domain's own values.

Times are seconds since the epoch, durations seconds; null where nothing is known.
"""

from collections.abc import Mapping

import msgspec

from tui.domain.action import ActionField
from tui.domain.address import RunId
from tui.domain.candidate import Candidacy
from tui.domain.deployment import Deployment
from tui.domain.health import Fault, Finding
from tui.domain.pipeline import Gate, Job, Listing, Pipeline, Run, Stage
from tui.domain.verdict import MetricVerdict, Verdict
from tui.presenters.environments import EnvironmentPlace
from tui.text.safe import clean, clean_lines

SCHEMA = 1


class FaultDoc(msgspec.Struct, frozen=True):
    trouble: str
    message: str
    retry_at: float | None


class TestsDoc(msgspec.Struct, frozen=True):
    __test__ = False

    total: int
    failed: int
    skipped: int


class FieldDoc(msgspec.Struct, frozen=True):
    name: str
    kind: str
    default: str | None
    choices: tuple[str, ...]
    help: str
    required: bool


class GateDoc(msgspec.Struct, frozen=True):
    address: str
    message: str
    since: float | None
    blocking: bool
    submitter: str
    fields: tuple[FieldDoc, ...]


class JobDoc(msgspec.Struct, frozen=True):
    address: str
    id: str
    name: str
    status: str
    vendor_status: str
    started_at: float | None
    duration: float | None
    needs: tuple[str, ...]
    optional: bool
    retried: bool
    gate: bool
    reason: str
    web_url: str
    downstream: "RunDoc | None"


class StageDoc(msgspec.Struct, frozen=True):
    id: str
    name: str
    kind: str
    status: str
    vendor_status: str
    started_at: float | None
    duration: float | None
    paused: float
    needs: tuple[str, ...]
    jobs: tuple[JobDoc, ...]
    children: "tuple[StageDoc, ...]"


class RunDoc(msgspec.Struct, frozen=True):
    address: str
    title: str
    status: str
    vendor_status: str
    ref: str
    revision: str
    cause: str
    parameters: dict[str, str]
    created_at: float | None
    started_at: float | None
    duration: float | None
    expected_duration: float | None
    waiting_reason: str
    problem: str
    tests: TestsDoc | None
    gates: tuple[GateDoc, ...]
    web_url: str
    stages: tuple[StageDoc, ...] | None
    upstream: "RunDoc | None"


class QueueItemDoc(msgspec.Struct, frozen=True):
    id: int
    reason: str
    since: float | None
    stuck: bool
    cause: str
    parameters: dict[str, str]


class PipelineDoc(msgspec.Struct, frozen=True):
    address: str
    ref: str
    name: str
    folder: str
    disabled: bool
    queued: int
    web_url: str
    last_run: RunDoc | None
    other_runs: tuple[RunDoc, ...]
    queue: tuple[QueueItemDoc, ...]


class SourceDoc(msgspec.Struct, frozen=True):
    name: str
    pipelines: tuple[PipelineDoc, ...]
    notes: tuple[str, ...]
    fault: FaultDoc | None


class StatusDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    sources: tuple[SourceDoc, ...]


class SuiteDoc(msgspec.Struct, frozen=True):
    name: str
    where: str
    tests: TestsDoc | None
    problem: str


class CaseDoc(msgspec.Struct, frozen=True):
    suite: int
    classname: str
    name: str
    outcome: str
    duration: float | None
    new: bool
    fixed: bool
    since: RunId | None
    flaky: str


class RunTestsDoc(msgspec.Struct, frozen=True):
    schema: int
    address: str
    status: str
    tests: TestsDoc
    final: bool
    compared_with: tuple[str, ...]
    notes: tuple[str, ...]
    suites: tuple[SuiteDoc, ...]
    cases: tuple[CaseDoc, ...]


class CheckDoc(msgspec.Struct, frozen=True):
    schema: int
    findings: dict[str, tuple[Finding, ...]]
    """By source."""


class MetricVerdictDoc(msgspec.Struct, frozen=True):
    metric: str
    outcome: str
    reason: str
    method: str
    unit: str
    baseline: float | None
    canary: float | None
    baseline_at_least: bool
    canary_at_least: bool
    difference: float | None
    low: float | None
    high: float | None
    margin: float | None
    fail: float | None
    points: int
    effective: float | None
    since: float | None
    newest: float | None
    more: float | None
    group: str
    weight: float
    critical: bool
    required: bool


class CandidateDoc(msgspec.Struct, frozen=True):
    registered: str
    champion: str | None
    candidate: str | None
    outcome: str | None
    metrics: tuple[MetricVerdictDoc, ...]
    notes: tuple[str, ...]


class VerdictDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    model: str
    baseline: str
    canary: str
    judge: str | None
    decision: str | None
    reason: str
    score: float | None
    metrics: tuple[MetricVerdictDoc, ...]
    groups: dict[str, float]
    notes: tuple[str, ...]
    candidate: CandidateDoc | None


def verdict_document(
    model: str, verdict: Verdict | None, candidacy: Candidacy | None, units: Mapping[str, str], at: float
) -> VerdictDoc:
    """``units``: of each metric, by its name."""
    return VerdictDoc(
        schema=SCHEMA,
        at=at,
        model=model,
        baseline=verdict.baseline if verdict else "",
        canary=verdict.canary if verdict else "",
        judge=verdict.judge if verdict else None,
        decision=verdict.decision.value if verdict else None,
        reason=verdict.reason if verdict else "",
        score=verdict.score if verdict else None,
        metrics=_metric_verdicts(verdict.metrics, units) if verdict else (),
        groups={group.name: group.score for group in verdict.groups} if verdict else {},
        notes=verdict.notes if verdict else (),
        candidate=CandidateDoc(
            registered=candidacy.registered,
            champion=candidacy.champion.version if candidacy.champion else None,
            candidate=candidacy.candidate.version if candidacy.candidate else None,
            outcome=candidacy.outcome.value if candidacy.metrics else None,
            metrics=_metric_verdicts(candidacy.metrics, {}),
            notes=candidacy.notes,
        )
        if candidacy
        else None,
    )


def _metric_verdicts(
    metrics: tuple[MetricVerdict, ...], units: Mapping[str, str]
) -> tuple[MetricVerdictDoc, ...]:
    return tuple(
        MetricVerdictDoc(
            metric=each.metric,
            outcome=each.outcome.value,
            reason=each.reason,
            method=each.method,
            unit=units.get(each.metric, ""),
            baseline=each.baseline,
            canary=each.canary,
            baseline_at_least=each.baseline_at_least,
            canary_at_least=each.canary_at_least,
            difference=each.difference,
            low=each.low,
            high=each.high,
            margin=each.margin,
            fail=each.fail,
            points=each.points,
            effective=each.effective,
            since=each.since,
            newest=each.newest,
            more=each.more,
            group=each.group,
            weight=each.weight,
            critical=each.critical,
            required=each.required,
        )
        for each in metrics
    )


def source_document(name: str, listing: Listing | None, fault: Fault | None) -> SourceDoc:
    return SourceDoc(
        name=name,
        pipelines=tuple(_pipeline(pipeline) for pipeline in listing.pipelines) if listing else (),
        notes=listing.notes if listing else (),
        fault=FaultDoc(fault.trouble.value, fault.message, fault.retry_at) if fault else None,
    )


def _pipeline(pipeline: Pipeline) -> PipelineDoc:
    return PipelineDoc(
        address=str(pipeline.address),
        ref=pipeline.ref,
        name=pipeline.name,
        folder=pipeline.folder,
        disabled=pipeline.disabled,
        queued=len(pipeline.queue),
        web_url=pipeline.web_url,
        last_run=run_document(pipeline.last) if pipeline.last else None,
        other_runs=tuple(map(run_document, pipeline.others)),
        queue=tuple(
            QueueItemDoc(item.id, item.reason, item.since, item.stuck, item.cause, dict(item.parameters))
            for item in pipeline.queue
        ),
    )


def gate_document(gate: Gate) -> GateDoc:
    return GateDoc(
        address=str(gate.address),
        message=gate.message,
        since=gate.since,
        blocking=gate.blocking,
        submitter=gate.submitter,
        fields=tuple(map(field_document, gate.fields)),
    )


def field_document(field: ActionField) -> FieldDoc:
    """Without what a default may be that is kept secret, or cannot be given here."""
    told = field.kind not in ("secret", "unsupported")
    return FieldDoc(
        name=clean(field.name),
        kind=field.kind,
        default=clean_lines(field.default) if told else None,
        choices=tuple(map(clean, field.choices)),
        help=field.help,
        required=field.required,
    )


def run_document(run: Run) -> RunDoc:
    return RunDoc(
        address=str(run.address),
        title=run.title,
        status=run.status.value,
        vendor_status=run.vendor_status,
        ref=run.ref,
        revision=run.revision,
        cause=run.cause,
        parameters=dict(run.parameters),
        created_at=run.created_at,
        started_at=run.started_at,
        duration=run.duration,
        expected_duration=run.expected_duration,
        waiting_reason=run.waiting_reason,
        problem=run.problem,
        tests=TestsDoc(run.tests.total, run.tests.failed, run.tests.skipped) if run.tests else None,
        gates=tuple(map(gate_document, run.gates)),
        web_url=run.web_url,
        stages=None if run.stages is None else tuple(_stage(stage) for stage in run.stages),
        upstream=run_document(run.upstream) if run.upstream is not None else None,
    )


def _stage(stage: Stage) -> StageDoc:
    return StageDoc(
        id=stage.id,
        name=stage.name,
        kind=stage.kind,
        status=stage.status.value,
        vendor_status=stage.vendor_status,
        started_at=stage.started_at,
        duration=stage.duration,
        paused=stage.paused,
        needs=stage.needs,
        jobs=tuple(_job(job) for job in stage.jobs),
        children=tuple(_stage(child) for child in stage.children),
    )


def _job(job: Job) -> JobDoc:
    return JobDoc(
        address=str(job.address),
        id=job.id,
        name=job.name,
        status=job.status.value,
        vendor_status=job.vendor_status,
        started_at=job.started_at,
        duration=job.duration,
        needs=job.needs,
        optional=job.optional,
        retried=job.retried,
        gate=job.gate,
        reason=job.reason,
        web_url=job.web_url,
        downstream=run_document(job.downstream) if job.downstream else None,
    )


class RollbackDoc(msgspec.Struct, frozen=True):
    possible: bool
    words: str
    target: str | None
    parameters: dict[str, str]


class DeploymentDoc(msgspec.Struct, frozen=True):
    id: str
    version: str
    revision: str
    ref: str
    status: str
    vendor_status: str
    who: str
    started_at: float | None
    finished_at: float | None
    committed_at: float | None
    run: str | None
    canary: bool
    share: float | None
    colour: str
    waits_for: str
    web_url: str
    rollback: RollbackDoc | None


class EnvironmentDoc(msgspec.Struct, frozen=True):
    address: str
    name: str
    model: str | None
    tier: str
    stopped: bool
    live: bool | None
    url: str
    web_url: str
    stable: DeploymentDoc | None
    previous: DeploymentDoc | None
    canary: DeploymentDoc | None
    coming: tuple[DeploymentDoc, ...]
    failed: DeploymentDoc | None
    deployments: tuple[DeploymentDoc, ...]
    notes: tuple[str, ...]


class EnvironmentsDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    environments: tuple[EnvironmentDoc, ...]
    notes: tuple[str, ...]
    faults: dict[str, FaultDoc]
    """By the address of the pipeline, or the name of the source."""


def environment_document(place: EnvironmentPlace, model: str | None) -> EnvironmentDoc:
    environment, what = place.environment, place.standing

    def one(deployment: Deployment | None) -> DeploymentDoc | None:
        return _deployment(deployment) if deployment is not None else None

    return EnvironmentDoc(
        address=str(environment.address),
        name=environment.name,
        model=model,
        tier=environment.tier,
        stopped=environment.stopped,
        live=place.live,
        url=environment.url,
        web_url=environment.web_url,
        stable=one(what.stable),
        previous=one(what.previous),
        canary=one(what.canary),
        coming=tuple(map(_deployment, what.coming)),
        failed=one(what.failed),
        deployments=tuple(map(_deployment, environment.deployments)),
        notes=environment.notes,
    )


def fault_document(fault: Fault) -> FaultDoc:
    return FaultDoc(fault.trouble.value, fault.message, fault.retry_at)


def _deployment(deployment: Deployment) -> DeploymentDoc:
    rollback = deployment.rollback
    return DeploymentDoc(
        id=deployment.id,
        version=deployment.version,
        revision=deployment.revision,
        ref=deployment.ref,
        status=deployment.status.value,
        vendor_status=deployment.vendor_status,
        who=deployment.who,
        started_at=deployment.started_at,
        finished_at=deployment.finished_at,
        committed_at=deployment.committed_at,
        run=str(deployment.run) if deployment.run else None,
        canary=deployment.canary,
        share=deployment.share,
        colour=deployment.colour,
        waits_for=deployment.waits_for,
        web_url=deployment.web_url,
        rollback=None
        if rollback is None
        else RollbackDoc(
            rollback.possible,
            rollback.words,
            str(rollback.target) if rollback.target else None,
            dict(rollback.parameters),
        ),
    )
