"""MLflow: what is being trained, and was lately (contracts: model §1, §4)."""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from urllib.parse import quote

from tui.config import MLflowSettings
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.domain.training import History, LatestMetric, Point, TrainingRun
from tui.sources.base import SourceError
from tui.sources.http.bounds import moment
from tui.sources.metrics import mlflow_payload as payload
from tui.sources.metrics.mlflow_registry import MLflowRegistry, commit_of
from tui.text.safe import clean, shorten

MOST_POINTS = 400
"""Of a history that is read whole: more than a terminal has columns, and 70 kB."""
MOST_AFTER = 2500
"""Of what came after: as many as MLflow gives."""
MOST_RUNNING = 50
MOST_RECENT = 20
"""Runs that are asked for. Each comes with all its metrics, parameters and tags: there is no leaving them out."""
_MOST_VALUES = 500
"""Metrics, parameters and tags of a run that are kept, of training."""
_LONGEST = 500
"""Characters of a value: what is longer is neither a number, an id nor an address."""
_INTERVAL = "metrics/get-history-bulk-interval"
_LAST_STEP = (1 << 53) - 1
_PER_PAGE, _MOST_PAGES = 25_000, 4
_LARGEST_STEP = (1 << 63) - 1
_ID = re.compile(r"[\w-]{1,64}", re.ASCII)
_OF_MACHINE = "system/"

STATUSES = {
    "RUNNING": Status.RUNNING,
    "SCHEDULED": Status.QUEUED,
    "FINISHED": Status.PASSED,
    "FAILED": Status.FAILED,
    "KILLED": Status.CANCELED,
}


class MLflowTraining(MLflowRegistry):
    """A :class:`tui.sources.base.TrainingSource`."""

    def __init__(
        self, name: str, settings: MLflowSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(name, settings, clock=clock)
        self._experiments: dict[str, str] = {}
        """The ids of experiments by name, which never change."""
        self._asked_version = False

    async def training_now(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        return await self._search(experiments, MOST_RUNNING, "attributes.status = 'RUNNING'")

    async def training_lately(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        return await self._search(experiments, MOST_RECENT)

    async def trained_last(self, experiments: Sequence[str]) -> TrainingRun | None:
        for name in experiments:
            # Asked for anew: what one may see may change, and a search would be empty.
            self._experiments.pop(name, None)
        finished = "attributes.end_time > 0 AND attributes.status = 'FINISHED'"
        found = await self._search(experiments, 1, finished, order="attributes.end_time DESC")
        return found[0] if found else None

    async def metric_history(self, run: str, metric: str, after: int | None = None) -> History:
        """By the one request that chooses points and takes a range of steps; where there is none, all pages."""
        began = self._clock()
        query = {"run_ids": run, "metric_key": metric, "max_results": str(MOST_POINTS)}
        if after is not None:
            # Both ends or none (contracts: model §8).
            query |= {
                "start_step": str(after + 1),
                "end_step": str(_LAST_STEP),
                "max_results": str(MOST_AFTER),
            }
        try:
            found = (await self._get(_INTERVAL, payload.histories, query)).metrics
        except SourceError as error:
            if error.trouble is not Trouble.NOT_FOUND:
                raise
            found = await self._pages(run, metric)
        points = [
            Point(step_of(each.step), at, payload.value_of(each.value))
            for each in found
            if (at := moment(each.timestamp)) is not None and each.run_id in ("", run)
        ]
        points.sort(key=lambda point: point.at)
        most = MOST_POINTS if after is None else MOST_AFTER
        # One that knows no limit for what was logged without steps sends all (2.22).
        return History(thinned(points, most), len(points) >= most, max(0.0, self._clock() - began))

    async def reads_on(self) -> bool:
        """2.x reads a whole history for each request, two seconds of 100 000 values, even if it answers nothing."""
        await self._learn_version()
        return not self._version.startswith("2.")

    async def _learn_version(self) -> None:
        """Once; a gateway need not pass it on, and a server with logins refuses it."""
        if self._asked_version:
            return
        try:
            answer = await self._http.send("GET", "/version")
        except SourceError:
            return
        self._asked_version = True
        if answer.status == 200 and len(answer.body) < 40:
            self._version = clean(answer.body.decode(errors="replace")).strip()

    async def _pages(self, run: str, metric: str) -> list[payload.Metric]:
        query = {"run_id": run, "metric_key": metric, "max_results": str(_PER_PAGE)}
        found: list[payload.Metric] = []
        for _ in range(_MOST_PAGES):
            page = await self._get("metrics/get-history", payload.histories, query)
            found += page.metrics
            token = page.next_page_token
            if not page.metrics or not token or token == query.get("page_token"):
                break
            query["page_token"] = token
        return found

    async def _search(
        self,
        experiments: Sequence[str],
        most: int,
        condition: str = "",
        *,
        order: str = "attributes.start_time DESC",
    ) -> tuple[TrainingRun, ...]:
        body = {
            "experiment_ids": [await self._experiment(name) for name in experiments],
            "order_by": [order],
            "max_results": most,
            **({"filter": condition} if condition else {}),
        }
        answer = await self._http.send("POST", "/api/2.0/mlflow/runs/search", json=body)
        if answer.status != 200:
            raise self._refusal(answer)
        found = self._wire.decode(answer, payload.run_lists).runs
        runs = (self._training(run) for run in found if run.info.lifecycle_stage != "deleted")
        return tuple({run.id: run for run in runs if run is not None}.values())

    async def _experiment(self, name: str) -> str:
        """The id of an experiment. A search among one that is not there, or must not be seen, would only be empty.

        Raises:
            SourceError
        """
        known = self._experiments
        if name not in known:
            try:
                query = {"experiment_name": name}
                answer = await self._get("experiments/get-by-name", payload.experiments, query)
            except SourceError as error:
                if error.trouble is not Trouble.NOT_FOUND:
                    raise
                words = f"{self._name} has no experiment {shorten(clean(name), 80)}, or may not show it"
                raise SourceError(Trouble.NOT_FOUND, words, status=error.status) from None
            known[name] = answer.experiment.experiment_id
        return known[name]

    def _training(self, run: payload.Run) -> TrainingRun | None:
        """None for one whose id is none: nothing could be asked of it."""
        info = run.info
        if _ID.fullmatch(info.run_id) is None:
            return None
        tags = tuple(_pairs(run.data.tags))
        page = f"#/experiments/{quote(info.experiment_id, safe='')}/runs/{info.run_id}"
        return TrainingRun(
            id=info.run_id,
            name=clean(info.run_name) or info.run_id[:8],
            status=STATUSES.get(info.status, Status.UNKNOWN),
            vendor_status=clean(info.status),
            experiment=clean(info.experiment_id),
            started_at=moment(info.start_time),
            ended_at=moment(info.end_time),
            params=tuple(_pairs(run.data.params)),
            tags=tags,
            metrics=latest(run.data.metrics),
            parent=dict(tags).get("mlflow.parentRunId", ""),
            commit=clean(commit_of(run)),
            web_url=f"{self._settings.base_url}/{page}",
        )


def latest(metrics: Iterable[payload.Metric]) -> tuple[LatestMetric, ...]:
    """By name, those of the machine last; of very many the first."""
    found = [
        LatestMetric(
            clean(metric.key), payload.value_of(metric.value), step_of(metric.step), moment(metric.timestamp)
        )
        for metric in metrics
        if len(metric.key) <= _LONGEST
    ]
    found.sort(key=lambda metric: (metric.key.startswith(_OF_MACHINE), metric.key))
    return tuple(found[:_MOST_VALUES])


def thinned(points: Sequence[Point], most: int) -> tuple[Point, ...]:
    """Evenly chosen ones of too many, the first and the last among them."""
    if len(points) <= most:
        return tuple(points)
    return tuple(points[round(index * (len(points) - 1) / (most - 1))] for index in range(most))


def step_of(step: float) -> int:
    """A step is a whole number of 64 bits, whatever is sent."""
    return int(step) if abs(step) <= _LARGEST_STEP else 0


def _pairs(pairs: Sequence[payload.Tag]) -> Iterator[tuple[str, str]]:
    for pair in pairs[:_MOST_VALUES]:
        if len(pair.key) <= _LONGEST and len(pair.value) <= _LONGEST:
            yield clean(pair.key), clean(pair.value)
