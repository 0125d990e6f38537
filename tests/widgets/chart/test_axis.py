import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from widgets.chart.axis import (
    LABEL_WIDTH,
    ValueAxis,
    log_scale,
    moment_text,
    step_ticks,
    time_ticks,
    value_labels,
    value_scale,
    value_text,
)

NOON = 1_767_268_800  # 2026-01-01 12:00 UTC


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Kathmandu: 5:45 hours ahead of UTC."""
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("lo", "hi", "rows", "labels"),
    [
        (0, 100, 9, "0 50 100"),
        (212, 287, 9, "220 240 260 280"),
        (0.913, 0.949, 12, "0.91 0.92 0.93 0.94 0.95 0.96"),
        (-3, 4, 9, "-2 0 2 4"),
        (0, 0, 5, "0.0 0.5 1.0"),
        (12, 12, 5, "11 12 13"),
        (150_000, 1_250_000, 6, "0.0M 0.5M 1.0M"),
        (0, 99_000, 5, "0k 50k 100k"),
        (0, 2.02, 6, "0 1 2"),
        (1e-8, 3e-8, 5, "1e-8 2e-8 3e-8"),
        (-4e200, 4e200, 5, "-5e200 0 5e200"),
    ],
)
def test_ticks_are_round_and_hold_the_data(lo: float, hi: float, rows: int, labels: str) -> None:
    assert " ".join(value_labels(value_scale(lo, hi, rows, 2).ticks)) == labels


finite = st.floats(-1e299, 1e299)


@given(finite, finite, st.integers(3, 40), st.integers(2, 3))
@example(1e16, 1e16 + 2, 5, 2)
@example(-1e-300, 1e-300, 5, 2)
@example(0.0, 5e-324, 5, 2)
@example(0.1, 0.3, 3, 2)
@example(-1.0, 1.0, 3, 3)
def test_a_scale_holds_any_range_and_its_ticks_are_in_the_middle_of_rows(
    a: float, b: float, rows: int, gap: int
) -> None:
    lo, hi = sorted((a, b))
    scale = value_scale(lo, hi, rows, gap)
    assert scale.height(lo) >= -1e-6
    assert scale.height(hi) <= 1 + 1e-6
    assert len(scale.ticks) >= 2
    labels = value_labels(scale.ticks)
    assert len(set(labels)) == len(labels)
    assert max(map(len, labels)) <= LABEL_WIDTH, "none of them is cut"
    places = [scale.height(tick) * (rows - 1) for tick in scale.ticks]
    apart = round(places[1] - places[0])
    assert places == pytest.approx(
        [round(places[0]) + number * apart for number in range(len(places))], abs=1e-6
    )
    assert apart >= min(gap, max(1, (rows - 1) // 2))


@given(st.floats(0.001, 1e6), st.integers(5, 40))
def test_data_has_a_third_of_the_room_or_more(spread: float, rows: int) -> None:
    for lo in (0.0, spread, -spread / 3):
        scale = value_scale(lo, lo + spread, rows, 2)
        assert scale.height(lo + spread) - scale.height(lo) >= 1 / 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.95, "0.95"),
        (0.9123456, "0.9123"),
        (212.345, "212.3"),
        (12345.6, "12346"),
        (99999.4, "99999"),
        (99999.6, "100k"),
        (-1_234_567, "-1.235M"),
        (999_999, "1000k"),
        (2.5e14, "250T"),
        (1e30, "1.0e+30"),
        (0.00123, "0.00123"),
        (0.0000123, "1.2e-05"),
    ],
)
def test_a_value_in_few_characters(value: float, text: str) -> None:
    assert value_text(value) == text


@given(finite)
def test_any_value_has_a_short_text_near_it(value: float) -> None:
    text = value_text(value)
    assert len(text) <= 9
    number = float(text.translate(str.maketrans("", "", "kMGTP")))
    suffix = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}.get(text[-1], 1.0)
    assert number * suffix == pytest.approx(value, rel=0.06, abs=1e-300)


@pytest.mark.parametrize(
    ("span", "most", "labels"),
    [
        (3600, 7, "17:50 18:00 18:10 18:20 18:30 18:40"),
        (3600, 3, "18:00 18:30"),
        (60, 5, "17:45:00 17:45:15 17:45:30 17:45:45 17:46:00"),
        (2 * 86400, 5, "02 Jan 12:00 03 Jan 12:00"),
        (3600, 0, ""),
    ],
)
@pytest.mark.usefixtures("zone")
def test_times_are_round_in_local_time(span: int, most: int, labels: str) -> None:
    assert " ".join(label for _, label in time_ticks(NOON, NOON + span, most)) == labels


@given(st.floats(0, 4e9), st.floats(1, 1e9), st.integers(0, 30))
def test_time_ticks_are_within_the_time(start: float, span: float, most: int) -> None:
    ticks = [at for at, _ in time_ticks(start, start + span, most)]
    assert len(ticks) <= most
    assert all(start <= at <= start + span for at in ticks)
    assert ticks == sorted(set(ticks))


@pytest.mark.parametrize(
    ("lo", "hi", "rows", "ticks"),
    [
        (3, 40, 11, [2, 5, 10, 20, 50]),
        (1, 1000, 10, [1, 10, 100, 1000]),
        (120, 120, 9, [100, 200]),
        (1e-6, 1e6, 7, [1e-6, 1e-2, 1e2, 1e6]),
    ],
)
def test_logarithmic_ticks(lo: float, hi: float, rows: int, ticks: list[float]) -> None:
    assert list(log_scale(lo, hi, rows, 2).ticks) == ticks


@given(st.floats(1e-290, 1e290), st.floats(1e-290, 1e290), st.integers(3, 40))
def test_a_logarithmic_scale_holds_the_data(a: float, b: float, rows: int) -> None:
    lo, hi = sorted((a, b))
    scale = log_scale(lo, hi, rows, 2)
    assert len(scale.ticks) >= 2
    assert scale.height(lo) >= -1e-6
    assert scale.height(hi) <= 1 + 1e-6
    assert list(scale.ticks) == sorted(set(scale.ticks))
    places = [round(scale.height(tick) * (rows - 1)) for tick in scale.ticks]
    assert len(set(places)) == len(places), "no two of them are in one row"


class TestAnAxisThatStays:
    def test_values_near_its_end_do_not_make_it_jump(self) -> None:
        axis = ValueAxis()
        first = axis.scale(210, 301, 9, 2, log=False, of="p95")
        for highest in (299, 301, 298, 280):
            assert axis.scale(210, highest, 9, 2, log=False, of="p95") == first

    def test_what_leaves_it_moves_it(self) -> None:
        axis = ValueAxis()
        first = axis.scale(210, 301, 9, 2, log=False, of="p95")
        assert axis.scale(210, 410, 9, 2, log=False, of="p95") != first
        assert axis.scale(99, 410, 9, 2, log=False, of="p95").bottom <= 99

    def test_what_became_small_in_it_moves_it(self) -> None:
        axis = ValueAxis()
        axis.scale(0, 1000, 9, 2, log=False, of="p95")
        assert axis.scale(10, 20, 9, 2, log=False, of="p95") == value_scale(10, 20, 9, 2)

    def test_another_size_shows_the_same(self) -> None:
        axis = ValueAxis()
        axis.scale(0, 1000, 9, 2, log=False, of="p95")
        assert axis.scale(1, 600, 15, 2, log=False, of="p95") == value_scale(0, 1000, 15, 2)

    def test_another_subject_or_kind_begins_anew(self) -> None:
        axis = ValueAxis()
        axis.scale(0, 1000, 9, 2, log=False, of="p95")
        assert axis.scale(1, 600, 9, 2, log=False, of="errors") == value_scale(1, 600, 9, 2)
        assert axis.scale(1, 600, 15, 2, log=True, of="errors") == log_scale(1, 600, 15, 2)

    @given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6)), min_size=1), st.booleans())
    def test_it_always_holds_the_data(self, pairs: list[tuple[float, float]], log: bool) -> None:
        axis = ValueAxis()
        for a, b in pairs:
            scale = axis.scale(min(a, b), max(a, b), 9, 2, log=log, of="")
            assert scale.height(min(a, b)) >= -1e-6
            assert scale.height(max(a, b)) <= 1 + 1e-6


def test_a_moment_is_told_as_finely_as_it_is_shown(zone: None) -> None:
    assert moment_text(NOON, 3600) == "17:45"
    assert moment_text(NOON, 3600, 15) == "17:45:00"
    assert moment_text(NOON, 7 * 86400, 15) == "01 Jan 17:45"


@pytest.mark.parametrize(
    ("start", "end", "most", "names"),
    [
        (0, 40, 6, ["0", "10", "20", "30", "40"]),
        (0, 3, 9, ["0", "1", "2", "3"]),
        (0, 1, 9, ["0", "1"]),
        (7, 8, 1, ["8"]),
        (0, 100_000, 4, ["0", "50000", "100k"]),
        (0, 40, 0, []),
        (5, 5, 6, []),
    ],
)
def test_steps_are_whole_and_round(start: float, end: float, most: int, names: list[str]) -> None:
    assert [name for _, name in step_ticks(start, end, most)] == names


@given(st.integers(-(1 << 62), 1 << 62), st.integers(1, 1 << 62), st.integers(0, 30))
def test_there_are_never_too_many_steps(start: int, span: int, most: int) -> None:
    assert len(step_ticks(float(start), float(start) + span, most)) <= most
