"""The queue and the nodes as Jenkins exports them."""

from math import inf
from typing import Any

from tui.sandbox.jenkins import runs
from tui.sandbox.jenkins.controller import Controller, full_display_name, job_class
from tui.sandbox.jenkins.export import Bean
from tui.sandbox.jenkins.stages import ms
from tui.sandbox.plan import State, TaskState
from tui.sandbox.world import Run

LEFT_ITEMS_KEPT = 300.0
"""Seconds for which the queue tells of an item that has left it."""

_WORKFLOW = "org.jenkinsci.plugins.workflow."
_BRIEF = frozenset(
    {"blocked", "buildable", "id", "inQueueSince", "params", "stuck", "task", "url", "why", "timestamp"}
)
_TASK = frozenset({"name", "url", "color"})
_MONITORS = [
    f"hudson.node_monitors.{name}Monitor"
    for name in ("SwapSpace", "TemporarySpace", "DiskSpace", "Architecture", "ResponseTime", "Clock")
]
_EXECUTORS = 6
"""Of each node."""


def queue(controller: Controller) -> Bean:
    """All that waits: runs that have not begun, and steps of builds that wait for a node."""
    items = [
        (run.id, item(controller, run))
        for pipeline in controller.world.pipelines("jenkins")
        for run in controller.queued(pipeline)
    ]
    for run, seen in controller.active():
        for state in seen.tasks:
            if state.state is State.QUEUED and state.task.label not in controller.locks:
                item_id = controller.world.job_id(run, state.task.id)
                items.append((item_id, _placeholder(item_id, run, state)))
    newest_first = [made for _, made in sorted(items, key=lambda pair: -pair[0])]
    return Bean("hudson.model.Queue", {"discoverableItems": [], "items": newest_first})


def find(controller: Controller, item_id: int) -> Bean | None:
    """The item of a run by its id, for a while also when it has left the queue."""
    run = controller.world.run(item_id)
    if run is None or run.pipeline.system != "jenkins":
        return None
    if controller.has_begun(run) and controller.world.now() - run.begins_at > LEFT_ITEMS_KEPT:
        return None
    return item(controller, run)


def item(controller: Controller, run: Run, *, nested: bool = False) -> Bean:
    """The queue item of ``run``; ``nested`` as it stands inside its job."""
    pipeline, now = run.pipeline, controller.world.now()
    actions = [runs.cause(controller, run)]
    if run.parameters:
        actions.insert(0, runs.parameters(run))
    cancelled = controller.world.progress(run).state is State.CANCELED and not controller.has_begun(run)
    left = controller.has_begun(run) or cancelled
    buildable = bool(pipeline.label) and not left
    why: str | None
    more: dict[str, Any]
    if left:
        kind, why = "LeftItem", None
        more = {
            "cancelled": cancelled,
            "executable": lambda: None if cancelled else runs.run(controller, run),
        }
    elif buildable:
        kind, why = "BuildableItem", _why(pipeline.label, run.wait)
        more = {"buildableStartMilliseconds": ms(run.created_at), "pending": False}
    else:
        kind, why = "WaitingItem", f"In the quiet period. Expires in {run.begins_at - now:.1f} sec"
        more = {"timestamp": ms(run.begins_at)}
    task = {
        "fullName": pipeline.path,
        "name": pipeline.path.rpartition("/")[2],
        "url": controller.url(pipeline.path),
        "color": controller.color(pipeline),
    }
    fields = {
        "actions": actions,
        "blocked": False,
        "buildable": buildable,
        "id": run.id,
        "inQueueSince": ms(run.created_at),
        "params": "".join(f"\n{name}={value}" for name, value in run.parameters),
        "stuck": buildable and run.wait == inf,
        "task": Bean(job_class(pipeline), task, brief=_TASK - {"color"} if nested else _TASK),
        "url": f"queue/item/{run.id}/",
        "why": why,
        **more,
    }
    return Bean(f"hudson.model.Queue${kind}", fields, brief=_BRIEF if nested else None)


def _placeholder(item_id: int, run: Run, state: TaskState) -> Bean:
    """The item of a step: its task has no url, and a name only when a tree asks for it."""
    name = {"name": f"part of {full_display_name(run.pipeline.path)} #{run.number}"}
    begun = ms(state.last.ready_at or 0.0)
    fields = {
        "actions": [],
        "blocked": False,
        "buildable": True,
        "id": item_id,
        "inQueueSince": begun,
        "params": "",
        "stuck": state.task.wait == inf,
        "task": Bean(
            f"{_WORKFLOW}support.steps.ExecutorStepExecution$PlaceholderTask", name, hidden=frozenset(name)
        ),
        "url": f"queue/item/{item_id}/",
        "why": _why(state.task.label or "built-in", state.task.wait),
        "buildableStartMilliseconds": begun,
        "pending": False,
    }
    return Bean("hudson.model.Queue$BuildableItem", fields)


def _why(label: str, wait: float) -> str:
    if wait == inf:
        return f"There are no nodes with the label ‘{label}’"
    return f"Waiting for next available executor on ‘{label}’"


def computers(controller: Controller) -> Bean:
    """The nodes. A Pipeline build occupies a flyweight of the built-in node and an executor for each running step."""
    flyweights: list[Bean] = []
    busy: list[Bean] = []
    for run, seen in controller.active():
        build = runs.run(controller, run)
        freestyle = run.pipeline.plain
        if not freestyle:
            flyweights.append(build)
        for state in seen.tasks:
            if state.state is State.RUNNING:
                busy.append(build if freestyle else _placeholder_executable(build, state))
    names = controller.world.scenario.nodes
    nodes = [
        _computer(name, busy[index :: len(names)], flyweights if index == 0 else [], built_in=index == 0)
        for index, name in enumerate(names)
    ]
    totals = {
        "busyExecutors": len(busy),
        "computer": nodes,
        "displayName": "Nodes",
        "totalExecutors": _EXECUTORS * len(names),
    }
    return Bean("hudson.model.ComputerSet", totals)


def _computer(name: str, busy: list[Bean], flyweights: list[Bean], *, built_in: bool) -> Bean:
    idle = [_executor(number, None) for number in range(len(busy), _EXECUTORS)]
    fields = {
        "actions": [Bean("", {})],
        "assignedLabels": [Bean("", {"name": name})],
        "description": "the Jenkins controller's built-in node" if built_in else "",
        "displayName": "Built-In Node" if built_in else name,
        "executors": [*(_executor(number, build) for number, build in enumerate(busy)), *idle],
        "icon": "symbol-computer",
        "iconClassName": "symbol-computer",
        "idle": not busy,
        "jnlpAgent": False,
        "launchSupported": True,
        "loadStatistics": Bean("hudson.model.Label$1", {}),
        "manualLaunchAllowed": True,
        "monitorData": Bean("", dict.fromkeys(_MONITORS)),
        "numExecutors": _EXECUTORS,
        "offline": False,
        "offlineCause": None,
        "offlineCauseReason": "",
        "oneOffExecutors": [_executor(number, build) for number, build in enumerate(flyweights)],
        "temporarilyOffline": False,
    }
    if built_in:
        return Bean("hudson.model.Hudson$MasterComputer", fields)
    return Bean("hudson.slaves.SlaveComputer", {**fields, "absoluteRemotePath": None})


def _placeholder_executable(build: Bean, state: TaskState) -> Bean:
    shown = ("estimatedDuration", "number", "timestamp", "url")
    fields = {name: build.fields[name] for name in shown}
    fields["fullDisplayName"] = f"{build.fields['fullDisplayName']} ({state.task.name})"
    kind = f"{_WORKFLOW}support.steps.ExecutorStepExecution$PlaceholderTask$PlaceholderExecutable"
    return Bean(kind, fields, brief=runs.BRIEF)


def _executor(number: int, build: Bean | None) -> Bean:
    fields = {
        "currentExecutable": build,
        "idle": build is None,
        "likelyStuck": False,
        "number": number,
        "progress": -1 if build is None else 50,
    }
    return Bean("", fields, brief=frozenset())
