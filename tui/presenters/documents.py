"""The shapes of ``--json``: stable, documented in docs/json.md, and apart from the domain's own values.

Times are seconds since the epoch, durations seconds; null where nothing is known. A document's class says which fields
there are; :func:`document_of` fills them from the domain's value, so that only what differs is written down.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from typing import Any, TypeVar

import msgspec

from tui.domain.action import ActionField
from tui.domain.address import Address
from tui.domain.candidate import Candidacy
from tui.domain.deployment import Deployment, Rollback
from tui.domain.health import Fault, Finding
from tui.domain.model_comparison import ModelComparison
from tui.domain.pipeline import Gate, Job, Listing, Pipeline, Run, Stage, TestCounts
from tui.domain.training import LinkedTraining
from tui.domain.verdict import MetricVerdict, ServerVerdict, Verdict
from tui.insight.critical_path import critical_path
from tui.insight.environments import EnvironmentPlace
from tui.insight.priority import hidden_runs
from tui.presenters.judged_metrics import server_metrics
from tui.text.safe import clean, clean_lines

D = TypeVar("D", bound=msgspec.Struct)

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
    queued_for: float | None
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


class StepDoc(msgspec.Struct, frozen=True):
    name: str
    started_at: float
    ended_at: float | None
    queued_for: float | None
    idle: float | None


class TrainingDoc(msgspec.Struct, frozen=True):
    id: str
    name: str
    status: str
    vendor_status: str
    started_at: float | None
    ended_at: float | None
    job: str
    basis: str
    certain: bool
    left_running: bool
    values: dict[str, float | None]
    web_url: str


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
    critical_path: tuple[StepDoc, ...]
    facts: tuple[str, ...]
    upstream: "RunDoc | None"
    training: tuple[TrainingDoc, ...] | None


class QueueItemDoc(msgspec.Struct, frozen=True):
    item: int
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
    queue: tuple[QueueItemDoc, ...]
    web_url: str
    last_run: RunDoc | None
    other_runs: tuple[RunDoc, ...]


class SourceDoc(msgspec.Struct, frozen=True):
    name: str
    pipelines: tuple[PipelineDoc, ...]
    notes: tuple[str, ...]
    fault: FaultDoc | None
    read_at: float | None


class StatusDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    sources: tuple[SourceDoc, ...]


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


class ServerMetricDoc(msgspec.Struct, frozen=True):
    metric: str
    group: str
    outcome: str
    reason: str


class ServerVerdictDoc(msgspec.Struct, frozen=True):
    judge: str
    run: str
    decision: str
    reason: str
    score: float | None
    passes: float | None
    fails: float | None
    intervals: tuple[float, ...]
    groups: dict[str, float]
    metrics: tuple[ServerMetricDoc, ...]


class DifferenceDoc(msgspec.Struct, frozen=True):
    group: str
    name: str
    deployed: str
    candidate: str
    standing: str
    change: str
    outcome: str | None
    marked: bool


class ComparisonDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    model: str
    deployed: str | None
    candidate: str | None
    basis: tuple[str, str]
    differences: tuple[DifferenceDoc, ...]
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
    server: ServerVerdictDoc | None = None
    counts: str | None = None


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


# --- filling them ------------------------------------------------------------------------------------------------


def document_of(kind: type[D], value: msgspec.Struct, /, **others: object) -> D:
    """A document of ``kind``: each field is the one of ``value`` that has the same name, as plain JSON.

    Args:
        others: the fields that ``value`` does not have, or has in another form.

    Raises:
        AttributeError: neither has a field.
    """
    fields: dict[str, Any] = {
        name: others[name] if name in others else _plain(getattr(value, name))
        for name in kind.__struct_fields__
    }
    return kind(**fields)


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    if isinstance(value, Enum):
        return value.value
    part = _PARTS.get(type(value))
    return part(value) if part is not None else value


def run_document(run: Run, training: Sequence[LinkedTraining] | None = None) -> RunDoc:
    """
    Args:
        training: what it trains; None: that was not asked, or could not be read.
    """
    steps = critical_path(run).steps
    return document_of(
        RunDoc,
        run,
        parameters=dict(run.parameters),
        critical_path=tuple(document_of(StepDoc, step) for step in steps),
        training=tuple(map(_training, training)) if training is not None else None,
    )


def _training(found: LinkedTraining) -> TrainingDoc:
    """A status that is not believed is that of the job."""
    left = found.training.going_on and found.ended and found.link.certain
    return document_of(
        TrainingDoc,
        found.training,
        status=(found.its_status if left else found.training.status).value,
        job=str(found.link.address),
        basis=found.link.basis,
        certain=found.link.certain,
        left_running=left,
        values={metric.key: metric.value for metric in found.training.metrics},
    )


def _field(field: ActionField) -> FieldDoc:
    """Without what a default may be that is kept secret, or cannot be given here."""
    readable = field.kind not in ("secret", "unsupported")
    return document_of(
        FieldDoc,
        field,
        name=clean(field.name),
        default=clean_lines(field.default) if readable else None,
        choices=tuple(map(clean, field.choices)),
    )


def source_document(
    name: str, listing: Listing | None, read_at: float | None, fault: Fault | None = None
) -> SourceDoc:
    """``read_at``: when the listing was."""
    return SourceDoc(
        name=name,
        pipelines=tuple(map(_pipeline, listing.pipelines)) if listing else (),
        notes=listing.notes if listing else (),
        fault=fault_document(fault) if fault else None,
        read_at=read_at,
    )


def _pipeline(pipeline: Pipeline) -> PipelineDoc:
    last = run_document(pipeline.last) if pipeline.last else None
    return document_of(
        PipelineDoc,
        pipeline,
        queued=len(pipeline.queue),
        queue=tuple(
            document_of(QueueItemDoc, item, item=item.id, parameters=dict(item.parameters))
            for item in pipeline.queue
        ),
        last_run=last,
        other_runs=tuple(map(run_document, hidden_runs(pipeline))),
    )


def fault_document(fault: Fault) -> FaultDoc:
    return document_of(FaultDoc, fault)


def comparison_document(found: ModelComparison, at: float) -> ComparisonDoc:
    return document_of(
        ComparisonDoc,
        found,
        schema=SCHEMA,
        at=at,
        deployed=found.deployed.version.version if found.deployed else None,
        candidate=found.candidate.version.version if found.candidate else None,
        differences=tuple(document_of(DifferenceDoc, each) for each in found.differences),
    )


def verdict_document(
    model: str, verdict: Verdict | None, candidacy: Candidacy | None, units: Mapping[str, str], at: float
) -> VerdictDoc:
    """``units``: of each metric, by its name."""
    candidate = _candidate(candidacy) if candidacy is not None else None
    if verdict is None:
        return VerdictDoc(SCHEMA, at, model, "", "", None, None, "", None, (), {}, (), candidate)
    return document_of(
        VerdictDoc,
        verdict,
        schema=SCHEMA,
        at=at,
        metrics=_metric_verdicts(verdict.metrics, units),
        groups={group.name: group.score for group in verdict.groups},
        candidate=candidate,
        server=_server(verdict.server) if verdict.server is not None else None,
    )


def _server(server: ServerVerdict) -> ServerVerdictDoc:
    return document_of(
        ServerVerdictDoc,
        server,
        groups={group.name: group.score for group in server.groups},
        metrics=tuple(document_of(ServerMetricDoc, metric) for metric in server_metrics(server)),
    )


def _candidate(candidacy: Candidacy) -> CandidateDoc:
    return document_of(
        CandidateDoc,
        candidacy,
        champion=candidacy.champion.version if candidacy.champion else None,
        candidate=candidacy.candidate.version if candidacy.candidate else None,
        outcome=candidacy.outcome.value if candidacy.metrics else None,
        metrics=_metric_verdicts(candidacy.metrics, {}),
    )


def _metric_verdicts(
    metrics: tuple[MetricVerdict, ...], units: Mapping[str, str]
) -> tuple[MetricVerdictDoc, ...]:
    return tuple(
        document_of(MetricVerdictDoc, metric, unit=units.get(metric.metric, "")) for metric in metrics
    )


def environment_document(place: EnvironmentPlace, model: str | None) -> EnvironmentDoc:
    standing = {
        name: _plain(getattr(place.standing, name))
        for name in ("stable", "previous", "canary", "coming", "failed")
    }
    return document_of(
        EnvironmentDoc,
        place.environment,
        model=model,
        live=place.live,
        **standing,
    )


def _rollback(rollback: Rollback) -> RollbackDoc:
    return document_of(RollbackDoc, rollback, parameters=dict(rollback.parameters))


_PARTS: Mapping[type, Callable[[Any], object]] = {
    Address: str,
    TestCounts: partial(document_of, TestsDoc),
    ActionField: _field,
    Gate: partial(document_of, GateDoc),
    Job: partial(document_of, JobDoc),
    Stage: partial(document_of, StageDoc),
    Run: run_document,
    Deployment: partial(document_of, DeploymentDoc),
    Rollback: _rollback,
}
"""What becomes of the domain's values inside other values."""
