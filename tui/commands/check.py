"""``pipedeck check``: try every source and metric and say what to do about each fault."""

import asyncio
import time
from collections.abc import Awaitable, Mapping

from tui.commands.exit_codes import Exit
from tui.commands.frame import print_document, with_runtime
from tui.config import Settings
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.health import Finding
from tui.domain.verdict import MetricOutcome
from tui.engine.actions.model_rules import ConfiguredStart, configured_starts
from tui.engine.queries import CandidateOf, ProbeOf
from tui.engine.runtime import Runtime
from tui.engine.source_pool import unexpected
from tui.presenters.documents import SCHEMA, CheckDoc
from tui.presenters.judged_metrics import candidacy_words
from tui.sources.base import ActingSource, SourceError
from tui.text import format as fmt
from tui.text.safe import clean

_MARKS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


async def check(settings: Settings, *, as_json: bool) -> Exit:
    """Exit code 0 when nothing is wrong, 1 when an error was found; warnings alone are fine."""

    async def work(runtime: Runtime) -> Exit:
        found = await _findings(runtime)
        if as_json:
            print_document(CheckDoc(SCHEMA, found))
        else:
            _print(settings, found)
        failed = any(finding.level == "error" for findings in found.values() for finding in findings)
        return Exit.FAILED if failed else Exit.OK

    return await with_runtime(settings, work)


async def _findings(runtime: Runtime) -> dict[str, tuple[Finding, ...]]:
    """What is found, by the source that it is about."""
    settings = runtime.settings
    names = list(settings.sources)
    found = dict(zip(names, await asyncio.gather(*map(runtime.sources.check, names)), strict=True))
    for name, model in settings.models.items():
        for metric in model.metrics:
            source = settings.metrics[metric].source
            asked = _query(runtime, name, metric)
            found[source] = (*found[source], await _tried(source, f"metric {metric} of {name}", asked))
        if model.registry:
            source = model.registry.source
            asked = _registry(runtime, name)
            found[source] = (*found[source], await _tried(source, f"registry of {name}", asked))
    for start in configured_starts(settings):
        source = start.target.source
        found[source] = (*found[source], await _tried(source, start.key, _start(runtime, start)))
    return found


def _print(settings: Settings, found: Mapping[str, tuple[Finding, ...]]) -> None:
    for warning in settings.warnings:
        print(f"warning  {warning}")
    for name, findings in found.items():
        print(f"[{name}] {settings.sources[name].url}")
        for finding in findings:
            print(f"  {_MARKS[finding.level]}  {finding.subject}: {finding.message}")
            if finding.advice:
                print(f"           {finding.advice}")


async def _tried(source: str, subject: str, asked: Awaitable[Finding]) -> Finding:
    """What was found, also when asking ended in something that nobody foresaw."""
    try:
        return await asked
    except SourceError as error:
        return Finding("error", subject, error.message)
    except Exception as error:
        return Finding("error", subject, unexpected(source, error).message)


async def _query(runtime: Runtime, model: str, metric: str) -> Finding:
    """Ask a metric once: how many series, how old the newest sample, how much of it is NaN or missing.

    Raises:
        SourceError
    """
    subject = f"metric {metric} of {model}"
    probe = await runtime.poller.ask(ProbeOf(model, metric))
    notes = "".join(f"; {note}" for note in probe.notes)
    shares = f"{_percent(probe.nan)} NaN, {_percent(probe.missing)} missing in the last hour"
    if probe.nan + probe.missing == 1:
        return Finding(
            "warning", subject, f"no value: {shares}{notes}", "is the query right, and is there traffic?"
        )
    assert probe.newest is not None
    tracks = ", ".join(track or "not told apart by track" for track in probe.tracks)
    old = f"{max(0.0, time.time() - probe.newest):.0f} s old"
    age = f"newest sample {old}" if probe.exact else f"newest value at least {old}"
    return Finding(
        "ok",
        subject,
        f"{fmt.count(len(probe.tracks), 'series', 'series')} ({tracks}); {age}; {shares}{notes}",
    )


def _percent(share: float) -> str:
    """What is there is not said to be nothing."""
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


async def _start(runtime: Runtime, start: ConfiguredStart) -> Finding:
    """Compare the names of the parameters with those that the job declares: Jenkins drops others without a word."""
    try:
        source = await runtime.sources.get(start.target.source, ActingSource)
        plan = await source.plan(ActionRequest(ActionKind.TRIGGER, start.target))
    except SourceError as error:
        return Finding("error", start.key, error.message, "correct its job, or ask for the right to read it")
    declared = [clean(field.name) for field in plan.fields]
    unknown = [name for name in start.parameters if name not in declared]
    if unknown:
        names = f"it declares {', '.join(declared)}" if declared else "it declares none"
        words = f"{start.target} has no parameter {', '.join(unknown)}: {names}"
        return Finding("error", start.key, words, "correct the names: upper and lower case count")
    return Finding(
        "ok", start.key, f"{start.target} declares {', '.join(start.parameters) or 'what it needs'}"
    )


async def _registry(runtime: Runtime, model: str) -> Finding:
    """Read a model's candidate once: whether both aliases name a version, and what their runs measured.

    Raises:
        SourceError
    """
    subject = f"registry of {model}"
    found = await runtime.poller.ask(CandidateOf(model))
    unclear = [
        f"{metric.metric} {metric.reason}"
        for metric in found.metrics
        if metric.outcome is MetricOutcome.UNCLEAR
    ]
    if problems := (*found.notes, *unclear):
        return Finding("warning", subject, "; ".join(problems), "check the names in its registry table")
    return Finding("ok", subject, candidacy_words(found, runtime.settings.models[model]))
