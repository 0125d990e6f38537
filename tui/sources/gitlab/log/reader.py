"""Job logs (contracts: gitlab §5).

A trace has no offset: each answer holds it from the beginning. So it is streamed, what was shown is skipped once it is
known again, and it is asked for when it is likely to have grown; a job's status, which costs little, more often.
"""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import UTC, datetime

import msgspec

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Job, Run
from tui.domain.status import Status
from tui.logs.gitlab import GitLabParser
from tui.logs.parser import Parser
from tui.sources.base import SourceError
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.log.trace_polling import TracePolling
from tui.sources.gitlab.payload import seconds
from tui.sources.gitlab.responses import refusal_words
from tui.sources.gitlab.rest_client import project_url
from tui.sources.gitlab.status import read_status, vendor_word
from tui.sources.http.client import HttpClient, ResponseStream
from tui.sources.logs import KNOWN, LogSink, LogStatus, Overlap
from tui.text.safe import clean, shorten

PATIENCE = 60.0
"""Seconds until something comes: an old log is fetched from object storage first (contracts: gitlab §5.1)."""
SETTLE = 5.0
"""Seconds between the first answer after the end of a job and the last: the runner may still be sending."""
FRESHNESS = (
    "the runner sends its log about once a minute; every 3 s while somebody has the job open in a browser"
)
LONG_AGO = 120.0
"""Seconds after the end of a job in which its log may still grow: a runner sends the rest once a minute at worst."""
ACCEPT = {"Accept": "text/plain, */*"}
_MOST_LAST = 5
_DOUBTED = 3
"""Answers in a row that hold less than was shown, after which that is the log."""
_WAITS_FOR_PERSON = 15.0
_LIMIT = re.compile(rb"log exceeded limit of (\d{1,15}) bytes")
_NOTICE = 512
"""Bytes at the end of a log in which the runner says that it cut it (contracts: gitlab §5.1)."""


class _JobState(msgspec.Struct, frozen=True):
    status: str
    started_at: datetime | None = None
    finished_at: datetime | None = None
    erased_at: datetime | None = None


_JOB = msgspec.json.Decoder(_JobState)


class Traces:
    """Asks one server for traces: each in a connection of its own.

    Args:
        patience: seconds until something comes, if that is longer than the time-out of the settings.
    """

    def __init__(self, context: GitLabContext, *, patience: float = PATIENCE) -> None:
        settings = context.settings
        self.wire = context.wire
        self.rest = context.rest
        patient = msgspec.structs.replace(settings, timeout=max(patience, settings.timeout))
        self.http = HttpClient(self.wire, patient, self._credentials)
        self._token = settings.token

    def _credentials(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self._token.reveal()}"} if self._token else {}

    async def check(self, stream: ResponseStream) -> None:
        """``stream`` holds a trace.

        Raises:
            SourceError: it holds something else.
        """
        if not 200 <= stream.head.status < 300:
            answer = await stream.answer()
            raise self.wire.refuse(answer, refusal_words(answer))
        if stream.head.content_type == "text/html":
            raise SourceError(
                Trouble.WRONG_ANSWER,
                f"{self.wire.name}: {stream.head.where} answered a web page instead of a log; "
                "a login page or a proxy stands in front",
                status=stream.head.status,
            )

    async def close(self) -> None:
        await self.http.close()


class GitLabLog:
    """A :class:`tui.sources.logs.LogReader`.

    Args:
        of: a job, or a run: then its first failed job's log, else that of one that runs, else the last one's.
        run: reads a run with its jobs.
    """

    def __init__(
        self,
        traces: Traces,
        run: Callable[[Address], Awaitable[Run]],
        of: Address,
        clock: Callable[[], float],
    ) -> None:
        self.of = of
        self.chosen = ""
        self._traces = traces
        self._run = run
        self._clock = clock
        self._url = ""
        self._rhythm = TracePolling()
        self._begun = False
        self._shown = 0
        self._known = b""
        self._end = b""
        """The last of what was shown, in which the runner says that it cut the log."""
        self._etag = ""
        self._shorter = 0
        self._ended_reads = 0
        self._settled_at = 0.0

    def parser(self, position: int) -> Parser:
        return GitLabParser(position)

    async def read(self, sink: LogSink) -> LogStatus:
        if not self._url:
            self._url = await self._find()
        job = await self._traces.rest.read(_JOB, self._url)
        vendor = vendor_word(job.status)
        status, reason = read_status(vendor)
        if job.erased_at is not None:
            if self._shown or not self._begun:
                self._begin(sink)
            return LogStatus(
                True, note=f"the log was erased at {job.erased_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
            )
        if job.started_at is None and not self._shown:
            if not self._begun:
                self._begin(sink)
            why = f"the job has not started: {reason or vendor or 'no status'}"
            if status.finished:
                return LogStatus(True, note=f"the job was {vendor} before it started: it has no log")
            return LogStatus(wait=_WAITS_FOR_PERSON if status is Status.WAITING else SETTLE, note=why)
        if status.finished:
            return await self._last(sink, job.finished_at)
        if self._rhythm.due(self._clock()):
            grew = await self._trace(sink)
            self._rhythm.answered(self._clock(), grew, conditional=bool(self._etag))
        return LogStatus(wait=self._rhythm.wait(self._clock()), note=self._cut() or FRESHNESS)

    def _cut(self) -> str:
        """That the runner left out the rest of the log; empty where it did not."""
        if (limit := _LIMIT.search(self._end)) is None:
            return ""
        size = f"{int(limit[1]) / 2**20:.3g} MB"
        return f"the runner cut this log at its limit of {size} (output_limit); the rest is lost"

    async def _last(self, sink: LogSink, finished_at: datetime | None) -> LogStatus:
        """One answer once the job has ended; unless that is long ago, others until one brings nothing new."""
        if self._ended_reads and (early := self._settled_at - self._clock()) > 0:
            return LogStatus(wait=early)
        grew = await self._trace(sink)
        self._ended_reads += 1
        now = self._clock()
        age = now + self._traces.wire.skew - (seconds(finished_at) or 0.0)
        settled = age > LONG_AGO or (self._ended_reads > 1 and not grew)
        if (settled and not self._shorter) or self._ended_reads >= _MOST_LAST:
            return LogStatus(True, note=self._cut() if self._shown else "the log is empty")
        self._settled_at = now + SETTLE
        return LogStatus(wait=SETTLE)

    async def _find(self) -> str:
        run = await self._run(self.of.of_run)
        if self.of.job is None:
            job, self.chosen = job_of_interest(run)
        else:
            jobs = list(jobs_of(run))
            job = next((job for job in jobs if job.address == self.of), None)
            id = self.of.job.rpartition("~")[2]
            if job is None and "~" in self.of.job and id.isdecimal():
                return f"{project_url(self.of.path)}/jobs/{id}"
            if job is None:
                names = ", ".join(dict.fromkeys(job.name for job in jobs)) or "none"
                message = f"{self.of.of_run} has no job {clean(self.of.job)}; it has: {shorten(names, 200)}"
                raise SourceError(Trouble.NOT_FOUND, message)
        if job is None:
            raise SourceError(Trouble.NOT_FOUND, f"{self.of} has no job that has a log")
        if job.downstream is not None:
            raise SourceError(
                Trouble.NOT_FOUND,
                f"{job.address} starts another run and has no log of its own; see {job.downstream.address}",
            )
        self.of = job.address
        return f"{project_url(job.address.path)}/jobs/{job.id}"

    def _begin(self, sink: LogSink) -> None:
        self._begun = True
        self._shown, self._known, self._end, self._etag, self._shorter = 0, b"", b"", "", 0
        sink.begin(0)

    async def _trace(self, sink: LogSink) -> bool:
        """Hand on what is new of the trace; whether anything was."""
        grew = await self._ask(sink)
        if grew is None:
            self._begin(sink)  # the log is another than the one shown
            grew = await self._ask(sink)
        return bool(grew)

    async def _ask(self, sink: LogSink) -> bool | None:
        """None: the answer does not begin with what was shown."""
        headers = ACCEPT | ({"If-None-Match": self._etag} if self._etag else {})
        overlap, before = Overlap(self._shown, self._known), self._shown
        async with self._traces.http.stream(f"/api/v4{self._url}/trace", headers=headers) as stream:
            if stream.head.status == 304:
                return False
            await self._traces.check(stream)
            self._etag = ""  # until all of it has come
            if not self._begun:
                self._begin(sink)
            async for chunk in stream.chunks():
                new = overlap.new(chunk)
                if overlap.differs:
                    return None
                if new:
                    sink.feed(new)
                    self._shown += len(new)
                    self._known = (self._known + new)[-KNOWN:]
                    self._end = (self._end + new)[-_NOTICE:]
        if overlap.short:
            # Around archiving a trace can be empty for a moment (contracts: gitlab §5.1): the text stays.
            self._shorter += 1
            return None if overlap.size and self._shorter >= _DOUBTED else False
        self._shorter = 0
        self._etag = stream.head.headers.get("etag", "")
        return self._shown > before


def jobs_of(run: Run) -> Iterator[Job]:
    """The jobs of a run and of the runs below it."""
    for stage in run.stages or ():
        for job in stage.jobs:
            yield job
            if job.downstream is not None:
                yield from jobs_of(job.downstream)


def job_of_interest(run: Run) -> tuple[Job | None, str]:
    """The job whose log tells most about a run, and why it was chosen."""
    jobs = [job for job in jobs_of(run) if job.downstream is None and job.id and not job.retried]
    begun = sorted((job for job in jobs if job.started_at is not None), key=lambda job: job.started_at or 0.0)
    failed = [job for job in begun if job.status is Status.FAILED]
    for found, why in (
        ([job for job in failed if not job.optional], "the job that failed first"),
        ([job for job in reversed(begun) if job.status is Status.RUNNING], "the job that runs"),
        (failed, "the job that failed first"),
        (begun[::-1], "the last job"),
        (jobs, "the first job"),
    ):
        if found:
            return found[0], why
    return None, ""
