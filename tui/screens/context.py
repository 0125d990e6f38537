"""The line that names what the cursor is on, which all panes show and all keys mean."""

from collections.abc import Iterator

from tui.domain.address import Address
from tui.domain.verdict import Verdict
from tui.engine.queries import VerdictOf
from tui.engine.runtime import Runtime
from tui.panes.base import Selection
from tui.text.safe import clean
from widgets.status_line import StatusItem, StatusLine

BELOW = "›"


class ContextLine(StatusLine):
    """``ml/fraud › release/2026.11 › #1893 › promote``, and the model with its versions."""

    GAP = " "

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(id="context")
        self._runtime = runtime

    def project(self, selection: Selection) -> None:
        """Name ``selection``."""
        # The parts of an address are as the server sends them.
        items = [item._replace(label=clean(item.label)) for item in _path(selection)]
        path = [
            StatusItem(f"{BELOW} {item.label}" if number else item.label, item.role, press=item.press)
            for number, item in enumerate(items)
        ]
        self.show(path or [StatusItem("Nothing is selected", "dim")], list(self._model(selection)))

    def _model(self, selection: Selection) -> Iterator[StatusItem]:
        name = selection.model
        if name is None:
            return
        verdict = self._runtime.store.get(VerdictOf(name)).value
        title = self._runtime.settings.models[name].title or name
        yield StatusItem(
            title, "", _versions(verdict) if verdict is not None else "", drop=1, press="metrics"
        )


def _versions(verdict: Verdict) -> str:
    return f"{verdict.canary} over {verdict.baseline}" if verdict.canary and verdict.baseline else ""


def _path(selection: Selection) -> Iterator[StatusItem]:
    """From the pipeline down to what is under the cursor."""
    address, pipeline = selection.address, selection.pipeline
    run = selection.run_address
    about = address or run or (pipeline.address if pipeline is not None else None)
    if about is None:
        return
    # Of a run that is in no row the row says nothing.
    own = pipeline is not None and pipeline.address == about.pipeline
    yield StatusItem(about.path, "strong", press="pipelines")
    if own and pipeline is not None and pipeline.ref:
        yield StatusItem(pipeline.ref)
    if about.environment:
        yield StatusItem(about.environment, press="deployments")
        if selection.version:
            yield StatusItem(selection.version)
    if run is not None and run.pipeline == about.pipeline and not about.environment:
        yield StatusItem(f"#{run.run_text}", press="stages")
    yield from map(StatusItem, _below(about))


def _below(address: Address) -> Iterator[str]:
    """The job, without what tells it from others of its name, and the gate."""
    job = (address.job or "").rpartition("~")[0] or address.job
    if job:
        yield job
    if address.gate and address.gate != job:
        yield address.gate
