"""Files that the jobs of a run left: GitLab lists no archive's files, so each is asked for by its path."""

from functools import partial
from urllib.parse import quote

import msgspec

from tui.domain.address import Address
from tui.domain.deployment import Validation
from tui.domain.evaluation import Evaluation
from tui.sources.artifact import read_numbers
from tui.sources.base import run_number
from tui.sources.evaluation.report import read_evaluation
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.lru_cache import LruCache
from tui.sources.gitlab.read.deployment_payload import ArtifactJob
from tui.sources.gitlab.rest_client import PER_PAGE, project_url
from tui.text.safe import clean, shorten
from tui.threads import in_thread

MOST_JOBS = 5
"""Jobs whose artifacts are searched for a file."""

_jobs = msgspec.json.Decoder(tuple[ArtifactJob, ...])


class ArtifactReader:
    """Artifacts of one server, a file at a time."""

    def __init__(self, context: GitLabContext) -> None:
        self._rest = context.rest
        self._validations: LruCache[tuple[Address, str], Validation] = LruCache(256)

    async def validation(self, run: Address, file: str) -> Validation:
        """The numbers in one artifact of a run.

        Raises:
            SourceError
        """
        if (kept := self._validations.get((run.of_run, file))) is not None:
            return kept
        body, missing, _ = await self._artifact(run, file)
        if body is None:
            return Validation((), (missing,))
        found = read_numbers(body, file)
        self._validations.put((run.of_run, file), found)
        return found

    async def evaluation(self, run: Address, file: str) -> Evaluation:
        """What a report among the artifacts of a run says. Not kept: it may hold what people asked a model.

        Raises:
            SourceError
        """
        body, missing, certain = await self._artifact(run, file)
        if body is None:
            return Evaluation(clean(file), problem=missing, missing=certain)
        return await in_thread(partial(read_evaluation, body, file))

    async def evaluation_of(self, path: str, job: int, file: str) -> Evaluation:
        """What a report among the artifacts of one job says.

        Raises:
            SourceError
        """
        answer = await self._rest.ask(f"{project_url(path)}/jobs/{job}/artifacts/{quote(file)}")
        if answer.status in (400, 404):
            return Evaluation(
                clean(file), problem=f"job {job} of {clean(path)} has no such artifact, or no more"
            )
        return await in_thread(partial(read_evaluation, self._rest.check(answer).body, file))

    async def _artifact(self, run: Address, file: str) -> tuple[bytes | None, str, bool]:
        """The file, or why there is none, and whether that is certain; no list tells which of the jobs keeps it. It is
        not where artifacts have expired, are not shown, or are of more jobs than are asked.

        Raises:
            SourceError
        """
        url = f"{project_url(run.path)}/pipelines/{run_number(run, 'ID')}/jobs"
        jobs = await self._rest.read(_jobs, url, {"per_page": PER_PAGE})
        keeping = [job for job in jobs if any(artifact.file_type == "archive" for artifact in job.artifacts)]
        keeping.sort(
            key=lambda job: not any(word in job.name.lower() for word in ("valid", "eval", "metric"))
        )
        certain = len(keeping) <= MOST_JOBS
        certain = certain and all(job.artifacts_expire_at is None for job in jobs if job not in keeping)
        for job in keeping[:MOST_JOBS]:
            where = f"{project_url(run.path)}/jobs/{job.id}/artifacts/{quote(file)}"
            answer = await self._rest.ask(where)
            if answer.status not in (400, 403, 404):
                return self._rest.check(answer).body, "", True
            certain = certain and answer.status == 404
        if not keeping:
            return None, f"no job of {run.of_run} keeps artifacts, or they have expired", certain
        names = shorten(", ".join(clean(job.name) for job in keeping[:MOST_JOBS]), 60)
        return None, f"{run.of_run} has no artifact {clean(file)} that can be read, of {names}", certain
