"""When versions came to the environment of a model: the verticals in its charts."""

from collections.abc import Iterator

from tui.domain.deployment import Deployment, Environment
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.engine.queries import AnyQuery, EnvironmentsOf, HistoryOf, PipelinesOf
from tui.engine.runtime import Runtime
from tui.insight.environments import EnvironmentGroup, front_place, model_group, places
from widgets.chart.data import Marker

_TOLD = (Status.RUNNING, Status.FAILED)
_THERE = (Status.PASSED, *_TOLD)


class DeploymentMarkers:
    """The deployments of models. Which pipelines are a model's is found once for each listing."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._of: tuple[str, tuple[Listing | None, ...]] | None = None
        self._group = EnvironmentGroup("", "", (), ())

    def of(self, model: str) -> tuple[tuple[AnyQuery, ...], tuple[Marker, ...]]:
        """What is to be asked for the deployments of ``model``, and those that are known."""
        store, settings = self._runtime.store, self._runtime.settings.models[model]
        self._find(model)
        listed = [EnvironmentsOf(pipeline) for pipeline in self._group.pipelines]
        known = [answer for each in listed if (answer := store.get(each).value) is not None]
        front = front_place(places(known, {}, settings), settings)
        if front is None:
            return tuple(listed), ()
        address = front.environment.address
        past = store.get(HistoryOf(address)).value
        known_past = {address: past} if past is not None else {}
        whole = front_place(places(known, known_past, settings), settings) or front
        return (*listed, HistoryOf(address)), tuple(_markers(whole.environment))

    def _find(self, model: str) -> None:
        runtime = self._runtime
        listings = tuple(
            runtime.store.get(PipelinesOf(name)).value for name in runtime.settings.pipeline_sources
        )
        if self._of != (model, listings):
            self._of = model, listings
            pipelines = [
                pipeline for listing in listings if listing is not None for pipeline in listing.pipelines
            ]
            self._group = model_group(model, runtime.settings.models[model], pipelines, runtime.settings)


def _markers(environment: Environment) -> Iterator[Marker]:
    for deployment in environment.deployments:
        at = deployment.finished_at if deployment.finished_at is not None else deployment.started_at
        # A canary has its traffic while it waits for a person.
        there = deployment.status in _THERE or (deployment.canary and deployment.status is Status.WAITING)
        if at is not None and there:
            yield Marker(at, _label(deployment))


def _label(deployment: Deployment) -> str:
    words = f"{deployment.version} canary" if deployment.canary else deployment.version
    return f"{words} {deployment.status}" if deployment.status in _TOLD else words
