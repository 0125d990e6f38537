"""Other runs beside the one that is looked at: what started it, and what it started."""

from collections import OrderedDict
from collections.abc import Sequence

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.pipeline import Run
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.jenkins.context import JenkinsContext
from tui.sources.jenkins.names import job_path
from tui.sources.jenkins.payload import BUILD, BUILD_TREE, BUILDS, NEWEST_TREE
from tui.sources.jenkins.read.listing import Known
from tui.sources.jenkins.read.runs import read_build

_REMEMBERED = 500


class Neighbours:
    """A run that the listing tells of costs nothing, another one request, and none once it was read after its end."""

    def __init__(self, context: JenkinsContext) -> None:
        self._client = context.client
        self._source = context.name
        self._server = context.server
        self._ended: OrderedDict[Address, Run] = OrderedDict()

    async def run(self, full_name: str, number: int, known: Known) -> Run:
        """A run without its stages; one whose status is not known where it cannot be read.

        Raises:
            SourceError: the controller does not answer.
        """
        address = Address(self._source, full_name, number)
        if (run := known.runs.get(address) or self._ended.get(address)) is not None:
            return run
        path = f"{job_path(full_name)}/{number}"
        where = f"{path}/api/json"
        try:
            build = await self._client.get(where, BUILD, tree=BUILD_TREE)
        except SourceError as error:
            if error.trouble not in (Trouble.NOT_FOUND, Trouble.FORBIDDEN):
                raise
            run = Run(
                address, f"#{number}", Status.UNKNOWN, error.trouble.value, web_url=f"{self._server}{path}/"
            )
            return self._keep(run)
        read = await self._client.make(
            f"GET {where}", lambda: read_build(build, address, f"{self._server}{path}/")
        )
        return self._keep(read.run) if read.run.status.finished else read.run

    async def started(self, full_name: str, by: Run, known: Known) -> Sequence[Run]:
        """The runs of a job that were started by ``by``, oldest first, among its newest.

        Raises:
            SourceError: the controller does not answer.
        """
        cause = by.address.path, by.address.number or 0
        if full_name in known.jobs:
            return [run for run in known.started.get(cause, ()) if run.address.path == full_name]
        path = job_path(full_name)
        try:
            answer = await self._client.get(f"{path}/api/json", BUILDS, tree=NEWEST_TREE)
        except SourceError as error:
            if error.trouble in (Trouble.NOT_FOUND, Trouble.FORBIDDEN):
                return ()
            raise
        job = Address(self._source, full_name)

        def read() -> list[Run]:
            builds = [
                read_build(build, job.at_run(build.number), f"{self._server}{path}/{build.number}/")
                for build in answer.builds or ()
                if build.number is not None
            ]
            return sorted(
                (build_read.run for build_read in builds if build_read.upstream == cause),
                key=lambda run: run.address.number or 0,
            )

        return await self._client.make(f"GET {path}/api/json", read)

    def _keep(self, run: Run) -> Run:
        self._ended[run.address] = run
        if len(self._ended) > _REMEMBERED:
            self._ended.popitem(last=False)
        return run
