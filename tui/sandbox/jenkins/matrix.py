"""The cells of a matrix project: its tasks, each with builds of its own behind the job (contracts: jenkins_observed,
Matrix)."""

from typing import Any

from tui.sandbox.jenkins.controller import RESULTS, Controller, full_display_name
from tui.sandbox.jenkins.export import Bean
from tui.sandbox.jenkins.stages import ms
from tui.sandbox.plan import State, TaskState
from tui.sandbox.world import Pipeline, Run


def cell_of(pipeline: Pipeline, name: str) -> int | None:
    """The index of the task that is called so; None where the job is no matrix, or has none."""
    names = [task.name for task in pipeline.tasks] if pipeline.kind == "matrix" else []
    return names.index(name) if name in names else None


def configuration(controller: Controller, pipeline: Pipeline, name: str) -> Bean:
    url = f"{controller.url(pipeline.path)}{name}/"
    return Bean(
        "hudson.matrix.MatrixConfiguration", {"fullName": f"{pipeline.path}/{name}", "name": name, "url": url}
    )


def cells(controller: Controller, run: Run) -> list[Bean]:
    """``runs`` of a build: the cells that have begun."""
    seen = controller.world.progress(run)
    return [cell_build(controller, run, state) for state in seen.tasks if state.last.ready_at is not None]


def cell_build(controller: Controller, run: Run, state: TaskState) -> Bean:
    last, pipeline = state.last, run.pipeline
    active = not last.state.finished
    began = last.started_at if last.started_at is not None else last.ready_at
    cause = {
        "shortDescription": f'Started by upstream project "{pipeline.path}" build number {run.number}',
        "upstreamBuild": run.number,
        "upstreamProject": pipeline.path,
    }
    fields: dict[str, Any] = {
        "actions": [
            Bean("", {}),
            Bean("hudson.model.CauseAction", {"causes": [Bean("hudson.model.Cause$UpstreamCause", cause)]}),
        ],
        "building": active,
        "inProgress": active,
        "displayName": f"#{run.number}",
        "duration": ms(last.ended_at - began) if last.ended_at is not None and began is not None else 0,
        "estimatedDuration": -1,
        "fullDisplayName": f"{full_display_name(pipeline.path)} » {_values(state.task.name)} #{run.number}",
        "number": run.number,
        "result": None if active else RESULTS.get(last.state, RESULTS[State.CANCELED]),
        "timestamp": ms(began or run.begins_at),
        "url": f"{controller.url(pipeline.path)}{state.task.name}/{run.number}/",
    }
    return Bean("hudson.matrix.MatrixRun", fields, brief=frozenset({"number", "url"}))


def _values(name: str) -> str:
    return ",".join(part.partition("=")[2] for part in name.split(","))
