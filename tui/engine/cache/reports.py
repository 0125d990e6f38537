"""Tests of runs: from disk where they are finished and were read before, else from the source."""

from typing import TypeVar

import msgspec

from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.domain.tests import CaseDetails, CaseKey, TestReport
from tui.engine.cache.disk import DiskCache
from tui.sources.base import PipelineSource
from tui.threads import in_thread

T = TypeVar("T")


class ReportCache:
    """Reads reports, and keeps those that will not change any more.

    Args:
        history: where; None keeps nothing.
    """

    def __init__(self, history: DiskCache | None) -> None:
        self._history = history

    async def tests(self, source: PipelineSource, run: Run) -> TestReport:
        """The report of ``run``, as it was last seen.

        Raises:
            SourceError
        """
        if (kept := await self.known(source, run)) is not None:
            return kept
        report = await source.tests(run.address)
        if _moves(run):
            return msgspec.structs.replace(report, final=False)
        if report.final:
            await self._keep(f"tests {identity(source, run)}", run, report)
        return report

    async def known(self, source: PipelineSource, run: Run) -> TestReport | None:
        """The report that was read before; None where it was not."""
        return await self._kept(f"tests {identity(source, run)}", run, TestReport)

    async def case(self, source: PipelineSource, run: Run, key: CaseKey) -> CaseDetails:
        """What one case of that report said.

        Raises:
            SourceError
        """
        place = f"{key.suite}\n{key.classname}\n{key.name}\n{key.place}\n{key.index}"
        name = f"case {identity(source, run)}\n{place}"
        if (kept := await self._kept(name, run, CaseDetails)) is not None:
            return kept
        details = await source.case(run.address, key)
        if _moves(run):
            return msgspec.structs.replace(details, final=False)
        await self._keep(name, run, details)
        return details

    async def _kept(self, key: str, run: Run, kind: type[T]) -> T | None:
        history = self._history
        if history is None or not run.status.finished:
            return None
        return await in_thread(lambda: history.get(key, kind))

    async def _keep(self, key: str, run: Run, value: object) -> None:
        history = self._history
        if history is not None and run.status.finished:
            await in_thread(lambda: history.put(key, value))


def _moves(run: Run) -> bool:
    """Its report may grow at any time. While it waits for a person it does not: a listing tells when it goes on."""
    return not run.status.finished and run.status is not Status.WAITING


def identity(source: PipelineSource, run: Run) -> str:
    """What tells a run from all others, also from one of the same number after its job was deleted and made again,
    and a retried one from itself before."""
    return f"{source.facts().url} {run.address.path}#{run.address.run} {run.started_at} {run.duration}"
