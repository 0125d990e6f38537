"""The rows of the deployments pane: environments by model, and what is missing of them."""

from collections.abc import Mapping, Sequence

import msgspec

from tui.config import ModelSettings
from tui.domain.address import Address
from tui.domain.deployment import Environment, Environments
from tui.domain.pipeline import Pipeline
from tui.engine.store import Reading
from tui.insight.delivery import Figure, figures
from tui.insight.environments import EnvironmentGroup, EnvironmentPlace, front_place, places
from tui.presenters.comparison import figures_line
from tui.presenters.environments import EnvironmentLine, place_lines
from tui.text import format as fmt
from widgets.cells import Cell
from widgets.table.line_table import Row
from widgets.theme import CLOSED, OPEN, status_style

WAY_BACK = "↺"
"""Before a deployment that one can go back to; why not to another is noted, and told under the cursor."""


class GroupRows(msgspec.Struct, frozen=True):
    """One group with what is known of it."""

    group: EnvironmentGroup
    places: tuple[EnvironmentPlace, ...]
    figures: tuple[Figure, ...]
    notes: tuple[tuple[str, str], ...]
    """Role and words of what is missing."""
    waiting: bool
    """An answer is still to come."""


def find(
    group: EnvironmentGroup,
    model: ModelSettings | None,
    answers: Mapping[Address, Reading[Environments]],
    past: Mapping[Address, Environment],
    pipelines: Sequence[Pipeline],
    window: float,
    now: float,
) -> GroupRows:
    """What is known of a group: its environments, its figures, and what of it is missing."""
    known = [reading.value for reading in answers.values() if reading.value is not None]
    found = places(known, past, model)
    notes: list[tuple[str, str]] = []
    for address, reading in answers.items():
        if reading.fault is not None:
            age = f" (shown as read {fmt.ago(now - reading.read_at)} ago)" if reading.read_at else ""
            words = f"{address}: {reading.fault.trouble.value}: {reading.fault.message}{age}"
            notes.append(("failed", words))
        if reading.value is not None:
            notes += [("dim", f"{address}: {note}") for note in reading.value.notes]
            if not reading.value.environments and not reading.value.notes and not found:
                notes.append(("dim", f"{address} has no environments: no job of it names one"))
    if not group.pipelines:
        notes.append(("dim", "none of its pipelines is among the watched ones"))
    front = front_place(found, model)
    known_figures: tuple[Figure, ...] = ()
    if front is not None and front.environment.address in past:
        runs = [run for pipeline in pipelines if pipeline.address in group.members for run in pipeline.runs]
        known_figures = figures(
            front.environment.deployments, runs, now - window, now, front.environment.read_since
        )
    waiting = any(reading.value is None and reading.fault is None for reading in answers.values())
    return GroupRows(group, found, known_figures, tuple(dict.fromkeys(notes)), waiting)


def rows(
    found: Sequence[GroupRows], open: frozenset[str], now: Mapping[str, float]
) -> tuple[list[Row], dict[str, EnvironmentLine]]:
    """The rows of the list, and the line behind each row of a deployment."""
    made: list[Row] = []
    lines: dict[str, EnvironmentLine] = {}
    for each in found:
        figures_words = figures_line(each.figures)
        title: Cell = ((f"{each.group.title}  ", "strong"), (figures_words, "dim"))
        made.append(Row(each.group.key, ("", title), "group"))
        for place in each.places:
            address = place.environment.address
            opened = str(address) in open
            for line in place_lines(place, now[address.source], past=opened):
                lines[line.key] = line
                made.append(_row(line, opened=opened))
        if each.waiting:
            made.append(Row(f"{each.group.key} waiting", ("", ("Reading its environments …", "dim"))))
        for number, (role, words) in enumerate(each.notes):
            glyph = status_style("failed").glyph if role == "failed" else ""
            made.append(Row(f"{each.group.key} note {number}", ((glyph, role), (words, role))))
    return made, lines


def _row(line: EnvironmentLine, *, opened: bool) -> Row:
    shown = status_style(line.status.value) if line.status is not None else status_style("skipped")
    first = line.part == "stable"
    back = line.part in ("past", "colour") and line.deployment is not None and line.deployment.rollback
    mark: Cell = OPEN if opened else CLOSED
    if not first:
        mark = (WAY_BACK, "passed") if back and back.possible else ""
    name: Cell = ((line.prefix, "dim"), (line.place, "accent" if line.part == "canary" else ""))
    traffic = f" {line.traffic}" if line.traffic else ""
    state: Cell = ((f"{shown.glyph} ", shown.role), (line.state, shown.role), (traffic, "strong"))
    return Row(
        line.key,
        (mark, name, line.version, line.commit, state, line.age, line.who, line.note),
        "group" if first else "item",
        line.dim,
    )
