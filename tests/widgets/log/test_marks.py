"""Numbers and times, folds, what is selected, and what is found."""

import re

from tests.widgets.log.log_bench import Lines, Part, numbered, shown
from widgets.log.view import LogView

# Numbers, times, folds, selection ----------------------------------------------------------------------------------


async def test_numbers_and_times_come_and_go() -> None:
    async with shown(Lines(*numbered(4))) as bench:
        await bench.hands.press("t")
        assert bench.rows() == ["22:13:20 line 0", "22:13:21 line 1", "         line 2", "22:13:23 line 3"]
        await bench.hands.press("number_sign")
        assert bench.rows()[0] == "1 22:13:20 line 0"
        await bench.hands.press("t", "minus", "N")
        assert bench.rows() == numbered(4)


def sectioned() -> Lines:
    return Lines(
        *numbered(12),
        sections=(Part(1, 8, duration=192.4), Part(3, 5), Part(10, None, collapsed=True)),
    )


async def test_sections_fold_and_unfold() -> None:
    async with shown(sectioned(), (40, 14)) as bench:
        assert bench.rows() == [
            "  line 0",
            "▾ line 1  3m 12s",
            "  line 2",
            "▾ line 3",
            "  line 4",
            "  line 5",
            "  line 6",
            "  line 7",
            "  line 8",
            "  line 9",
            "▸ line 10  1 line",
        ]
        await bench.hands.press("5", "g", "z")
        assert bench.rows()[3:5] == ["▸ line 3  2 lines", "  line 6"]
        assert bench.view.current == 3
        await bench.hands.press("2", "g", "z")
        assert bench.rows() == ["  line 0", "▸ line 1  7 lines · 3m 12s", "  line 9", "▸ line 10  1 line"]
        await bench.hands.press("Z")
        assert len(bench.rows()) == 12
        assert bench.rows()[-2:] == ["▾ line 10", "  line 11"]


async def test_going_to_a_line_in_a_fold_unfolds_it() -> None:
    async with shown(sectioned(), (40, 14)) as bench:
        await bench.hands.press("Z")
        assert len(bench.rows()) == 4
        bench.view.show_line(4)
        await bench.hands.pause()
        assert [row.split("  ")[-1] for row in bench.rows()][4] == "line 4"
        assert bench.rows()[-1].startswith("▸ line 10")


async def test_a_fold_stays_where_it_is_while_the_log_grows() -> None:
    source = sectioned()
    async with shown(source) as bench:
        await bench.hands.press("2", "g", "z")
        before = bench.rows()
        source.add(*numbered(50, 12))
        source.sections[2] = Part(10, 40, True)
        bench.view.grew()
        await bench.hands.pause()
        assert bench.rows()[:3] == before[:3]
        assert "▸ line 10  30 lines" in bench.rows()
        assert bench.status().startswith("50 new lines below")


async def test_a_click_on_the_mark_of_a_section_folds_it_and_elsewhere_chooses_the_line() -> None:
    async with shown(sectioned(), (40, 14)) as bench:
        await bench.hands.click(bench.view, offset=(0, 3))
        await bench.hands.pause()
        assert bench.rows()[3].startswith("▸ line 3")
        await bench.hands.click(bench.view, offset=(5, 2))
        await bench.hands.pause()
        assert bench.view.current == 2


async def test_lines_that_were_left_out_take_one_line_and_keep_their_numbers() -> None:
    source = Lines(*numbered(3), "7 lines are left out", *[""] * 6, *numbered(3, 10), gap=(3, 10))
    async with shown(source, (40, 14)) as bench:
        await bench.hands.press("number_sign")
        assert bench.rows() == [
            " 1 line 0",
            " 2 line 1",
            " 3 line 2",
            " 4 7 lines are left out",
            "11 line 10",
            "12 line 11",
            "13 line 12",
        ]
        source.lines[3] = b"8 lines are left out"
        source.gap = (3, 11)
        bench.view.grew()
        await bench.hands.pause()
        assert bench.rows()[3:5] == [" 4 8 lines are left out", "12 line 11"]


async def test_lines_are_selected_and_copied() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        await bench.hands.press("g", "j", "v", "j", "j", "j")
        assert bench.selection() == (1, 4)
        assert bench.status().startswith("4 selected")
        await bench.hands.press("y")
        copied = bench.said(LogView.Copied)[-1]
        assert (copied.first, copied.last) == (1, 4)
        assert bench.selection() is None

        await bench.hands.press("G", "v", "k", "k", "b")
        assert bench.selection() == (92, 99)
        await bench.hands.press("g")
        assert bench.selection() == (0, 99)
        await bench.hands.press("escape")
        assert bench.selection() is None
        assert bench.app.notes == 0
        await bench.hands.press("escape")
        assert bench.app.notes == 1


async def test_without_a_selection_the_current_or_the_top_line_is_copied() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        await bench.hands.press("y", "5", "g", "y")
        assert [(copied.first, copied.last) for copied in bench.said(LogView.Copied)] == [(95, 95), (4, 4)]


# Searching -------------------------------------------------------------------------------------------------------


async def test_it_asks_for_what_it_needs_and_says_from_where() -> None:
    async with shown(Lines(*numbered(100))) as bench:
        await bench.hands.press("slash", "colon")
        assert [asked.what for asked in bench.said(LogView.Asked)] == ["search", "go"]
        await bench.hands.press("n", "N", "e", "E")
        sought = [(message.target, message.step, message.line) for message in bench.said(LogView.Sought)]
        assert sought == [("match", 1, 94), ("match", -1, 100), ("error", 1, 94), ("error", -1, 100)]
        bench.view.show_line(50)
        await bench.hands.press("N")
        assert bench.said(LogView.Sought)[-1].line == 50
        await bench.hands.press("space")
        await bench.hands.press("n")
        assert bench.said(LogView.Sought)[-1].line == 53


async def test_matches_are_highlighted_until_escape() -> None:
    async with shown(Lines("a loss of 1", "no \x1b[31mlo\x1b[0mss", "none")) as bench:
        bench.view.highlight = re.compile("loss")
        bench.view.note = "/loss 1 of 2"
        await bench.hands.pause()

        def marked(y: int) -> str:
            return "".join(
                s.text for s in bench.view.render_line(y) if s.style is not None and s.style.reverse
            )

        assert [marked(y) for y in range(3)] == ["loss", "loss", ""]
        assert "/loss 1 of 2" in bench.status()
        await bench.hands.press("escape")
        assert [marked(y) for y in range(3)] == ["", "", ""]
        assert len(bench.said(LogView.Cancelled)) == 1


async def test_markup_is_text() -> None:
    async with shown(Lines("[red]x[/red] [/nothing]")) as bench:
        bench.view.note = "[/foo]"
        await bench.hands.pause()
        assert bench.rows() == ["[red]x[/red] [/nothing]"]
        assert "[/foo]" in bench.status()
