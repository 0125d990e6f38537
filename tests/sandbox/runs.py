"""Runs in a state that a test needs, whatever the scenario draws."""

from collections.abc import Callable

from tui.sandbox.plan import State
from tui.sandbox.world import Run, World


def good_run(world: World, path: str = "ml/fraud") -> Run:
    """A run triggered now of the first pipeline of a GitLab project; nothing in it that counts will fail."""
    pipeline = world.pipelines("gitlab", path)[0]
    for _ in range(50):
        run = world.trigger(pipeline)
        if all(task.optional or task.outcomes[-1] is State.PASSED for task in run.tasks):
            return run
    raise AssertionError(f"{path} always fails")


def advance_until(world: World, condition: Callable[[], bool], step: float = 5.0) -> None:
    """Let the world's time pass until something has come about, at most two hours."""
    for _ in range(int(7200 / step)):
        if condition():
            return
        world.clock.advance(step)
    raise AssertionError("it does not come about")
