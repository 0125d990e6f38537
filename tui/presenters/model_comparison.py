"""What changed between two versions of a model, as short texts. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tui.domain.model_comparison import Difference, Group, ModelComparison, Standing, VersionRecord
from tui.domain.verdict import MetricOutcome
from tui.presenters.plain_text import table
from tui.text.safe import shorten

LONGEST_CELL = 40
"""Characters of a value in a sentence: a parameter may have 6000."""
LONGEST_CHANGE = 160
MOST_SAME = 20
"""Of what is the same, told by name."""

_MARKS = {MetricOutcome.WORSE: "✗", MetricOutcome.BETTER: "+", MetricOutcome.UNCLEAR: "?"}


def difference_words(each: Difference) -> str:
    """``training data: fraud-train f43db1a6 → fraud-train 0ff605c9 (name same, data not)``."""
    change = f" ({shorten(each.change, LONGEST_CHANGE)})" if each.change else ""
    old, new = (shorten(cell, LONGEST_CELL) for cell in (each.deployed, each.candidate))
    return f"{_name(each)}: {old} → {new}{change}"


def comparison_text(found: ModelComparison, title: str) -> str:
    """Differences first, then what is not known; of what is the same the names."""
    lines = [f"{title}: {pair_words(found)}"]
    if found.differences:
        lines += [summary(found), "", _table(found, Standing.DIFFERS)]
        if found.standing(Standing.UNKNOWN):
            lines += ["", "not known, which is not the same:", _table(found, Standing.UNKNOWN)]
        if same := found.standing(Standing.SAME):
            more = f", and {len(same) - MOST_SAME} more" if len(same) > MOST_SAME else ""
            lines += ["", f"{len(same)} are the same: {', '.join(map(_name, same[:MOST_SAME]))}{more}"]
    return "\n".join((*lines, *(("", *found.notes) if found.notes else ())))


def pair_words(found: ModelComparison) -> str:
    """``version 2 (by the alias challenger) against version 1 (by the tag deployed_as)``."""
    new, old = (
        f"{_version(record)}{f' ({basis})' if basis else ''}"
        for record, basis in zip((found.candidate, found.deployed), reversed(found.basis), strict=True)
    )
    return f"{new} against {old}"


def summary(found: ModelComparison) -> str:
    """``1 worse, 9 differ, 2 not known, 14 the same``."""
    worse = sum(each.outcome is MetricOutcome.WORSE for each in found.differences)
    counts = Counter(each.standing for each in found.differences)
    parts = (
        (worse, "worse"),
        (counts[Standing.DIFFERS], "differ"),
        (counts[Standing.UNKNOWN], "not known"),
        (counts[Standing.SAME], "the same"),
    )
    return ", ".join(f"{number} {word}" for number, word in parts if number)


def _version(record: VersionRecord | None) -> str:
    return f"version {record.version.version}" if record is not None else "no version"


def _table(found: ModelComparison, standing: Standing) -> str:
    rows = [
        (
            "!" if each.marked else _MARKS.get(each.outcome, "") if each.outcome is not None else "",
            each.group.value,
            each.name,
            each.deployed,
            each.candidate,
            shorten(each.change, LONGEST_CHANGE),
        )
        for each in found.standing(standing)
    ]
    if not rows:
        return "nothing differs, as far as it was recorded"
    old, new = ((_version(each)).upper() for each in (found.deployed, found.candidate))
    return table(("", "GROUP", "WHAT", old, new, "CHANGE"), rows, open_end=True)


def _name(each: Difference) -> str:
    name = shorten(each.name, LONGEST_CELL)
    return name if name.startswith(each.group.value) else f"{each.group.value} {name}"


class ComparisonLine(NamedTuple):
    """One thing side by side, or the heading of those of its group (``cells`` has two then)."""

    key: str
    role: str
    """The status it looks like; empty for what is only news."""
    cells: tuple[str, ...]
    """What, deployed, candidate, change; of a heading its name, and how many differ."""
    heading: bool = False


_ROLES = {MetricOutcome.WORSE: "failed", MetricOutcome.BETTER: "passed", MetricOutcome.UNCLEAR: "unknown"}


def comparison_lines(
    found: ModelComparison, closed: frozenset[str], *, everything: bool
) -> Iterator[ComparisonLine]:
    """What differs and what is not known, by group.

    Args:
        closed: groups whose lines are not wanted.
        everything: also what is the same.
    """
    for group in Group:
        of_it = [each for each in found.differences if each.group is group]
        shown = [each for each in of_it if everything or each.standing is not Standing.SAME]
        if not shown:
            continue
        yield ComparisonLine(group.value, "", (group.value.capitalize(), _counted(of_it)), heading=True)
        if group.value in closed:
            continue
        for each in shown:
            role = "warning" if each.marked else ""
            if each.outcome is not None:
                role = _ROLES.get(each.outcome, "")
            elif each.standing is Standing.UNKNOWN:
                role = "unknown"
            change = each.change or (each.standing.value if each.standing is not Standing.DIFFERS else "")
            cells = (each.name, each.deployed, each.candidate, change)
            yield ComparisonLine(f"{group.value} {found.differences.index(each)}", role, cells)


def _counted(differences: Sequence[Difference]) -> str:
    worse = sum(each.outcome is MetricOutcome.WORSE for each in differences)
    counts = Counter(each.standing for each in differences)
    parts = (
        (worse, "worse"),
        (counts[Standing.DIFFERS], "differ" if counts[Standing.DIFFERS] != 1 else "differs"),
        (counts[Standing.UNKNOWN], "not known"),
        (counts[Standing.SAME], "same"),
    )
    return ", ".join(f"{number} {word}" for number, word in parts if number)
