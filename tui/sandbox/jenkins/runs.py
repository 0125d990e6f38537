"""Builds as Jenkins exports them: their fields and their actions."""

from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any
from urllib.parse import quote

from tui.sandbox.artifacts import ARTIFACTS
from tui.sandbox.jenkins import matrix
from tui.sandbox.jenkins.controller import RESULTS, Controller, full_display_name, job_path
from tui.sandbox.jenkins.export import Bean
from tui.sandbox.jenkins.stages import flow_graph, ms
from tui.sandbox.plan import Form, Progress, RunField, State, TaskState
from tui.sandbox.world import Run

BRIEF = frozenset({"number", "url"})

_WORKFLOW = "org.jenkinsci.plugins.workflow."


def run(controller: Controller, run: Run) -> Bean:
    pipeline = run.pipeline
    freestyle = pipeline.plain
    url = controller.run_url(run)
    seen = controller.world.progress(run)
    done = seen.state.finished
    result = RESULTS[seen.state] if done else None
    if not done and any(state.state is State.WARNING for state in seen.tasks):
        result = "UNSTABLE"
    estimate = controller.world.expected
    fields: dict[str, Any] = {
        "actions": lambda: _actions(controller, run, seen),
        "artifacts": lambda: _artifacts(seen),
        "building": not done,
        "description": controller.deeds.descriptions.get(run.id, _said(run, pipeline.described)) or None,
        "displayName": _said(run, pipeline.titled) or f"#{run.number}",
        "duration": ms(seen.ended_at - run.begins_at) if done and seen.ended_at else 0,
        "estimatedDuration": lambda: ms(estimate(pipeline) or -0.001),
        "executor": None if done else Bean("hudson.model.OneOffExecutor", {}),
        "fullDisplayName": f"{full_display_name(pipeline.path)} #{run.number}",
        "id": str(run.number),
        "inProgress": not done,
        "keepLog": run.id in controller.deeds.kept,
        "number": run.number,
        "queueId": run.id,
        "result": result,
        "timestamp": ms(run.begins_at),
        "url": url,
        "culprits": [],
    }
    if freestyle:
        empty = Bean("hudson.scm.EmptyChangeLogSet", {"items": [], "kind": None})
        fields |= {"builtOn": "", "changeSet": empty}
    else:
        fields |= {
            "changeSets": lambda: _changes(run),
            "nextBuild": lambda: _neighbour(controller, run, newer=True),
            "previousBuild": lambda: _neighbour(controller, run, newer=False),
        }
    kind = "hudson.model.FreeStyleBuild" if freestyle else f"{_WORKFLOW}job.WorkflowRun"
    if pipeline.kind == "matrix":
        kind = "hudson.matrix.MatrixBuild"
        fields["runs"] = lambda: matrix.cells(controller, run)
    return Bean(kind, fields, brief=BRIEF)


def _said(run: Run, template: str) -> str:
    return template.replace("{version}", run.version).replace("{colour}", run.colour)


def keeps_metrics(seen: Progress) -> bool:
    """A task that leaves its numbers has come to its end."""
    return any(state.task.metrics and state.state in (State.PASSED, State.WARNING) for state in seen.tasks)


def _artifacts(seen: Progress) -> list[Bean]:
    if not keeps_metrics(seen):
        return []
    return [Bean("", dict.fromkeys(("displayPath", "fileName", "relativePath"), file)) for file in ARTIFACTS]


def _neighbour(controller: Controller, run: Run, *, newer: bool) -> Bean | None:
    numbers = [other.number for other in controller.builds(run.pipeline)]
    wanted = [n for n in numbers if (n > run.number if newer else n < run.number)]
    if not wanted:
        return None
    number = min(wanted) if newer else max(wanted)
    url = f"{controller.url(run.pipeline.path)}{number}/"
    return Bean("", {"number": number, "url": url})


def _actions(controller: Controller, run: Run, seen: Progress) -> list[Bean]:
    freestyle = run.pipeline.plain
    nothing = Bean("", {})
    found: list[Bean] = []
    if run.parameters:
        found.append(parameters(run))
    found += [cause(controller, run), _time_in_queue(run, seen)]
    if run.pipeline.kind == "branch":
        revision = Bean("", {"hash": run.commit.sha})
        found.append(
            Bean(
                "jenkins.scm.api.SCMRevisionAction",
                {"revision": revision},
                brief=frozenset(),
                hidden=frozenset({"revision"}),
            )
        )
    if not freestyle:
        found += [Bean(f"{_WORKFLOW}libs.LibrariesAction", {}), nothing, _build_data(run)]
    found.append(nothing)
    total, failed, skipped = seen.tests
    if total:
        counts = {"failCount": failed, "skipCount": skipped, "totalCount": total, "urlName": "testReport"}
        found.append(Bean("hudson.tasks.junit.TestResultAction", counts))
    if any(state.task.gate and state.last.ready_at is not None for state in seen.tasks):
        found.append(_inputs(controller, seen))
        found += [
            Bean(f"{_WORKFLOW}support.steps.input.ApproverAction", {"userId": event.who})
            for event in controller.world.events(run)
            if event.kind == "approve"
        ]
    if seen.state is State.CANCELED:
        found.append(_interrupted(controller, run))
    found += [nothing, nothing, Bean("org.jenkinsci.plugins.displayurlapi.actions.RunDisplayAction", {})]
    if not freestyle:
        graph = partial(
            flow_graph,
            run,
            seen,
            controller.world.now(),
            run_url=f"{job_path(run.pipeline.path)}{run.number}/",
            locks=controller.locks,
            started=lambda stage: (job := controller.started_in(run, stage)) and full_display_name(job),
        )
        found += [
            Bean(
                "org.jenkinsci.plugins.pipeline.modeldefinition.actions.RestartDeclarativePipelineAction",
                {},
            ),
            nothing,
            Bean(f"{_WORKFLOW}job.views.FlowGraphAction", {"nodes": graph}, hidden=frozenset({"nodes"})),
            nothing,
        ]
    return found


def cause(controller: Controller, run: Run) -> Bean:
    fields: dict[str, Any]
    match run.cause:
        case "timer":
            kind, fields = "hudson.triggers.TimerTrigger$TimerTriggerCause", {}
            text = "Started by timer"
        case "push" if run.pipeline.kind == "branch":
            kind, fields = "jenkins.branch.BranchEventCause", {}
            text = f"Push event to branch {run.pipeline.ref}"
        case "push":
            kind, fields = "hudson.triggers.SCMTrigger$SCMTriggerCause", {}
            text = "Started by an SCM change"
        case _:
            kind, fields = "hudson.model.Cause$UserIdCause", {"userId": run.who, "userName": run.who}
            text = f"Started by user {run.who}"
    parent, _ = controller.starts.get(run.pipeline.path, ("", ""))
    if controller.run_of(parent, run.number) is not None:
        kind = f"{_WORKFLOW}support.steps.build.BuildUpstreamCause"
        text = f'Started by upstream project "{parent}" build number {run.number}'
        fields = {"upstreamProject": parent, "upstreamBuild": run.number, "upstreamUrl": job_path(parent)}
    causes = [Bean(kind, {"shortDescription": text, **fields})]
    if (more := controller.deeds.causes.get(run.id)) is not None:
        causes.append(Bean(more[0], {"shortDescription": more[1]}))
    return Bean("hudson.model.CauseAction", {"causes": causes})


def parameters(run: Run) -> Bean:
    values = [parameter(name, value) for name, value in run.parameters]
    return Bean("hudson.model.ParametersAction", {"parameters": values})


def parameter(name: str, value: str) -> Bean:
    if value in ("true", "false"):
        return Bean("hudson.model.BooleanParameterValue", {"name": name, "value": value == "true"})
    return Bean("hudson.model.StringParameterValue", {"name": name, "value": value})


def _time_in_queue(run: Run, seen: Progress) -> Bean:
    waited = ms(run.wait) if run.wait < inf else 0
    built = ms(seen.ended_at - run.begins_at) if seen.ended_at is not None else 0
    fields = {
        "blockedDurationMillis": 0,
        "blockedTimeMillis": 0,
        "buildableDurationMillis": 0,
        "buildableTimeMillis": 0,
        "buildingDurationMillis": built,
        "executingTimeMillis": built,
        "executorUtilization": 1.0,
        "subTaskCount": 0,
        "waitingDurationMillis": waited,
        "waitingTimeMillis": waited,
    }
    return Bean("jenkins.metrics.impl.TimeInQueueAction", fields)


def _build_data(run: Run) -> Bean:
    def revision() -> Bean:
        branch = Bean("", {"SHA1": run.commit.sha, "name": run.pipeline.ref})
        return Bean("", {"SHA1": run.commit.sha, "branch": [branch]})

    name = run.pipeline.path.split("/")[0]
    build = Bean(
        "hudson.plugins.git.util.Build",
        {"buildNumber": run.number, "buildResult": None, "marked": revision(), "revision": revision()},
    )
    fields = {
        "buildsByBranchName": Bean("", {run.pipeline.ref: build}),
        "lastBuiltRevision": revision(),
        "remoteUrls": [f"https://git.example/{name}.git"],
        "scmName": "",
    }
    return Bean("hudson.plugins.git.util.BuildData", fields)


def _inputs(controller: Controller, seen: Progress) -> Bean:
    executions = [
        Bean(
            "",
            {
                "id": (id := input_id(state)),
                "displayName": state.task.name,
                "settled": False,
                "input": _input(id, state.task.gate, controller.form(id, state)),
            },
        )
        for state in seen.waiting
    ]
    fields = {"executions": executions, "waitingForInput": bool(executions)}
    return Bean(f"{_WORKFLOW}support.steps.input.InputAction", fields, hidden=frozenset(fields))


def _input(id: str, message: str, form: Form) -> Bean:
    fields = {
        "id": id,
        "message": message,
        "ok": form.button,
        "cancel": "Abort",
        "submitter": form.submitter or None,
        "submitterParameter": form.submitter_parameter or None,
        "parameters": [_field(field) for field in form.fields],
    }
    return Bean("", fields)


def _field(field: RunField) -> Bean:
    kind = "String" if field.kind == "Choice" else field.kind
    default = {"name": field.name, **({} if kind == "Password" else {"value": field.default})}
    fields = {
        "name": field.name,
        "type": f"{field.kind}ParameterDefinition",
        "description": field.help,
        "defaultParameterValue": Bean(f"hudson.model.{kind}ParameterValue", default),
        **({"choices": list(field.choices)} if field.kind == "Choice" else {}),
    }
    return Bean(f"hudson.model.{field.kind}ParameterDefinition", fields)


def pending(controller: Controller, seen: Progress, url: str) -> list[dict[str, Any]]:
    """What waits, as the stage view plugin tells it (contracts: jenkins §7.1).

    Args:
        url: of the run, without a host.
    """
    return [
        {
            "id": (id := input_id(state)),
            "proceedText": (form := controller.form(id, state)).button,
            "message": state.task.gate,
            "inputs": [_pending_field(field) for field in form.fields],
            "proceedUrl": f"{url}wfapi/inputSubmit?inputId={id}",
            "abortUrl": f"{url}input/{id}/abort",
            "redirectApprovalUrl": f"{url}input/",
        }
        for state in seen.waiting
    ]


def _pending_field(field: RunField) -> dict[str, Any]:
    described = {"description": field.help} if field.help else {}
    choices = {"choices": list(field.choices)} if field.kind == "Choice" else {}
    default = "" if field.kind == "Password" else field.default
    return {
        "type": f"{field.kind}ParameterDefinition",
        "name": field.name,
        **described,
        "definition": {"defaultVal": default, **choices},
    }


def _interrupted(controller: Controller, run: Run) -> Bean:
    events = (event for event in controller.world.events(run) if event.kind in ("cancel", "reject"))
    event = next(events, None)
    who, rejected = (event.who, event.kind == "reject") if event is not None else ("", False)
    user = Bean("", {"absoluteUrl": f"{controller.root_url}user/{quote(who)}", "fullName": who})
    cause = Bean(
        f"{_WORKFLOW}support.steps.input.Rejection"
        if rejected
        else "jenkins.model.CauseOfInterruption$UserInterruption",
        {"shortDescription": f"{'Rejected' if rejected else 'Aborted'} by {who}", "user": user},
    )
    return Bean("jenkins.model.InterruptedBuildAction", {"causes": [cause]}, hidden=frozenset({"causes"}))


def _changes(run: Run) -> list[Bean]:
    if run.cause == "timer":
        return []
    commit = run.commit
    fields = {
        "affectedPaths": ["train.py"],
        "commitId": commit.sha,
        "timestamp": int(commit.at) * 1000,
        "author": Bean(
            "", {"absoluteUrl": f"https://ci.example/user/{commit.author}", "fullName": commit.author}
        ),
        "authorEmail": f"{commit.author}@example.invalid",
        "comment": f"{commit.title}\n",
        "date": datetime.fromtimestamp(int(commit.at), UTC).strftime("%Y-%m-%d %H:%M:%S +0000"),
        "id": commit.sha,
        "msg": commit.title,
        "paths": [Bean("", {"editType": "edit", "file": "train.py"})],
    }
    items = [Bean("hudson.plugins.git.GitChangeSet", fields)]
    return [Bean("hudson.plugins.git.GitChangeSetList", {"items": items, "kind": "git"})]


def input_id(state: TaskState) -> str:
    """The id of a gate's ``input`` step: its name with the first letter in upper case."""
    name = state.task.name.replace(" ", "-")
    return name[:1].upper() + name[1:]
