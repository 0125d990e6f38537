"""The end of a build's console, of the newest controllers without what is before it (contracts: jenkins §9.4)."""

from collections.abc import Awaitable, Callable, Sequence

from tui.domain.address import Address
from tui.domain.pipeline import Run, Stage
from tui.domain.status import Status
from tui.logs.jenkins import JenkinsParser
from tui.sources.jenkins.log.progressive import PROGRESSIVE, STREAMING, TextReader, is_tail, read_tail
from tui.sources.log_end import LogEnd, Newest


async def console_end(
    texts: TextReader, where: Callable[[Address], Awaitable[str]], run: Run, size: int
) -> LogEnd:
    """See :class:`tui.sources.log_end.LogEndSource`.

    Args:
        where: tells the path of a run.

    Raises:
        SourceError
    """
    failed = _first_failed(run.stages or ())
    of = _own_run(failed, run)
    path = f"{await where(of)}/{PROGRESSIVE}"
    newest = await _tail(texts, path, size) if texts.tells_tails else None
    newest = newest or await _all(texts, path, size)
    names = [stage.name for stage in failed] if of == run.address else []
    chosen = f"from stage {names[-1]} on" if names and names[-1:] != [_job_name(run)] else ""
    return await newest.end(JenkinsParser, of, chosen, inside=names)


async def _tail(texts: TextReader, path: str, size: int) -> Newest | None:
    """None: the controller cannot begin near the end, or what it told cannot be understood."""
    async with texts.http.stream(path, query={"start": str(-size)}, headers=STREAMING) as stream:
        await texts.accept(stream)
        if not is_tail(stream):
            return None
        tail = await read_tail(stream, 2 * size + (1 << 16))
    if not tail.text:
        return None
    newest = Newest(size)
    newest.begin(tail.start)
    newest.feed(tail.text)
    return newest


async def _all(texts: TextReader, path: str, size: int) -> Newest:
    newest = Newest(size)
    async with texts.http.stream(path, query={"start": "0"}, headers={"Accept": "*/*"}) as stream:
        await texts.accept(stream)
        async for chunk in stream.chunks():
            if not newest.feed(chunk):
                break
    return newest


def _first_failed(stages: Sequence[Stage]) -> list[Stage]:
    """The way to the innermost stage that failed first."""
    for stage in stages:
        if stage.status is Status.FAILED:
            return [stage, *_first_failed(stage.children)]
    return []


def _own_run(failed: Sequence[Stage], run: Run) -> Address:
    """Whose console tells why: that of a run which the failed stage started, where that failed too."""
    for stage in failed[-1:]:
        for job in stage.jobs:
            other = job.address.of_run
            if job.status is Status.FAILED and other.run is not None and other != run.address:
                return other
    return run.address


def _job_name(run: Run) -> str:
    """Of the one stage that stands for a run without any."""
    stages = run.stages or ()
    return stages[0].name if len(stages) == 1 and stages[0].id == "run" else ""
