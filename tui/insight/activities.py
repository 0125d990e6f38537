"""What an action under way acts on: whether a run, a pipeline or an environment is concerned."""

from collections.abc import Collection

from tui.domain.action import Activity
from tui.domain.address import Address
from tui.domain.pipeline import Pipeline


def on_run(activity: Activity, run: Address) -> bool:
    """It acts in that run, or led to it."""
    result = activity.result
    return run == activity.plan.request.target.of_run or (result is not None and run == result.of_run)


def on_pipeline(activity: Activity, pipeline: Pipeline) -> bool:
    """It acts on the pipeline, on its environment, or in one of its runs; of a project's rows, on that of its ref."""
    request = activity.plan.request
    if request.target.pipeline != pipeline.address:
        return any(on_run(activity, run.address) for run in pipeline.runs)
    if request.target.run is None:
        return request.value("ref") in ("", pipeline.ref)
    return not pipeline.ref or any(on_run(activity, run.address) for run in pipeline.runs)


def on_environment(activity: Activity, environment: Address, pipelines: Collection[Address]) -> bool:
    """It acts on the environment, or changes it, being one of ``pipelines``."""
    target = activity.plan.request.target
    return target == environment or (
        target.pipeline in pipelines and activity.plan.environment == environment.environment
    )
