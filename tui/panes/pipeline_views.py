"""Views of the list: which rows and which columns a ``[views.NAME]`` shows."""

from collections.abc import Sequence

from tui.config import ViewSettings
from tui.domain.pipeline import Pipeline
from widgets.table.columns import Column

USUAL = ViewSettings()
"""Where no view is chosen."""
_ALWAYS = ("", "Pipeline")


def admits(view: ViewSettings, pipeline: Pipeline) -> bool:
    """Whether the view is about ``pipeline``, its filter aside."""
    run = pipeline.last
    if view.sources and pipeline.address.source not in view.sources:
        return False
    if view.status and (run is None or run.status not in view.status):
        return False
    if view.causes:
        cause = run.cause.lower() if run is not None else ""
        return any(word.lower() in cause for word in view.causes)
    return True


def columns_of(view: ViewSettings, columns: Sequence[Column]) -> tuple[Column, ...]:
    """``columns``, those that the view leaves out without width; those that it names stay where there is room."""
    if not view.columns:
        return tuple(columns)
    shown = {*_ALWAYS, *view.columns}
    return tuple(
        column if column.title in shown else column._replace(width=0, flex=0, drop=99) for column in columns
    )
