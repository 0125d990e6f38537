"""The verdict on a model's canary: in a line, and metric by metric."""

from tui.config import Settings
from tui.domain.candidate import Candidacy
from tui.domain.verdict import Decision, MetricOutcome, ServerVerdict, Verdict
from tui.engine.store import Reading
from tui.presenters.judged_metrics import MetricLine, metric_line, server_metrics, server_words
from tui.text import format as fmt
from widgets.status_line import StatusItem
from widgets.theme import StatusStyle, status_style
from widgets.wrapped_lines import Text, WrappedLines

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


def headline(reading: Reading[Verdict], now: float) -> tuple[StatusItem, ...]:
    """The decision, and how old it is where it could not be made anew."""
    if reading.value is None:
        words = f"{status_style('unknown').glyph} no verdict"
        return (StatusItem(words, "unknown"),) if reading.fault is not None else ()
    glyph, role = _DECISIONS[reading.value.counts]
    decision = f"{glyph} {reading.value.counts}"
    if reading.fault is None:
        return (StatusItem(decision, role),)
    return StatusItem(decision, "stale"), StatusItem(f"{fmt.ago(reading.age(now) or 0.0)} old", "warning")


def reason(reading: Reading[Verdict]) -> tuple[StatusItem, ...]:
    """Why the decision is what it is, or why there is none."""
    if reading.value is None:
        return (StatusItem(reading.fault.message, "dim"),) if reading.fault is not None else ()
    return (StatusItem(reading.value.why, "dim"),)


class VerdictLines(WrappedLines):
    """A line for each judged metric, or more: glyph and word, the difference in its unit, and the reason."""

    def __init__(self) -> None:
        super().__init__()
        self.explains = False
        """The method's numbers are shown in the place of the reasons."""

    def show(
        self, verdict: Verdict | None, settings: Settings, now: float, candidacy: Candidacy | None = None
    ) -> None:
        """Tell of this verdict from now on, and of the candidate in the registry below it."""
        judged = verdict.metrics if verdict is not None else ()
        metrics = (*judged, *(candidacy.metrics if candidacy is not None else ()))
        tables = [settings.metrics[metric.metric] for metric in judged]
        titles = [table.title or metric.metric for table, metric in zip(tables, judged, strict=True)]
        units = [table.unit for table in tables]
        if candidacy is not None and candidacy.candidate is not None:
            version = candidacy.candidate.version
            titles += [f"{metric.metric}, version {version}" for metric in candidacy.metrics]
            units += [""] * len(candidacy.metrics)
        texts = [metric_line(metric, unit, now) for metric, unit in zip(metrics, units, strict=True)]
        widths = [max(map(len, words), default=0) for words in (titles, [text.difference for text in texts])]
        self.lay(
            [
                Text(
                    (
                        _outcome(text, _OUTCOMES[metric.outcome]),
                        StatusItem(title.ljust(widths[0]), "strong"),
                        StatusItem(text.difference.ljust(widths[1]), drop=2),
                        StatusItem(
                            metric.method if self.explains and metric.method else metric.reason,
                            "dim" if metric.outcome.good else "",
                        ),
                    ),
                    (
                        StatusItem(
                            text.sample if index < len(judged) else "candidate, validated", "dim", drop=3
                        ),
                    ),
                )
                for index, (metric, title, text) in enumerate(zip(metrics, titles, texts, strict=True))
            ]
            + (_by_server(verdict.server) if verdict is not None and verdict.server is not None else [])
        )


def _by_server(server: ServerVerdict) -> list[Text]:
    """What the canary's own server says, beside ours and never mixed with it: as a whole, then group by group."""
    glyph, role = _DECISIONS[server.decision]
    whole = Text((StatusItem(f"{glyph} {server.judge}", role), StatusItem(server_words(server))), ())
    return [
        whole,
        *(
            Text(
                (
                    StatusItem(
                        f"{_OUTCOMES[each.outcome].glyph} {each.outcome:<7}", _OUTCOMES[each.outcome].role
                    ),
                    StatusItem(each.metric, "strong"),
                    StatusItem(each.reason, "dim" if each.outcome.good else ""),
                ),
                (StatusItem(f"{server.judge}, {each.group}" if each.group else server.judge, "dim", drop=3),),
            )
            for each in server_metrics(server)
        ),
    ]


def _outcome(text: MetricLine, style: StatusStyle) -> StatusItem:
    return StatusItem(f"{style.glyph} {text.outcome:<7}", style.role)
