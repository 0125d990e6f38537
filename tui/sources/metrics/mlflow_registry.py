"""MLflow's registry: what is recorded of the versions of registered models (contracts: metrics §4, model §2-3).

What a version measured is what the run that made it logged, and since MLflow 3 what was logged with the id of its
"logged model". A run may have made several models: then only the latter is the version's.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from tui.config import MLflowSettings
from tui.domain.candidate import RegisteredVersion
from tui.domain.evaluation import Evaluation
from tui.domain.health import Trouble
from tui.domain.model_comparison import Dataset, Group, Signature, VersionRecord
from tui.sources.base import SourceError
from tui.sources.evaluation.report import read_evaluation
from tui.sources.http.bounds import moment
from tui.sources.http.limiter import HttpResponse
from tui.sources.metrics import mlflow_alias
from tui.sources.metrics import mlflow_payload as payload
from tui.sources.metrics.mlflow_model_file import UnknownForm, requirements_of, signature_of
from tui.sources.metrics.server import MetricServerBase
from tui.text.safe import clean, shorten
from tui.threads import in_thread

T = TypeVar("T")

_MOST_NAMES = 5
_API = "/api/2.0/mlflow"
MOST_VERSIONS = 200
"""Of a model, the newest, among which a deployed one is looked for."""
LARGEST_FILE = 1 << 20
_COMMITS = ("mlflow.source.git.commit", "CI_COMMIT_SHA", "GIT_COMMIT")
_JOB_IDS = ("gitlab.CI_JOB_ID", "CI_JOB_ID", "BUILD_TAG", "BUILD_NUMBER")
_JOB_URLS = ("ci.url", "CI_JOB_URL", "BUILD_URL", "CI_PIPELINE_URL")
"""What a job that trains can say of itself, the surest first (contracts: model §2)."""
_LOGGED_MODEL = re.compile(r"models:/(m-[0-9a-zA-Z]+)/?")
"""The source of a version that was made of a logged model."""


class _Profile(msgspec.Struct):
    num_rows: int | None = None


_profiles = msgspec.json.Decoder(_Profile)


class Origin(msgspec.Struct, frozen=True):
    """Where the numbers of a version come from."""

    run: payload.Run
    """The run that made it; an empty one where it is not there any more."""
    model_id: str
    """Of its logged model; empty where it has none that can be read."""
    own: list[payload.Metric]
    """What was measured of that model, in the order of time."""
    left_out: tuple[str, ...]
    """Names of what the run logged and nobody can say of which of its models."""
    notes: tuple[str, ...]

    @property
    def shared(self) -> bool:
        """The run made other models as well: what it logged may be about any of them."""
        return len(self.run.models) > 1

    @property
    def newest(self) -> dict[str, payload.Metric]:
        """Of each metric what was measured last."""
        found = {} if self.shared else {metric.key: metric for metric in self.run.data.metrics}
        for measured in self.own:
            if measured.key not in found or measured.timestamp >= found[measured.key].timestamp:
                found[measured.key] = measured
        return found


class MLflowRegistry(MetricServerBase[MLflowSettings]):
    """A :class:`tui.sources.base.RegistrySource`."""

    async def registered(self, model: str, aliases: Sequence[str]) -> Mapping[str, RegisteredVersion | None]:
        """The version that each alias names, with its validation metrics; None where it names none.

        Aliases are read of the model itself: the lists of versions leave them out.

        Raises:
            SourceError
        """
        answer = await self._get("registered-models/get", payload.models, {"name": model})
        named = answer.registered_model.aliases
        wanted = {alias.alias: alias.version for alias in named if alias.alias in aliases}
        versions = dict.fromkeys(wanted.values())

        async def read(version: str) -> RegisteredVersion:
            made = await self._made(model, version)
            own = tuple(clean(alias.alias) for alias in named if alias.version == version)
            before = {
                alias: clean(tag.value)
                for alias in own
                for tag in made.tags
                if tag.key == mlflow_alias.noted(alias)
            }
            measured = _measured(model, made, await self._origin(made))
            return msgspec.structs.replace(measured, aliases=own, before=before)

        found = dict(zip(versions, await asyncio.gather(*map(read, versions)), strict=True))
        return {alias: found.get(wanted.get(alias, "")) for alias in aliases}

    async def newest_versions(self, model: str) -> tuple[RegisteredVersion, ...]:
        query = {"filter": f"name={_quoted(model, self._name)}", "max_results": str(MOST_VERSIONS)}
        query["order_by"] = "creation_timestamp DESC"
        found = (await self._get("model-versions/search", payload.version_lists, query)).model_versions
        # The filter finds by the whole name; a gateway that drops the query would send other models.
        return tuple(_registered(model, version) for version in found if version.name == model)

    async def made_at(self, versions: Sequence[RegisteredVersion], revision: str) -> tuple[str, ...]:
        found = []
        for version in versions:  # one after the other: a server with logins takes half a second for each
            run = await self._run(version.run)
            if run is not None and commit_of(run) == revision:
                found.append(version.version)
        return tuple(found)

    async def recorded(self, model: str, version: str) -> VersionRecord:
        made = await self._made(model, version)
        origin = await self._origin(made)
        run, tags = origin.run, {tag.key: tag.value for tag in origin.run.data.tags}
        unread: dict[str, str] = {}
        signature: Signature | None = None
        packages: tuple[tuple[str, str], ...] | None = None
        try:
            text = await self._file(model, version, "MLmodel")
            signature = signature_of(text) if text is not None else None
        except (SourceError, UnknownForm) as error:
            unread[Group.SIGNATURE] = _why(error)
        try:
            text = await self._file(model, version, "requirements.txt")
            packages = requirements_of(text) if text is not None else None
        except SourceError as error:
            unread[Group.ENVIRONMENT] = _why(error)
        return VersionRecord(
            version=_measured(model, made, origin),
            run_name=clean(run.info.run_name),
            params=tuple((clean(param.key), clean(param.value)) for param in run.data.params),
            datasets=tuple(map(_dataset, run.inputs.dataset_inputs)),
            signature=signature,
            requirements=packages,
            commit=clean(commit_of(run)),
            job_id=clean(next((tags[key] for key in _JOB_IDS if tags.get(key)), "")),
            job_url=clean(next((tags[key] for key in _JOB_URLS if tags.get(key)), "")),
            unread=unread,
        )

    async def evaluated(self, model: str, version: str, file: str) -> Evaluation:
        """A report among the artifacts of the version's run. It takes two requests, and a third one where a 2.x server
        answers as to any mistake of its own that the file is not there."""
        run, shown = (await self._made(model, version)).run_id, clean(file)
        if not run:
            return Evaluation(shown, problem=f"version {clean(version)} names no run")
        answer = await self._http.send("GET", "/get-artifact", query={"run_id": run, "path": file})
        missing = answer.status == 404 and answer.content_type == "application/json"
        if answer.status == 500:
            folder = file.rpartition("/")[0]
            query = {"run_id": run} | ({"path": folder} if folder else {})
            listed = await self._get("artifacts/list", payload.file_lists, query)
            missing = not listed.next_page_token and all(each.path != file for each in listed.files)
        if missing:
            words = f"the run of version {clean(version)} has no such artifact"
            return Evaluation(shown, problem=words, missing=True)
        if answer.status != 200:
            raise self._refusal(answer)
        if answer.content_type == "text/html" or answer.body.lstrip()[:1] == b"<":
            return Evaluation(shown, problem="a web page came; a login page?")
        return await in_thread(partial(read_evaluation, answer.body, file))

    async def _file(self, model: str, version: str, path: str) -> str | None:
        """A file of the model by the one way that both majors have, which is not under the API; None: not there.

        Raises:
            SourceError
        """
        query = {"name": model, "version": version, "path": path}
        answer = await self._http.send("GET", "/model-versions/get-artifact", query=query)
        if answer.status == 404 and answer.content_type == "application/json":
            return None
        if answer.status != 200:
            raise self._refusal(answer)
        if answer.content_type == "text/html" or answer.body.lstrip()[:1] == b"<":
            raise SourceError(Trouble.WRONG_ANSWER, f"{self._name}: a web page came; a login page?")
        if len(answer.body) > LARGEST_FILE:
            raise SourceError(Trouble.WRONG_ANSWER, f"{self._name}: it has {len(answer.body):,} bytes")
        return answer.body.decode(errors="replace")

    async def aliases(self, model: str) -> dict[str, str]:
        """Which version each alias of a model names."""
        answer = await self._get("registered-models/get", payload.models, {"name": model})
        return {clean(aliase.alias): clean(aliase.version) for aliase in answer.registered_model.aliases}

    async def _named(self, model: str, alias: str) -> str:
        answer = await self._get("registered-models/alias", payload.versions, {"name": model, "alias": alias})
        return answer.model_version.version

    async def _made(self, model: str, version: str) -> payload.Version:
        query = {"name": model, "version": version}
        return (await self._get("model-versions/get", payload.versions, query)).model_version

    async def _origin(self, made: payload.Version) -> Origin:
        """What is known of the run and the logged model that a version was made of."""
        match = _LOGGED_MODEL.fullmatch(made.source)
        model_id = match[1] if match else ""
        run, model = await asyncio.gather(self._run(made.run_id), self._logged_model(model_id))
        version = f"version {clean(made.version)}"
        notes = []
        if made.run_id and run is None:
            notes.append(f"{version}: the run that made it is not there any more")
        elif run is not None and run.info.lifecycle_stage == "deleted":
            notes.append(f"{version}: the run that made it was deleted")
        run = run or payload.Run()
        metrics = model.data.metrics if model is not None else []
        # `log_model` copies what the run had logged at step 0: older than the model is, so not measured of it.
        own = [
            metric
            for metric in metrics
            if metric.dataset_name or model is None or metric.timestamp >= model.info.creation_timestamp_ms
        ]
        ordered = sorted(own, key=lambda measured: (measured.timestamp, measured.step))
        found = Origin(run, model_id if model is not None else "", ordered, (), tuple(notes))
        if not found.shared:
            return found
        known = {measured.key for measured in own}
        names = (metric.key for metric in (*run.data.metrics, *metrics))
        left_out = tuple(dict.fromkeys(name for name in names if name not in known))
        return msgspec.structs.replace(found, left_out=left_out)

    async def _run(self, run: str) -> payload.Run | None:
        """None for a run that is not there."""
        try:
            return (await self._get("runs/get", payload.runs, {"run_id": run})).run if run else None
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return None
            raise

    async def _logged_model(self, model_id: str) -> payload.LoggedModel | None:
        """None for one that is not there."""
        try:
            return (
                (await self._get(f"logged-models/{model_id}", payload.logged_models)).model
                if model_id
                else None
            )
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return None
            raise

    async def _get(
        self, what: str, decoder: "msgspec.json.Decoder[T]", query: Mapping[str, str] | None = None
    ) -> T:
        answer = await self._http.send("GET", f"{_API}/{what}", query=query)
        if answer.status != 200:
            raise self._refusal(answer)
        return self._wire.decode(answer, decoder)

    def _refusal(self, answer: HttpResponse) -> SourceError:
        error = payload.Error()
        if answer.content_type == "application/json":
            try:
                error = payload.errors.decode(answer.body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        words = error.message
        if answer.content_type == "text/plain":
            words = answer.body[:300].decode(errors="replace").strip()
        general = self._wire.refuse(answer, words)
        trouble, advice = general.trouble, ""
        if b"Invalid Host header" in answer.body[:300]:
            advice = "start MLflow with --allowed-hosts for the name in the url"
        elif error.error_code == "RESOURCE_DOES_NOT_EXIST" or (
            error.error_code == "INVALID_PARAMETER_VALUE" and "alias" in words
        ):
            # A missing alias is a 400 (contracts: metrics §4).
            trouble, advice = Trouble.NOT_FOUND, "check the names in the query and the registry table"
        elif answer.content_type == "text/html" and b"Permission denied" not in answer.body[:300]:
            advice = (
                "there is no MLflow API under this url, or a login page stands in front; is a prefix missing?"
            )
        else:
            return general
        reason = f": {shorten(clean(words), 200)}" if words else ""
        message = f"{self._name} answered {answer.status} to {answer.where}{reason}; {advice}"
        return SourceError(trouble, message, status=answer.status, retry_at=general.retry_at)


def _registered(model: str, made: payload.Version) -> RegisteredVersion:
    """A version without what was measured."""
    return RegisteredVersion(
        model=clean(model),
        version=clean(made.version),
        run=clean(made.run_id),
        created_at=moment(made.creation_timestamp),
        source_uri=clean(made.source),
        tags=tuple((clean(tag.key), clean(tag.value)) for tag in made.tags),
    )


def _measured(model: str, made: payload.Version, origin: Origin) -> RegisteredVersion:
    """A version with what was measured of what it was made of."""
    return msgspec.structs.replace(
        _registered(model, made),
        metrics=tuple((clean(key), payload.value_of(found.value)) for key, found in origin.newest.items()),
        model_id=clean(origin.model_id),
        notes=(*origin.notes, *left_out(made.version, origin)),
    )


def _quoted(text: str, source: str) -> str:
    """A value in a filter. One with both kinds of quotes cannot be asked for.

    Raises:
        SourceError
    """
    if "'" not in text:
        return f"'{text}'"
    if '"' not in text:
        return f'"{text}"'
    raise SourceError(
        Trouble.REFUSED, f"{source}: {clean(text)} cannot be searched for: both kinds of quotes"
    )


def commit_of(run: payload.Run) -> str:
    tags = {tag.key: tag.value for tag in run.data.tags}
    return next((tags[key] for key in _COMMITS if tags.get(key)), "")


def _dataset(used: payload.DatasetInput) -> Dataset:
    tags = {tag.key: tag.value for tag in used.tags}
    try:
        rows = _profiles.decode(used.dataset.profile).num_rows
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        rows = None
    return Dataset(
        clean(tags.get("mlflow.data.context", "")), clean(used.dataset.name), clean(used.dataset.digest), rows
    )


def _why(error: SourceError | UnknownForm) -> str:
    return error.message if isinstance(error, SourceError) else "the MLmodel has an unknown form"


def left_out(version: str, origin: Origin) -> tuple[str, ...]:
    """What is to be said of what does not count."""
    if not origin.left_out:
        return ()
    some = ", ".join(shorten(clean(name), 40) for name in origin.left_out[:_MOST_NAMES])
    more = ", …" if len(origin.left_out) > _MOST_NAMES else ""
    several = f"version {clean(version)}: its run made {len(origin.run.models)} models"
    return (f"{several}, so {some}{more} may be of any of them and does not count; log it with model_id",)
