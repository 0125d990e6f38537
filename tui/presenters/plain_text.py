"""Plain text for pipes: tables, stage trees, a line of blocks for a series."""

from collections.abc import Callable, Mapping, Sequence

from rich.cells import cell_len, set_cell_size

from tui.config import TrainingSettings
from tui.domain.pipeline import Listing, Run
from tui.domain.series import Series
from tui.domain.training import LinkedTraining
from tui.insight.critical_path import critical_path
from tui.insight.priority import by_priority
from tui.insight.usual import Usual
from tui.presenters.pipelines import (
    PipelineLine,
    critical_words,
    other_lines,
    pipeline_line,
    run_state,
    stage_lines,
    status_word,
    tests_text,
)
from tui.presenters.training import with_trainings
from tui.text.format import clock

_MAX_CELL = 60


def table(titles: Sequence[str], rows: Sequence[Sequence[str]], *, open_end: bool = False) -> str:
    """Columns as wide as their widest cell (at most 60 cells), without the ones that hold nothing.

    With ``open_end`` the last one is as long as it needs to be.
    """
    widths = [min(_MAX_CELL, max((cell_len(row[i]) for row in rows), default=0)) for i in range(len(titles))]
    if open_end:
        widths[-1] = max((cell_len(row[-1]) for row in rows), default=0)
    kept = [i for i, width in enumerate(widths) if width]
    lines = []
    for row in (titles, *rows):
        cells = [_fit(row[i], max(widths[i], cell_len(titles[i]))) for i in kept]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def _fit(text: str, width: int) -> str:
    return set_cell_size(text, width) if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"


def pipeline_table(lines: Sequence[PipelineLine]) -> str:
    """The pipeline list as ``pipedeck status`` prints it."""
    return table(
        ("STATUS", "ADDRESS", "REF", "NOW", "AGE", "TESTS", "CAUSE"),
        [
            (line.word, str(line.address), line.ref, line.state, line.age, line.tests, line.cause)
            for line in lines
        ],
    )


def listing_text(listings: Mapping[str, Listing], now: Callable[[str], float]) -> str:
    """The pipelines of all sources, what matters most first.

    Args:
        now: of a source by its name, by its server's clock.
    """
    lines: list[PipelineLine] = []
    for pipeline in by_priority([row for listing in listings.values() for row in listing.pipelines]):
        at = now(pipeline.address.source)
        lines += [pipeline_line(pipeline, at), *other_lines(pipeline, at)]
    return pipeline_table(lines)


def run_text(
    run: Run,
    earlier: Sequence[Run],
    now: float,
    usual: Usual | None = None,
    training: tuple[TrainingSettings, Sequence[LinkedTraining]] | None = None,
) -> str:
    """One run with its stages as a tree, those on which its duration hangs marked, and what they train below them."""
    lines = stage_lines(run, now, usual) if run.stages else []
    if training is not None:
        lines = with_trainings(lines, training[1], training[0], now, now)
    facts = (run.ref, run.revision[:10], run.cause, tests_text(run))
    head = [f"{run.address}  {run.title}", "  ".join(fact for fact in facts if fact)]
    state = f"{status_word(run.status, run.vendor_status)}  {run_state(run, earlier, now)}".rstrip()
    rows = [
        (
            f"{line.prefix}{line.name}",
            line.word,
            line.time,
            "critical" if line.critical else "",
            "; ".join(filter(None, (line.slow, line.note))),
        )
        for line in lines
    ]
    tree = table(("STAGE", "STATUS", "TIME", "PATH", "NOTE"), rows) if rows else ""
    critical = critical_words(critical_path(run), now)
    path = f"critical path  {critical}" if critical else ""
    return "\n".join(part for part in (*head, *run.facts, state, run.stage_source, path, tree) if part)


_BLOCKS = "▁▂▃▄▅▆▇█"


def spark(series: Series, low: float, high: float) -> str:
    """The series as blocks between ``low`` and ``high``, a blank for each gap."""
    span = (high - low) or 1.0
    return "".join(
        " " if value is None else _BLOCKS[min(7, max(0, int((value - low) / span * 8)))]
        for value in series.values
    )


def chart_text(title: str, unit: str, all_series: Sequence[Series]) -> str:
    """A metric's series, one line each, on one scale, with the newest value and its time."""
    values = [value for series in all_series for value in series.values if value is not None]
    if not values:
        return f"{title}: no data"
    lines = [f"{title}{f' ({unit})' if unit else ''}"]
    for series in all_series:
        newest = next(
            (
                (at, value)
                for at, value in zip(series.grid.times[::-1], series.values[::-1], strict=True)
                if value is not None
            ),
            None,
        )
        newest_words = f"{newest[1]:.4g} at {clock(newest[0])}" if newest else "no data"
        lines.append(f"  {series.track or '':<9}{spark(series, min(values), max(values))}  {newest_words}")
    return "\n".join(lines)
