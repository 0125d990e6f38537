"""A log view over a spool: as it is fed, and as it is searched."""

from pathlib import Path

from tests.app_pilot import running
from tests.logs.support import fed
from tests.widgets.log.log_bench import Bench, LogApp, shown
from tui.logs.find import Search
from tui.logs.gitlab import GitLabParser
from tui.logs.rules import errors, words
from tui.logs.spool import Spool
from widgets.log.view import LogView


async def test_a_spool_is_shown_as_it_is_fed(tmp_path: Path) -> None:
    parser = GitLabParser()
    with Spool(tmp_path) as spool:

        def feed(data: bytes) -> None:
            for batch in parser.feed(data):
                spool.append(batch)
            spool.preview(parser.preview())

        async with shown(spool, (40, 8)) as bench:
            feed(
                b"hello\nsection_start:100:train[collapsed=true]\r\x1b[0K\x1b[36;1mTraining\x1b[0;m\nepoch 1\n 10%\r 2"
            )
            bench.view.grew()
            await bench.hands.pause()
            assert bench.rows() == ["  hello", "▸ Training  2 lines"]
            await bench.hands.press("Z")
            assert bench.rows() == ["  hello", "▾ Training", "  epoch 1", "   2"]
            feed(b"0%\nsection_end:195:train\r\x1b[0Kbye\n")
            bench.view.grew()
            await bench.hands.pause()
            assert bench.rows() == ["  hello", "▾ Training  1m 35s", "  epoch 1", "   20%", "  bye"]


class SearchingApp(LogApp):
    """An owner that searches: what a pane has to do."""

    def __init__(self, spool: Spool) -> None:
        super().__init__(spool)
        self.searches = {"match": Search(spool, words("loss")), "error": Search(spool, errors())}

    async def on_log_view_sought(self, event: LogView.Sought) -> None:
        search = self.searches[event.target]
        line = await (search.next if event.step > 0 else search.previous)(event.line)
        await search.scan()
        event.view.highlight = search.finder.pattern
        if line is None:
            event.view.note = f"no more {event.target}"
        else:
            event.view.show_line(line)
            event.view.note = f"{event.target} {search.rank(line)} of {search.count}"


async def test_matches_and_errors_of_a_spool_are_visited(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        text = [
            b"loss %d" % n if n % 50 == 7 else b"ERROR: %d" % n if n % 90 == 3 else b"step"
            for n in range(300)
        ]
        for batch in fed(GitLabParser(), [b"\n".join(text)]):
            spool.append(batch)
        app = SearchingApp(spool)
        async with running(app, (50, 8)) as hands:
            app.log_view.focus()
            bench = Bench(app, app.log_view, hands)
            await hands.press("N")
            assert bench.view.current == 257
            assert bench.status().startswith("match 6 of 6")
            await hands.press("E")
            assert bench.view.current == 183
            await hands.press("n", "n", "n")
            assert bench.status().startswith("no more match")
            await hands.press("g", "e", "e")
            assert bench.view.current == 93
            assert bench.status().startswith("error 2 of 4")
            assert "ERROR: 93" in bench.rows()
