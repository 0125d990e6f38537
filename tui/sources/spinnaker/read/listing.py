"""The watched pipelines with their newest runs, in few requests (contracts: spinnaker §4, §15)."""

import asyncio
import math
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from tui.domain.globs import is_glob, matches
from tui.domain.health import Trouble
from tui.domain.pipeline import Listing, Pipeline
from tui.sources.base import SourceError
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import (
    APPLICATIONS,
    CONFIGS,
    EXECUTION,
    EXECUTIONS,
    Config,
    Execution,
    seconds,
)
from tui.sources.spinnaker.read.judgments import Judgment, judgment
from tui.sources.spinnaker.read.runs import listed_run
from tui.sources.spinnaker.status import ACTIVE, is_active, waits
from tui.text.safe import clean

CONFIGS_KEPT = 300.0
"""Seconds for which the definitions are good: the largest of the answers."""
IDS = 100
"""Ids in one request: a URL may have 8 kB."""
FIRST = 5
"""Runs of each pipeline that are asked for at first, and kept; later only the newest, and those that go on."""
MOST_APPLICATIONS = 100
MOST_JUDGMENTS = 10
"""Waiting executions whose words are read for one listing; the others' come with the next ones."""
_CONCERNS_ALL = (
    Trouble.UNREACHABLE,
    Trouble.TIMEOUT,
    Trouble.TLS,
    Trouble.UNAUTHORIZED,
    Trouble.RATE_LIMITED,
)


class ListingReader:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._gate = context.gate
        self._read_at: dict[str, float] = {}
        """By application, when its definitions were read."""
        self._by_application: dict[str, tuple[Config, ...]] = {}
        self._names: tuple[str, ...] = ()
        self._names_at = -math.inf
        self._runs: dict[str, dict[str, Execution]] = {}
        """The newest executions of each pipeline, by the ids of both."""
        self._words: dict[str, Judgment] = {}
        """Of judgments that wait, by stage."""
        self._reading = asyncio.Lock()

    async def listing(self) -> Listing:
        """
        Raises:
            SourceError: when nothing could be read.
        """
        async with self._reading:
            notes: list[str] = []
            configs = await self._configs(notes)
            await self._executions([config.id for config in configs if config.id])
            notes += await self._judgments()
            rows = [self._row(config) for config in configs]
            return Listing(tuple(sorted(rows, key=lambda row: row.address.path.lower())), tuple(notes))

    async def definitions(self) -> None:
        """Know the pipelines, without their runs.

        Raises:
            SourceError
        """
        if not self._context.configs:
            async with self._reading:
                await self._configs([])

    def executions(self, application: str) -> tuple[Execution, ...]:
        """Those of an application that are known, newest first, without what their stages were told."""
        found = [
            execution
            for runs in self._runs.values()
            for execution in runs.values()
            if (execution.application or "").lower() == application.lower()
        ]
        return tuple(_newest_first(found))

    # --- definitions ------------------------------------------------------------------------------------------------

    async def _configs(self, notes: list[str]) -> list[Config]:
        names = await self._applications(notes)
        now = self._context.clock()
        stale = [name for name in names if not 0 <= now - self._read_at.get(name, -math.inf) < CONFIGS_KEPT]
        answers = await asyncio.gather(*map(self._definitions, stale))
        failed = [answer for answer in answers if isinstance(answer, SourceError)]
        for name, answer in zip(stale, answers, strict=True):
            if not isinstance(answer, SourceError):
                self._by_application[name], self._read_at[name] = answer, now
            elif answer.trouble in _CONCERNS_ALL:
                raise answer
            else:
                notes.append(f"the pipelines of {clean(name)} are not known: {answer.message}")
        if failed and not any(name in self._by_application for name in names):
            raise failed[0]
        globs = self._context.settings.globs
        configs = [
            config
            for name in names
            for config in self._by_application.get(name, ())
            if config.id and any(matches(glob, self._context.pipeline(config).path) for glob in globs)
        ]
        self._context.configs = {config.id: config for config in configs if config.id}
        paths = [self._context.pipeline(config).path for config in configs]
        for glob in globs:
            if not any(matches(glob, path) for path in paths) and not failed:
                notes.append(f"watch {clean(glob)!r} matches no pipeline")
        return configs

    async def _definitions(self, application: str) -> tuple[Config, ...] | SourceError:
        try:
            return await self._gate.get(
                f"/applications/{quote(application, safe='')}/pipelineConfigs", CONFIGS
            )
        except SourceError as error:
            return error

    async def _applications(self, notes: list[str]) -> tuple[str, ...]:
        """Those that ``watch`` names. A name costs nothing, a glob a list now and then."""
        wanted = [glob.partition("/")[0] for glob in self._context.settings.globs]
        found = [name.lower() for name in wanted if not is_glob(name)]
        if any(map(is_glob, wanted)):
            now = self._context.clock()
            if not 0 <= now - self._names_at < CONFIGS_KEPT:
                answer = await self._gate.get("/applications", APPLICATIONS)
                self._names = tuple(
                    sorted(filter(None, ((application.name or "").lower() for application in answer)))
                )
                self._names_at = now
            for glob in filter(is_glob, wanted):
                found += [name for name in self._names if matches(glob.lower(), name)]
        names = tuple(dict.fromkeys(found))
        if len(names) > MOST_APPLICATIONS:
            notes.append(
                f"watch matches {len(names)} applications; the first {MOST_APPLICATIONS} are shown, narrow it"
            )
        return names[:MOST_APPLICATIONS]

    # --- executions -------------------------------------------------------------------------------------------------

    async def _executions(self, ids: Sequence[str]) -> None:
        new = [id_ for id_ in ids if id_ not in self._runs]
        known = [id_ for id_ in ids if id_ in self._runs]
        questions = [
            *self._newest(new, FIRST),
            *self._newest(known, 1),
            *self._newest(ids, FIRST, ",".join(ACTIVE)),
        ]
        found = [
            execution
            for answer in await asyncio.gather(
                *(self._gate.get("/executions", EXECUTIONS, query) for query in questions)
            )
            for execution in answer
        ]
        seen = {execution.id for execution in found}
        # What went on, and is neither the newest nor goes on any more, has ended: how, it is asked.
        left = [
            execution.id
            for id_ in known
            for execution in self._runs[id_].values()
            if is_active(execution) and execution.id not in seen
        ]
        for some in _chunks(left):
            query = {"executionIds": ",".join(some), "expand": "false"}
            answer = await self._gate.get("/executions", EXECUTIONS, query)
            found += answer
            for gone in set(some) - {execution.id for execution in answer}:
                for runs in self._runs.values():
                    runs.pop(gone, None)
        for id_ in ids:
            self._runs.setdefault(id_, {})
        for execution in found:
            if (execution.pipeline_config_id or "") in self._runs:
                self._runs[execution.pipeline_config_id or ""][execution.id] = execution
        for id_, runs in self._runs.items():
            ordered = _newest_first(runs.values())
            kept = [execution for n, execution in enumerate(ordered) if n < FIRST or is_active(execution)]
            self._runs[id_] = {execution.id: execution for execution in kept}
        for gone in set(self._runs) - set(ids):
            del self._runs[gone]

    @staticmethod
    def _newest(ids: Sequence[str], limit: int, statuses: str = "") -> Iterable[dict[str, str]]:
        for some in _chunks(ids):
            query = {"pipelineConfigIds": ",".join(some), "limit": str(limit), "expand": "false"}
            yield {**query, "statuses": statuses} if statuses else query

    async def _judgments(self) -> list[str]:
        """Read what judgments ask that were not read yet: a list does not tell it. The notes of what failed."""
        waiting = {
            stage.id: execution
            for runs in self._runs.values()
            for execution in runs.values()
            for stage in execution.all_stages
            if waits(stage)
        }
        self._words = {id_: words for id_, words in self._words.items() if id_ in waiting}
        new = dict.fromkeys(execution.id for id_, execution in waiting.items() if id_ not in self._words)
        notes = []
        for execution in list(new)[:MOST_JUDGMENTS]:
            try:
                answer = await self._gate.get(f"/pipelines/{quote(execution, safe='')}", EXECUTION)
            except SourceError as error:
                if error.trouble in _CONCERNS_ALL:
                    raise
                notes.append(f"what #{clean(execution)} asks is not known: {error.message}")
                continue
            self._words |= {stage.id: judgment(stage) for stage in answer.all_stages if waits(stage)}
        return notes

    def _row(self, config: Config) -> Pipeline:
        address = self._context.pipeline(config)
        application, _, name = address.path.partition("/")
        executions = _newest_first(self._runs.get(config.id or "", {}).values())
        running = next(
            (execution.id for execution in reversed(executions) if execution.status == "RUNNING"), ""
        )
        return Pipeline(
            address,
            name=name,
            folder=application,
            disabled=config.disabled is True,
            runs=tuple(
                listed_run(execution, self._context, self._words, clean(running)) for execution in executions
            ),
            web_url=self._context.page(config.application),
        )


def _newest_first(executions: Iterable[Execution]) -> list[Execution]:
    """By when they were asked for: a restart moves the start."""
    return sorted(
        executions, key=lambda execution: (seconds(execution.build_time) or 0.0, execution.id), reverse=True
    )


def _chunks(ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (ids[start : start + IDS] for start in range(0, len(ids), IDS))
