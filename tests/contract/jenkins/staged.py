"""A run of a Jenkins whose stages come from one of the sources there are, and bodies of those."""

from typing import Any

from tests.contract.jenkins.support import core, jenkins
from tests.http_stub import Reply, Route
from tui.domain.address import Address
from tui.domain.pipeline import Run, Stage

RUN = "org.jenkinsci.plugins.workflow.job.WorkflowRun"
INPUT = "org.jenkinsci.plugins.workflow.support.steps.input.InputAction"
ADDRESS = Address("ci", "j", 1)


def build(result: str | None = "SUCCESS", *, active: bool = False, **more: Any) -> dict[str, Any]:
    return {"_class": RUN, "number": 1, "building": active, "inProgress": active, "result": result, **more}


def gate(name: str, message: str) -> dict[str, Any]:
    return {"id": name, "settled": False, "input": {"id": name, "message": message}}


async def read(stages: dict[str, Route], run: dict[str, Any] | None = None) -> Run:
    """The run with what ``stages`` answers under its path; everything else there is absent."""
    routes: dict[str, Route] = {"/job/j/1/api/json": core(run or build())}
    routes |= {f"/job/j/1/{path}": route for path, route in stages.items()}
    async with jenkins(routes) as (source, _):
        return await source.run(ADDRESS)


def flat(stages: tuple[Stage, ...] | None) -> dict[str, Stage]:
    found: dict[str, Stage] = {}
    for stage in stages or ():
        found[stage.name] = stage
        found |= flat(stage.children)
    return found


def node(id: str, name: str, state: str = "success", **more: Any) -> dict[str, Any]:
    """A stage in the newest shape, written after the contract: nulls are left out."""
    return {
        "id": id,
        "name": name,
        "state": state,
        "type": "STAGE",
        "children": [],
        "synthetic": False,
        **more,
    }


def graph(*stages: dict[str, Any], complete: bool = True) -> Reply:
    return Reply.json({"data": {"stages": list(stages), "complete": complete}, "status": "ok"})


def wf(id: str, status: str, start: int, took: int, error: str = "", **more: Any) -> dict[str, Any]:
    stage = {"id": id, "name": id, "status": status, "startTimeMillis": start, "durationMillis": took, **more}
    return {**stage, "error": {"message": error, "type": "hudson.AbortException"}} if error else stage
