"""The keys of the deck that have to do with neither acting nor moving."""

from collections.abc import Mapping

from tui.engine.runtime import Runtime
from tui.keys import help_sections
from tui.panes.base import Pane, model_of
from tui.screens.action_keys import ActionKeys
from tui.screens.comparison import ComparisonSheet
from tui.screens.notices import NoticeLine
from tui.screens.sources import source_sections
from tui.terminal.browser import open_in_browser
from tui.threads import in_thread
from widgets.dialog.help_sheet import HelpSheet


class DeckKeys(ActionKeys):
    """The part of the deck that looks things up and hands them on."""

    def __init__(self, runtime: Runtime, keys: Mapping[str, tuple[str, ...]]) -> None:
        super().__init__(runtime, keys)
        self.notices = NoticeLine(runtime.clock)

    def in_sight(self) -> list[Pane]:
        """The panes that can be seen."""
        raise NotImplementedError

    def action_help(self) -> None:
        """What the keys do, those of this pane first."""
        self.app.push_screen(HelpSheet(list(help_sections(self.keys, self.current)), filtered=True))

    def action_sources(self) -> None:
        self.app.push_screen(HelpSheet(source_sections(self.runtime), ("Source", "What is known")))

    def action_notices(self) -> None:
        self.app.push_screen(HelpSheet(self.notices.sections(), ("When", "What was said")))

    def action_texts(self) -> None:
        """All that the row under the cursor holds, whole."""
        texts = self.panes[self.current].texts
        if texts is None:
            self.notify("There is no row here.", markup=False, timeout=3)
        else:
            self.app.push_screen(HelpSheet([texts], ("What", "All of it")))

    def action_compare(self) -> None:
        """What changed from what is deployed of the selected model to what would be."""
        self.follow_cursor()
        found = model_of(self.selection, self.runtime.settings)
        if found is None or found[1].registry is None:
            words = "No registry has this model." if found else "No model is selected."
            self.notify(words, markup=False, timeout=3)
        else:
            self.app.push_screen(ComparisonSheet(self.runtime, found[0], found[1].title or found[0]))

    def action_refresh(self) -> None:
        self.runtime.poller.refresh_early(*{query for pane in self.in_sight() for query in pane.queries()})

    async def action_redraw(self) -> None:
        await self.app.run_action("app.draw_anew")

    def action_suspend(self) -> None:
        self.app.action_suspend_process()

    def action_palette(self) -> None:
        self.app.action_command_palette()

    def action_quit(self) -> None:
        self.app.exit(0)

    def action_copy_address(self) -> None:
        address = self._target()
        self._copy(str(address) if address is not None else "")

    def action_copy_url(self) -> None:
        self._copy(self._url())

    def action_open_url(self) -> None:
        """In a browser, where one is at hand; else it is told."""
        url = self._url()
        if not url:
            self.notify("It has no web page.", markup=False, timeout=3)
            return
        self.run_worker(self._open(url), group="browser")

    async def _open(self, url: str) -> None:
        opened = await in_thread(lambda: open_in_browser(url))
        self.notify(
            f"Opened in the browser: {url}" if opened else f"No browser is at hand: {url}", markup=False
        )

    def _url(self) -> str:
        self.follow_cursor()
        pipeline, address = self.selection.pipeline, self.selection.run_address
        run = next((run for run in (pipeline.runs if pipeline else ()) if run.address == address), None)
        own = self.selection.url
        return own or (run.web_url if run else "") or (pipeline.web_url if pipeline else "")

    def _copy(self, text: str) -> None:
        if not text:
            self.notify("There is nothing to copy here.", markup=False, timeout=3)
            return
        self.app.copy_to_clipboard(text)
        self.notify(f"Sent to the terminal's clipboard: {text}", markup=False, timeout=4)
