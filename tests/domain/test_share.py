"""Which queries are a count over a count, and what is counted in a window."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.series import Counts
from tui.domain.share import NoShare, Share, check_count, counts, kind, values
from tui.domain.split import split

BAD = 'sum(rate(requests_total{track="{track}", code=~"5.."}[{window}]))'
ALL = 'sum(rate(requests_total{track="{track}"}[{window}]))'
FAILED, FINE = 'sum(rate(failed_total{t="a"}[5m]))', 'sum(rate(fine_total{t="a"}[5m]))'


class TestWhatIsSplit:
    @pytest.mark.parametrize(
        ("query", "bad", "whole", "factor"),
        [
            (f"{BAD} / {ALL}", BAD, ALL, 1),
            (f"{BAD}/{ALL} # of all", BAD, ALL, 1),
            (f"100 * {BAD} / {ALL}", BAD, ALL, 100),
            (f"{BAD} / {ALL} * 100", BAD, ALL, 100),
            (f"100 * ({BAD} / {ALL})", BAD, ALL, 100),
            (f"({BAD} or vector(0)) / {ALL}", f"({BAD} or vector(0))", ALL, 1),
            (f"({BAD} or on () vector(0)) / {ALL}", f"({BAD} or on () vector(0))", ALL, 1),
            (f"{BAD} / {ALL} or vector(0)", BAD, ALL, 1),
            (f"(({BAD})) / ({ALL})", f"(({BAD}))", f"({ALL})", 1),
            (
                'sum by () (increase(x{a="1", b!~"2.."}[1h])) / sum(increase(x{a="1"}[1h])) by ()',
                'sum by () (increase(x{a="1", b!~"2.."}[1h]))',
                'sum(increase(x{a="1"}[1h])) by ()',
                1,
            ),
            (
                'sum(rate(x{a="}/{"}[5m])) / sum(rate(x[5m]))',
                'sum(rate(x{a="}/{"}[5m]))',
                "sum(rate(x[5m]))",
                1,
            ),
            (
                'sum(rate({"my.all", "my.code"="500"}[5m])) / sum(rate({"my.all"}[5m]))',
                'sum(rate({"my.all", "my.code"="500"}[5m]))',
                'sum(rate({"my.all"}[5m]))',
                1,
            ),
            (
                "sum(rate(took_seconds_count{a='1'}[5m])) / sum(rate(took_seconds_count[5m]))",
                "sum(rate(took_seconds_count{a='1'}[5m]))",
                "sum(rate(took_seconds_count[5m]))",
                1,
            ),
        ],
    )
    def test_a_sum_over_one_of_the_same_with_fewer_matchers(
        self, query: str, bad: str, whole: str, factor: float
    ) -> None:
        assert split(query, 2.0) == Share(bad, whole, 2.0 * factor, split=True)

    @pytest.mark.parametrize(
        ("query", "bad", "whole"),
        [
            (f"{FAILED} / ({FAILED} + {FINE})", FAILED, FINE),
            (f"{FAILED} / ({FINE} + {FAILED})", FAILED, FINE),
            (f"{FAILED} / (({FAILED} or vector(0)) + {FINE})", FAILED, FINE),
            ("rate(f[5m]) / (rate(f[5m]) + rate(g[5m]))", "rate(f[5m])", "rate(g[5m])"),
        ],
    )
    def test_a_over_a_and_b(self, query: str, bad: str, whole: str) -> None:
        assert split(query, 1.0) == Share(bad, whole, 1.0, rest=True, split=True)

    @pytest.mark.parametrize(
        "query",
        [
            "",
            "max(accuracy)",
            ALL,
            f"{ALL} / {ALL}",
            f"{ALL} / {BAD}",
            f"{BAD} / {ALL} / 2",
            f"{BAD} / {ALL} - 1",
            f"1 - {BAD} / {ALL}",
            f"{BAD} # / {ALL}",
            f"{BAD} / on () {ALL}",
            f"{BAD} / ({ALL} > 0)",
            f"{BAD} / {ALL.replace('{window}', '1h')}",
            f"{BAD} / {ALL.replace('[{window}]', '[{window}] offset 1h')}",
            f"{BAD} / {ALL.replace('rate', 'increase')}",
            f"{BAD} / {ALL.replace('requests', 'answers')}",
            BAD.replace("sum(", "max(") + " / " + ALL,
            BAD.replace("sum", "sum by (pod) ") + " / " + ALL.replace("sum", "sum by (pod) "),
            BAD.replace("sum", "sum without (pod) ") + " / " + ALL.replace("sum", "sum without (pod) "),
            'sum(rate(x{a="1"}[5m])) / sum(rate(x{b="1"}[5m]))',
            'sum(ready{a="1"}) / sum(ready)',
            # A mean, parts of the time and of the bytes, and what a bucket holds.
            "sum(rate(nv_inference_request_duration_us[5m])) / sum(rate(nv_inference_request_success[5m]))",
            "sum(rate(took_seconds_sum[5m])) / sum(rate(took_seconds_count[5m]))",
            'sum(rate(node_cpu_seconds_total{mode="idle"}[5m])) / sum(rate(node_cpu_seconds_total[5m]))',
            'sum(rate(sent_bytes_total{to="a"}[5m])) / sum(rate(sent_bytes_total[5m]))',
            'sum(rate(took_seconds_bucket{le="0.5"}[5m])) / sum(rate(took_seconds_bucket[5m]))',
            "sum(rate(queue_seconds_sum[5m])) / (sum(rate(queue_seconds_sum[5m])) + sum(rate(run_seconds_sum[5m])))",
            # Both summands count the same.
            f"{BAD} / ({BAD} + {ALL})",
            f"{FAILED} / ({FAILED} + {FINE} + {FINE})",
        ],
    )
    def test_nothing_else(self, query: str) -> None:
        assert split(query, 1.0) is None

    @given(st.text('sumrate(x{a="1"}[5m])/+* or vector0#\'`,', max_size=60))
    def test_no_text_breaks_it(self, query: str) -> None:
        split(query, 1.0)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (BAD, "rate"),
        ('sum(increase(x{a="rate("}[5m]))', "increase"),
        ("sum(x_total)", "total"),
        ('x{a="rate(b"} # rate(c', "total"),
        ("job:errors:rate5m", "rate"),
        ("sum(count_over_time(x[5m]))", "increase"),
    ],
)
def test_what_the_numbers_of_a_query_are(query: str, found: str) -> None:
    assert kind(query) == found


@pytest.mark.parametrize("query", ["100 * sum(rate(x[5m]))", "sum(rate(x[5m])) / 60"])
def test_what_is_more_than_a_count_is_refused(query: str) -> None:
    with pytest.raises(NoShare, match="leave out factors"):
        check_count(query)


@pytest.mark.parametrize("query", [BAD, 'sum(rate(x{a="100 * b / 2"}[5m]) * on (pod) group_left (v) info)'])
def test_what_counts_is_fine(query: str) -> None:
    check_count(query)


class TestWhatIsCounted:
    def test_a_rate_is_multiplied_by_its_window(self) -> None:
        found = counts([0.5, 0.25], [2.0, 1.0], kinds=("rate", "rate"), window=60)
        assert found == Counts((30, 15), (120, 60))
        assert values(found, 100) == (25, 25)

    def test_an_increase_is_the_windows_count(self) -> None:
        assert counts([1.5], [12.0], kinds=("increase", "increase"), window=60) == Counts((1.5,), (12,))

    def test_of_a_running_total_the_difference_counts(self) -> None:
        found = counts([5.0, 6.0, 6.0], [100.0, 150.0, 160.0], kinds=("total", "total"), window=60)
        assert found == Counts((1, 0), (50, 10))

    def test_one_that_fell_began_anew(self) -> None:
        found = counts([5.0, 2.0, 3.0], [100.0, 20.0, 30.0], kinds=("total", "total"), window=60)
        assert found == Counts((2, 1), (20, 10))

    def test_what_was_not_read_is_found_at_the_next_reading(self) -> None:
        found = counts([0.0, None, 4.0], [10.0, None, 50.0], kinds=("total", "total"), window=60)
        assert found == Counts((None, 4), (None, 40))

    def test_a_longer_window_slides(self) -> None:
        totals = [0.0, 10.0, 30.0, None, 70.0, 80.0]
        found = counts([0.0] * 6, totals, kinds=("total", "total"), window=60, steps=2)
        assert found.total == (30, None, 40, 50)

    def test_a_total_beside_rates_loses_what_only_it_needs(self) -> None:
        found = counts([9.0, 0.1, 0.2], [0.0, 60.0, 120.0], kinds=("rate", "total"), window=60)
        assert found == Counts((6, 12), (60, 60))

    @pytest.mark.parametrize("kind_", ["rate", "increase", "total"])
    def test_nothing_bad_yet_is_nothing_of_all(self, kind_: str) -> None:
        found = counts([None] * 3, [10.0, 20.0, 30.0], kinds=(kind_, kind_), window=60)  # type: ignore[arg-type]
        assert set(found.bad) == {0.0}
        assert set(values(found, 100)) == {0.0}

    def test_the_first_bad_ones_count(self) -> None:
        found = counts([None, None, 3.0], [10.0, 20.0, 30.0], kinds=("total", "total"), window=60)
        assert found == Counts((0, 3), (10, 10))

    def test_bad_ones_that_are_missing_now_and_then_do_not_count_twice(self) -> None:
        found = counts([50.0, None, 60.0], [100.0, 110.0, 120.0], kinds=("total", "total"), window=60)
        assert found == Counts((0, 10), (10, 10))

    def test_bad_ones_without_a_total_tell_nothing(self) -> None:
        assert counts([1.0], [None], kinds=("rate", "rate"), window=60) == Counts((None,), (None,))

    def test_beside_the_others_either_may_be_missing(self) -> None:
        found = counts(
            [None, 3.0, 1.0, None], [5.0, None, 3.0, None], kinds=("increase",) * 2, window=60, rest=True
        )
        assert found == Counts((0, 3, 1, None), (5, 3, 4, None))
        assert values(found, 1) == (0, 1, 0.25, None)

    def test_without_traffic_there_is_no_share(self) -> None:
        assert values(Counts((0.0,), (0.0,)), 100) == (None,)

    def test_a_little_more_than_all_is_all(self) -> None:
        """Servers extrapolate each count by itself."""
        assert counts([1.2], [1.0], kinds=("increase",) * 2, window=60) == Counts((1,), (1,))

    def test_a_total_without_the_bad_ones_is_a_mistake(self) -> None:
        with pytest.raises(
            NoShare, match="bad counts 12 of a total of 3: total must count the bad ones, too"
        ):
            counts([12.0], [3.0], kinds=("increase",) * 2, window=60)

    @given(
        st.lists(st.tuples(*[st.none() | st.floats(0, 1e9)] * 2), min_size=4),
        st.tuples(*[st.sampled_from(["rate", "increase", "total"])] * 2),
        st.integers(1, 3),
        st.booleans(),
    )
    def test_a_share_is_never_more_than_all(
        self, pairs: list[tuple[float | None, float | None]], kinds: tuple[str, str], steps: int, rest: bool
    ) -> None:
        bad, whole = zip(*pairs, strict=True)
        try:
            found = counts(bad, whole, kinds=kinds, window=60, steps=steps, rest=rest)  # type: ignore[arg-type]
        except NoShare:
            return
        assert len(found.bad) == len(found.total) == len(pairs) - (steps if "total" in kinds else 0)
        assert all(value is None or 0 <= value <= 1 for value in values(found, 1))
