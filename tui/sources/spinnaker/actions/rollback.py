"""Going back: by a pipeline that the config names, else by Spinnaker's own operations (contracts: spinnaker §9.5)."""

import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import msgspec

from tui.domain.action import ActionKind, ActionRequest, Observation, Plan, Reply, Step
from tui.domain.address import Address
from tui.sources.spinnaker.actions.live_state import LiveState, note
from tui.sources.spinnaker.actions.start import plan_start
from tui.sources.spinnaker.actions.steps import StepKind
from tui.sources.spinnaker.payload import (
    MANIFEST,
    ORCHESTRATION,
    ORCHESTRATIONS,
    Orchestration,
    ServerGroup,
    number,
    rows,
    text,
    words,
)
from tui.sources.spinnaker.read.places import Standing, standings, version_of
from tui.sources.spinnaker.read.problems import run_problem, stage_problem
from tui.sources.spinnaker.read.tree import tree
from tui.sources.spinnaker.status import STATUSES, vendor
from tui.text.safe import clean

LOOKED_AT = 30
"""Newest operations of an application among which one is looked for whose answer was lost."""


async def plan_rollback(request: ActionRequest, look: LiveState) -> Plan:
    target = request.target
    title = f"Roll back {target} on {look.server}"
    if target.environment is None:
        return look.cannot(request, title, "it names no environment")
    name, rule = look.places.rule(target)
    found = standings(rule, await look.places.groups(rule.application, now=True))
    live = next((standing for standing in found if standing.live and not standing.canary), None)
    if live is None:
        return look.cannot(request, title, "what serves there cannot be told")
    if len({standing.cluster for standing in found if not standing.canary}) > 1:
        return look.cannot(
            request, title, "several clusters fit the environment; narrow cluster in the config"
        )
    canary = next((standing for standing in found if standing.canary), None)
    version = request.value("version")
    # A canary goes back to what it is beside, never further.
    back = live if canary is not None and not version else _chosen(found, live, version)
    if back is None:
        wanted = clean(request.value("version")) or "earlier version"
        return look.cannot(request, title, f"there is no {wanted} to go back to")
    sentence = f"Put {back.version} back into {target} on {look.server}"
    facts = (("version", f"{live.version} → {back.version}"), ("cluster", live.cluster))
    way = look.places.way_back(rule, name, back, beside_canary=canary is not None)
    if not way.possible:
        return look.cannot(request, sentence, way.words)
    warnings = []
    if canary is not None and way.target is not None:
        warnings.append(
            f"whether the canary {canary.version} goes is up to {way.target.path}; its run goes on"
        )
    elif canary is not None:
        warnings.append(f"the canary {canary.version} stays: this is about {live.cluster}")
    if way.target is not None:
        start = ActionRequest(ActionKind.TRIGGER, way.target, way.parameters, request.reason)
        plan = await plan_start(start, look)
        fixed = dict(way.parameters)
        plan = msgspec.structs.replace(
            plan,
            request=request,
            words=f"{sentence}: {plan.words}",
            facts=(*facts, *plan.facts),
            fields=tuple(field for field in plan.fields if field.name not in fixed),
        )
    else:
        kind, job = _undo(live, back, request) if back.undoable else _enable(live, back, request)
        plan = _operation(request, sentence, kind, job, rule.application, live, back, look)
        plan = msgspec.structs.replace(plan, facts=(*facts, ("how", way.words)))
    return msgspec.structs.replace(plan, environment=name, warnings=(*plan.warnings, *warnings))


def _chosen(found: tuple[Standing, ...], live: Standing, version: str) -> Standing | None:
    """The one of that version or id, else the newest that stood there before."""
    others = [standing for standing in found if standing is not live and not standing.canary]
    if version:
        return next((standing for standing in others if version in (standing.version, standing.id)), None)
    before = [
        standing
        for standing in others
        if standing.version != live.version
        and (standing.group.created_time or 0.0) <= (live.group.created_time or 0.0)
    ]
    return max(before, key=lambda standing: standing.group.created_time or 0.0, default=None)


def _undo(live: Standing, back: Standing, request: ActionRequest) -> tuple[StepKind, dict[str, Any]]:
    """By the revision, never by how many to go back: sent twice, that would swing forth again."""
    return StepKind.UNDO, {
        "type": "undoRolloutManifest",
        "cloudProvider": "kubernetes",
        "account": live.group.account,
        "location": live.group.region,
        "manifestName": live.group.cluster,
        "revision": back.revision,
        "reason": request.reason or "rolled back with pipedeck",
    }


def _enable(live: Standing, back: Standing, request: ActionRequest) -> tuple[StepKind, dict[str, Any]]:
    bad, good = live.group, back.group
    return StepKind.ENABLE, {
        "type": "rollbackServerGroup",
        "rollbackType": "EXPLICIT",
        "rollbackContext": {
            "rollbackServerGroupName": bad.name,
            "restoreServerGroupName": good.name,
            "targetHealthyRollbackPercentage": 100,
            "delayBeforeDisableSeconds": 0,
        },
        "moniker": {"cluster": live.cluster},
        "region": bad.region,
        "credentials": bad.account,
        "cloudProvider": bad.cloud_provider or bad.type,
        "reason": request.reason or "rolled back with pipedeck",
    }


def _operation(
    request: ActionRequest,
    sentence: str,
    kind: StepKind,
    job: dict[str, Any],
    application: str,
    live: Standing,
    back: Standing,
    look: LiveState,
) -> Plan:
    mark = uuid.uuid4().hex[:12]
    body = {
        "application": application,
        "description": f"Roll back {live.cluster} to {back.version} (pipedeck {mark})",
        "job": [job],
    }
    step = Step(
        words=f"put {back.version} back into {request.target}",
        method="POST",
        path="/tasks",
        body=(("", msgspec.json.encode(body).decode()),),
        body_kind="raw json",
        kind=kind,
        expect=note(
            path=request.target.path,
            environment=request.target.environment,
            application=application,
            mark=mark,
            account=live.group.account,
            region=live.group.region,
            cluster=live.group.cluster or live.cluster,
            good=back.group.name,
            bad=live.group.name,
            version=back.version,
            images=" ".join(words(back.group.build_info, "images")),
            # The restored one becomes the highest.
            revision=live.revision,
        ),
    )
    return look.plan(request, sentence, steps=(step,))


# --- what became of it --------------------------------------------------------------------------------------------


async def observe_undo(expect: Mapping[str, str], reply: Reply | None, look: LiveState) -> Observation:
    seen = await _operated(expect, reply, look)
    if seen.state != "done":
        return seen
    place = Address(look.context.name, expect["path"], environment=expect["environment"])
    where = "/".join(quote(expect[key], safe="") for key in ("account", "region", "cluster"))
    found = (await look.context.gate.get(f"/manifests/{where}", MANIFEST)).manifest
    annotations = found.get("metadata", {}).get("annotations", {}) if isinstance(found, dict) else {}
    revision = number(annotations, "deployment.kubernetes.io/revision")
    there = {text(container, "image") for container in rows(found, "spec", "template", "spec", "containers")}
    wanted = set(expect.get("images", "").split())
    grown = revision is None or revision > float(expect.get("revision", "0"))
    if wanted and there != wanted:
        state = "failed" if grown else "accepted"
        words_ = f"the operation ended well, but {place} has {', '.join(sorted(there)) or 'no image'}"
        return Observation("failed" if state == "failed" else "accepted", words_, place, found=seen.found)
    if not grown:
        return Observation(
            "accepted", f"the operation ended well; {place} does not show it yet", place, found=seen.found
        )
    return Observation("done", f"{place} has {expect['version']} again", place, found=seen.found)


async def observe_enable(expect: Mapping[str, str], reply: Reply | None, look: LiveState) -> Observation:
    seen = await _operated(expect, reply, look)
    if seen.state != "done":
        return seen
    place = Address(look.context.name, expect["path"], environment=expect["environment"])
    groups = await look.places.groups(expect["application"], now=True)
    here = {
        group.name: group
        for group in groups
        if (group.account, group.region) == (expect["account"], expect["region"])
    }
    good, bad = here.get(expect["good"]), here.get(expect["bad"])
    if good is not None and not _off(good) and (bad is None or _off(bad)):
        return Observation("done", f"{place} has {version_of(good)} again", place, found=seen.found)
    return Observation(
        "accepted", f"the operation ended well; {place} does not show it yet", place, found=seen.found
    )


def _off(group: ServerGroup) -> bool:
    return group.is_disabled is True or group.disabled is True


async def _operated(expect: Mapping[str, str], reply: Reply | None, look: LiveState) -> Observation:
    """How the operation stands: the one that the answer named, else the one with our mark."""
    id_ = dict(reply.found).get("task", "") if reply is not None else ""
    if not id_:
        application = quote(expect["application"].lower(), safe="")
        query = {"page": "1", "limit": str(LOOKED_AT)}
        found = await look.context.gate.get(f"/applications/{application}/tasks", ORCHESTRATIONS, query)
        id_ = next((task.id for task in found if expect["mark"] in (task.name or "")), "")
        if not id_:
            return Observation("nothing", "no such operation is to be seen")
    task = await look.context.gate.get(f"/tasks/{quote(id_, safe='')}", ORCHESTRATION)
    status, keep = STATUSES.get(task.status or ""), (("task", id_),)
    vendor_status = vendor(task.status)
    if task.status == "SUCCEEDED":
        return Observation("done", "the operation ended well", found=keep)
    if status is not None and not status.active:
        why = _why(task)
        return Observation(
            "failed", f"the operation ended as {vendor_status}{f': {why}' if why else ''}", found=keep
        )
    return Observation("happening", f"the operation goes on ({vendor_status})", found=keep)


def _why(task: Orchestration) -> str:
    if task.execution is None:
        return ""
    nodes = tree(task.execution.all_stages)
    return run_problem(task.execution) or next(filter(None, map(stage_problem, nodes)), "")
