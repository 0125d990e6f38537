"""Executions as runs, with their stages where those were read (contracts: spinnaker §5, §6)."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

import msgspec

from tui.domain.address import Address
from tui.domain.pipeline import Job, Run
from tui.domain.pipeline import Stage as DomainStage
from tui.domain.status import Status
from tui.sources.http.bounds import lasted
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import Execution, Stage, at, number, seconds, text
from tui.sources.spinnaker.read import judgments
from tui.sources.spinnaker.read.judgments import Judgment, judgment
from tui.sources.spinnaker.read.links import Link, link_of
from tui.sources.spinnaker.read.problems import run_problem, run_waiting, stage_problem
from tui.sources.spinnaker.read.tree import Node, labels, tree, walk
from tui.sources.spinnaker.status import (
    JUDGMENT,
    WINDOW,
    is_active,
    run_status,
    stage_status,
    vendor,
    waits,
)
from tui.text import format as fmt
from tui.text.safe import clean, shorten

_WAITING = (JUDGMENT, WINDOW)
"""Stages in which nothing works."""


def listed_run(
    execution: Execution,
    context: Context,
    words: Mapping[str, Judgment] | None = None,
    running: str = "",
) -> Run:
    """One execution without its stages.

    Args:
        words: what is known of its judgments, by stage.
        running: another run of the pipeline, which goes on.
    """
    address = context.of_execution(execution)
    stages = execution.all_stages
    active = is_active(execution)
    status = run_status(execution, stages)
    begun, ended = seconds(execution.start_time), seconds(execution.end_time)
    trigger = execution.trigger
    waiting = [stage for stage in stages if waits(stage) and execution.status == "RUNNING"]
    by_id = labels(tree(stages)) if waiting else {}
    gates = [
        judgments.gate(address, stage, by_id[stage.id], (words or {}).get(stage.id) or judgment(stage))
        for stage in waiting
    ]
    return Run(
        address,
        _title(execution),
        status,
        vendor_status=vendor(execution.status),
        ref=clean((trigger.branch if trigger else None) or ""),
        revision=_revision(execution),
        cause=_cause(execution, context),
        parameters=_parameters(execution),
        created_at=seconds(execution.build_time),
        started_at=begun,
        # A restart leaves the end of the last time where it is (contracts: spinnaker §5).
        duration=lasted(ended - begun) if not active and begun is not None and ended is not None else None,
        waiting_reason=run_waiting(execution, running, fmt.clock),
        gates=tuple(sorted(gates, key=lambda gate: gate.since or 0.0)),
        problem=run_problem(execution),
        web_url=context.page(execution.application, execution.id),
        facts=_facts(execution, waiting, words or {}),
        upstream=_upstream(execution, context),
    )


async def whole_run(execution: Execution, asked: Address, context: Context) -> Run:
    """One execution, read in full, with its stages and what they have started."""
    nodes = tree(execution.all_stages)
    every = list(walk(nodes))
    links = await asyncio.gather(*(link_of(node.stage, context) for node in every))
    found = {node.stage.id: link for node, link in zip(every, links, strict=True) if link is not None}
    words = {node.stage.id: judgment(node.stage) for node in every if node.stage.type == JUDGMENT}
    run = listed_run(execution, context, words)
    reader = _Stages(execution, asked, labels(nodes), found, context.clock)
    problem = run.problem
    if run.status in (Status.FAILED, Status.WARNING) and not problem:
        problem = next(filter(None, map(stage_problem, nodes)), "")
    gates = tuple(
        msgspec.structs.replace(gate, address=asked.of_run.at_gate(gate.address.gate or ""))
        for gate in run.gates
    )
    return msgspec.structs.replace(
        run, address=asked.of_run, gates=gates, stages=reader.made(nodes), problem=problem
    )


class _Stages:
    def __init__(
        self,
        execution: Execution,
        run: Address,
        by_id: Mapping[str, str],
        links: Mapping[str, Link],
        clock: Callable[[], float],
    ) -> None:
        self._execution = execution
        self._run = run.of_run
        self._labels = by_id
        self._links = links
        self._clock = clock

    def made(self, nodes: Sequence[Node]) -> tuple[DomainStage, ...]:
        alike: dict[tuple[str, ...], int] = {}
        for node in nodes:
            alike[node.needs] = alike.get(node.needs, 0) + 1
        return tuple(self._stage(node, branch=alike[node.needs] > 1) for node in nodes)

    def _stage(self, node: Node, *, branch: bool) -> DomainStage:
        stage = node.stage
        # One stage that the server made below another is the other's own work.
        folded = len(node.children) == 1 and not node.children[0].children
        children = () if folded else self.made(node.children)
        status = stage_status(stage, self._execution, [child.stage for child in node.children])
        begun, ended = seconds(stage.start_time), seconds(stage.end_time)
        if status.active:
            ended = None
        paused = sum(child.paused for child in children)
        took = lasted(ended - begun) if begun is not None and ended is not None else None
        if stage.type in _WAITING and begun is not None:
            paused = took if took is not None else max(0.0, self._clock() - begun)
        if took is not None:
            took = max(0.0, took - paused)
        return DomainStage(
            clean(stage.id),
            stage.called,
            status,
            vendor_status=vendor(stage.status),
            started_at=begun,
            duration=took,
            paused=paused,
            kind="branch" if branch else "stage",
            synthetic=stage.synthetic_stage_owner is not None,
            needs=tuple(map(clean, node.needs)),
            children=children,
            jobs=self._jobs(node, status, begun, took, leaf=not children),
        )

    def _jobs(
        self, node: Node, status: Status, begun: float | None, took: float | None, *, leaf: bool
    ) -> tuple[Job, ...]:
        stage = node.stage
        jobs = []
        link = self._links.get(stage.id)
        # How long a judgment waits stands there already, and what it asks above.
        reason = stage_problem(node) or ("" if waits(stage) else self._waits(node))
        if leaf and (link is None or link.run is None):
            jobs.append(
                Job(
                    self._run.at_job(self._labels[stage.id]),
                    clean(stage.id),
                    stage.called,
                    status,
                    vendor_status=vendor(stage.status),
                    started_at=begun,
                    duration=took,
                    optional=stage.status in ("FAILED_CONTINUE", "STOPPED"),
                    reason=reason,
                    web_url=link.url if link is not None else "",
                )
            )
        if link is not None and link.run is not None:
            # A run of its own: whoever looks at it is led there.
            jobs.append(
                Job(
                    link.run,
                    f"{clean(stage.id)} link",
                    link.name,
                    status,
                    started_at=begun,
                    duration=took,
                    reason=reason,
                    web_url=link.url,
                )
            )
        return tuple(jobs)

    def _waits(self, node: Node) -> str:
        """What a stage that goes on does now."""
        stage = node.stage
        values = stage.values
        if stage.status == "FAILED_CONTINUE":
            return "it failed, and the pipeline went on"
        if stage.status != "RUNNING":
            return ""
        for window in (stage, *(child.stage for child in node.children)):
            if window.type == WINDOW and window.status == "RUNNING":
                begins = seconds(window.scheduled_time)
                return f"until its time window{f', {fmt.clock(begins)}' if begins is not None else ''}"
        if stage.type == "wait" and (wanted := number(values, "waitTime")) is not None:
            return f"waits {fmt.duration(max(0.0, min(wanted, 1e8)))}"
        running = next((task.name for task in stage.tasks or () if task.status == "RUNNING"), "")
        return clean(running or "")


def _title(execution: Execution) -> str:
    """What it is about, where its trigger tells; the pipeline's name stands beside it anyway."""
    trigger = execution.trigger
    if trigger is not None and trigger.type == "docker" and trigger.tag:
        return clean(trigger.tag)
    version = _version(trigger.parameters) if trigger is not None and trigger.parameters else ""
    return version or f"#{clean(execution.id)}"


def _version(parameters: Mapping[str, object]) -> str:
    """What a run is about, where a parameter of it is called so."""
    for name, value in parameters.items():
        if name.lower().replace("_", "") in ("version", "modelversion", "tag") and isinstance(value, str):
            return shorten(clean(value), 60)
    return ""


def _cause(execution: Execution, context: Context) -> str:
    trigger = execution.trigger
    who = clean((execution.authentication.user if execution.authentication else None) or "")
    if trigger is None:
        return who
    parent = trigger.parent_execution
    if parent is not None and parent.id:
        named = context.called(parent.pipeline_config_id or "", parent.application or "", parent.name or "")
        return f"pipeline {named.path}"
    match trigger.type:
        case "manual" | None:
            return who or clean(trigger.user or "")
        case "jenkins":
            return clean(f"jenkins {trigger.job or ''} #{trigger.build_number or '?'}")
        case "git":
            return clean(f"git {trigger.branch or ''}").strip()
        case "docker":
            return clean(f"docker {trigger.repository or ''}").strip()
    return clean(trigger.type)


def _upstream(execution: Execution, context: Context) -> Run | None:
    parent = execution.trigger.parent_execution if execution.trigger is not None else None
    if parent is None or not parent.id:
        return None
    at_ = context.called(parent.pipeline_config_id or "", parent.application or "", parent.name or "")
    short = Execution(parent.id, status=parent.status)
    return Run(
        at_.at_run(clean(parent.id)),
        clean(parent.name or parent.id),
        # It was copied when this one began; how it went on is not told here.
        Status.UNKNOWN if is_active(short) else run_status(short, ()),
        vendor_status="" if is_active(short) else vendor(parent.status),
    )


def _revision(execution: Execution) -> str:
    trigger = execution.trigger
    if trigger is not None:
        scm = at(trigger.build_info, "scm")
        first = scm[0] if isinstance(scm, list) and scm else None
        if found := clean(trigger.hash or "") or text(first, "sha1"):
            return found
    for stage in execution.all_stages:
        scm = at(stage.values, "buildInfo", "scm")
        if isinstance(scm, list) and scm and (found := text(scm[0], "sha1")):
            return found
    return ""


def _parameters(execution: Execution) -> tuple[tuple[str, str], ...]:
    given = execution.trigger.parameters if execution.trigger is not None else None
    return tuple((clean(name), _shown(value)) for name, value in (given or {}).items())


def _shown(value: object) -> str:
    if value is None:
        return ""
    return clean(value if isinstance(value, str) else msgspec.json.encode(value).decode())


def _facts(execution: Execution, waiting: Sequence[Stage], words: Mapping[str, Judgment]) -> tuple[str, ...]:
    found = [
        judgments.fact(stage, known, fmt.clock)
        for stage in waiting
        if (known := words.get(stage.id)) is not None
    ]
    who = clean((execution.authentication.user if execution.authentication else None) or "")
    asked = clean((execution.trigger.user if execution.trigger else None) or "")
    if who and asked and who != asked:
        found.append(f"it runs as {who}; the request said {asked}")
    if execution.canceled and execution.status == "SUCCEEDED":
        found.append(f"canceled too late by {clean(execution.canceled_by or 'somebody')}: it had ended")
    return tuple(found)
