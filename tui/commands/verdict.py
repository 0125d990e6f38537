"""``pipedeck verdict``: how a model's canary compares with its baseline, for people and for pipelines."""

import time
from collections.abc import Callable, Mapping

from tui.commands.exit_codes import Exit
from tui.commands.frame import complain, no_such_model, print_document, with_runtime
from tui.config import Settings
from tui.domain.candidate import Candidacy
from tui.domain.health import Trouble
from tui.domain.verdict import Decision, MetricOutcome, ServerVerdict, Verdict
from tui.engine.queries import CandidateOf, VerdictOf
from tui.engine.queries.verdicts import judged_metrics
from tui.engine.runtime import Runtime
from tui.presenters.documents import verdict_document
from tui.presenters.judged_metrics import (
    MetricLine,
    candidacy_words,
    metric_line,
    server_metrics,
    server_words,
)
from tui.presenters.plain_text import table
from tui.sources.base import SourceError

_SERVER = ("METRIC", "GROUP", "VERDICT", "REASON")
_EXITS: Mapping[Decision, Exit] = {
    Decision.PROMOTE: Exit.OK,
    Decision.STOP: Exit.WORSE,
    Decision.WAIT: Exit.UNCLEAR,
}


async def verdict(
    settings: Settings,
    model: str,
    *,
    as_json: bool,
    explain: bool = False,
    clock: Callable[[], float] = time.time,
) -> Exit:
    """Print the verdict; exit code 0 when it may be promoted, 10 when it must not, 11 when that is not clear yet."""
    if mistake := _mistake(settings, model):
        complain(mistake)
        return Exit.USAGE
    judged, registered = bool(judged_metrics(settings, model)), settings.models[model].registry is not None

    async def work(runtime: Runtime) -> Exit:
        try:
            found: Verdict | None = None
            if judged:
                found = await runtime.poller.ask(VerdictOf(model))
            candidacy = await _candidacy(runtime, model, needed=not judged) if registered else None
        except SourceError as error:
            complain(error.message)
            return Exit.USAGE if error.trouble is Trouble.MISCONFIGURED else Exit.UNREACHABLE
        if as_json:
            units = {name: metric.unit for name, metric in settings.metrics.items()}
            print_document(verdict_document(model, found, candidacy, units, clock()))
        else:
            parts = (
                _text(found, settings, clock(), explain) if found else "",
                _candidacy_text(candidacy, settings) if candidacy else "",
            )
            print("\n\n".join(filter(None, parts)))
        if found is not None:
            return _EXITS[found.counts]
        assert candidacy is not None
        return _candidate_exit(candidacy)

    return await with_runtime(settings, work, clock=clock)


async def _candidacy(runtime: Runtime, model: str, *, needed: bool) -> Candidacy | None:
    """Beside a verdict on a canary it is only told: that the registry does not answer then says a line."""
    try:
        return await runtime.poller.ask(CandidateOf(model))
    except SourceError as error:
        if needed:
            raise
        complain(error.message)
        return None


def _candidate_exit(candidacy: Candidacy) -> Exit:
    if not candidacy.metrics or candidacy.outcome is MetricOutcome.UNCLEAR:
        return Exit.UNCLEAR
    return Exit.WORSE if candidacy.outcome is MetricOutcome.WORSE else Exit.OK


def _mistake(settings: Settings, model: str) -> str:
    if mistake := no_such_model(settings, model):
        return mistake
    if not judged_metrics(settings, model) and settings.models[model].registry is None:
        return (
            f"[models.{model}] has no metric to judge by; give one of its metrics `compare` or `fail`, "
            "or the model a `registry`"
        )
    return ""


def _text(found: Verdict, settings: Settings, now: float, explain: bool) -> str:
    model = settings.models[found.model]
    versions = [
        f"{track} {version}"
        for track, version in (("baseline", found.baseline), ("canary", found.canary))
        if version
    ]
    head = f"{model.title or found.model}: {found.counts}  {found.why}"
    score = f"score {found.score:g}" + (f" by {found.judge}" if found.judge != "own" else "")
    lines = table(
        ("METRIC", "VERDICT", "BASELINE", "CANARY", "DIFFERENCE", "LIMIT", "VALUES", "AGE", "REASON"),
        [_row(metric_line(metric, settings.metrics[metric.metric].unit, now)) for metric in found.metrics],
        open_end=True,
    )
    methods = [f"{metric.metric}: {metric.method}" for metric in found.metrics if explain and metric.method]
    server = _server_text(found.server) if found.server is not None else ""
    groups = "  ".join(f"{group.name} {group.score:g}" for group in found.groups)
    return "\n".join(
        part
        for part in (
            head,
            "  ".join((*versions, score)),
            "",
            lines,
            "",
            *methods,
            groups,
            server,
            *found.notes,
        )
    ).rstrip()


def _server_text(server: ServerVerdict) -> str:
    """What the canary's own server says, of each metric too."""
    rows = [(each.metric, each.group, each.outcome.value, each.reason) for each in server_metrics(server)]
    lines = ["", table(_SERVER, rows, open_end=True), ""] if rows else []
    return "\n".join(("", f"{server.judge}: {server_words(server)}", *lines))


def _candidacy_text(candidacy: Candidacy, settings: Settings) -> str:
    model = settings.models[candidacy.model]
    lines = table(
        ("METRIC", "VERDICT", "CHAMPION", "CANDIDATE", "DIFFERENCE", "LIMIT", "REASON"),
        [
            (
                line.metric,
                line.outcome.value,
                line.baseline,
                line.canary,
                line.difference,
                line.limit,
                line.reason,
            )
            for line in (metric_line(metric, "", 0.0) for metric in candidacy.metrics)
        ],
        open_end=True,
    )
    head = f"{model.title or candidacy.model}: {candidacy_words(candidacy, model)}"
    return "\n".join(part for part in (head, lines if candidacy.metrics else "", *candidacy.notes) if part)


def _row(line: MetricLine) -> tuple[str, ...]:
    return (
        line.metric,
        line.outcome.value,
        line.baseline,
        line.canary,
        line.difference,
        line.limit,
        line.values,
        line.age,
        line.reason,
    )
