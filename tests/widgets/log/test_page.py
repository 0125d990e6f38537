"""Lines, rows and pages of a log without a screen, against the simple way."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from tests.widgets.log.log_bench import Lines, Part
from widgets.log.line import LogLine, Pen
from widgets.log.page import LogPage, PageLine
from widgets.log.rows import LogRows

RANGES = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=6)
CHARACTERS = st.sampled_from(
    ["a", "b", " ", "é", "中", "🙂", "\u0301", "\t", "\x1b[31m", "\x1b[1m", "\x1b[0m"]
)
TEXTS = st.lists(CHARACTERS, max_size=40).map("".join)


@given(total=st.integers(0, 25), hidden=RANGES)
def test_rows_are_the_lines_that_no_range_hides(total: int, hidden: list[tuple[int, int]]) -> None:
    rows = LogRows(total, hidden)
    shown = [line for line in range(total) if not any(start <= line < end for start, end in hidden)]

    assert len(rows) == len(shown)
    assert [rows.line(row) for row in range(len(rows))] == shown
    for line in range(total):
        before = [row for row, other in enumerate(shown) if other <= line]
        assert rows.row(line) == (before[-1] if before else 0)


@given(text=TEXTS, width=st.integers(2, 9))
def test_any_cells_of_a_line_are_those_of_the_whole(text: str, width: int) -> None:
    line = LogLine(text.encode())
    base = Style()

    def drawn(begin: int, end: int) -> str:
        return "".join(segment.text for segment in line.segments(begin, end, base, None, base))

    assert line.width == cell_len(drawn(0, line.width))
    for begin in range(line.width):
        for end in range(begin + 1, line.width + 1):
            assert cell_len(drawn(begin, end)) == end - begin
    parts = line.parts(width)
    ends = [*parts[1:], line.width]
    assert [*parts] == sorted(set(parts))
    assert all(end - begin <= width for begin, end in zip(parts, ends, strict=True))
    assert "".join(drawn(begin, end) for begin, end in zip(parts, ends, strict=True)) == drawn(0, line.width)


@given(text=TEXTS, pattern=st.sampled_from(["a", "ab", "[a中]+", "x", ""]))
def test_what_is_sought_is_marked_wherever_it_is_cut(text: str, pattern: str) -> None:
    line = LogLine(text.encode())
    mark = Style(reverse=True)
    marked = re.compile(pattern)
    whole = "".join(match[0] for match in marked.finditer(line.text))

    for width in (3, 50):
        shown = "".join(
            segment.text
            for begin in line.parts(width)
            for segment in line.segments(begin, min(begin + width, line.width), Style(), marked, mark)
            if segment.style is not None and segment.style.reverse
        )
        wanted = re.sub("\u0301", "", whole)
        assert re.sub("[\u0301 ]", "", shown) == wanted.replace(" ", "")


@pytest.mark.parametrize(
    ("codes", "pen"),
    [
        ("1;31", Pen(colour="color(1)", bold=True)),
        ("97;104", Pen(colour="color(15)", ground="color(12)")),
        ("38;5;196", Pen(colour="color(196)")),
        ("48;2;1;2;3;4", Pen(ground="rgb(1,2,3)", underline=1)),
        ("31;39;1;22", Pen()),
        ("31;0;3", Pen(italic=True)),
        ("", Pen()),
        ("38;5;999;38;9;5;8;12345", Pen()),
        ("38", Pen()),
    ],
)
def test_style_codes_are_read(codes: str, pen: Pen) -> None:
    assert Pen(strike=True).after("0").after(codes) == pen
    assert isinstance(pen.style, Style)


LOGS = st.lists(st.text("ab中 ", max_size=25), max_size=12)


@given(
    lines=LOGS,
    width=st.integers(2, 9),
    room=st.integers(1, 7),
    wrap=st.booleans(),
    folds=st.lists(st.tuples(st.integers(0, 11), st.integers(0, 6)), max_size=3),
)
@settings(deadline=None)
def test_a_page_scrolls_through_everything_in_both_directions(
    lines: list[str], width: int, room: int, wrap: bool, folds: list[tuple[int, int]]
) -> None:
    sections = sorted(
        {first: Part(first, min(first + size, len(lines) - 1), True) for first, size in folds}.values()
    )
    source = Lines(*lines, sections=tuple(part for part in sections if part.first < len(lines)))
    page = LogPage(source)
    page.width, page.room, page.wrap = width, room, wrap
    page.arrange()
    rows = [page.rows.line(row) for row in range(len(page.rows))]
    everything = [
        (line, cell)
        for line in rows
        for cell in (
            LogLine(source.lines[line], suffix=page.heads.get(line, (0, ""))[1]).parts(width)
            if wrap
            else (0,)
        )
    ]

    def seen() -> list[tuple[int, int]]:
        return [(place.line, place.cell) for place in page.places() if place.line is not None]

    end = max(0, len(everything) - room)
    assert page.following
    assert seen() == everything[end:]
    for top in range(end - 1, -1, -1):
        page.move(-1)
        assert seen() == everything[top : top + room]
        assert not page.following
    page.move(-1)
    assert seen() == everything[:room]
    for top in range(end):
        assert seen() == everything[top : top + room]
        page.move(1)
    assert page.following
    for step in (2, 3, 7):
        page.visit(0)
        at = 0
        while at < end:
            page.move(step)
            at = min(end, at + step)
            assert seen() == everything[at : at + room]


@given(lines=LOGS, line=st.integers(0, 11), wrap=st.booleans(), room=st.integers(1, 6))
@settings(deadline=None)
def test_a_line_that_is_gone_to_is_in_sight(lines: list[str], line: int, wrap: bool, room: int) -> None:
    source = Lines(
        *lines, sections=(Part(0, 5, True), Part(2, 4, True), Part(8, None, True)) if len(lines) > 9 else ()
    )
    page = LogPage(source)
    page.width, page.room, page.wrap = 5, room, wrap
    page.arrange()
    page.show(line)

    if lines:
        wanted = min(line, len(lines) - 1)
        assert (page.current, page.following) == (wanted, False)
        assert PageLine(wanted, 0, "current", *page.heads.get(wanted, (None, ""))) in page.places()


def test_reading_a_line_again_costs_nothing_and_more_of_it_only_when_asked() -> None:
    source = Lines("x" * 100_000)
    page = LogPage(source)
    page.line(0, 80)
    read = source.bytes_read
    page.line(0, 70)
    assert source.bytes_read == read < 2000
    assert page.line(0, 50_000).width >= 50_000
    assert page.line(0, None).width == 100_000
