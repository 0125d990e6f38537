"""Pipelines, their runs, stages, jobs and gates.

There are thousands of them all day. Frozen values make no cycles, so Python need not search them (``gc=False``).
"""

from typing import Literal

import msgspec

from tui.domain.action import ActionField
from tui.domain.address import Address
from tui.domain.status import Status


class TestCounts(msgspec.Struct, frozen=True, gc=False):
    """How many tests of a run ended how. ``total`` includes skipped ones."""

    __test__ = False  # not a test class, whatever pytest thinks of its name

    total: int
    failed: int
    skipped: int


class Gate(msgspec.Struct, frozen=True, gc=False):
    """A place where a run waits for a person: a Jenkins input, a GitLab manual job."""

    address: Address
    """The run's or job's address with the gate's name."""
    message: str
    """What it asks, or the manual job's name."""
    since: float | None = None
    blocking: bool = True
    """False for a GitLab optional manual job (``allow_failure``), which the run does not wait for."""
    submitter: str = ""
    """Users and groups that may answer, with commas between (Jenkins); empty: nobody in particular is named."""
    fields: tuple[ActionField, ...] = ()
    """What it asks for beside a yes (Jenkins)."""


class Job(msgspec.Struct, frozen=True, gc=False):
    """The unit that has a log."""

    address: Address
    id: str
    """The source's own id: a Jenkins flow node or a GitLab job id."""
    name: str
    status: Status
    vendor_status: str = ""
    started_at: float | None = None
    duration: float | None = None
    """Seconds it took; None while it runs or where the source does not say."""
    queued_for: float | None = None
    """Seconds it waited for a machine."""
    needs: tuple[str, ...] = ()
    """Names of the jobs that had to end before it."""
    optional: bool = False
    """Its failure does not fail the run."""
    retried: bool = False
    """An older attempt: a newer job of the same name took its place."""
    gate: bool = False
    """It waits for a person to start it."""
    reason: str = ""
    """Why it failed or waits, in the source's words."""
    web_url: str = ""
    downstream: "Run | None" = None
    """The run this job started (GitLab bridges), with its own stages as far as they could be read. What a Jenkins run
    started, or a cell of its matrix, is a run of its own: then ``address`` is that run's."""


class Stage(msgspec.Struct, frozen=True, gc=False):
    """A named step of a run. Parallel branches and nested stages are its children, in order."""

    id: str
    name: str
    status: Status
    vendor_status: str = ""
    started_at: float | None = None
    duration: float | None = None
    """Seconds it ran, without the time it waited for a person; None while active or unknown."""
    paused: float = 0.0
    """Seconds it has waited for a person."""
    kind: Literal["stage", "branch"] = "stage"
    """A branch runs side by side with its sibling branches."""
    synthetic: bool = False
    """Made by the server (Declarative: Checkout SCM, Post Actions), not written by the author."""
    needs: tuple[str, ...] = ()
    """Ids of the stages that come directly before it at its own level."""
    children: "tuple[Stage, ...]" = ()
    jobs: tuple[Job, ...] = ()


class QueueItem(msgspec.Struct, frozen=True, gc=False):
    """Something asked for that has not begun."""

    id: int
    reason: str
    """Why it waits, in the source's words."""
    since: float | None = None
    stuck: bool = False
    """It will not begin by itself."""
    cause: str = ""
    """Who or what asked for it, as of a run."""
    parameters: tuple[tuple[str, str], ...] = ()
    """What it was asked for with."""


class Run(msgspec.Struct, frozen=True, gc=False):
    """One execution of a pipeline."""

    address: Address
    title: str
    """Display name or commit title; ``#12`` where there is no better one."""
    status: Status
    vendor_status: str = ""
    ref: str = ""
    """Branch or tag."""
    revision: str = ""
    """Full commit id, empty where unknown."""
    cause: str = ""
    """Who or what started it, in few words: ``alice``, ``push``, ``upstream ml/train#4``."""
    parameters: tuple[tuple[str, str], ...] = ()
    """Names and values, those of several lines with their newlines."""
    created_at: float | None = None
    started_at: float | None = None
    duration: float | None = None
    """Seconds it took; None while it runs."""
    expected_duration: float | None = None
    """Seconds it should take, as the server or its earlier runs say; None where nothing is known."""
    waiting_reason: str = ""
    """Why it is queued, in the source's words."""
    tests: TestCounts | None = None
    gates: tuple[Gate, ...] = ()
    """What waits for a person now, oldest first."""
    problem: str = ""
    """Why there is nothing to show in it: a syntax error, a YAML error, a killed execution."""
    description: str = ""
    """What somebody wrote about it, markup included (Jenkins)."""
    web_url: str = ""
    stages: tuple[Stage, ...] | None = None
    """None: not read yet, as in a list."""
    stage_source: str = ""
    """Where the stages come from, when that limits what they can say (``flow graph: no times``)."""
    upstream: "Run | None" = None
    """The run that started this one, without its stages; None where none did, and until it was asked for."""
    facts: tuple[str, ...] = ()
    """What else there is to know of it, in lines: its merge request, who has to approve, when it runs next."""
    trigger: str = ""
    """The kind of its cause (``push``, ``schedule``), where runs of one pipeline are of several kinds (GitLab)."""


class Pipeline(msgspec.Struct, frozen=True, gc=False):
    """What is run again and again: a Jenkins job, a GitLab project and ref. One row of the list."""

    address: Address
    ref: str = ""
    """Set for GitLab, where one project is a row for each ref."""
    name: str = ""
    """What to show: the last part of the path, decoded (``feature/x``)."""
    folder: str = ""
    """What it is grouped under: Jenkins folder or multibranch project, GitLab group."""
    disabled: bool = False
    runs: tuple[Run, ...] = ()
    """The newest runs, newest first, without stages; empty for one that never ran."""
    queue: tuple[QueueItem, ...] = ()
    web_url: str = ""

    @property
    def key(self) -> str:
        """What a selection is held by across refreshes."""
        return f"{self.address} {self.ref}" if self.ref else str(self.address)

    @property
    def first_queued(self) -> QueueItem | None:
        """Of what waits in the queue that which needs a person, else what has waited longest."""
        return min(
            self.queue, key=lambda item: (not item.stuck, item.since or float("inf"), item.id), default=None
        )

    @property
    def last(self) -> Run | None:
        """The newest run that did anything: a skipped one (``[skip ci]``) hides nothing that came before it."""
        newest = self.runs[0] if self.runs else None
        return next((run for run in self.runs if run.status is not Status.SKIPPED), newest)


class Listing(msgspec.Struct, frozen=True, gc=False):
    """All watched pipelines of one source at one time."""

    pipelines: tuple[Pipeline, ...]
    notes: tuple[str, ...] = ()
    """What is missing or partly known, in words for a person: a glob that matches nothing, a folder not permitted."""
