"""The log pane: the log of a run, a stage or a job, to be followed, searched, copied and saved."""

import os
import shlex
import subprocess
import tempfile
from functools import partial
from time import strptime
from typing import Literal

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.getters import query_one
from textual.widget import Widget
from textual.widgets import Static

from tui.domain.address import Address
from tui.engine.logs import LogState, LogTail
from tui.engine.queries import AnyQuery, LogOf
from tui.engine.runtime import Runtime
from tui.engine.store import Reading
from tui.files import expanded
from tui.logs.find import Search
from tui.logs.neutral import without_styles
from tui.logs.rules import Finder, PatternError, errors, pattern, words
from tui.panes.base import Pane, Selection
from tui.text.safe import clean
from tui.threads import in_thread
from widgets.log.view import LogView
from widgets.prompt import Prompt
from widgets.status_line import StatusItem, StatusLine
from widgets.theme import status_style

TAIL = 1 << 18
"""Bytes from the end that are enough for the first picture."""
MOST_COPIED = 100_000
"""Characters a terminal's clipboard takes: many drop a longer OSC 52 whole."""

LONGEST_NAME = 120
"""Bytes of the name that a log is offered to be saved by; file systems take some 250."""

Asked = Literal["search", "go", "save"]


class _Place(Vertical, can_focus=True):
    """Where the log is; it has the focus until there is one."""


class LogPane(Pane):
    scope = "log"
    DEFAULT_CSS = """
    _Place { height: 1fr; & > Static { padding: 0 1; } }
    """

    line = query_one(StatusLine)
    place = query_one(_Place)
    prompt = query_one(Prompt)

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime)
        self.log_query: LogOf | None = None
        self.view: LogView | None = None
        self._generation = 0
        self._search: Search | None = None
        self._asked: Asked = "search"

    def compose(self) -> ComposeResult:
        yield StatusLine()
        with _Place():
            yield Static("No log is open: `l` opens that of what is under the cursor.", markup=False)
        yield Prompt()

    # -- what it shows

    def queries(self) -> tuple[AnyQuery, ...]:
        return (self.log_query,) if self.log_query is not None else ()

    @property
    def focus_target(self) -> Widget:
        return self.view or self.place

    @property
    def tail(self) -> LogTail | None:
        return self.runtime.poller.log(self.log_query) if self.log_query is not None else None

    @property
    def selected(self) -> Selection:
        if self.log_query is None:
            return self.selection
        return Selection(self.log_query.address, self.log_query.address.of_run)

    def open_log(self, address: Address) -> None:
        """Show the log of a run, a stage or a job from its end."""
        log_query = LogOf(address, tail=TAIL)
        if log_query == self.log_query:
            return
        self.log_query, self.view, self._search = log_query, None, None
        self.place.focus()
        self.place.remove_children()
        self.place.mount(Static("Reading the log …", markup=False))
        self.post_message(self.Wants())
        self.project()

    def project(self) -> None:
        if self.log_query is None:
            self.line.show([])
            return
        reading = self.runtime.store.get(self.log_query)
        tail = self.tail
        self.line.show(*_heading(self.log_query.address, reading))
        if self.view is not None and tail is not None:
            self._grow(self.view, tail, reading.value)
        elif reading.fault is not None and not (tail and len(tail)):
            self.place.query_one(Static).update(reading.fault.message)
        elif tail is not None:
            self._show(tail)

    def _show(self, tail: LogTail) -> None:
        had_focus = self.place.has_focus or self.place.has_focus_within
        self.view, self._generation = LogView(tail), tail.generation
        self.place.remove_children()
        self.place.mount(self.view)
        if had_focus:
            self.view.focus()

    def _grow(self, view: LogView, tail: LogTail, state: LogState | None) -> None:
        if tail.generation != self._generation and self._search is not None:
            self._find(self._search.finder)
        moved = state.moved if state is not None and tail.generation != self._generation else None
        before, following = view.current, view.following
        self._generation = tail.generation
        view.grew()
        if moved is not None and before is not None and not following:
            view.show_line(before + moved)
        if self._search is not None:
            self.run_worker(self._count(self._search), group="count", exclusive=True, exit_on_error=False)

    # -- searching and going

    @on(LogView.Asked)
    def _asked_for(self, event: LogView.Asked) -> None:
        event.stop()
        self._ask(event.what, "/" if event.what == "search" else ":")

    def _ask(self, what: Asked, sign: str, text: str = "") -> None:
        self._asked = what
        self.prompt.open(sign, text)

    @on(Prompt.Changed)
    def _typing(self, event: Prompt.Changed) -> None:
        """Search as one types."""
        event.stop()
        if self._asked == "search":
            self._find(_finder(event.text) if event.text else None, jump=True)

    @on(Prompt.Submitted)
    def _typed(self, event: Prompt.Submitted) -> None:
        event.stop()
        if self._asked == "go":
            self._go(event.text.strip())
        elif self._asked == "save":
            self._save(event.text.strip())

    def _go(self, text: str) -> None:
        if self.view is None or not text:
            return
        if text.isdigit():
            self._whole()
            self.view.show_line(int(text) - 1)
        elif not ((when := _time(text)) is not None and self.view.show_time(when)):
            self.view.note = f"{text} is no line number, nor a time (14:05, 14:05:09) of this log"

    def _find(self, finder: Finder | None, *, jump: bool = False) -> None:
        tail = self.tail
        if self.view is None or tail is None:
            return
        self._search = Search(tail.spool, finder) if finder is not None else None
        self.view.highlight = finder.pattern if finder is not None else None
        self.view.note = ""
        if self._search is not None:
            start = self.view.on_screen[0] - 1 if jump else None
            self.run_worker(
                self._count(self._search, start), group="count", exclusive=True, exit_on_error=False
            )

    async def _count(self, search: Search, start: int | None = None) -> None:
        if start is not None and (line := await search.next(start)) is not None and self.view is not None:
            self.view.show_line(line)
        await search.scan()
        self._tell(search)

    def _tell(self, search: Search) -> None:
        if self.view is None or search is not self._search:
            return
        line = self.view.current
        rank = search.rank(line) if line is not None else 0
        self.view.note = f"{rank} of {search.count}" if search.count else "no match"

    @on(LogView.Sought)
    def _sought(self, event: LogView.Sought) -> None:
        event.stop()
        tail = self.tail
        if tail is None:
            return
        if event.target == "error":
            search: Search | None = Search(tail.spool, errors(self.runtime.settings.ui.error_patterns))
        else:
            search = self._search
        if search is None:
            event.view.note = "nothing is searched for; / searches"
            return
        self.run_worker(self._seek(event, search), group="seek", exclusive=True, exit_on_error=False)

    async def _seek(self, event: LogView.Sought, search: Search) -> None:
        find = search.next if event.step > 0 else search.previous
        line = await find(event.line)
        if line is not None:
            event.view.show_line(line)
            if search is self._search:
                self._tell(search)
            return
        if event.step < 0:
            self._whole()
        what = "error" if event.target == "error" else "match"
        event.view.note = f"no {what} {'after' if event.step > 0 else 'before'} this"

    @on(LogView.Cancelled)
    def _cancelled(self, event: LogView.Cancelled) -> None:
        event.stop()
        self._search = None

    @on(LogView.Followed)
    def _followed(self, event: LogView.Followed) -> None:
        event.stop()
        if not event.following and event.view.on_screen[0] == 0:
            self._whole()

    def _whole(self) -> None:
        """Somebody wants what is before the part that was read."""
        reading = self.runtime.store.get(self.log_query) if self.log_query is not None else None
        if (tail := self.tail) is not None and reading is not None and reading.value and reading.value.start:
            tail.want_whole()

    # -- taking it elsewhere

    @on(LogView.Copied)
    def _copied(self, event: LogView.Copied) -> None:
        event.stop()
        if (tail := self.tail) is None:
            return
        text = _plain(tail.spool.text(event.first, event.last + 1)).rstrip("\n")
        if len(text) > MOST_COPIED:
            self.notify("That is more than a terminal's clipboard takes; save it to a file.", markup=False)
            return
        self.app.copy_to_clipboard(text)
        number = event.last - event.first + 1
        what = "line" if number == 1 else f"{number} lines"
        self.notify(f"Sent the {what} to the terminal's clipboard.", markup=False, timeout=3)

    def action_save_log(self) -> None:
        if self.log_query is not None:
            self._ask("save", "save to: ", harmless_name(self.log_query.address))

    def _save(self, name: str) -> None:
        if name and (tail := self.tail) is not None:
            self.run_worker(self._saved(name, tail), exit_on_error=False)

    async def _saved(self, name: str, tail: LogTail) -> None:
        """Write the log as it is now, in pieces, so that a long one or a slow disk holds nothing up."""
        generation = tail.generation
        try:
            path = expanded(name)
            file = await in_thread(lambda: path.open("x", encoding="utf-8"))
            try:
                for text in tail.spool.texts():
                    await in_thread(partial(file.write, _plain(text)))
                    if tail.generation != generation:
                        self._complain(
                            f"{path} holds a part only: the log was replaced by another meanwhile."
                        )
                        return
            finally:
                await in_thread(file.close)
        except FileExistsError:
            self._complain(f"{path} exists already; give another name.")
        except OSError as error:
            self._complain(f"{name} cannot be written: {error.strerror}")
        except ValueError:
            self._complain(f"{name} is no file name.")
        else:
            self.notify(f"Saved to {path.absolute()}", markup=False)

    def _complain(self, words: str) -> None:
        self.notify(clean(words), severity="error", markup=False)

    def action_log_in_pager(self) -> None:
        self._open_with(os.environ.get("PAGER") or "less")

    def action_log_in_editor(self) -> None:
        self._open_with(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")

    def _open_with(self, command: str) -> None:
        """Give the cleaned text to a program that takes over the terminal meanwhile."""
        if (tail := self.tail) is None:
            return
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="pipedeck-", suffix=".log") as file:
            for text in tail.spool.texts():
                file.write(_plain(text))
            file.flush()
            try:
                with self.app.suspend():
                    subprocess.run([*shlex.split(command), file.name], check=False)
            except (OSError, ValueError) as error:
                self.notify(f"{command} cannot be started: {error}", severity="error", markup=False)
        self.app.refresh()


def harmless_name(address: Address) -> str:
    """A file name for a log: letters, digits, ``_``, ``.`` and ``-``, and neither hidden, an option nor a home."""
    words = clean(f"{address.path}-{address.run_text}").replace("%2F", "-")
    kept = "".join(char if char.isalnum() or char in "_.-" else "-" for char in words).strip(".-")
    return f"{kept.encode()[-LONGEST_NAME:].decode(errors='ignore').strip('.-') or 'log'}.log"


def _heading(address: Address, reading: Reading[LogState]) -> tuple[list[StatusItem], list[StatusItem]]:
    state = reading.value
    left = [StatusItem(str(state.of if state else address), "strong")]
    if reading.fault is not None:
        # As labels, which are cut where there is no room: what went wrong is never left out.
        left += [
            StatusItem(f"{status_style('stale').glyph} {reading.fault.trouble.value}", "warning"),
            StatusItem(reading.fault.message),
        ]
        return left, []
    if state is None:
        return left, []
    words = "complete" if state.complete else "following"
    left += [StatusItem("", detail=state.chosen, drop=3), StatusItem("", detail=state.note, drop=4)]
    return left, [StatusItem(words, "dim", drop=2)]


def _plain(text: bytes) -> str:
    return without_styles(text).decode("utf-8", "replace")


def _finder(text: str) -> Finder:
    """A regular expression as in less; while it is none, half typed or meant literally, the words themselves."""
    try:
        return pattern(text)
    except PatternError:
        return words(text)


def _time(text: str) -> float | None:
    """Today's moment of a local time of day."""
    from datetime import datetime

    now = datetime.now().astimezone()
    for shape in ("%H:%M:%S", "%H:%M"):
        try:
            at = strptime(text, shape)
            return now.replace(hour=at.tm_hour, minute=at.tm_min, second=at.tm_sec, microsecond=0).timestamp()
        except ValueError:
            continue
    return None
