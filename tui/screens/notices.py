"""Notices: one line above the keys, which covers nothing; and the earlier ones."""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from textual.notifications import SeverityLevel
from textual.timer import Timer

from tui.text import format as fmt
from widgets.dialog.help_sheet import Section
from widgets.status_line import StatusItem, StatusLine
from widgets.theme import status_style

KEPT = 200
"""Notices that can be read again; of more the newest."""
SECONDS = 8.0
"""How long a notice stands where nobody says how long."""
_LOOKS = {
    "information": ("", ""),
    "warning": status_style("warning"),
    "error": status_style("failed"),
}


class Notice(NamedTuple):
    at: float
    words: str
    severity: SeverityLevel


class NoticeLine(StatusLine):
    """Out of sight while there is nothing to tell. What nobody could read, since something was over the screen, stays
    until somebody can.

    Args:
        clock: the time that is told of earlier ones.
    """

    DEFAULT_CSS = "NoticeLine { display: none; background: $boost; }"

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(id="notice")
        self.recent: deque[Notice] = deque(maxlen=KEPT)
        self._clock = clock
        self._passing: Timer | None = None
        self._overdue = False

    def tell(self, words: str, severity: SeverityLevel = "information", seconds: float | None = None) -> None:
        """Show ``words`` for so long, in place of what stands there."""
        words = "; ".join(filter(None, (line.strip() for line in words.splitlines())))
        self.recent.append(Notice(self._clock(), words, severity))
        glyph, role = _LOOKS[severity]
        self.show(
            [StatusItem(f"{glyph} {words}".strip(), role)],
            [StatusItem("Esc", "key", press="back"), StatusItem("! all", "dim", drop=1, press="notices")],
        )
        self.display = True
        self._overdue = False
        self._wait(seconds or SECONDS)

    def take_away(self) -> bool:
        """Show nothing any more; False where nothing was shown."""
        if not self.display:
            return False
        self._stop()
        self.display = False
        return True

    def can_be_read(self) -> None:
        """What was over the screen is gone."""
        if self._overdue:
            self._overdue = False
            self._wait(SECONDS)

    def sections(self) -> list[Section]:
        """The earlier ones, the newest first."""
        lines = [(fmt.clock(each.at), each.words) for each in reversed(self.recent)]
        return [("Newest first" if lines else "Nothing was told yet", lines)]

    def _wait(self, seconds: float) -> None:
        self._stop()
        if self.is_attached:
            self._passing = self.set_timer(seconds, self._expire)

    def _stop(self) -> None:
        if self._passing is not None:
            self._passing.stop()
            self._passing = None

    def _expire(self) -> None:
        if self.app.screen is self.screen:
            self.take_away()
        else:
            self._overdue = True
