"""What a log really holds, to compare with what somebody read of it."""

from tui.domain.address import Address
from tui.sandbox.gitlab.trace import trace
from tui.sandbox.jenkins.console import step_id, step_log
from tui.sandbox.jenkins.stages import nodes
from tui.sandbox.jenkins.texts import run_log
from tui.sandbox.plan import TaskState
from tui.sandbox.world import Run, World


def log_at(world: World, address: Address, *, rows: bool = True, windows: bool = False) -> bytes:
    """All that was written by now: of a build (its file, with console notes), of a stage of it without stages of its
    own, or of a GitLab job by its name or ``NAME~ID``.

    Args:
        rows: GitLab: with a time before each row.
        windows: Jenkins: the output ends its lines in CRLF.

    Raises:
        KeyError: there is no such thing.
    """
    run = find(world, address)
    if address.source == "gitlab":
        state, attempt = _attempt(world, run, address.job or "")
        return trace(run, state, attempt, world.now(), every=1.0, rows=rows).written
    if address.job is None:
        return run_log(world, run, windows=windows)
    seen, now = world.progress(run), world.now()
    for top in nodes(run, seen, now):
        for node in top.walk():
            if address.job in (node.name, f"{node.name}~{node.id}"):
                found = step_log(run, seen, now, step_id(node), windows=windows)
                return found[0] if found else b""
    raise KeyError(str(address))


def find(world: World, address: Address) -> Run:
    """The run that an address names: by number (Jenkins) or id (GitLab).

    Raises:
        KeyError: there is none.
    """
    if address.source == "gitlab":
        found = world.run(address.number or 0)
        if found is not None and found.pipeline.path == address.path:
            return found
    else:
        for pipeline in world.pipelines("jenkins", address.path):
            for run in world.runs(pipeline):
                if run.number == address.run:
                    return run
    raise KeyError(str(address))


def task_of(world: World, address: Address) -> str:
    """The id of the task that an address names; empty for all of a run.

    Raises:
        KeyError: there is none.
    """
    if address.source == "gitlab" and address.job:
        return _attempt(world, find(world, address), address.job)[0].task.id
    return ""


def _attempt(world: World, run: Run, job: str) -> tuple[TaskState, int]:
    for state in world.progress(run).tasks:
        for attempt in reversed(range(len(state.attempts))):
            if job in (state.task.name, f"{state.task.name}~{world.job_id(run, state.task.id, attempt)}"):
                return state, attempt
    raise KeyError(job)
