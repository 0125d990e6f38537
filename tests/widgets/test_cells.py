from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from widgets.cells import Cell, fit, width_of

texts = st.text(st.sampled_from("ab [/]日本語テ🚀é\u0301…"), max_size=12)
pieces = st.tuples(texts, st.sampled_from(["", "failed"]))
cells: st.SearchStrategy[Cell] = st.one_of(texts, pieces, st.lists(pieces, max_size=4).map(tuple))


def text(parts: list[tuple[str, str]]) -> str:
    return "".join(part for part, _ in parts)


@given(cells, st.integers(0, 20), st.sampled_from(["left", "right"]))
def test_it_takes_exactly_the_cells_it_has(cell: Cell, width: int, align: str) -> None:
    drawn = fit(cell, width, "right" if align == "right" else "left")
    assert sum(cell_len(part) for part, _ in drawn) == width
    if width_of(cell) > width > 0:
        assert text(drawn).endswith("…")


def test_what_fits_is_padded_on_the_other_side() -> None:
    assert text(fit("ab", 5)) == "ab   "
    assert text(fit("ab", 5, "right")) == "   ab"


def test_what_is_too_long_is_cut_by_cells_not_characters() -> None:
    assert text(fit("abcdef", 4)) == "abc…"
    assert text(fit("日本語", 5)) == "日本…"
    assert text(fit("日本語", 4)) == "日 …"
    assert text(fit("🚀🚀", 1)) == "…"


def test_pieces_keep_their_roles_and_are_cut_as_one_text() -> None:
    cell = (("├─ ", "dim"), ("train", "failed"))
    assert fit(cell, 10) == [("├─ ", "dim"), ("train", "failed"), ("  ", "")]
    assert fit(cell, 6) == [("├─ ", "dim"), ("tr…", "failed")]
    assert fit(("train", "failed"), 3) == [("tr…", "failed")]
    assert fit((), 3) == [("   ", "")]


def test_markup_is_text() -> None:
    assert fit("[red]x[/]", 9) == [("[red]x[/]", "")]
