"""Zoom, pan and cursor as values."""

from hypothesis import given
from hypothesis import strategies as st

from tui.panes.time_range import OLDEST, SPANS, TimeRange

NOW = 1_800_000_123.4
HOUR = 3600


def _range(seconds: int, back: int | None, part: float | None) -> TimeRange:
    """With the cursor, where there is one, in what is shown."""
    until = None if back is None else int(NOW) - back
    end = NOW if until is None else until
    return TimeRange(seconds, until, None if part is None else end - part * seconds)


spans = st.builds(
    _range, st.sampled_from(SPANS), st.none() | st.integers(1, OLDEST), st.none() | st.floats(0.0, 1.0)
)


def test_now_stays_now_when_the_span_changes() -> None:
    assert TimeRange().zoomed(1, NOW) == TimeRange(6 * HOUR)
    assert TimeRange().zoomed(-1, NOW) == TimeRange(900)
    assert TimeRange(SPANS[0]).zoomed(-1, NOW) == TimeRange(SPANS[0])
    assert TimeRange(SPANS[-1]).zoomed(1, NOW) == TimeRange(SPANS[-1])


@given(st.sampled_from([-1, 1]), st.sampled_from(SPANS[1:-1]), st.floats(0.05, 0.95), st.integers(0, 90))
def test_what_is_under_the_cursor_stays_where_it_is(step: int, seconds: int, part: float, days: int) -> None:
    until = int(NOW) - 31 * 86400 - days * 86400
    cursor = until - seconds + part * seconds
    new = TimeRange(seconds, until, cursor).zoomed(step, NOW)
    end = new.end(NOW)
    assert new.cursor == cursor
    assert abs((cursor - (end - new.seconds)) / new.seconds - part) <= 1 / 16 + 1e-6


def test_panning_goes_by_half_of_what_is_shown_and_comes_back_to_now() -> None:
    back = TimeRange(HOUR).panned(-1, NOW)
    assert back.until is not None
    assert abs(back.until - (NOW - 1800)) <= HOUR / 32
    assert back.panned(-1, NOW).until == back.until - 1800
    assert back.panned(1, NOW) == TimeRange(HOUR)


def test_a_cursor_that_is_left_behind_is_gone() -> None:
    assert TimeRange(HOUR, None, NOW - 10).panned(-1, NOW).cursor is None
    assert TimeRange(HOUR, None, NOW - 2000).panned(-1, NOW).cursor == NOW - 2000


def test_the_cursor_comes_from_the_end_and_stays_inside() -> None:
    first = TimeRange().pointed(-1, 0, 3600, 60)
    assert first.cursor == 3600
    assert first.pointed(-1, 0, 3600, 60).cursor == 3540
    assert first.pointed(1, 0, 3600, 60).cursor == 3600
    assert TimeRange(cursor=20.0).pointed(-1, 0, 3600, 60).cursor == 0
    assert TimeRange(cursor=3571.0).pointed(1, 0, 3600, 60).cursor == 3600, "from value to value"


@given(spans, st.lists(st.sampled_from(["in", "out", "back", "forth"]), max_size=30))
def test_ends_are_aligned_past_and_bounded(span: TimeRange, keys: list[str]) -> None:
    """The same end is the same question, so going to and fro asks little."""
    for key in keys:
        step = 1 if key in ("out", "forth") else -1
        span = span.zoomed(step, NOW) if key in ("in", "out") else span.panned(step, NOW)
        assert span.seconds in SPANS
        if span.until is not None:
            assert NOW - OLDEST - 31 * 86400 <= span.until < NOW
        if span.cursor is not None and keys:
            assert span.end(NOW) - span.seconds <= span.cursor <= span.end(NOW)
    if "back" in keys and span.until is not None:
        assert span.until % (span.seconds // 16) == 0
