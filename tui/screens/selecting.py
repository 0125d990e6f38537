"""What is selected: the deck owns it, the cursor of the pane in use says it, all panes show it."""

from collections.abc import Iterator, Mapping

import msgspec
from textual import on
from textual.timer import Timer

from tui.domain.address import Address
from tui.domain.pipeline import Pipeline
from tui.engine.queries import PipelinesOf
from tui.engine.runtime import Runtime
from tui.engine.store import AnyKey
from tui.pane_registry import pane_that_shows
from tui.panes.base import Pane, Selection, owner_of
from tui.screens.deck_keys import DeckKeys

SETTLE = 0.15
"""Seconds the cursor must rest on a row before its run is asked for."""
LIST = pane_that_shows("pipeline")


class Selecting(DeckKeys):
    """The part of the deck that keeps the selection."""

    def __init__(self, runtime: Runtime, keys: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(runtime, keys)
        self._settling: Timer | None = None
        self.shown_selection = Selection()
        """What the panes show; behind ``selection`` while the cursor does not rest."""
        self._followed: tuple[str, Selection] | None = None
        """The pane in use and what its cursor was on when that was selected last."""

    def project(self, changed: frozenset[AnyKey] | None = None, *, list_too: bool = True) -> None:
        raise NotImplementedError

    def want(self) -> None:
        """Have kept current what can be seen."""
        raise NotImplementedError

    @on(Pane.Moved)
    def follow_cursor(self) -> None:
        """What the cursor of the pane in use is on is the selection of all."""
        pane = self.panes[self.current]
        if not there(pane) or (self.current, selected := pane.selected) == self._followed:
            return
        self._followed = self.current, selected
        selection, before = self._completed(selected), self.selection
        if selection == before:
            return
        self.selection = selection
        if before == Selection() or selection.run_address == before.run_address:
            self._select(selection)
            return
        self._stop_settling()
        self._settling = self.set_timer(SETTLE, self._settle)

    def _settle(self) -> None:
        """The cursor rests, or leaves the pane."""
        self._select(self.selection)

    def _stop_settling(self) -> None:
        if self._settling is not None:
            self._settling.stop()
            self._settling = None

    def _completed(self, selected: Selection) -> Selection:
        """With the pipeline and the model that it belongs to."""
        pipeline, model = selected.pipeline, selected.model
        for address in filter(None, (selected.run, selected.address)):
            pipeline = pipeline or self._row_of(address)
            model = model or owner_of(address, self.runtime.settings)
        if model is None and pipeline is not None:
            model = owner_of(pipeline.address, self.runtime.settings)
        return msgspec.structs.replace(selected, pipeline=pipeline, model=model)

    def _select(self, selection: Selection) -> None:
        """Have every pane show its side of it, and the list its row."""
        self._stop_settling()
        self.selection = selection
        same = selection.shows_the_same(self.shown_selection)
        self.shown_selection = selection
        for pane in self.panes.values():
            pane.selection = selection
        if same:
            return
        if self.current != LIST and selection.pipeline is not None:
            self.panes[LIST].reveal(selection.pipeline.key)
        self.project(list_too=False)  # it is where most is selected, and has its own news
        self.want()

    def _renew(self, changed: frozenset[AnyKey]) -> None:
        """The row of the list that is selected, as it is now."""
        selection = self.selection
        about = selection.pipeline.address if selection.pipeline is not None else selection.target
        if about is None or PipelinesOf(about.source) not in changed:
            return
        now = self._renewed(selection)
        if now != selection:
            self.selection = now
            if self._settling is None:
                self._select(now)

    def _renewed(self, selection: Selection) -> Selection:
        if (old := selection.pipeline) is None:
            return self._completed(selection)
        row = next((each for each in self.rows() if (each.address, each.ref) == (old.address, old.ref)), old)
        renewed = msgspec.structs.replace(selection, pipeline=row)
        address, run = selection.address, renewed.run_address
        if address is not None and address.of_run == selection.run_address != run:
            # It was in the run that was the newest before.
            return Selection(run=selection.run, pipeline=row, model=selection.model)
        return renewed

    def rows(self) -> Iterator[Pipeline]:
        """Of the list, those that a filter hides too."""
        for name in self.runtime.settings.pipeline_sources:
            listing = self.runtime.store.get(PipelinesOf(name)).value
            yield from listing.pipelines if listing is not None else ()

    def _row_of(self, address: Address) -> Pipeline | None:
        """The row that lists its run; else one of its pipeline."""
        pipeline, its_run = address.pipeline, address.of_run
        rows = [row for row in self.rows() if row.address == pipeline]
        rows.sort(key=lambda row: all(run.address != its_run for run in row.runs))
        return rows[0] if rows else None

    def action_older_run(self) -> None:
        self._step_run(1)

    def action_newer_run(self) -> None:
        self._step_run(-1)

    def _step_run(self, step: int) -> None:
        pipeline, address = self.selection.pipeline, self.selection.run_address
        if pipeline is None or address is None:
            return
        addresses = [run.address for run in pipeline.runs]
        index = (addresses.index(address) if address in addresses else 0) + step
        if not 0 <= index < len(addresses):
            words = "older run is listed" if step > 0 else "newer run"
            self.notify(f"No {words}.", markup=False, timeout=2)
            return
        last = pipeline.last
        newest = last is not None and addresses[index] == last.address
        self._select(Selection(None, None if newest else addresses[index], pipeline, self.selection.model))


def there(pane: Pane) -> bool:
    """It has its parts: while it is made, which takes time on a busy machine, it hangs in the deck without them."""
    return pane.is_mounted and pane.is_attached
