"""MLflow: the history of a run's metrics, and the champion's alias (contracts: metrics §4).

A query names a metric of a run in MLflow's own words::

    runs:/RUN_ID/METRIC
    models:/NAME@ALIAS/METRIC        of the version which the alias names
    models:/NAME/VERSION/METRIC
"""

import re
from collections.abc import Mapping
from urllib.parse import unquote

import msgspec

from tui.domain.action import ActionRequest, Observation, Offer, Plan, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.domain.health import Finding, Trouble
from tui.domain.series import Grid, Samples
from tui.sources.base import SourceError
from tui.sources.http.bounds import moment
from tui.sources.http.send_once import send_once
from tui.sources.metrics import mlflow_alias
from tui.sources.metrics import mlflow_payload as payload
from tui.sources.metrics.login import login
from tui.sources.metrics.mlflow_registry import left_out
from tui.sources.metrics.mlflow_training import MLflowTraining
from tui.text import format as fmt
from tui.text.safe import clean, shorten

Point = tuple[float, float | None]
"""Time and value."""

PER_PAGE = 1000
MOST_PAGES = 50

_QUERY = re.compile(
    r"runs:/(?P<run>[^/]+)/(?P<of_run>.+)"
    r"|models:/(?P<model>[^/@]+)(?:@(?P<alias>[^/]+)|/(?P<version>[^/]+))/(?P<of_model>.+)"
)
_anything = msgspec.json.Decoder(dict[str, msgspec.Raw])


class MLflowSource(MLflowTraining):
    """A :class:`tui.sources.base.MetricSource`, a :class:`tui.sources.base.RegistrySource`, a
    :class:`tui.sources.base.TrainingSource`, and one that can set the champion
    (:class:`tui.sources.base.ActingSource`)."""

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

    async def reach(self) -> Finding:
        await self._get("registered-models/search", _anything, {"max_results": "1"})
        await self._learn_version()
        return Finding("ok", "registry", f"can be read; version {self._version or 'not told'}")

    def _advice(self, trouble: Trouble) -> str:
        return "url must be what stands before /api/2.0/mlflow; check user and password, or token"

    async def write_access(self) -> WriteAccess:
        return WriteAccess(None, "MLflow does not tell what one may do", by_trying=True)

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        return ()  # which alias is the champion's, and who is the candidate, the config knows

    async def plan(self, request: ActionRequest) -> Plan:
        version = request.value("version")
        aliases = await self.aliases(request.target.path)
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
        return mlflow_alias.observed_alias(expect, await self.aliases(expect["model"]))

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
            points += [(measured.timestamp / 1000, payload.value_of(measured.value)) for measured in own]
            points.sort(key=lambda point: point[0])
            notes = [*origin.notes, *notes]
            if key in origin.left_out:
                notes += left_out(version, origin)
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
            page = await self._get("metrics/get-history", payload.histories, query)
            points += [
                (at, metric.step, payload.value_of(metric.value))
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
