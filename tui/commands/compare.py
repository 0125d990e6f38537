"""``pipedeck compare``: what changed between two versions of a model, for people and for pipelines."""

import time
from collections.abc import Callable, Sequence

from tui.commands.exit_codes import Exit
from tui.commands.frame import complain, no_such_model, print_document, with_runtime
from tui.config import Settings
from tui.domain.verdict import MetricOutcome
from tui.engine.queries import ComparisonOf
from tui.engine.runtime import Runtime
from tui.presenters.documents import comparison_document
from tui.presenters.model_comparison import comparison_text


async def compare(
    settings: Settings,
    model: str,
    versions: Sequence[str],
    *,
    as_json: bool,
    clock: Callable[[], float] = time.time,
) -> Exit:
    """Print what differs; exit code 10 when a metric is worse, 11 when there are no two versions to compare.

    Args:
        versions: two of the registry, or none: what is deployed, and what would be.
    """
    if mistake := _mistake(settings, model, versions):
        complain(mistake)
        return Exit.USAGE
    deployed, candidate = versions or ("", "")

    async def work(runtime: Runtime) -> Exit:
        found = await runtime.poller.ask(ComparisonOf(model, deployed, candidate))
        if as_json:
            print_document(comparison_document(found, clock()))
        else:
            print(comparison_text(found, settings.models[model].title or model))
        if not found.differences:
            return Exit.UNCLEAR
        worse = any(each.outcome is MetricOutcome.WORSE for each in found.differences)
        return Exit.WORSE if worse else Exit.OK

    return await with_runtime(settings, work, clock=clock)


def _mistake(settings: Settings, model: str, versions: Sequence[str]) -> str:
    if mistake := no_such_model(settings, model):
        return mistake
    if settings.models[model].registry is None:
        return f"[models.{model}] has no registry, which is what knows its versions; give it one (docs/models.md)"
    if len(versions) not in (0, 2):
        return f"name two versions, or none: not {len(versions)}"
    return ""
