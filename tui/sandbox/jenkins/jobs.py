"""The root, folders and jobs as Jenkins exports them."""

from functools import partial
from typing import Any
from urllib.parse import unquote

from tui.sandbox.jenkins import queue, runs
from tui.sandbox.jenkins.controller import PERMALINKS, Controller, Folder, Item, full_display_name, job_class
from tui.sandbox.jenkins.export import Bean
from tui.sandbox.plan import State
from tui.sandbox.world import Pipeline

_WORKFLOW = "org.jenkinsci.plugins.workflow."
_BRIEF = frozenset({"name", "url", "color"})


def root(controller: Controller) -> Bean:
    url = controller.root_url
    view = Bean("hudson.model.AllView", {"name": "all", "url": url})
    return Bean(
        "hudson.model.Hudson",
        {
            "assignedLabels": [Bean("", {"name": "built-in"})],
            "mode": "NORMAL",
            "nodeDescription": "the Jenkins controller's built-in node",
            "nodeName": "",
            "numExecutors": 6,
            "description": None,
            "jobs": lambda: [job(controller, item) for item in controller.inside("")],
            "overallLoad": Bean("", {}),
            "primaryView": view,
            "quietDownReason": None,
            "quietingDown": False,
            "slaveAgentPort": -1,
            "unlabeledLoad": Bean("jenkins.model.UnlabeledLoadStatistics", {}),
            "url": url,
            "useCrumbs": True,
            "useSecurity": True,
            "views": [view],
        },
    )


def job(controller: Controller, item: Item) -> Bean:
    """A folder, multibranch project or pipeline."""
    return _folder(controller, item) if isinstance(item, Folder) else _pipeline(controller, item)


def _names(controller: Controller, path: str) -> dict[str, Any]:
    name = path.rpartition("/")[2]
    return {
        "displayName": unquote(name),
        "displayNameOrNull": None,
        "fullDisplayName": full_display_name(path),
        "fullName": path,
        "name": name,
        "url": controller.url(path),
    }


def _folder(controller: Controller, folder: Folder) -> Bean:
    names = _names(controller, folder.path)
    if folder.multibranch:
        kind = f"{_WORKFLOW}multibranch.WorkflowMultiBranchProject"
        view = Bean(
            "jenkins.branch.MultiBranchProjectViewHolder$ViewImpl",
            {"name": "default", "url": names["url"]},
        )
        more: dict[str, Any] = {"buildable": True, "sources": [Bean("", {})]}
    else:
        kind = "com.cloudbees.hudson.plugins.folder.Folder"
        view = Bean("hudson.model.AllView", {"name": "All", "url": names["url"]})
        more = {}
    fields = {
        "actions": [Bean("", {})] * 4 + [Bean("com.cloudbees.plugins.credentials.ViewCredentialsAction", {})],
        "description": "",
        **names,
        "healthReport": [],
        "jobs": lambda: [job(controller, item) for item in controller.inside(folder.path)],
        "primaryView": view,
        "views": [view],
        **more,
    }
    return Bean(kind, fields, brief=_BRIEF)


def _pipeline(controller: Controller, pipeline: Pipeline) -> Bean:
    freestyle = pipeline.plain
    permalinks = {
        name: partial(_brief_build, controller, pipeline, *states) for name, states in PERMALINKS.items()
    }
    fields: dict[str, Any] = {
        "actions": [
            *[Bean("", {})] * 4,
            Bean("org.jenkinsci.plugins.displayurlapi.actions.JobDisplayAction", {}),
            Bean("com.cloudbees.plugins.credentials.ViewCredentialsAction", {}),
        ],
        "description": pipeline.description or ("" if freestyle else None),
        **_names(controller, pipeline.path),
        "buildable": not pipeline.disabled,
        "builds": lambda: [runs.run(controller, run) for run in controller.builds(pipeline)[:100]],
        "allBuilds": lambda: [runs.run(controller, run) for run in controller.builds(pipeline)],
        "color": lambda: controller.color(pipeline),
        "firstBuild": lambda: next(
            (runs.run(controller, run) for run in controller.builds(pipeline)[-1:]), None
        ),
        "healthReport": lambda: _health(controller, pipeline),
        "inQueue": lambda: controller.waiting(pipeline) is not None,
        "keepDependencies": False,
        **permalinks,
        "nextBuildNumber": lambda: next((run.number + 1 for run in controller.builds(pipeline)), 1),
        "property": lambda: _properties(controller, pipeline),
        "queueItem": lambda: (
            (run := controller.waiting(pipeline)) and queue.item(controller, run, nested=True)
        ),
        "concurrentBuild": not freestyle,
        "disabled": pipeline.disabled,
    }
    if freestyle:
        fields |= {
            "downstreamProjects": [],
            "labelExpression": pipeline.label or None,
            "scm": Bean("hudson.scm.NullSCM", {}),
            "upstreamProjects": [],
        }
    else:
        fields["resumeBlocked"] = False
    return Bean(job_class(pipeline), fields, brief=_BRIEF, hidden=frozenset({"allBuilds"}))


def _brief_build(controller: Controller, pipeline: Pipeline, *states: State) -> Bean | None:
    run = controller.newest(pipeline, *states)
    return runs.run(controller, run) if run else None


def _health(controller: Controller, pipeline: Pipeline) -> list[Bean]:
    states = [controller.world.progress(run).state for run in controller.builds(pipeline)[:5]]
    done = [state for state in states if state.finished]
    if not done:
        return []
    failed = sum(state is State.FAILED for state in done)
    score = round(100 * (1 - failed / len(done)))
    text = (
        "No recent builds failed."
        if not failed
        else "All recent builds failed."
        if failed == len(done)
        else f"{failed} out of the last {len(done)} builds failed."
    )
    icon = "80plus" if score > 80 else "40to59" if score > 20 else "00to19"
    fields = {
        "description": f"Build stability: {text}",
        "iconClassName": f"icon-health-{icon}",
        "iconUrl": f"health-{icon}.png",
        "score": score,
    }
    return [Bean("", fields)]


def _properties(controller: Controller, pipeline: Pipeline) -> list[Bean]:
    found: list[Bean] = []
    if pipeline.kind == "branch":
        branch = Bean("", {})
        found.append(Bean(f"{_WORKFLOW}multibranch.BranchJobProperty", {"branch": branch}))
    if pipeline.parameters:
        definitions = [
            Bean(
                f"hudson.model.{kind}ParameterDefinition",
                {
                    "defaultParameterValue": runs.parameter(name, value.replace("{version}", "")),
                    "description": "",
                    "name": name,
                    "type": f"{kind}ParameterDefinition",
                    **({"choices": list(controller.choices[name])} if kind == "Choice" else {}),
                },
            )
            for name, value in pipeline.parameters
            for kind in (
                "Choice"
                if name in controller.choices
                else "Boolean"
                if value in ("true", "false")
                else "String",
            )
        ]
        found.append(Bean("hudson.model.ParametersDefinitionProperty", {"parameterDefinitions": definitions}))
    return found
