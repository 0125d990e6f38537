"""MLflow: the history of a run's metrics, and the versions of registered models (contracts: metrics §4).

A query names a metric of a run in MLflow's own words::

    runs:/RUN_ID/METRIC
    models:/NAME@ALIAS/METRIC        of the version which the alias names
    models:/NAME/VERSION/METRIC

What a version measured is what the run that made it logged, and since MLflow 3 what was logged with the id of its
"logged model". A run may have made several models: then only the latter is the version's (contracts: model §2-3).
"""

import asyncio
import math
import re
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import unquote

import msgspec

from tui.config import MLflowSettings
from tui.domain.action import ActionRequest, Observation, Offer, Plan, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.domain.candidate import RegisteredVersion
from tui.domain.health import Finding, Trouble
from tui.domain.series import Grid, Samples
from tui.sources.base import SourceError
from tui.sources.http.bounds import moment, number
from tui.sources.http.limiter import HttpResponse
from tui.sources.http.send_once import send_once
from tui.sources.metrics import mlflow_alias
from tui.sources.metrics.login import login
from tui.sources.metrics.server import MetricServerBase
from tui.text import format as fmt
from tui.text.safe import clean, shorten

T = TypeVar("T")
Point = tuple[float, float | None]
"""Time and value."""

PER_PAGE = 1000
MOST_PAGES = 50
INFINITE = 1.79e308
"""MLflow stores an infinity as the largest number there is."""

_MOST_NAMES = 5
_API = "/api/2.0/mlflow"
_LOGGED_MODEL = re.compile(r"models:/(m-[0-9a-zA-Z]+)/?")
"""The source of a version that was made of a logged model."""
_QUERY = re.compile(
    r"runs:/(?P<run>[^/]+)/(?P<of_run>.+)"
    r"|models:/(?P<model>[^/@]+)(?:@(?P<alias>[^/]+)|/(?P<version>[^/]+))/(?P<of_model>.+)"
)


class _Metric(msgspec.Struct):
    key: str = ""
    value: float | str = math.nan
    """NaN comes as text."""
    timestamp: float = 0.0
    """Milliseconds."""
    step: float = 0
    run_id: str = ""
    """Of a logged model's metrics: the run that logged it."""
    dataset_name: str = ""


class _History(msgspec.Struct):
    metrics: list[_Metric] = []
    next_page_token: str = ""


class _RunData(msgspec.Struct):
    metrics: list[_Metric] = []


class _RunInfo(msgspec.Struct):
    lifecycle_stage: str = ""


class _ModelOutput(msgspec.Struct):
    model_id: str = ""


class _Outputs(msgspec.Struct):
    model_outputs: list[_ModelOutput] = []


class _Run(msgspec.Struct):
    info: _RunInfo = msgspec.field(default_factory=_RunInfo)
    data: _RunData = msgspec.field(default_factory=_RunData)
    outputs: _Outputs = msgspec.field(default_factory=_Outputs)

    @property
    def models(self) -> set[str]:
        """The ids of the models that it made."""
        return {model_output.model_id for model_output in self.outputs.model_outputs}


class _RunAnswer(msgspec.Struct):
    run: _Run


class _Tag(msgspec.Struct):
    key: str = ""
    value: str = ""


class _LoggedModelInfo(msgspec.Struct):
    creation_timestamp_ms: float = 0.0


class _LoggedModel(msgspec.Struct):
    info: _LoggedModelInfo = msgspec.field(default_factory=_LoggedModelInfo)
    data: _RunData = msgspec.field(default_factory=_RunData)


class _LoggedModelAnswer(msgspec.Struct):
    model: _LoggedModel


class _Version(msgspec.Struct):
    version: str
    run_id: str = ""
    source: str = ""
    creation_timestamp: float | None = None
    tags: list[_Tag] = []


class _VersionAnswer(msgspec.Struct):
    model_version: _Version


class _Alias(msgspec.Struct):
    alias: str
    version: str


class _Model(msgspec.Struct):
    aliases: list[_Alias] = []


class _ModelAnswer(msgspec.Struct):
    registered_model: _Model


class _Origin(msgspec.Struct, frozen=True):
    """Where the numbers of a version come from."""

    run: _Run
    """The run that made it; an empty one where it is not there any more."""
    model_id: str
    """Of its logged model; empty where it has none that can be read."""
    own: list[_Metric]
    """What was measured of that model, in the order of time."""
    left_out: tuple[str, ...]
    """Names of what the run logged and nobody can say of which of its models."""
    notes: tuple[str, ...]

    @property
    def shared(self) -> bool:
        """The run made other models as well: what it logged may be about any of them."""
        return len(self.run.models) > 1

    @property
    def newest(self) -> dict[str, _Metric]:
        """Of each metric what was measured last."""
        found = {} if self.shared else {metric.key: metric for metric in self.run.data.metrics}
        for measured in self.own:
            if measured.key not in found or measured.timestamp >= found[measured.key].timestamp:
                found[measured.key] = measured
        return found


class _Error(msgspec.Struct):
    error_code: str = ""
    message: str = ""


_histories = msgspec.json.Decoder(_History)
_runs = msgspec.json.Decoder(_RunAnswer)
_logged_models = msgspec.json.Decoder(_LoggedModelAnswer)
_versions = msgspec.json.Decoder(_VersionAnswer)
_models = msgspec.json.Decoder(_ModelAnswer)
_errors = msgspec.json.Decoder(_Error)
_anything = msgspec.json.Decoder(dict[str, msgspec.Raw])


class MLflowSource(MetricServerBase[MLflowSettings]):
    """A :class:`tui.sources.base.MetricSource`, a :class:`tui.sources.base.RegistrySource`, and one that can set the
    champion (:class:`tui.sources.base.ActingSource`)."""

    async def samples(self, query: str, grid: Grid) -> Samples:
        """The history of a metric, each value at the time it was logged; NaN and infinities are gaps.

        It is not held until now: one measurement is one observation, however long ago.

        Raises:
            SourceError: REFUSED for a query that is none; NOT_FOUND where MLflow has no such run, version or alias.
        """
        match = _QUERY.fullmatch(query.strip())
        if match is None:
            forms = "runs:/RUN_ID/METRIC, models:/NAME@ALIAS/METRIC or models:/NAME/VERSION/METRIC"
            reason = f"a query is {forms}, not {shorten(clean(query), 80)}"
            raise SourceError(Trouble.REFUSED, f"{self._name}: {reason}")
        named = {key: unquote(value) for key, value in match.groupdict().items() if value is not None}
        label, points, notes = await self._points(named)
        if not points:
            return Samples((), tuple(notes))
        values: list[float | None] = [None] * len(grid.times)
        for at, value in points:
            slot = (at - grid.start) / grid.step
            if value is not None and -0.5 <= slot < len(values) - 0.5:
                values[round(slot)] = value
        known = [(at, value) for at, value in points if value is not None]
        if odd := len(points) - len(known):
            notes.append(f"{odd} of {len(points)} values are NaN or infinite, drawn as gaps")
        if known and all(value is None for value in values):
            at, value = known[-1]
            notes.append(
                f"newest value {fmt.quantity(value)}, {fmt.ago(self._clock() - at)} old: not in this time"
            )
        return Samples((((label,), tuple(values)),), tuple(notes))

    async def registered(self, model: str, aliases: Sequence[str]) -> Mapping[str, RegisteredVersion | None]:
        """The version that each alias names, with its validation metrics; None where it names none.

        Aliases are read of the model itself: the lists of versions leave them out.

        Raises:
            SourceError
        """
        answer = await self._get("registered-models/get", _models, {"name": model})
        all_aliases = answer.registered_model.aliases
        wanted = {
            all_aliase.alias: all_aliase.version for all_aliase in all_aliases if all_aliase.alias in aliases
        }
        versions = dict.fromkeys(wanted.values())

        async def read(version: str) -> RegisteredVersion:
            made = await self._made(model, version)
            origin = await self._origin(made)
            return RegisteredVersion(
                model=clean(model),
                version=clean(version),
                aliases=(
                    named := tuple(
                        clean(all_aliase.alias) for all_aliase in all_aliases if all_aliase.version == version
                    )
                ),
                before={
                    alias: clean(tag.value)
                    for alias in named
                    for tag in made.tags
                    if tag.key == mlflow_alias.noted(alias)
                },
                run=clean(made.run_id),
                created_at=moment(made.creation_timestamp),
                metrics=tuple(
                    (clean(key), _number(measured.value)) for key, measured in origin.newest.items()
                ),
                source_uri=clean(made.source),
                model_id=clean(origin.model_id),
                notes=(*origin.notes, *_left_out(version, origin)),
            )

        read_ = await asyncio.gather(*map(read, versions))
        found = dict(zip(versions, read_, strict=True))
        return {alias: found.get(wanted.get(alias, "")) for alias in aliases}

    async def reach(self) -> Finding:
        await self._get("registered-models/search", _anything, {"max_results": "1"})
        try:
            answer = await self._http.send("GET", "/version")
            if answer.status == 200 and len(answer.body) < 40:
                self._version = clean(answer.body.decode(errors="replace")).strip()
        except SourceError:
            pass  # a gateway need not pass it on, and nothing depends on it
        return Finding("ok", "registry", f"can be read; version {self._version or 'not told'}")

    def _advice(self, trouble: Trouble) -> str:
        return "url must be what stands before /api/2.0/mlflow; check user and password, or token"

    async def write_access(self) -> WriteAccess:
        return WriteAccess(None, "MLflow does not tell what one may do", by_trying=True)

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        return ()  # which alias is the champion's, and who is the candidate, the config knows

    async def plan(self, request: ActionRequest) -> Plan:
        version = request.value("version")
        aliases = await self._aliases(request.target.path)
        try:
            exists = bool(version) and bool(await self._made(request.target.path, version))
        except SourceError as error:
            if error.trouble is not Trouble.NOT_FOUND:
                raise
            exists = False
        return mlflow_alias.plan(request, aliases, exists, self._settings.base_url, self._clock())

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        headers = login(self._settings)
        answer = await send_once(
            self._wire,
            self._settings,
            step.method,
            step.path,
            msgspec.json.encode(dict(step.body)),
            lambda: {**headers(), "Content-Type": "application/json"},
        )
        if isinstance(answer, Reply):
            return answer
        reason = "" if answer.status == 200 else self._refusal(answer).message
        if answer.status == 200 and answer.body.lstrip()[:1] == b"<":
            return Reply("lost", "a web page answered; a login page or a proxy?", answer.status)
        if answer.status == 200:
            return Reply("accepted", "", answer.status)
        certain = answer.status < 500 and answer.status != 408
        return Reply("refused" if certain else "lost", reason, answer.status)

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        expect = dict(step.expect)
        if step.kind == mlflow_alias.StepKind.TAG:
            tags = (await self._made(expect["model"], expect["version"])).tags
            return mlflow_alias.observed_tag(expect, {tag.key: tag.value for tag in tags})
        return mlflow_alias.observed_alias(expect, await self._aliases(expect["model"]))

    async def _aliases(self, model: str) -> dict[str, str]:
        """Which version each alias of a model names."""
        answer = await self._get("registered-models/get", _models, {"name": model})
        return {clean(aliase.alias): clean(aliase.version) for aliase in answer.registered_model.aliases}

    async def _named(self, model: str, alias: str) -> str:
        answer = await self._get("registered-models/alias", _versions, {"name": model, "alias": alias})
        return answer.model_version.version

    async def _made(self, model: str, version: str) -> _Version:
        query = {"name": model, "version": version}
        return (await self._get("model-versions/get", _versions, query)).model_version

    async def _origin(self, made: _Version) -> _Origin:
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
        run = run or _Run()
        metrics = model.data.metrics if model is not None else []
        # `log_model` copies what the run had logged at step 0: older than the model is, so not measured of it.
        own = [
            metric
            for metric in metrics
            if metric.dataset_name or model is None or metric.timestamp >= model.info.creation_timestamp_ms
        ]
        ordered = sorted(own, key=lambda measured: (measured.timestamp, measured.step))
        found = _Origin(run, model_id if model is not None else "", ordered, (), tuple(notes))
        if not found.shared:
            return found
        known = {measured.key for measured in own}
        names = (metric.key for metric in (*run.data.metrics, *metrics))
        left_out = tuple(dict.fromkeys(name for name in names if name not in known))
        return msgspec.structs.replace(found, left_out=left_out)

    async def _run(self, run: str) -> _Run | None:
        """None for a run that is not there."""
        try:
            return (await self._get("runs/get", _runs, {"run_id": run})).run if run else None
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return None
            raise

    async def _logged_model(self, model_id: str) -> _LoggedModel | None:
        """None for one that is not there."""
        try:
            return (await self._get(f"logged-models/{model_id}", _logged_models)).model if model_id else None
        except SourceError as error:
            if error.trouble is Trouble.NOT_FOUND:
                return None
            raise

    async def _points(self, named: Mapping[str, str]) -> tuple[tuple[str, str], list[Point], list[str]]:
        """What a query asks for: of what it is, times and values in order, and what is missing of them.

        Args:
            named: the groups of :data:`_QUERY`.
        """
        if run := named.get("run"):
            points, notes = await self._history(run, key := named["of_run"])
            of = ("run", clean(run))
        else:
            version = named.get("version") or await self._named(named["model"], named["alias"])
            made, key = await self._made(named["model"], version), named["of_model"]
            origin = await self._origin(made)
            own = [measured for measured in origin.own if measured.key == key]
            points, notes = [], []
            if origin.shared:
                of = ("model", clean(origin.model_id)) if origin.model_id else ("run", clean(made.run_id))
            else:
                of = ("run", clean(made.run_id))
                points, notes = await self._history(made.run_id, key)
                # What the run logged with the model's id stands in both.
                own = [measured for measured in own if measured.run_id != made.run_id]
            points += [(measured.timestamp / 1000, _number(measured.value)) for measured in own]
            points.sort(key=lambda point: point[0])
            notes = [*origin.notes, *notes]
            if key in origin.left_out:
                notes += _left_out(version, origin)
        if not points:
            notes.append(f"the {of[0]} has no metric {shorten(clean(key), 80)}")
        return of, points, notes

    async def _history(self, run: str, key: str) -> tuple[list[Point], list[str]]:
        """Times and values in order, and what is missing of them."""
        if not run:
            return [], ["no run made this version, so it has no metrics"]
        points: list[tuple[float, float, float | None]] = []
        notes: list[str] = []
        seen: set[str] = set()
        query = {"run_id": run, "metric_key": key, "max_results": str(PER_PAGE)}
        while True:
            page = await self._get("metrics/get-history", _histories, query)
            points += [
                (at, metric.step, _number(metric.value))
                for metric in page.metrics
                if (at := moment(metric.timestamp)) is not None
            ]
            token = page.next_page_token
            if not token or not page.metrics:
                break
            # A proxy that drops the token would have it begin at the beginning for ever.
            if token in seen or len(seen) + 1 >= MOST_PAGES:
                notes.append(f"only the first {len(points)} values of the history were read")
                break
            seen.add(token)
            query["page_token"] = token
        points.sort(key=lambda point: point[:2])
        return [(at, value) for at, _, value in points], notes

    async def _get(
        self, what: str, decoder: "msgspec.json.Decoder[T]", query: Mapping[str, str] | None = None
    ) -> T:
        answer = await self._http.send("GET", f"{_API}/{what}", query=query)
        if answer.status != 200:
            raise self._refusal(answer)
        return self._wire.decode(answer, decoder)

    def _refusal(self, answer: HttpResponse) -> SourceError:
        payload = _Error()
        if answer.content_type == "application/json":
            try:
                payload = _errors.decode(answer.body)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                pass
        words = payload.message
        if answer.content_type == "text/plain":
            words = answer.body[:300].decode(errors="replace").strip()
        general = self._wire.refuse(answer, words)
        trouble, advice = general.trouble, ""
        if b"Invalid Host header" in answer.body[:300]:
            advice = "start MLflow with --allowed-hosts for the name in the url"
        elif payload.error_code == "RESOURCE_DOES_NOT_EXIST" or (
            payload.error_code == "INVALID_PARAMETER_VALUE" and "alias" in words
        ):
            # A missing alias is a 400 (contracts: metrics §4).
            trouble, advice = Trouble.NOT_FOUND, "check the names in the query and the registry table"
        elif answer.content_type == "text/html":
            advice = (
                "there is no MLflow API under this url, or a login page stands in front; is a prefix missing?"
            )
        else:
            return general
        reason = f": {shorten(clean(words), 200)}" if words else ""
        message = f"{self._name} answered {answer.status} to {answer.where}{reason}; {advice}"
        return SourceError(trouble, message, status=answer.status, retry_at=general.retry_at)


def _left_out(version: str, origin: _Origin) -> tuple[str, ...]:
    """What is to be said of what does not count."""
    if not origin.left_out:
        return ()
    some = ", ".join(shorten(clean(name), 40) for name in origin.left_out[:_MOST_NAMES])
    more = ", …" if len(origin.left_out) > _MOST_NAMES else ""
    several = f"version {clean(version)}: its run made {len(origin.run.models)} models"
    return (f"{several}, so {some}{more} may be of any of them and does not count; log it with model_id",)


def _number(value: float | str) -> float | None:
    """None for NaN and infinities."""
    found = number(value)
    return found if abs(found) < INFINITE else None
