"""GitLab's payloads as the program's words. All text is cleaned here."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

import msgspec

from tui.domain.address import Address
from tui.domain.pipeline import Gate, Job, Run, TestCounts
from tui.domain.status import Status
from tui.sources.gitlab.context import ProjectContext
from tui.sources.gitlab.payload import (
    DetailedStatus,
    JobNode,
    LightNode,
    MergeRequestNode,
    PipelineNode,
    PipelineReference,
    RestJob,
    RestPipeline,
    StageNode,
    Total,
    User,
    nodes,
    number,
    seconds,
)
from tui.sources.gitlab.status import read_status, vendor_word
from tui.sources.http.bounds import lasted
from tui.text.safe import clean

_MERGE_REQUEST = re.compile(r"refs/merge-requests/(\d+)/\w+")
_BY_HAND = ("", "web", "api", "chat", "trigger", "webide")


class Reference(msgspec.Struct, frozen=True):
    """A pipeline that another names."""

    id: int
    project: str | int
    """Full path, or id where only that is known (REST)."""
    iid: str = ""
    vendor_status: str = ""


class ConvertedJob(msgspec.Struct, frozen=True):
    """A job with what the domain does not keep."""

    stage: str
    job: Job
    """Its address is its run's: only among all jobs of the run can :func:`addressed` tell it."""
    downstream: Reference | None = None


class StageHead(msgspec.Struct, frozen=True):
    name: str
    vendor_status: str = ""
    """Empty where the server does not say (REST)."""


class PipelineDetail(msgspec.Struct, frozen=True):
    """One pipeline read whole: its run without stages, and what they are made of."""

    run: Run
    stages: tuple[StageHead, ...]
    pieces: tuple[ConvertedJob, ...]
    stamp: float | None
    """As of :class:`RecentPipeline`."""
    ref: str = ""
    """As GitLab writes it."""
    merge_request: MergeRequestNode | None = None
    """What was told of the merge request it is for."""


class RecentPipeline(msgspec.Struct, frozen=True, gc=False):
    """One pipeline of a list."""

    run: Run
    iid: str
    stamp: float | None
    """Changes when a finished pipeline is retried: when it finished (GraphQL) or was updated (REST)."""
    whole: bool = True
    """False where only what its row needs was asked."""


def short_ref(ref: str | None) -> str:
    """Branch or tag; ``!12`` for the several refs of merge request 12."""
    if match := _MERGE_REQUEST.fullmatch(ref or ""):
        return f"!{match[1]}"
    return clean(ref or "")


# --- GraphQL ------------------------------------------------------------------------------------------------------


def recent_of_node(place: ProjectContext, node: PipelineNode) -> RecentPipeline:
    run = _run_of_node(place, node)
    waiting = (job for job in nodes(node.jobs) if _is_gate(job))
    jobs = addressed(run.address, (_piece_of_node(place, run.address, job).job for job in waiting))
    return RecentPipeline(
        msgspec.structs.replace(run, gates=gates_of(jobs)), node.iid, seconds(node.finished_at)
    )


def recent_of_light(place: ProjectContext, node: LightNode) -> RecentPipeline:
    vendor = vendor_word(node.status, "success-with-warnings" if node.warnings else None)
    status, reason = read_status(vendor)
    id = number(node.id)
    run = Run(
        address=place.run(id),
        title=f"#{id}",
        status=status,
        vendor_status=vendor,
        ref=short_ref(node.ref),
        created_at=seconds(node.created_at),
        waiting_reason=reason if status is Status.QUEUED else "",
        web_url=place.url("pipelines", id),
    )
    waiting = (job for job in nodes(node.jobs) if _is_gate(job))
    jobs = addressed(run.address, (_piece_of_node(place, run.address, job).job for job in waiting))
    gated = msgspec.structs.replace(run, gates=gates_of(jobs))
    return RecentPipeline(gated, "", seconds(node.finished_at), whole=False)


def detail_of_node(place: ProjectContext, node: PipelineNode, jobs: Iterable[JobNode]) -> PipelineDetail:
    """The pipeline with ``jobs``, which may come from several pages of it."""
    run = _run_of_node(place, node)
    stages = tuple(_head(stage) for stage in nodes(node.stages))
    pieces = tuple(_piece_of_node(place, run.address, job) for job in jobs)
    return PipelineDetail(run, stages, pieces, seconds(node.finished_at), node.ref or "", node.merge_request)


def _head(stage: StageNode) -> StageHead:
    return StageHead(clean(stage.name or ""), vendor_word(stage.status))


def _run_of_node(place: ProjectContext, node: PipelineNode) -> Run:
    vendor = vendor_word(node.status, _group(node.detailed_status))
    status, reason = read_status(vendor)
    id = number(node.id)
    summary = node.test_report_summary
    return Run(
        address=place.run(id),
        title=clean(node.name or "") or f"#{id}",
        status=status,
        vendor_status=vendor,
        ref=short_ref(node.ref),
        revision=clean(node.sha or ""),
        cause=_cause(node.source, node.user, node.upstream),
        trigger=_trigger(node.source),
        created_at=seconds(node.created_at),
        started_at=seconds(node.started_at),
        duration=lasted(node.duration) if status.finished else None,
        waiting_reason=reason if status is Status.QUEUED else "",
        tests=_counts(summary.total if summary else None),
        problem=clean(node.yaml_error_messages or node.failure_reason or ""),
        web_url=place.url("pipelines", id),
    )


def _piece_of_node(place: ProjectContext, run: Address, node: JobNode) -> ConvertedJob:
    vendor = vendor_word(node.status)
    status, reason = read_status(vendor)
    id = str(number(node.id)) if node.id else ""
    if status is Status.FAILED:
        reason = clean(node.failure_message or "")
        if node.exit_code is not None:
            reason = f"{reason} (exit code {node.exit_code})".lstrip()
    elif status is Status.QUEUED and node.scheduled_at:
        reason = _starts(node.scheduled_at)
    elif status is Status.QUEUED and node.stuck:
        reason = "is stuck: no runner takes it"
    downstream = _reference(node.downstream_pipeline)
    if node.kind == "BRIDGE" and status is Status.PASSED and downstream is None:
        reason = "the run it started is not shown to this user"
    job = Job(
        address=run,
        id=id,
        name=clean(node.name or ""),
        status=status,
        vendor_status=vendor,
        started_at=seconds(node.started_at),
        duration=lasted(node.duration) if status.finished else None,
        queued_for=lasted(node.queued_duration),
        needs=tuple(clean(need.name) for need in nodes(node.needs) if need.name),
        optional=bool(node.allow_failure),
        retried=bool(node.retried),
        gate=_is_gate(node),
        reason=reason,
        web_url=place.url("jobs", id) if id else "",
    )
    return ConvertedJob(clean((node.stage and node.stage.name) or ""), job, downstream)


def _is_gate(node: JobNode) -> bool:
    return bool(node.manual_job) and vendor_word(node.status) == "manual" and not node.retried


def _reference(pipeline: PipelineReference | None) -> Reference | None:
    if pipeline is None or pipeline.project is None:
        return None
    return Reference(
        number(pipeline.id), clean(pipeline.project.full_path), pipeline.iid, vendor_word(pipeline.status)
    )


# --- REST ---------------------------------------------------------------------------------------------------------


def recent_of_rest(
    place: ProjectContext, pipeline: RestPipeline, manual: Sequence[RestJob]
) -> RecentPipeline:
    """``manual`` are its jobs that wait for a person."""
    run = _run_of_rest(place, pipeline)
    jobs = addressed(
        run.address, (_piece_of_rest(place, run.address, job, retried=False).job for job in manual)
    )
    stamp = seconds(pipeline.updated_at)
    return RecentPipeline(msgspec.structs.replace(run, gates=gates_of(jobs)), str(pipeline.iid or ""), stamp)


def detail_of_rest(
    place: ProjectContext, pipeline: RestPipeline, jobs: Iterable[RestJob], tests: Total | None
) -> PipelineDetail:
    """The pipeline with ``jobs``: builds and bridges, older attempts among them.

    REST tells neither the order of stages nor which attempts are old: stages begin in the order of their first
    job's id, and of several jobs of a name the newest counts (contracts: gitlab §3.2).
    """
    ordered = sorted(jobs, key=lambda job: job.id)
    newest = {job.name: job.id for job in ordered}
    run = msgspec.structs.replace(
        _run_of_rest(place, pipeline), tests=_counts(tests), stage_source="REST: needs are not told"
    )
    return PipelineDetail(
        run,
        tuple(StageHead(name) for name in dict.fromkeys(clean(job.stage) for job in ordered)),
        tuple(_piece_of_rest(place, run.address, job, retried=job.id != newest[job.name]) for job in ordered),
        seconds(pipeline.updated_at),
        pipeline.ref or "",
    )


def _run_of_rest(place: ProjectContext, pipeline: RestPipeline) -> Run:
    vendor = vendor_word(pipeline.status, _group(pipeline.detailed_status))
    status, reason = read_status(vendor)
    return Run(
        address=place.run(pipeline.id),
        title=clean(pipeline.name or "") or f"#{pipeline.id}",
        status=status,
        vendor_status=vendor,
        ref=short_ref(pipeline.ref),
        revision=clean(pipeline.sha or ""),
        cause=_cause(pipeline.source, pipeline.user, None),
        trigger=_trigger(pipeline.source),
        created_at=seconds(pipeline.created_at),
        started_at=seconds(pipeline.started_at),
        duration=lasted(pipeline.duration) if status.finished else None,
        waiting_reason=reason if status is Status.QUEUED else "",
        problem=clean(pipeline.yaml_errors or ""),
        web_url=place.url("pipelines", pipeline.id),
    )


def _piece_of_rest(place: ProjectContext, run: Address, rest: RestJob, *, retried: bool) -> ConvertedJob:
    vendor = vendor_word(rest.status)
    status, reason = read_status(vendor)
    if status is Status.FAILED:
        reason = clean(rest.failure_reason or "").replace("_", " ")
    child = rest.downstream_pipeline
    job = Job(
        address=run,
        id=str(rest.id),
        name=clean(rest.name),
        status=status,
        vendor_status=vendor,
        started_at=seconds(rest.started_at),
        duration=lasted(rest.duration) if status.finished else None,
        queued_for=lasted(rest.queued_duration),
        optional=rest.allow_failure,
        retried=retried,
        gate=status is Status.WAITING and not retried,
        reason=reason,
        web_url=place.url("jobs", rest.id),
    )
    downstream = None
    if child is not None and child.project_id is not None:
        downstream = Reference(child.id, child.project_id, str(child.iid or ""), vendor_word(child.status))
    return ConvertedJob(clean(rest.stage), job, downstream)


# --- both ---------------------------------------------------------------------------------------------------------


def addressed(run: Address, jobs: Iterable[Job]) -> list[Job]:
    """``jobs`` with their addresses: the name, or ``name~id`` where that alone does not tell them apart."""
    jobs = list(jobs)
    current = Counter(job.name for job in jobs if not job.retried)

    def path(job: Job) -> str:
        alone = job.name and not job.retried and current[job.name] == 1
        return job.name if alone else f"{job.name}~{job.id}"

    return [msgspec.structs.replace(job, address=run.at_job(path(job))) for job in jobs]


def gates_of(jobs: Iterable[Job]) -> tuple[Gate, ...]:
    """What waits for a person, oldest first. Since when, GitLab does not tell."""
    return tuple(
        Gate(job.address.at_gate("play"), job.name, blocking=not job.optional)
        for job in sorted(jobs, key=lambda job: int(job.id or 0))
        if job.gate
    )


def _counts(total: Total | None) -> TestCounts | None:
    if total is None or not total.count:
        return None
    return TestCounts(total.count, (total.failed or 0) + (total.error or 0), total.skipped or 0)


_REF = re.compile(r"refs/(?:(?P<request>merge-requests/)|heads/|tags/)(?P<name>.+)")


def wanted_ref(pattern: str) -> str:
    """What ``refs`` of the configuration says, as refs are shown: ``refs/merge-requests/*`` is ``!*``."""
    match = _REF.fullmatch(pattern)
    if match is None:
        return pattern
    return f"!{match['name'].partition('/')[0]}" if match["request"] else match["name"]


def _cause(source: str | None, user: User | None, upstream: PipelineReference | None) -> str:
    if upstream is not None:
        path = clean(upstream.project.full_path) if upstream.project else ""
        return f"upstream {path}#{number(upstream.id)}"
    words = _trigger(source)
    username = clean(user.username) if user else ""
    if not username:
        return words
    return username if words in _BY_HAND else f"{words} by {username}"


def _trigger(source: str | None) -> str:
    return clean(source or "").lower().removesuffix("_event").replace("_", " ")


def _group(status: DetailedStatus | None) -> str | None:
    return status.group if status else None


def _starts(at: datetime) -> str:
    return f"starts at {datetime.fromtimestamp(seconds(at) or 0.0, UTC):%Y-%m-%d %H:%M} UTC"
