"""What changed between two versions, in words."""

from tui.domain.candidate import RegisteredVersion
from tui.domain.model_comparison import Difference, Group, ModelComparison, Standing, VersionRecord
from tui.presenters.model_comparison import comparison_text, difference_words


def difference(name: str, standing: Standing, value: str = "1") -> Difference:
    return Difference(group=Group.PARAMETERS, name=name, deployed=value, candidate="2", standing=standing)


def compared(*differences: Difference, notes: tuple[str, ...] = ()) -> ModelComparison:
    pair = (VersionRecord(version=RegisteredVersion("m", number)) for number in "12")
    return ModelComparison(
        model="m",
        deployed=next(pair),
        candidate=next(pair),
        basis=("as named", ""),
        differences=differences,
        notes=notes,
    )


def test_what_differs_is_before_what_is_not_known_and_the_same_is_only_named() -> None:
    same = [difference(f"p{n}", Standing.SAME) for n in range(22)]
    found = compared(
        difference("a", Standing.UNKNOWN), difference("b", Standing.DIFFERS), *same, notes=("so",)
    )
    lines = comparison_text(found, "M").splitlines()
    assert lines[:2] == ["M: version 2 against version 1 (as named)", "1 differ, 1 not known, 22 the same"]
    rows = [line.split()[1] for line in lines if line.startswith("parameters")]
    assert rows == ["b", "a"]
    assert lines.index("not known, which is not the same:") > 2
    assert lines[-3].startswith("22 are the same: parameters p0, ")
    assert lines[-3].endswith("parameters p19, and 2 more")
    assert lines[-1] == "so"


def test_nothing_that_differs_is_said() -> None:
    lines = comparison_text(compared(difference("a", Standing.SAME)), "M").splitlines()
    assert "nothing differs, as far as it was recorded" in lines


def test_long_values_are_cut_in_sentences() -> None:
    words = difference_words(difference("prompt", Standing.DIFFERS, "x" * 6000))
    assert words == f"parameters prompt: {'x' * 39}… → 2"
