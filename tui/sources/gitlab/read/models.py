"""GitLab's own registry of models: versions, and the run that each of them is (contracts: model §5).

GitLab calls a run a candidate. There are no aliases, datasets or signatures, and no time stands at a metric: of every
value that was logged it tells the step.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec

from tui.domain.candidate import RegisteredVersion
from tui.domain.evaluation import Evaluation
from tui.domain.health import Trouble
from tui.domain.model_comparison import Group, VersionRecord
from tui.sources.base import SourceError
from tui.sources.gitlab.context import GitLabContext
from tui.sources.gitlab.graphql_client import GraphQLRefused
from tui.sources.gitlab.graphql_queries import GraphQLQuery
from tui.sources.gitlab.payload import Gid, GraphQLReply, Nodes, PageInfo, nodes, number, seconds
from tui.sources.gitlab.read.artifacts import ArtifactReader
from tui.text.safe import clean, shorten

T = TypeVar("T")

MOST_PAGES = 10
"""Pages of a hundred values: a run that logged more at each step is not read to its end."""
_SHA = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_NONE = "GitLab's registry does not keep it"


class _Job(msgspec.Struct, frozen=True, rename="camel"):
    id: Gid | None = None
    commit_path: str | None = None


class _Pair(msgspec.Struct, frozen=True):
    name: str | None = None
    value: str = ""


class _Metric(msgspec.Struct, frozen=True):
    name: str | None = None
    value: float | None = None
    step: int | None = None


class _Candidate(msgspec.Struct, frozen=True, rename="camel"):
    eid: str = ""
    name: str | None = None
    ci_job: _Job | None = None
    params: Nodes[_Pair] | None = None
    metadata: Nodes[_Pair] | None = None
    metrics: Nodes[_Metric] | None = None


class _Version(msgspec.Struct, frozen=True, rename="camel"):
    id: Gid
    version: str
    created_at: datetime | None = None
    candidate: _Candidate | None = None


class _Model(msgspec.Struct, frozen=True, rename="camel"):
    id: Gid
    name: str
    versions: Nodes[_Version] | None = None


class _Project(msgspec.Struct, frozen=True, rename="camel"):
    ml_models: Nodes[_Model] | None = None


class ModelsData(msgspec.Struct, frozen=True):
    project: _Project | None = None


class _ModelOfVersion(msgspec.Struct, frozen=True):
    version: _Version | None = None


class VersionData(msgspec.Struct, frozen=True, rename="camel"):
    ml_model: _ModelOfVersion | None = None


MODELS: GraphQLQuery[ModelsData] = GraphQLQuery(
    "RegisteredModels",
    """
query RegisteredModels($path: ID!, $name: String!) {
  project(fullPath: $path) {
    mlModels(name: $name, first: 100) {
      pageInfo { hasNextPage }
      nodes {
        id name
        versions(first: 100, orderBy: CREATED_AT, sort: DESC) {
          nodes { id version createdAt candidate { eid ciJob { id commitPath } } }
        }
      }
    }
  }
}""",
    msgspec.json.Decoder(GraphQLReply[ModelsData]),
    frozenset({"mlModels", "versions", "version", "id"}),
)
"""``name`` finds parts of names, and GitLab takes ``mlModels`` once in a question."""

VERSION: GraphQLQuery[VersionData] = GraphQLQuery(
    "RegisteredVersion",
    """
query RegisteredVersion($model: MlModelID!, $version: MlModelVersionID!, $after: String) {
  mlModel(id: $model) {
    version(modelVersionId: $version) {
      id version createdAt
      candidate {
        eid name
        ciJob { id commitPath }
        params(first: 100) { nodes { name value } pageInfo { hasNextPage } }
        metadata(first: 100) { nodes { name value } pageInfo { hasNextPage } }
        metrics(first: 100, after: $after) { nodes { name value step } pageInfo { hasNextPage endCursor } }
      }
    }
  }
}""",
    msgspec.json.Decoder(GraphQLReply[VersionData]),
    frozenset({"mlModel", "version", "candidate", "id"}),
)


class ModelReader:
    """The registry of one server. A model is named ``PROJECT:NAME``."""

    def __init__(self, context: GitLabContext, artifacts: ArtifactReader) -> None:
        self._context = context
        self._artifacts = artifacts

    async def newest_versions(self, model: str) -> tuple[RegisteredVersion, ...]:
        """Newest first, by date; GitLab lists a hundred of them."""
        return tuple(_registered(model, each) for each in nodes((await self._model(model)).versions))

    async def made_at(self, model: str, versions: Iterable[str], revision: str) -> tuple[str, ...]:
        wanted = frozenset(versions)
        known = nodes((await self._model(model)).versions)
        return tuple(
            clean(each.version) for each in known if each.version in wanted and _revision(each) == revision
        )

    async def recorded(self, model: str, version: str) -> VersionRecord:
        path, _ = _parts(model)
        whole, metrics, complete = await self._whole(model, version)
        run = whole.candidate
        unread: dict[str, str] = dict.fromkeys((Group.DATA, Group.SIGNATURE, Group.ENVIRONMENT), _NONE)
        notes = []
        if run is None:
            words = "the run that it is must not be read with this token"
            unread |= dict.fromkeys((Group.METRICS, Group.PARAMETERS, Group.CODE), words)
            notes.append(f"version {clean(whole.version)}: {words}")
            run = _Candidate()
        if not complete:
            notes.append(
                f"version {clean(whole.version)}: its run logged more than {MOST_PAGES * 100:,} values, "
                "so which are the newest is not known"
            )
        params = nodes(run.params)
        if (run.params or Nodes[_Pair]()).page_info.has_next_page:
            unread[Group.PARAMETERS] = "there are more than 100"
            params = []
        job = run.ci_job.id if run.ci_job is not None else None
        return VersionRecord(
            version=msgspec.structs.replace(
                _registered(model, whole),
                metrics=_latest(metrics) if complete else (),
                tags=tuple((clean(tag.name or ""), clean(tag.value)) for tag in nodes(run.metadata)),
                notes=tuple(notes),
            ),
            run_name=clean(run.name or ""),
            params=tuple((clean(param.name or ""), clean(param.value)) for param in params),
            commit=_revision(whole),
            job_id=str(number(job)) if job else "",
            job_url=self._context.project(path).url("jobs", number(job)) if job else "",
            unread=unread,
        )

    async def evaluated(self, model: str, version: str, file: str) -> Evaluation:
        """A report among the artifacts of the job that made a version."""
        path, _ = _parts(model)
        found = await self._version(model, version)
        job = found.candidate.ci_job if found.candidate is not None else None
        if job is None or job.id is None:
            words = f"which job made version {clean(version)} is not told"
            return Evaluation(clean(file), problem=words)
        return await self._artifacts.evaluation_of(path, number(job.id), file)

    async def _whole(self, model: str, version: str) -> tuple[_Version, Sequence[_Metric], bool]:
        """One version with all that its run logged, and whether that is all."""
        found = await self._model(model)
        listed = self._among(found, model, version)
        metrics: list[_Metric] = []
        page = PageInfo(has_next_page=True)
        whole = listed
        for _ in range(MOST_PAGES):
            answer = await self._ask(VERSION, model=found.id, version=listed.id, after=page.end_cursor)
            one = answer.ml_model.version if answer.ml_model is not None else None
            if one is None:
                raise self._missing(f"{clean(model)} has no version {clean(version)} any more")
            whole = one if not metrics else whole
            if one.candidate is None or one.candidate.metrics is None:
                return whole, metrics, True
            metrics += nodes(one.candidate.metrics)
            page = one.candidate.metrics.page_info
            if not page.has_next_page:
                return whole, metrics, True
        return whole, metrics, False

    async def _version(self, model: str, version: str) -> _Version:
        return self._among(await self._model(model), model, version)

    def _among(self, found: _Model, model: str, version: str) -> _Version:
        for each in nodes(found.versions):
            if each.version == version:
                return each
        raise self._missing(f"{clean(model)} has no version {clean(version)} among the newest hundred")

    async def _model(self, model: str) -> _Model:
        """Raises: SourceError: also where it must not be seen."""
        path, name = _parts(model)
        answer = await self._ask(MODELS, path=path, name=name)
        if answer.project is None:
            raise self._missing(f"there is no project {clean(path)}, or it must not be seen")
        if answer.project.ml_models is None:
            words = f"the registry of {clean(path)} is switched off, or must not be read with this token"
            raise SourceError(Trouble.FORBIDDEN, f"{self._context.name}: {words}")
        for each in nodes(answer.project.ml_models):
            if each.name == name:
                return each
        more = (
            " among the first hundred of such names"
            if answer.project.ml_models.page_info.has_next_page
            else ""
        )
        raise self._missing(f"{clean(path)} has no model {clean(name)}{more}")

    async def _ask(self, question: GraphQLQuery[T], **variables: object) -> T:
        try:
            data, errors = await self._context.graphql.ask(question, **variables)
        except GraphQLRefused as refused:
            words = f"this GitLab answers nothing about models (17.6 does): {refused.message}"
            raise SourceError(
                Trouble.REFUSED, f"{self._context.name}: {words}", status=refused.status
            ) from None
        for error in errors:
            words = f"it answers only in part: {shorten(clean(error.message), 200)}"
            raise SourceError(Trouble.WRONG_ANSWER, f"{self._context.name}: {words}")
        return data

    def _missing(self, words: str) -> SourceError:
        return SourceError(Trouble.NOT_FOUND, f"{self._context.name}: {words}")


def _parts(model: str) -> tuple[str, str]:
    path, _, name = model.partition(":")
    return path, name


def _registered(model: str, found: _Version) -> RegisteredVersion:
    return RegisteredVersion(
        model=clean(model),
        version=clean(found.version),
        run=clean(found.candidate.eid) if found.candidate is not None else "",
        created_at=seconds(found.created_at),
    )


def _revision(found: _Version) -> str:
    job = found.candidate.ci_job if found.candidate is not None else None
    sha = (job.commit_path or "").rpartition("/")[2] if job is not None else ""
    return sha if _SHA.fullmatch(sha) else ""


def _latest(logged: Iterable[_Metric]) -> tuple[tuple[str, float | None], ...]:
    """Of each the value of the highest step, the last that came of several."""
    found: dict[str, tuple[int, float | None]] = {}
    for each in logged:
        name, step = clean(each.name or ""), each.step or 0
        if name not in found or step >= found[name][0]:
            found[name] = (step, each.value)
    return tuple((name, value) for name, (_, value) in found.items())
