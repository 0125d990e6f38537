"""How columns share the width there is."""

from hypothesis import given
from hypothesis import strategies as st

from widgets.table.columns import Column, fit_columns


def test_flexible_columns_share_what_is_left() -> None:
    columns = (Column("a", 3), Column("b", 4, flex=3), Column("c", 2, flex=1))
    assert fit_columns(columns, 11) == (3, 4, 2)
    assert fit_columns(columns, 16) == (3, 7, 4)


def test_the_highest_drop_goes_first_and_the_rest_gets_its_room() -> None:
    columns = (Column("a", 3), Column("b", 4, flex=1), Column("c", 5, drop=1), Column("d", 6, drop=2))
    assert fit_columns(columns, 21) == (3, 4, 5, 6)
    assert fit_columns(columns, 20) == (3, 10, 5, 0)
    assert fit_columns(columns, 13) == (3, 9, 0, 0)


def test_too_narrow_for_all_the_flexible_shrink() -> None:
    assert fit_columns((Column("a", 3), Column("b", 9, flex=1)), 8) == (3, 4)
    assert fit_columns((Column("a", 3), Column("b", 9, flex=1)), 2) == (3, 1)


columns_strategy = st.lists(
    st.builds(Column, st.just("t"), st.integers(1, 9), st.integers(0, 3), drop=st.integers(0, 3)), max_size=6
).map(tuple)


@given(columns_strategy, st.integers(0, 60))
def test_flexible_columns_fill_the_line_exactly(columns: tuple[Column, ...], width: int) -> None:
    widths = fit_columns(columns, width)
    kept = [i for i, w in enumerate(widths) if w]
    assert all(i in kept for i, column in enumerate(columns) if not column.drop)
    gaps = len(kept) - 1
    if sum(columns[i].width for i in kept) + gaps <= width:
        used = sum(widths) + gaps
        assert used == width if any(columns[i].flex for i in kept) else used <= width
    dropped = [i for i in range(len(columns)) if i not in kept]
    if dropped:
        assert max((columns[i].drop for i in kept), default=0) <= min(columns[i].drop for i in dropped)
