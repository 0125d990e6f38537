"""What GitLab's pages show: ``GROUP/PROJECT/-/pipelines/ID``, ``…/-/jobs/ID``, ``…/-/environments/ID``."""

import re
from collections.abc import Awaitable, Callable
from urllib.parse import unquote, urlsplit

import msgspec

from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.log.reader import jobs_of
from tui.sources.gitlab.read.deployment_payload import RestEnvironment
from tui.sources.gitlab.rest_client import project_url
from tui.text.safe import clean

# What a Spinnaker links to lacks the dash (contracts: spinnaker §6.5).
_OLD_RUN = re.compile(r"(/.+?)(?<!/-)(/pipelines/[0-9]+)/?")
_PAGE = re.compile(
    r"/(?P<path>.+?)(?:/-/(?P<kind>pipelines|jobs|environments)(?:/(?P<id>[0-9]+))?(?:/.*)?)?/?"
)


class _Pipeline(msgspec.Struct, frozen=True):
    id: int


class _Job(msgspec.Struct, frozen=True):
    id: int
    name: str
    pipeline: _Pipeline


_job = msgspec.json.Decoder(_Job)
_environment = msgspec.json.Decoder(RestEnvironment)


async def address_of_page(
    context: GitLabContext, run: Callable[[Address], Awaitable[Run]], url: str
) -> Address | None:
    """What a page shows. That of a job or an environment has only its number: its name is asked for.

    Args:
        run: reads a run, by whose other jobs a job is called.

    Raises:
        SourceError
    """
    place = urlsplit(url).path.removeprefix(urlsplit(context.server).path)
    page = _PAGE.fullmatch(_OLD_RUN.sub(r"\1/-\2", place) if _OLD_RUN.fullmatch(place) else place)
    if page is None or "/-/" in page["path"]:
        return None
    path, number = unquote(page["path"]), page["id"]
    pipeline = Address(context.name, clean(path))
    if number is None:
        return pipeline
    if page["kind"] == "pipelines":
        return pipeline.at_run(int(number))
    if page["kind"] == "environments":
        environment = await context.rest.read(_environment, f"{project_url(path)}/environments/{number}")
        return Address(context.name, clean(path), environment=clean(environment.name))
    job = await context.rest.read(_job, f"{project_url(path)}/jobs/{number}")
    read = await run(pipeline.at_run(job.pipeline.id))
    by_id = {job_found.id: job_found.address for job_found in jobs_of(read)}
    return by_id.get(number) or read.address.at_job(f"{clean(job.name)}~{job.id}")
