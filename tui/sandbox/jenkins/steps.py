"""What single steps do beside their work: start other runs (``build``) and wait for others (``lock``), as they log it
(contracts: jenkins_observed, build step and Locks)."""

from html import escape
from typing import Any

from tui.sandbox.jenkins.console import NOTE, step_id, step_log
from tui.sandbox.jenkins.controller import Controller, full_display_name, job_path
from tui.sandbox.jenkins.export import Bean
from tui.sandbox.jenkins.stages import Node, nodes
from tui.sandbox.plan import State
from tui.sandbox.world import Run

_LINK = "<a href='{prefix}/{path}' class='jenkins-table__link model-link'>{name}</a>"

_SINCE = "Dec 1, 2026, 2:55 AM"
"""A date as the server writes it, which nobody reads."""


def step_html(controller: Controller, run: Run, step: int, prefix: str) -> str | None:
    """The log of a step with its links; None where there is no such step.

    Args:
        prefix: the context path.
    """
    node = _node(controller, run, step)
    if node is None:
        return None
    if (job := controller.started_in(run, node.name)) is not None:
        path, name = job_path(job), full_display_name(job)
        lines = [f"Scheduling project: {_LINK.format(prefix=prefix, path=path, name=name)}"]
        if (child := controller.run_of(job, run.number)) is not None:
            number = f"{path}{child.number}/"
            link = _LINK.format(prefix=prefix, path=number, name=f"{name} #{child.number}")
            lines.append(f"Starting building: {link}")
        return "\n".join(lines) + "\n"
    if node.blocked in controller.locks:
        holder = controller.holder(node.blocked)
        lines = [f"Trying to acquire lock on [Resource: {node.blocked}]"]
        if holder is not None:
            where = f"{job_path(holder.pipeline.path)}{holder.number}/"
            number = _LINK.format(prefix=prefix, path=where, name=f"#{holder.number}")
            held = f"{full_display_name(holder.pipeline.path)} #{holder.number}"
            lines.append(
                f"The resource [{node.blocked}] is locked by build {held} {number} since Dec 1, 2026, 2:55 AM."
            )
        lines.append(f"[Resource: {node.blocked}] is not free, waiting for execution ...")
        lines.append(f"[Required resources: [{node.blocked}]] added into queue at position 1")
        return "\n".join(lines) + "\n"
    found = step_log(run, controller.world.progress(run), controller.world.now(), step)
    return escape(NOTE.sub(b"", found[0]).decode("utf-8", "replace"), quote=False) if found else None


def _node(controller: Controller, run: Run, step: int) -> Node | None:
    tops = nodes(run, controller.world.progress(run), controller.world.now())
    leaves = (node for top in tops for node in top.walk() if not node.children)
    return next((node for node in leaves if step_id(node) == step and node.state is not State.SKIPPED), None)


def resources(controller: Controller) -> Bean:
    """The locks that somebody holds; others are not there."""

    def resource(name: str, holder: Run) -> Bean:
        build = f"{full_display_name(holder.pipeline.path)} #{holder.number}"
        fields: dict[str, Any] = {
            "buildName": build,
            "description": "",
            "ephemeral": True,
            "free": False,
            "lockCause": f"[{name}] is locked by {holder.pipeline.path}#{holder.number} at {_SINCE}",
            "locked": True,
            "name": name,
            "reserved": False,
            "reservedBy": None,
        }
        return Bean("", fields)

    held = [
        resource(name, holder)
        for name in sorted(controller.locks)
        if (holder := controller.holder(name)) is not None
    ]
    kind = "org.jenkins.plugins.lockableresources.actions.LockableResourcesRootAction"
    return Bean(kind, {"resources": held})
