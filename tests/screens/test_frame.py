"""What stands round the panes: tabs, the line that names the selection, notices, keys; and the ways in and back."""

from pathlib import Path

import msgspec
import pytest

from tests.app_pilot import screen_text
from tests.engine.acting_source import at_once
from tests.panes.test_selection import desk
from tests.screens.test_action_flow import Desk
from tests.screens.test_deck import Deck, deck
from tui.domain.address import parse_address
from tui.domain.pipeline import Listing, QueueItem, Run
from widgets.divider import Divider
from widgets.status_line import KeyLine, TabLine
from widgets.table.line_table import LineTable

__all__ = ["at_once"]
pytestmark = pytest.mark.usefixtures("at_once")

SIZES = [(40, 10), (80, 24), (110, 30), (160, 45), (300, 90)]


def context(work: Deck) -> str:
    return " ".join(work.text.split("\n")[2].split())


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_every_size_names_the_panes_the_selection_and_what_can_be_done(size: tuple[int, int]) -> None:
    async with deck(size) as work:
        lines = work.text.split("\n")
        assert "◊ 1 waiting" in lines[0]
        assert [number for number in "123456789" if number not in lines[1]] == []
        assert lines[2].startswith(" deploy › #7")
        assert lines[-1].startswith(" a approve")
        assert "? keys" in lines[-1]
        assert all(len(line) <= size[0] for line in lines)
        assert "deploy" in "\n".join(lines[3:-1])
        for key in "234567891":
            await work.press(key)
            assert screen_text(work.app).split("\n")[-1].rstrip().endswith("Ctrl-P all")


@pytest.mark.parametrize("size", [(80, 24), (150, 50)], ids=str)
async def test_enter_goes_in_and_escape_comes_back_step_by_step(
    size: tuple[int, int], tmp_path: Path
) -> None:
    async with desk(tmp_path, size) as work:
        await work.say("7", "down")
        where = []
        for key in ("enter", "l", "escape", "escape", "escape", "escape"):
            await work.say(key)
            where.append(work.screen.current)
        assert where == ["stages", "log", "stages", "gates", "pipelines", "pipelines"]
        assert str(work.screen.selection.run_address) == "gitlab:ml/fraud#9", "the list went with it"
        assert work.app.is_running


async def test_q_goes_back_and_quits_from_the_pipelines_only(tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say("8", "enter", "q")
        assert work.screen.current == "alarms"
        await work.say("q")
        assert work.screen.current == "pipelines"
        assert work.app.return_code is None
        await work.say("q")
        assert work.app.return_code == 0


@pytest.mark.parametrize(
    ("keys", "path"),
    [
        ((), "churn › #7"),
        (("7", "down"), "ml/fraud › main › #9 › promote"),
        (("8",), "ml/fraud › main › #8"),
        (("9",), "ml/fraud › main › #9 › train"),
        (("5", "A", "end"), "ml/fraud › main › production"),
    ],
)
async def test_the_path_names_what_the_cursor_is_on(keys: tuple[str, ...], path: str, tmp_path: Path) -> None:
    async with desk(tmp_path) as work:
        await work.say(*keys)
        assert context(work).startswith(path)


async def click(work: Desk | Deck, widget: type[TabLine | KeyLine | LineTable], word: str) -> None:
    found = work.screen.query(widget).first()
    line = work.text.split("\n")[found.region.y]
    assert await work.pilot.click(found, offset=(line.index(word) - found.region.x, 0))
    await work.settle()


async def test_tabs_hints_and_headings_can_be_clicked() -> None:
    async with deck((150, 40)) as work:
        await click(work, TabLine, "Gates")
        assert work.screen.current == "gates"
        await click(work, KeyLine, "Esc")
        assert work.screen.current == "pipelines"
        await click(work, LineTable, "Pipeline")
        assert "sorted by name" in work.text
        names = [row.key for row in work.list.table.rows]
        await click(work, LineTable, "Pipeline")
        assert "sorted by name, the other way round" in work.text
        assert [row.key for row in work.list.table.rows] == names[::-1]
        await click(work, LineTable, "Now")
        assert "sorted" not in work.text


async def test_the_divider_stays_where_it_is_dragged() -> None:
    async with deck((150, 40)) as work:
        divider = work.screen.query_one("#beside", Divider)
        assert await work.pilot.mouse_down(divider, offset=(0, 5))
        await work.pilot.hover(offset=(50, 10))
        await work.pilot.mouse_up(offset=(50, 10))
        await work.settle()
        assert divider.region.x == 50
        await work.press("plus", "plus", "3", "1")
        assert divider.region.x == 50


async def test_a_notice_takes_one_line_and_escape_takes_it_away_first() -> None:
    async with deck((80, 24)) as work:
        await work.press("7")
        before = work.text.split("\n")
        work.app.notify("one\ntwo", severity="warning")
        await work.settle()
        lines = work.text.split("\n")
        assert lines[-2].startswith(" ! one; two")
        assert (lines[:-2], lines[-1]) == (before[:-2], before[-1])
        await work.press("escape")
        assert work.text.split("\n") == before
        await work.press("escape")
        assert work.screen.current == "pipelines"
        await work.press("exclamation_mark")
        assert "one; two" in work.text


async def test_all_texts_of_a_row_are_one_key_away() -> None:
    async with deck((40, 10)) as work:
        await work.press("j", "d")
        text = work.text
        for _ in range(4):
            await work.press("pagedown")
            text += work.text
        for words in ("feat/[/foo]", "3/120 failed", "alice", "gitlab"):
            assert words in text


async def test_three_columns_from_two_hundred() -> None:
    async with deck((200, 50)) as work:
        titles = work.text.split("\n")[3:6]
        assert any("Pipeline" in line for line in titles)
        assert any(line.count("▏") == 2 for line in titles)
        await work.press("7")
        assert "Waits" in work.text
        assert "Pipeline" in work.text
        assert "Stage " in work.text


TITLES = ("Pipelines", "Stages", "Metrics", "Tests", "Deploy", "Log", "Gates", "Alarms", "Journal")


@pytest.mark.parametrize("size", [(80, 24), (110, 30), (300, 90)], ids=str)
async def test_tabs_tell_their_whole_titles(size: tuple[int, int]) -> None:
    async with deck(size) as work:
        assert [title for title in TITLES if title not in work.text.split("\n")[1]] == []


async def test_enter_leads_to_why_it_never_ran_and_to_a_log_without_stages() -> None:
    async with deck((80, 24)) as work:
        source = work.sources["jenkins"]
        assert isinstance(source.listing, Listing)
        item = QueueItem(1, "no node has gpu", stuck=True)
        idle = msgspec.structs.replace(source.listing.pipelines[0], runs=(), queue=(item,))
        source.listing = Listing((idle, *source.listing.pipelines[1:]))
        address = parse_address("gitlab:ml/fraud#9")
        fraud = work.sources["gitlab"].runs[address]
        assert isinstance(fraud, Run)
        work.sources["gitlab"].runs[address] = msgspec.structs.replace(fraud, stages=())
        await work.settle(30)
        await work.press("end")
        await work.press("enter")
        assert work.screen.current == "preview"
        assert "no node has gpu" in work.text
        await work.press("2")
        await work.press("enter")
        assert "There is no run here to read the log of." in work.text
        for key in ("escape", "1", "home", "j", "2", "enter"):
            await work.press(key)
        assert work.screen.current == "log"


async def test_the_list_takes_no_more_than_it_needs() -> None:
    async with deck((300, 90)) as work:
        divider, listing = work.screen.query_one("#beside", Divider), work.sources["jenkins"].listing
        assert divider.region.x < 126
        assert "…" not in "".join(line[: divider.region.x] for line in work.text.split("\n")[3:-1])
        assert isinstance(listing, Listing)
        longer = msgspec.structs.replace(listing.pipelines[0], name="idle-" * 30)
        work.sources["jenkins"].listing = Listing((longer, *listing.pipelines[1:]))
        await work.settle(30)
        assert divider.region.x == 126, "its share of the screen, and no more"
