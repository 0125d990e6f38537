"""The verdict on a model's canary: in a line, and metric by metric."""

from collections.abc import Iterator

from textual.containers import Vertical

from tui.config import Settings
from tui.domain.candidate import Candidacy
from tui.domain.verdict import Decision, MetricOutcome, Verdict
from tui.engine.store import Reading
from tui.presenters.judged_metrics import MetricLine, metric_line
from tui.text import format as fmt
from widgets.status_line import StatusItem, StatusLine
from widgets.theme import StatusStyle, status_style

_DECISIONS = {
    Decision.PROMOTE: status_style("passed"),
    Decision.WAIT: status_style("unknown"),
    Decision.STOP: status_style("failed"),
}
_OUTCOMES = {
    MetricOutcome.OK: status_style("passed"),
    MetricOutcome.BETTER: status_style("passed"),
    MetricOutcome.WORSE: status_style("failed"),
    MetricOutcome.UNCLEAR: status_style("unknown"),
    MetricOutcome.IGNORED: status_style("skipped"),
}


def headline(reading: Reading[Verdict], now: float) -> Iterator[StatusItem]:
    """The decision with its reason; how old it is where it could not be made anew."""
    if reading.value is None:
        if reading.fault is not None:
            yield StatusItem(f"{status_style('unknown').glyph} no verdict", "unknown")
            yield StatusItem(reading.fault.message, "dim")
        return
    glyph, role = _DECISIONS[reading.value.decision]
    old = f"{fmt.ago(reading.age(now) or 0.0)} old, " if reading.fault is not None else ""
    yield StatusItem(f"{glyph} {reading.value.decision}", "stale" if old else role)
    yield StatusItem(f"{old}{reading.value.reason}", "dim")


class VerdictLines(Vertical):
    """A line for each judged metric: glyph and word, the difference in its unit, and the reason."""

    DEFAULT_CSS = "VerdictLines { height: auto; & > StatusLine { background: $background; } }"

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[StatusLine] = []
        self.explains = False
        """The method's numbers are shown in the place of the reasons."""

    def show(
        self, verdict: Verdict | None, settings: Settings, now: float, candidacy: Candidacy | None = None
    ) -> None:
        """Tell of this verdict from now on, and of the candidate in the registry below it."""
        judged = verdict.metrics if verdict is not None else ()
        metrics = (*judged, *(candidacy.metrics if candidacy is not None else ()))
        while len(self.lines) > len(metrics):
            self.lines.pop().remove()
        if new := [StatusLine() for _ in range(len(metrics) - len(self.lines))]:
            self.lines += new
            self.mount_all(new)
        tables = [settings.metrics[metric.metric] for metric in judged]
        titles = [table.title or metric.metric for table, metric in zip(tables, judged, strict=True)]
        units = [table.unit for table in tables]
        if candidacy is not None and candidacy.candidate is not None:
            version = candidacy.candidate.version
            titles += [f"{metric.metric}, version {version}" for metric in candidacy.metrics]
            units += [""] * len(candidacy.metrics)
        texts = [metric_line(metric, unit, now) for metric, unit in zip(metrics, units, strict=True)]
        widths = [max(map(len, words), default=0) for words in (titles, [text.difference for text in texts])]
        rows = zip(self.lines, metrics, titles, texts, strict=True)
        for index, (line, metric, title, text) in enumerate(rows):
            line.show(
                [
                    _outcome(text, _OUTCOMES[metric.outcome]),
                    StatusItem(title.ljust(widths[0]), "strong"),
                    StatusItem(text.difference.ljust(widths[1]), drop=2),
                    StatusItem(
                        metric.method if self.explains and metric.method else metric.reason,
                        "dim" if metric.outcome.good else "",
                    ),
                ],
                [StatusItem(text.sample, "dim", drop=3)]
                if index < len(judged)
                else [StatusItem("candidate, validated", "dim", drop=3)],
            )


def _outcome(text: MetricLine, style: StatusStyle) -> StatusItem:
    return StatusItem(f"{style.glyph} {text.outcome:<7}", style.role)
