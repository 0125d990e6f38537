"""What every command does around its own work: open the runtime, report errors, print documents, close.

What is asked for goes to stdout, everything else to stderr, so that what is printed can be piped.
"""

import asyncio
import difflib
import select
import sys
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeVar

import msgspec

from tui.commands.exit_codes import Exit, exit_of
from tui.config import Settings
from tui.domain.address import Address
from tui.domain.health import Fault
from tui.domain.pipeline import Pipeline, Run
from tui.engine.cache.disk import DiskCache
from tui.sources.base import SourceError
from tui.threads import in_thread

if TYPE_CHECKING:
    from tui.engine.queries import Query
    from tui.engine.runtime import Runtime

K = TypeVar("K")
T = TypeVar("T")

NO_RUN = "no run of it was found; is it among the watched pipelines?"


async def with_runtime(
    settings: Settings,
    work: "Callable[[Runtime], Awaitable[Exit]]",
    *,
    clock: Callable[[], float] = time.time,
    history: DiskCache | None = None,
) -> Exit:
    """Do ``work`` with a runtime that is closed afterwards; say on stderr which source could not be read."""
    # Not before it is needed: what is kept on disk is printed without it.
    from tui.engine.runtime import Runtime
    from tui.presenters import notices

    runtime = Runtime(settings, clock=clock, history=history, formatter=notices)
    try:
        return await work(runtime)
    except SourceError as error:
        complain(error.message)
        return exit_of(error.trouble)
    finally:
        await runtime.close()


def complain(words: str) -> None:
    print(f"pipedeck: {words}", file=sys.stderr, flush=True)


def complain_of_faults(faults: Mapping[str, Fault]) -> Exit:
    """Say what could not be read; the exit code of a command that printed the rest."""
    for name, fault in faults.items():
        complain(f"{name}: {fault.trouble.value}: {fault.message}")
    return Exit.UNREACHABLE if faults else Exit.OK


def print_document(document: msgspec.Struct) -> None:
    print(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())


async def ask_all(runtime: "Runtime", queries: "Mapping[K, Query[T]]") -> tuple[dict[K, T], dict[K, Fault]]:
    """The answers there are, and why the others are missing, both by the keys of ``queries``."""
    asked = await asyncio.gather(*map(runtime.poller.ask, queries.values()), return_exceptions=True)
    answers: dict[K, T] = {}
    faults: dict[K, Fault] = {}
    for key, answer in zip(queries, asked, strict=True):
        if isinstance(answer, SourceError):
            faults[key] = answer.fault
        elif isinstance(answer, BaseException):
            raise answer
        else:
            answers[key] = answer
    return answers, faults


def in_a_pipeline_source(settings: Settings, address: Address) -> bool:
    """Whether the source of ``address`` runs pipelines; if not, it is said which do."""
    known = settings.pipeline_sources
    if address.source in known:
        return True
    complain(f"{address}: no source {address.source} that runs pipelines; there is: {', '.join(known)}")
    return False


def no_such_model(settings: Settings, model: str) -> str:
    """What to say of a name that no model has; empty where one has it."""
    if model in settings.models:
        return ""
    near = difflib.get_close_matches(model, settings.models, n=1)
    known = f"did you mean {near[0]}?" if near else f"known: {', '.join(settings.models) or 'none'}"
    return f"the config has no table [models.{model}] ({known})"


def newest_run(runs: Iterable[Run]) -> Run | None:
    return max(runs, key=lambda run: run.started_at or run.created_at or 0.0, default=None)


def last_runs(pipelines: Iterable[Pipeline], address: Address) -> list[Run]:
    """The newest run of each row of the pipeline at ``address``: of a GitLab project each ref is a row."""
    return [row.last for row in pipelines if row.address == address.pipeline and row.last is not None]


async def until_nobody_reads() -> None:
    """Return when the other end of stdout is closed. Without a terminal no signal tells, and while a job is quiet
    nothing is written."""
    poll = select.poll()
    try:
        poll.register(sys.stdout.fileno(), 0)  # errors and hang-ups are told unasked
    except (OSError, ValueError):  # not a file of the system's
        await asyncio.Event().wait()
    await in_thread(poll.poll)
