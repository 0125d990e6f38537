import pytest

from tui.text import format as fmt


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (8.4, "8s"),
        (59.6, "1m 00s"),
        (192, "3m 12s"),
        (3599, "59m 59s"),
        (3900, "1h 05m"),
        (183_600, "2d 03h"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert fmt.duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-3, "0s"), (4, "0s"), (14, "10s"), (61, "1m"), (3700, "1h 01m")]
)
def test_elapsed_is_coarse(seconds: float, text: str) -> None:
    assert fmt.elapsed(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(-9, "<1m"), (59, "<1m"), (60, "1m"), (7300, "2h"), (172_900, "2d")]
)
def test_ago(seconds: float, text: str) -> None:
    assert fmt.ago(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-9, "0s"),
        (0, "0s"),
        (1, "5s"),
        (15, "15s"),
        (51, "55s"),
        (56, "1m"),
        (60, "1m"),
        (61, "2m"),
        (598, "10m"),
        (7200, "2h"),
    ],
)
def test_until_is_never_less_than_it_is(seconds: float, text: str) -> None:
    assert fmt.until(seconds) == text


def test_count() -> None:
    assert (fmt.count(1, "gate"), fmt.count(2, "gate"), fmt.count(0, "query", "queries")) == (
        "1 gate",
        "2 gates",
        "0 queries",
    )


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0.94123, "", "0.9412"),
        (12.5, "ms", "12.5 ms"),
        (9999.4, "", "9999"),
        (12345.6, "rps", "12,346 rps"),
        (-125000.0, "", "-125,000"),
        (1.5e13, "", "1.5e+13"),
        (0.0, "%", "0 %"),
        (2e-7, "s", "2e-07 s"),
    ],
)
def test_quantities_have_four_digits(value: float, unit: str, text: str) -> None:
    assert fmt.quantity(value, unit) == text
