"""The line in which a filter is typed."""

from textual.widgets import Static

from widgets.prompt import Prompt


class FilterBar(Prompt):
    """A prompt that stays in sight as long as it filters. Enter keeps the filter, Escape clears it.

    The owner does the filtering, and may say what came of it.
    """

    def clear(self) -> None:
        """No filter any more; for the owner's own Escape too."""
        self.input.value = ""
        self.close()

    def close(self) -> None:
        super().close()
        self.display = bool(self.text)

    def count(self, words: str) -> None:
        """Say how many match, in up to 16 cells: ``3 of 250``."""
        shown = self.query_one("#count", Static)
        if shown.content != words:  # it is said again and again
            shown.update(words, layout=False)

    def action_clear(self) -> None:
        self.clear()
