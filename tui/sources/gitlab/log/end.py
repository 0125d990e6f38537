"""The end of a job's trace. It has no offset, so all of it goes by (contracts: gitlab §5.1)."""

from tui.domain.pipeline import Run
from tui.logs.gitlab import GitLabParser
from tui.sources.gitlab.log.reader import ACCEPT, Traces, job_of_interest
from tui.sources.gitlab.rest_client import project_url
from tui.sources.log_end import LogEnd, Newest


async def trace_end(traces: Traces, run: Run, size: int) -> LogEnd:
    """See :class:`tui.sources.log_end.LogEndSource`.

    Raises:
        SourceError
    """
    job, chosen = job_of_interest(run)
    if job is None:
        return LogEnd(run.address, note="it has no job that has a log")
    if job.started_at is None:
        return LogEnd(job.address, chosen, note=f"the job {job.name} has not started: it has no log")
    path = f"/api/v4{project_url(job.address.path)}/jobs/{job.id}/trace"
    newest = Newest(size)
    async with traces.http.stream(path, headers=ACCEPT) as stream:
        await traces.check(stream)
        async for chunk in stream.chunks():
            if not newest.feed(chunk):
                break
    return await newest.end(GitLabParser, job.address, chosen)
