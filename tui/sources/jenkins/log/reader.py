"""Logs of builds, stages and single steps (contracts: jenkins §9)."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol
from urllib.parse import quote

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Run, Stage
from tui.domain.status import Status
from tui.logs.jenkins import JenkinsParser
from tui.logs.parser import Parser
from tui.sources.base import SourceError
from tui.sources.jenkins.log.progressive import ProgressiveText, TextReader
from tui.sources.jenkins.log.steps import StepReader
from tui.sources.logs import KNOWN, LogSink, LogStatus, Overlap
from tui.text.safe import clean, shorten

SOONEST = 1.0
"""Seconds after an answer with text; Jenkins' own page asks as often."""
LATEST = 5.0


class JenkinsLog:
    """A :class:`tui.sources.logs.LogReader`.

    Args:
        of: a build, a stage of it (by name, by names from the outside in with slashes, or ``NAME~ID``) or a step
            (``NAME~ID``).
        where: asks where the build is.
        run: reads a run with its stages.
        tail: see :class:`tui.sources.jenkins.log.progressive.ProgressiveText`.
    """

    def __init__(
        self,
        texts: TextReader,
        steps: StepReader,
        run: Callable[[Address], Awaitable[Run]],
        of: Address,
        where: Callable[[], Awaitable[str]],
        *,
        tail: int = 0,
    ) -> None:
        self.of = of
        self.chosen = ""
        self._texts = texts
        self._steps = steps
        self._run = run
        self._where = where
        self._path = ""
        self._tail = tail
        self._text: _Text | None = None
        self._wait = SOONEST

    def parser(self, position: int) -> Parser:
        return JenkinsParser(position)

    async def read(self, sink: LogSink) -> LogStatus:
        if self._text is None:
            self._path = await self._where()
            self._text = await self._find()
        counted = _Counted(sink)
        complete = await self._text.read(counted)
        self._wait = SOONEST if counted.size else min(LATEST, self._wait * 1.5)
        return LogStatus(complete, self._wait)

    async def _find(self) -> "_Text":
        if self.of.job is None:
            return self._of_build()
        run = await self._run(self.of.of_run)
        stages = tuple(_walk(run.stages or ()))
        node = self.of.job.rpartition("~")[2] if "~" in self.of.job else ""
        found = [stage for path, stage in stages if self.of.job in (stage.name, path)]
        if not found and node.isdecimal():
            found = [stage for _, stage in stages if stage.id == node]
            if not found:
                return ProgressiveText(self._texts, f"{self._path}/execution/node/{node}/log")
        if not found:
            names = ", ".join(dict.fromkeys(stage.name for _, stage in stages)) or "none"
            raise SourceError(
                Trouble.NOT_FOUND,
                f"{self.of.of_run} has no stage {clean(self.of.job)}; it has: {shorten(names, 200)}",
            )
        stage = min(found, key=lambda stage: _INTEREST.get(stage.status, len(_INTEREST)))
        if len(found) > 1:
            ids = shorten(", ".join(f"~{clean(stage_found.id)}" for stage_found in found), 100)
            self.chosen = f"~{clean(stage.id)}, one of {len(found)} stages of this name: {ids}"
        if any(job.address == self.of and not job.id for job in stage.jobs):
            return self._of_build()
        if not self._steps.known:
            self.chosen = "the whole run: this controller does not tell the log of a stage"
            self.of = self.of.of_run
            return self._of_build()
        if stage.status.finished and not stage.children and (path := self._steps.log_path(stage.id)):
            return _Whole(self._texts, f"{self._path}/{path}")
        return _Joined(self._texts, self._path, lambda: self._listed(stage.id))

    def _of_build(self) -> "_Text":
        return ProgressiveText(self._texts, self._path, tail=self._tail)

    async def _listed(self, stage_id: str) -> "tuple[Sequence[str], bool]":
        """The steps of a stage that have begun, and whether there will be no others."""
        run = await self._run(self.of.of_run)  # before the steps: the last of them may begin in between
        stage = next((stage for _, stage in _walk(run.stages or ()) if stage.id == stage_id), None)
        if stage is None:
            return (), run.status.finished
        return await self._steps.of(self._path, stage), stage.status.finished or run.status.finished


_INTEREST = {Status.FAILED: 0, Status.RUNNING: 1, Status.WAITING: 2}


def _walk(stages: Sequence[Stage], above: str = "") -> Iterator[tuple[str, Stage]]:
    for stage in stages:
        path = f"{above}{stage.name}"
        yield path, stage
        yield from _walk(stage.children, f"{path}/")


class _Text(Protocol):
    async def read(self, sink: LogSink) -> bool:
        """Hand on what is new; whether nothing will come any more."""
        ...


class _Joined:
    """The logs of steps one after another; the next is begun when one has ended.

    Args:
        listed: the ids of the steps that have begun, and whether there will be no others.
    """

    def __init__(
        self, texts: TextReader, path: str, listed: "Callable[[], Awaitable[tuple[Sequence[str], bool]]]"
    ) -> None:
        self._texts = texts
        self._path = path
        self._listed = listed
        self._begin_again()

    def _begin_again(self) -> None:
        self._waiting: list[str] = []
        self._seen: set[str] = set()
        self._current: ProgressiveText | None = None
        self._last = False
        self._sink: _Continued | None = None

    async def read(self, sink: LogSink) -> bool:
        while True:
            if self._sink is None:
                sink.begin(0)
                self._sink = _Continued()
            self._sink.inner = sink
            if self._current is not None:
                ended = await self._ended(self._current, self._sink)
                if self._sink.restarted:
                    self._begin_again()
                    continue
                if not ended:
                    return False
                self._current = None
                self._sink.end_step()
            elif self._waiting:
                node = self._waiting.pop(0)
                self._current = ProgressiveText(self._texts, f"{self._path}/execution/node/{quote(node)}/log")
            elif self._last:
                return True
            else:
                steps, self._last = await self._listed()
                self._waiting = [step for step in steps if step not in self._seen]
                self._seen.update(steps)
                if not self._waiting and not self._last:
                    return False

    async def _ended(self, step: ProgressiveText, sink: "_Continued") -> bool:
        try:
            return await step.read(sink)
        except SourceError as error:
            if error.status == 404:
                return True  # a step that wrote nothing has no log
            raise


class _Continued:
    """The sink of one step after another: what each begins is not the beginning of all."""

    def __init__(self) -> None:
        self.inner: LogSink | None = None
        self.restarted = False
        """A step was written anew."""
        self._begun = False
        self._open = False

    def begin(self, position: int) -> None:
        self.restarted = self._begun
        self._begun = True

    def feed(self, data: bytes) -> None:
        assert self.inner is not None
        self.inner.feed(data)
        self._open = not data.endswith(b"\n")

    def end_step(self) -> None:
        if self._open:
            self.feed(b"\n")
        self._begun = False


class _Whole:
    """A text that is told whole and does not grow: the log of a stage that has ended (contracts: jenkins §6.1)."""

    def __init__(self, texts: TextReader, path: str) -> None:
        self._texts = texts
        self._path = path
        self._begun = False
        self._shown = 0
        self._known = b""

    async def read(self, sink: LogSink) -> bool:
        overlap = Overlap(self._shown, self._known)
        path, _, node = self._path.partition("?nodeId=")
        async with self._texts.http.stream(path, query={"nodeId": node}, headers={"Accept": "*/*"}) as stream:
            await self._texts.accept(stream)
            if not self._begun:
                self._begun = True
                sink.begin(0)
            async for chunk in stream.chunks():
                if not self._shown and chunk == _NO_LOGS:
                    continue
                new = overlap.new(chunk)
                sink.feed(new)
                self._shown += len(new)
                self._known = (self._known + new)[-KNOWN:]
        if overlap.differs:
            self._begun, self._shown, self._known = False, 0, b""
            return False
        return True


_NO_LOGS = b"No logs found\n"


class _Counted:
    """A sink that knows whether anything came."""

    def __init__(self, inner: LogSink) -> None:
        self._inner = inner
        self.size = 0

    def begin(self, position: int) -> None:
        self._inner.begin(position)

    def feed(self, data: bytes) -> None:
        self._inner.feed(data)
        self.size += len(data)
