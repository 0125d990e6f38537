"""Which job trains: what a training run says of that, else its commit and time (contracts: model §2)."""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote, urlsplit

import msgspec

from tui.domain.pipeline import Job, Run, Stage
from tui.domain.training import Basis, Link, LinkedTraining, TrainingRun

JOB_IDS = ("gitlab.CI_JOB_ID", "CI_JOB_ID")
"""The tags that hold the id of a job; the first is GitLab's own convention."""
_RUN_IDS = ("CI_PIPELINE_ID",)
"""Not CI_PIPELINE_IID, which counts in the project."""
_SAYING = (*JOB_IDS, *_RUN_IDS, "BUILD_TAG", "JOB_NAME", "BUILD_NUMBER", "BUILD_URL", "CI_JOB_URL", "ci.url")
_PLACES = ("CI_SERVER_URL", "CI_JOB_URL", "ci.url", "BUILD_URL", "CI_PIPELINE_URL")
"""The tags that name the server, the surest first."""
_PAGES = ("/-/jobs/", "/-/pipelines/", "/job/")
_PORTS = {"http": 80, "https": 443}


class Server(msgspec.Struct, frozen=True):
    """What is to be known of the source that a run is of."""

    base_url: str
    job_variable: str
    """By which its jobs know themselves, as of the traits of a source: ``CI_JOB_ID``, ``BUILD_TAG``, or none."""
    alone: bool
    """No other source's jobs have that variable: an id alone tells which is meant."""

    @property
    def numbers_jobs(self) -> bool:
        return self.job_variable == "CI_JOB_ID"


def linked(
    run: Run, trainings: Iterable[TrainingRun], server: Server, tag: str = ""
) -> tuple[LinkedTraining, ...]:
    """The training runs that belong to ``run``, newest first, without those that are parts of another one.

    Args:
        tag: of the config: its value is the id or the page of a job.
    """
    known = tuple(trainings)
    ids = {training.id for training in known}
    jobs = tuple(_jobs(run.stages or ()))
    found = []
    for training in known:
        if training.parent in ids and training.parent != training.id:
            continue
        if (link := _link(training, run, jobs, server, tag)) is None:
            continue
        job = next((job for job in jobs if job.address == link.address), None)
        what = job if job is not None else run
        ended_at = (
            what.started_at + what.duration
            if what.started_at is not None and what.duration is not None
            else None
        )
        parts = tuple(other for other in known if other.parent == training.id and other.id != training.id)
        found.append(LinkedTraining(training, link, what.status.finished, ended_at, what.status, parts))
    return tuple(found)


def says_its_job(training: TrainingRun, tag: str = "") -> bool:
    """It names some job or run, be it one that is not known here."""
    tags = {**dict(training.params), **dict(training.tags)}
    return any(tags.get(name) for name in (*_SAYING, *([tag] if tag else ()))) or any(
        _is_page(value) for value in tags.values()
    )


def _link(training: TrainingRun, run: Run, jobs: tuple[Job, ...], server: Server, tag: str) -> Link | None:
    tags = {**dict(training.params), **dict(training.tags)}
    of_config = tags.get(tag, "").strip() if tag else ""
    if server.numbers_jobs and (sure := _names_server(tags, run, server)) is not None:
        for name in JOB_IDS:
            if (job := next((job for job in jobs if job.id and job.id == tags.get(name)), None)) is not None:
                return Link(job.address, "job id", sure)
    values = [of_config, *tags.values()] if of_config else tags.values()
    for value in values:
        if _is_url(value):
            if (
                job := next((job for job in jobs if _is_its_page(value, job.web_url, server)), None)
            ) is not None:
                return Link(job.address, "url", True)
            if _is_its_page(value, run.web_url, server):
                return Link(run.address, "url", True)
    if (basis := _tagged(tags, run, server)) is not None:
        return Link(run.address, basis, _names_server(tags, run, server) is True)
    if of_config and server.numbers_jobs:
        if (job := next((job for job in jobs if job.id == of_config), None)) is not None:
            return Link(job.address, "tag", server.alone)
        if of_config == run.address.run_text:
            return Link(run.address, "tag", server.alone)
    if says_its_job(training, tag):
        return None
    return _likely(training, run, jobs)


def _tagged(tags: Mapping[str, str], run: Run, server: Server) -> Basis | None:
    """The run, by the variables that its server sets in each of its jobs; not which of its jobs."""
    if server.numbers_jobs:
        ids = (tags.get(name) for name in _RUN_IDS)
        return "tag" if run.address.number is not None and run.address.run_text in ids else None
    if server.job_variable != "BUILD_TAG":
        return None
    path, number = run.address.path, run.address.run_text
    if tags.get("JOB_NAME") == path and tags.get("BUILD_NUMBER") == number:
        return "tag"
    return "tag" if tags.get("BUILD_TAG") == f"jenkins-{path.replace('/', '-')}-{number}" else None


def _names_server(tags: Mapping[str, str], run: Run, server: Server) -> bool | None:
    """Whether numbers in tags are this server's: sure, or only likely; None: they are another one's."""
    named = (tags.get(name, "") for name in _PLACES)
    page = next((value for value in (*named, *filter(_is_page, tags.values())) if value), "")
    if not page:
        return server.alone
    found, base, shown = map(_split, (page, server.base_url, run.web_url))
    if found is None:
        return None
    if base is not None and found[0] == base[0]:
        return True if f"{found[1]}/".startswith(f"{base[1]}/") else None
    return True if shown is not None and found[0] == shown[0] else None


def _likely(training: TrainingRun, run: Run, jobs: tuple[Job, ...]) -> Link | None:
    """By commit and time: the one job that went on when it began. Of several that did, none."""
    began = training.started_at
    if not training.commit or training.commit != run.revision or began is None:
        return None
    fit = [job for job in jobs if _held(job.started_at, job.duration, began)]
    if len(fit) == 1:
        return Link(fit[0].address, "commit and time", False)
    if _held(run.started_at, run.duration, began):
        return Link(run.address, "commit and time", False)
    return None


def _held(start: float | None, duration: float | None, at: float) -> bool:
    return start is not None and start <= at and (duration is None or at <= start + duration)


def _is_url(value: str) -> bool:
    return value.startswith(("https://", "http://"))


def _is_page(value: str) -> bool:
    return _is_url(value) and any(part in value for part in _PAGES)


def _is_its_page(url: str, page: str, server: Server) -> bool:
    """Whether ``url`` is the page that the server itself names: by the server's own words, or under the url of the
    config, where the server is called otherwise from outside."""
    if not page:
        return False
    given, known, base = _split(url), _split(page), _split(server.base_url)
    if given is None or known is None or base is None:
        return False
    if given == known:
        return True
    prefix = base[1]
    within = given[0] == base[0] and given[1].startswith(f"{prefix}/")
    rest = given[1][len(prefix) :]
    return within and len(rest) > 1 and known[1].endswith(rest)


def _split(url: str) -> tuple[tuple[str, int | None], str] | None:
    """Host with port, and path, as they are compared: neither encoding nor a slash at the end counts."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    host = (parts.hostname or "").lower()
    scheme = parts.scheme.lower()
    return (host, None if port == _PORTS.get(scheme) else port), unquote(parts.path).rstrip("/")


def _jobs(stages: Iterable[Stage]) -> Iterator[Job]:
    for stage in stages:
        for job in stage.jobs:
            yield job
            if job.downstream is not None:
                yield from _jobs(job.downstream.stages or ())
        yield from _jobs(stage.children)
