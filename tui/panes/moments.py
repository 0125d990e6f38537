"""When versions came to the environment of a model: the verticals in its charts."""

from collections.abc import Iterator

from tui.config import PIPELINE_SOURCES
from tui.domain.deployment import Deployment, Environment
from tui.domain.status import Status
from tui.engine.engine import Engine
from tui.engine.questions import AnyQuestion, EnvironmentsOf, HistoryOf, PipelinesOf
from tui.placement import Group, front_place, model_group, places
from widgets.chart_data import Marker

_TOLD = (Status.RUNNING, Status.FAILED)
_THERE = (Status.PASSED, *_TOLD)


def moments(engine: Engine, model: str) -> tuple[tuple[AnyQuestion, ...], tuple[Marker, ...]]:
    """What is to be asked for the deployments of ``model``, and those that are known."""
    settings = engine.settings.models[model]
    listed = [EnvironmentsOf(each) for each in _group(engine, model).pipelines]
    known = [answer for each in listed if (answer := engine.store.get(each).value) is not None]
    front = front_place(places(known, {}, settings), settings)
    if front is None:
        return tuple(listed), ()
    address = front.environment.address
    past = engine.store.get(HistoryOf(address)).value
    known_past = {address: past} if past is not None else {}
    whole = front_place(places(known, known_past, settings), settings) or front
    return (*listed, HistoryOf(address)), tuple(_markers(whole.environment))


def _group(engine: Engine, model: str) -> Group:
    pipelines = [
        pipeline
        for name, table in engine.settings.sources.items()
        if isinstance(table, PIPELINE_SOURCES)
        and (listing := engine.store.get(PipelinesOf(name)).value) is not None
        for pipeline in listing.pipelines
    ]
    return model_group(model, engine.settings.models[model], pipelines, engine.settings)


def _markers(environment: Environment) -> Iterator[Marker]:
    for each in environment.deployments:
        at = each.finished_at if each.finished_at is not None else each.started_at
        # A canary has its traffic while it waits for a person.
        there = each.status in _THERE or (each.canary and each.status is Status.WAITING)
        if at is not None and there:
            yield Marker(at, _label(each))


def _label(deployment: Deployment) -> str:
    words = f"{deployment.version} canary" if deployment.canary else deployment.version
    return f"{words} {deployment.status}" if deployment.status in _TOLD else words
