import time
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from widgets.chart.axis import (
    ValueAxis,
    log_ticks,
    moment_text,
    time_ticks,
    value_labels,
    value_text,
    value_ticks,
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
    ("lo", "hi", "most", "labels"),
    [
        (0, 100, 5, "0 50 100"),
        (212, 287, 5, "200 250 300"),
        (0.913, 0.949, 5, "0.91 0.92 0.93 0.94 0.95"),
        (-3, 4, 4, "-5 0 5"),
        (0, 0, 5, "-0.5 0.0 0.5"),
        (12, 12, 3, "11.99999 12.00000 12.00001"),
        (150_000, 1_250_000, 4, "0.0M 0.5M 1.0M 1.5M"),
        (0, 99_000, 3, "0k 50k 100k"),
    ],
)
def test_ticks_are_round_and_hold_the_data(lo: float, hi: float, most: int, labels: str) -> None:
    assert " ".join(value_labels(value_ticks(lo, hi, most))) == labels


finite = st.floats(-1e299, 1e299)


@given(finite, finite, st.integers(0, 20))
@example(1e16, 1e16 + 2, 5)
@example(-1e-300, 1e-300, 5)
@example(0.1, 0.3, 3)
def test_ticks_cover_any_range_in_few_steps(a: float, b: float, most: int) -> None:
    lo, hi = sorted((a, b))
    ticks = value_ticks(lo, hi, most)
    slack = (ticks[-1] - ticks[0]) * 1e-6
    assert ticks[0] <= lo + slack
    assert ticks[-1] >= hi - slack
    assert 2 <= len(ticks) <= max(3, most)
    assert list(ticks) == sorted(set(ticks))
    assert len(value_labels(ticks)) == len(ticks)


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
    ("lo", "hi", "most", "ticks"),
    [
        (3, 40, 6, [2, 5, 10, 20, 50]),
        (1, 1000, 5, [1, 10, 100, 1000]),
        (120, 120, 5, [100, 200]),
        (1e-6, 1e6, 4, [1e-6, 1e-2, 1e2, 1e6]),
    ],
)
def test_logarithmic_ticks(lo: float, hi: float, most: int, ticks: list[float]) -> None:
    assert list(log_ticks(lo, hi, most)) == ticks


@given(st.floats(1e-290, 1e290), st.floats(1e-290, 1e290), st.integers(0, 12))
def test_logarithmic_ticks_hold_the_data(a: float, b: float, most: int) -> None:
    lo, hi = sorted((a, b))
    ticks = log_ticks(lo, hi, most)
    assert 2 <= len(ticks) <= max(3, most)
    assert ticks[0] <= lo * (1 + 1e-9)
    assert hi <= ticks[-1] * (1 + 1e-9)
    assert list(ticks) == sorted(set(ticks))


class TestAnAxisThatStays:
    def test_values_near_a_tick_do_not_make_it_jump(self) -> None:
        axis = ValueAxis()
        first = axis.ticks(210, 301, 5, log=False, of="p95")
        for highest in (299, 301, 298, 280):
            assert axis.ticks(210, highest, 5, log=False, of="p95") == first

    def test_what_leaves_it_moves_it(self) -> None:
        axis = ValueAxis()
        first = axis.ticks(210, 301, 5, log=False, of="p95")
        assert axis.ticks(210, 410, 5, log=False, of="p95") != first
        assert axis.ticks(99, 410, 5, log=False, of="p95")[0] <= 99

    def test_what_became_small_in_it_moves_it(self) -> None:
        axis = ValueAxis()
        axis.ticks(0, 1000, 5, log=False, of="p95")
        assert axis.ticks(10, 20, 5, log=False, of="p95") == value_ticks(10, 20, 5)

    def test_another_subject_size_or_scale_begins_anew(self) -> None:
        axis = ValueAxis()
        axis.ticks(0, 1000, 5, log=False, of="p95")
        assert axis.ticks(1, 600, 5, log=False, of="errors") == value_ticks(1, 600, 5)
        assert axis.ticks(1, 600, 9, log=False, of="errors") == value_ticks(1, 600, 9)
        assert axis.ticks(1, 600, 9, log=True, of="errors") == log_ticks(1, 600, 9)

    @given(st.lists(st.tuples(st.floats(1, 1e6), st.floats(1, 1e6)), min_size=1), st.booleans())
    def test_it_always_holds_the_data(self, pairs: list[tuple[float, float]], log: bool) -> None:
        axis = ValueAxis()
        for a, b in pairs:
            ticks = axis.ticks(min(a, b), max(a, b), 5, log=log, of="")
            assert ticks[0] <= min(a, b) * (1 + 1e-9)
            assert max(a, b) <= ticks[-1] * (1 + 1e-9)


def test_a_moment_is_told_as_finely_as_it_is_shown(zone: None) -> None:
    assert moment_text(NOON, 3600) == "17:45"
    assert moment_text(NOON, 3600, 15) == "17:45:00"
    assert moment_text(NOON, 7 * 86400, 15) == "01 Jan 17:45"
