"""What is where, as lines of short texts: what the deployments pane and ``pipedeck environments`` both show.

Pure functions of domain values and a time; no colours, no widths.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from tui.domain.deployment import Deployment, Environment
from tui.domain.status import Status
from tui.insight.environment_state import colours
from tui.insight.environments import EnvironmentPlace
from tui.presenters.pipelines import status_word
from tui.text import format as fmt

SHORT = 8
"""Characters of a revision that are shown."""

Part = Literal["stable", "canary", "coming", "failed", "colour", "past"]


class EnvironmentLine(msgspec.Struct, frozen=True):
    """One row: an environment with its stable version, or another deployment of it."""

    key: str
    part: Part
    prefix: str
    """Tree lines drawn before the place."""
    place: str
    version: str
    commit: str
    """Empty where the version is the commit."""
    status: Status | None
    """None where nothing was ever deployed."""
    state: str
    """The status in a word, and what is waited for."""
    who: str
    age: str
    traffic: str
    run: str
    note: str
    """What can be done with it, or why not."""
    dim: bool
    environment: Environment
    deployment: Deployment | None


NOTHING = "nothing yet"
STOPPED = "stopped"


def place_lines(place: EnvironmentPlace, now: float, *, past: bool) -> list[EnvironmentLine]:
    """The lines of one environment, its stable version first; with its past if ``past``."""
    below = list(_below(place, past=past))
    lines = [_first(place, now)]
    for number, (part, name, deployment, traffic) in enumerate(below):
        last = number == len(below) - 1
        lines.append(_line(place.environment, part, name, deployment, traffic, now, last=last))
    return lines


def _first(place: EnvironmentPlace, now: float) -> EnvironmentLine:
    environment, what = place.environment, place.standing
    stable = what.stable
    share = what.stable_share
    state = STOPPED if environment.stopped else "" if stable else NOTHING
    colour = f"{stable.colour}" if stable and stable.colour else ""
    return EnvironmentLine(
        key=str(environment.address),
        part="stable",
        prefix="",
        place=environment.name,
        version=stable.version if stable else "",
        commit=_commit(stable) if stable else "",
        status=None if environment.stopped or stable is None else stable.status,
        state=state or "stable",
        who=stable.who if stable else "",
        age=_age(stable, now),
        traffic=_percent(share) if what.canary is not None and share is not None else "",
        run=str(stable.run) if stable and stable.run else "",
        note=place.traffic or (f"{colour} has the traffic" if colour else ""),
        dim=environment.stopped or place.live is False,
        environment=environment,
        deployment=stable,
    )


def _below(place: EnvironmentPlace, *, past: bool) -> Iterator[tuple[Part, str, Deployment, str]]:
    environment, what = place.environment, place.standing
    shown = {what.stable.id} if what.stable else set()
    for deployment in what.coming:
        shown.add(deployment.id)
        yield "coming", "next", deployment, ""
    if what.canary is not None:
        shown.add(what.canary.id)
        share = what.canary.share
        yield "canary", "canary", what.canary, "?" if share is None else _percent(share)
    if what.failed is not None:
        shown.add(what.failed.id)
        yield "failed", "failed", what.failed, ""
    for colour, deployment in colours(environment.deployments):
        if deployment.id not in shown:
            shown.add(deployment.id)
            yield "colour", colour, deployment, "idle"
    if past:
        # A canary that became the stable version is in its past once, not twice.
        placed = {deployment.version for deployment in environment.deployments if not deployment.canary}
        for deployment in environment.deployments:
            if deployment.id not in shown and not (deployment.canary and deployment.version in placed):
                yield "past", "before", deployment, ""


def _line(
    environment: Environment,
    part: Part,
    name: str,
    deployment: Deployment,
    traffic: str,
    now: float,
    *,
    last: bool,
) -> EnvironmentLine:
    word = status_word(deployment.status, deployment.vendor_status)
    waits = f": {deployment.waits_for}" if deployment.waits_for else ""
    rollback = deployment.rollback if part in ("past", "colour") else None
    note = ""
    if rollback is not None:
        note = "can go back to it" if rollback.possible else rollback.words
    return EnvironmentLine(
        key=f"{environment.address} {deployment.id}",
        part=part,
        prefix="└─ " if last else "├─ ",
        place=name,
        version=deployment.version,
        commit=_commit(deployment),
        status=deployment.status,
        state=f"{word}{waits}",
        who=deployment.who,
        age=_age(deployment, now),
        traffic=traffic,
        run=str(deployment.run) if deployment.run else "",
        note=note,
        dim=part == "past",
        environment=environment,
        deployment=deployment,
    )


def _commit(deployment: Deployment) -> str:
    short = deployment.revision[:SHORT]
    return "" if deployment.revision.startswith(deployment.version) else short


def _percent(share: float) -> str:
    return f"{share:g}%"


def _age(deployment: Deployment | None, now: float) -> str:
    if deployment is None:
        return ""
    at = deployment.finished_at if deployment.finished_at is not None else deployment.started_at
    return "" if at is None else fmt.ago(now - at)
