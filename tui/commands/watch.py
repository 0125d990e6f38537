"""``pipedeck watch``: each change as one line, for screen readers, scripts and a status line."""

import asyncio
import time
from collections.abc import Iterable, Sequence

import msgspec

from tui.commands.addresses import read_address
from tui.commands.exit_codes import Exit, exit_of
from tui.commands.frame import (
    NO_RUN,
    complain,
    in_a_pipeline_source,
    last_runs,
    newest_run,
    until_nobody_reads,
    with_runtime,
)
from tui.config import NoticeSettings, Settings
from tui.domain.address import Address, AddressError
from tui.domain.alarm import Alarms
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing, Run
from tui.domain.status import Status
from tui.domain.verdict import Verdict
from tui.engine.queries import AlarmsNow, AnyQuery, PipelinesOf, RunAt, VerdictOf
from tui.engine.queries.verdicts import verdict_queries
from tui.engine.runtime import Runtime
from tui.presenters.changes import (
    Change,
    alarm_changes,
    listing_changes,
    run_changes,
    run_state,
    verdict_changes,
)
from tui.presenters.documents import SCHEMA
from tui.sources.base import SourceError

MOST_RUNS = 10
"""Runs that are watched stage by stage where none is named; of the others only their beginning and end are told."""
_FATAL = frozenset({Trouble.NOT_FOUND, Trouble.MISCONFIGURED})


class ChangeDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    kind: str
    subject: str
    state: str
    words: str


async def watch(settings: Settings, texts: Sequence[str], *, as_json: bool) -> Exit:
    """Print what changes: of the runs at the addresses to their end, else of all that is watched, for ever.

    Exit code 1 when one of the runs failed or was canceled.

    Raises:
        BrokenPipeError: nobody reads any more.
    """

    async def work(runtime: Runtime) -> Exit:
        try:
            addresses = [await read_address(runtime, text) for text in texts]
        except AddressError as error:
            complain(str(error))
            return Exit.USAGE
        if not all(in_a_pipeline_source(settings, address) for address in addresses):
            return Exit.USAGE
        telling = _Telling(runtime, as_json)
        gone = asyncio.create_task(until_nobody_reads())
        working = asyncio.create_task(telling.runs(addresses) if addresses else telling.all())
        try:
            await asyncio.wait((gone, working), return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise BrokenPipeError
            return await working
        finally:
            gone.cancel()
            working.cancel()

    return await with_runtime(_only_looking(settings), work)


def _only_looking(settings: Settings) -> Settings:
    """What alarms do besides being shown is the deck's: nobody is paged twice, and no policy acts from here."""
    return msgspec.structs.replace(
        settings,
        ui=msgspec.structs.replace(settings.ui, notices=NoticeSettings()),
        safety=msgspec.structs.replace(settings.safety, policies=()),
    )


class _Telling:
    def __init__(self, runtime: Runtime, as_json: bool) -> None:
        self._runtime = runtime
        self._as_json = as_json
        self._news = asyncio.Event()
        self._seen_runs: dict[Address, Run] = {}
        self._listings: dict[str, Listing] = {}
        self._verdicts: dict[str, Verdict] = {}
        self._alarms: Alarms | None = None
        self._faults: dict[AnyQuery, str] = {}

    async def runs(self, addresses: Sequence[Address]) -> Exit:
        """Tell of these runs until all have ended."""
        runtime = self._runtime
        running = asyncio.create_task(runtime.poller.run())
        with runtime.poller.watch() as watch:
            end = runtime.store.subscribe(lambda _: self._news.set())
            try:
                named = [await self._run_of(address) for address in addresses]
                queries = tuple(RunAt(address) for address in dict.fromkeys(named))
                watch.want(*queries)
                while True:
                    for query in queries:
                        self._look_at_run(query, first=True)
                    ended = [self._seen_runs[each] for each in named if each in self._seen_runs]
                    if len(ended) == len(named) and all(run.status.finished for run in ended):
                        failed = any(run.status in (Status.FAILED, Status.CANCELED) for run in ended)
                        return Exit.FAILED if failed else Exit.OK
                    await self._next()
            except SourceError as error:
                complain(error.message)
                return exit_of(error.trouble)
            finally:
                end()
                running.cancel()

    async def _run_of(self, address: Address) -> Address:
        """Raises SourceError: there is none."""
        if address.run is not None:
            return address.of_run
        listing = await self._runtime.poller.ask(PipelinesOf(address.source))
        newest = newest_run(last_runs(listing.pipelines, address))
        if newest is None:
            raise SourceError(Trouble.NOT_FOUND, f"{address}: {NO_RUN}")
        return newest.address

    async def all(self) -> Exit:
        """Tell of all that is watched, for ever."""
        runtime, settings = self._runtime, self._runtime.settings
        listed = tuple(PipelinesOf(name) for name in settings.pipeline_sources)
        judged = verdict_queries(settings)
        running = asyncio.create_task(runtime.run())
        with runtime.poller.watch() as watch:
            end = runtime.store.subscribe(lambda _: self._news.set())
            try:
                while True:
                    watch.want(*listed, *judged, *map(RunAt, self._going_on()))
                    for listing in listed:
                        self._look_at_listing(listing)
                    for verdict in judged:
                        self._look_at_verdict(verdict)
                    for address in self._going_on():
                        self._look_at_run(RunAt(address), first=False)
                    self._look_at_alarms()
                    await self._next()
            finally:
                end()
                running.cancel()

    async def _next(self) -> None:
        await self._news.wait()
        self._news.clear()

    def _going_on(self) -> list[Address]:
        """The newest runs that are under way."""
        runs = [
            run
            for listing in self._listings.values()
            for pipeline in listing.pipelines
            for run in pipeline.runs
            if run.status is Status.RUNNING
        ]
        runs.sort(key=lambda run: run.started_at or 0.0, reverse=True)
        return [run.address for run in runs[:MOST_RUNS]]

    # --- what is told

    def _look_at_run(self, query: RunAt, *, first: bool) -> None:
        """``first``: also how it stands when it is seen first; else that is told by the list.

        Raises:
            SourceError: there is no such run.
        """
        reading = self._runtime.store.get(query)
        if reading.fault is not None and reading.fault.trouble in _FATAL and first:
            raise SourceError(reading.fault.trouble, reading.fault.message)
        self._complain(query)
        if (run := reading.value) is None:
            return
        before, self._seen_runs[run.address] = self._seen_runs.get(run.address), run
        if before is not None:
            changes = run_changes(before, run)
            self._tell(each for each in changes if first or each.kind in ("stage", "job"))
        elif first:
            gates = (each for each in run_changes(None, run) if each.kind == "gate")
            self._tell((run_state(run), *gates))

    def _look_at_listing(self, query: PipelinesOf) -> None:
        self._complain(query)
        reading = self._runtime.store.get(query)
        if reading.value is None or reading.recalled:
            return
        before = self._listings.get(query.of)
        self._listings[query.of] = reading.value
        if before is not None and before is not reading.value:
            self._tell(listing_changes(before, reading.value))

    def _look_at_verdict(self, query: VerdictOf) -> None:
        self._complain(query)
        if (verdict := self._runtime.store.get(query).value) is not None:
            before, self._verdicts[query.model] = self._verdicts.get(query.model), verdict
            self._tell(verdict_changes(before, verdict))

    def _look_at_alarms(self) -> None:
        if (alarms := self._runtime.store.get(AlarmsNow()).value) is not None:
            before, self._alarms = self._alarms or Alarms(), alarms
            self._tell(alarm_changes(before, alarms))

    def _complain(self, query: AnyQuery) -> None:
        """Say what cannot be read, once each time it begins."""
        fault = self._runtime.store.get(query).fault
        words = fault.message if fault is not None else ""
        if words and words not in self._faults.values():
            complain(words)
        if words:
            self._faults[query] = words
        else:
            self._faults.pop(query, None)

    def _tell(self, changes: Iterable[Change]) -> None:
        now = self._runtime.clock()
        for change in changes:
            if self._as_json:
                document = ChangeDoc(SCHEMA, now, change.kind, change.subject, change.state, change.words)
                print(msgspec.json.encode(document).decode(), flush=True)
            else:
                print(f"{time.strftime('%H:%M:%S', time.localtime(now))}  {change.line}", flush=True)
