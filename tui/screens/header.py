"""The line at the top: each source, quiet while it is well, and what waits, fails and alarms."""

from collections.abc import Iterator

from tui.domain.action import ActionKind
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.domain.verdict import Decision
from tui.engine.gates import GatesNow
from tui.engine.queries import AlarmsNow, AnnouncementsNow, PipelinesOf
from tui.engine.queries.verdicts import verdict_queries
from tui.engine.runtime import Runtime
from tui.engine.store import Reading
from tui.insight.pending_gates import PendingGate
from tui.insight.priority import Priority, priority_of
from tui.panes.action_progress import LOOKS
from tui.panes.base import Selection
from tui.presenters.notices import countdown
from tui.text import format as fmt
from widgets.status_line import StatusItem, StatusLine
from widgets.theme import status_style

LATE = 120.0
"""Seconds without an answer after which a source is late even if nothing failed."""


class Header(StatusLine):
    """Tells of all that the engine keeps, whatever the panes show. A click on a count goes to its pane."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(id="header")
        self._runtime = runtime
        self._gates = GatesNow(runtime.settings)
        self._counted: dict[str, tuple[Listing | None, int]] = {}

    @property
    def waiting(self) -> list[PendingGate]:
        """The gates that somebody has to answer."""
        return self._gates.needing

    def counts(self, selection: Selection) -> dict[str, tuple[str, str]]:
        """What stands beside the titles of panes, by their scopes, each with its role."""
        counts: dict[str, tuple[str, str]] = {}
        if waiting := self._gates.count:
            counts["gates"] = waiting, "waiting"
        alarms = self._runtime.store.get(AlarmsNow()).value
        if alarms is not None and alarms.firing:
            counts["alarms"] = str(len(alarms.firing)), "failed"
        pipeline, address = selection.pipeline, selection.run_address
        run = next((each for each in (pipeline.runs if pipeline else ()) if each.address == address), None)
        if run is not None and run.tests is not None and run.tests.failed:
            counts["tests"] = str(run.tests.failed), "failed"
        return counts

    def project(self) -> None:
        """Show what the store holds now."""
        runtime, left = self._runtime, list[StatusItem]()
        failing = 0
        whole = runtime.settings.safety.read_only
        for name, table in runtime.settings.sources.items():
            if not table.runs_pipelines:
                continue
            reading = runtime.store.get(PipelinesOf(name))
            if trouble := late(reading, runtime.clock()):
                left.append(StatusItem(f"{status_style('failed').glyph} {name}", "failed", trouble))
            else:
                left.append(StatusItem(name))
            if runtime.sources.clock_is_wrong(name):
                left.append(StatusItem(f"clock of {name} is wrong", "warning", "not used for ages", drop=1))
            if not whole and runtime.actions.only_looks(name):
                left.append(StatusItem("read-only", "warning", drop=1))
            failing += self._failing(name, reading.value)
        if whole:
            left.append(StatusItem("read-only", "warning"))
        right = [*_alarms(runtime), *_verdicts(runtime)]
        right += [
            StatusItem(
                f"{status_style(LOOKS[activity.state]).glyph} {activity.plan.request.kind} {activity.state}",
                "running",
                activity.words
                if activity.state == "happening" and activity.plan.request.kind is ActionKind.ROLLBACK
                else "",
                drop=1,
            )
            for activity in runtime.actions.activities
            if not activity.ended
        ]
        self._gates.look(runtime.store)
        if waiting := self._gates.count:
            words = f"{status_style(Status.WAITING.value).glyph} {waiting} waiting"
            right.append(StatusItem(words, "waiting", press="gates"))
        if failing:
            words = f"{status_style(Status.FAILED.value).glyph} {failing} failing"
            right.append(StatusItem(words, "failed", press="pipelines"))
        self.show(left, right)

    def _failing(self, name: str, listing: Listing | None) -> int:
        """How many pipelines of a source fail; counted once for each listing."""
        counted = self._counted.get(name)
        if counted is None or counted[0] is not listing:
            needs = [priority_of(pipeline) for pipeline in (listing.pipelines if listing else ())]
            counted = self._counted[name] = listing, needs.count(Priority.FAILING)
        return counted[1]


def late(reading: Reading[Listing], now: float) -> str:
    """Why a source is not quiet, with the age of what is shown; empty while it is well."""
    age = "never read" if reading.read_at is None else f"read {fmt.ago(now - reading.read_at)} ago"
    if reading.fault is not None:
        return f"{reading.fault.trouble.value}, {age}"
    if reading.read_at is not None and (reading.recalled or now - reading.read_at > LATE):
        return age
    return ""


def _alarms(runtime: Runtime) -> Iterator[StatusItem]:
    """What policies are about to do, how many alarms fire that nobody has acknowledged, and of what the gravest is."""
    for announcement in runtime.store.get(AnnouncementsNow()).value or ():
        if announcement.at is not None:
            yield StatusItem(
                f"{status_style('waiting').glyph} {countdown(announcement, runtime.clock())}", "waiting"
            )
    found = runtime.store.get(AlarmsNow()).value
    if found is not None and found.firing:
        first, count = found.firing[0], fmt.count(len(found.firing), "alarm")
        yield StatusItem(
            f"{status_style('failed').glyph} {count}",
            "failed",
            f"{first.name} {first.subject}",
            drop=1,
            press="alarms",
        )


def _verdicts(runtime: Runtime) -> Iterator[StatusItem]:
    """The models that must not be promoted."""
    readings = {
        verdict_query.model: runtime.store.get(verdict_query).value
        for verdict_query in verdict_queries(runtime.settings)
    }
    stopped = [name for name, verdict in readings.items() if verdict and verdict.counts is Decision.STOP]
    if stopped:
        glyph, role = status_style("failed")
        yield StatusItem(f"{glyph} {Decision.STOP}", role, ", ".join(stopped), press="metrics")
