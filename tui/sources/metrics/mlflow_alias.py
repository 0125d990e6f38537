"""Setting MLflow's champion: what can be done, what it would do, and what became of it (contracts: metrics §4). Pure.

The alias is simply overwritten, whoever set it meanwhile. So the version it named is first kept in a tag of the new
one, by which one comes back.
"""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from tui.domain.action import ActionKind, ActionRequest, Observation, Plan, Step

ALIAS = "champion"
"""The alias, where a request names no other."""
_API = "/api/2.0/mlflow"


class StepKind(StrEnum):
    """The words stand in journals: they stay as they are."""

    TAG = "tag"
    """Note in the new version which one had the alias before."""
    ALIAS = "alias"


def noted(alias: str) -> str:
    """The tag of a version that tells which one had the alias before it."""
    return f"previous_{alias}"


def plan(request: ActionRequest, aliases: Mapping[str, str], exists: bool, server: str, now: float) -> Plan:
    """What giving the alias to another version would do.

    Args:
        aliases: which version each names now.
        exists: whether there is a version such as is wished for.
    """
    model, version, alias = request.target.path, request.value("version"), request.value("alias") or ALIAS
    old = aliases.get(alias, "")
    why_not = ""
    if request.kind is not ActionKind.SET_CHAMPION:
        why_not = f"MLflow has nothing like {request.kind}"
    elif not version:
        why_not = "say which version"
    elif not exists:
        why_not = f"{model} has no version {version}"
    elif version == old:
        why_not = f"version {version} is the {alias} already"
    words = f"Make version {version} of {model} the {alias} on {request.target.source}"
    facts = ((alias, f"{old or 'none'} → {version}"),)
    plan = Plan(request, words, server, now, possible=not why_not, why_not=why_not, facts=facts)
    if why_not:
        return plan
    name = ("name", model)
    common = (("model", model), ("version", version), ("alias", alias), ("before", old))
    tag = Step(
        words=f"Note in version {version} that {old} was {alias}",
        method="POST",
        path=f"{_API}/model-versions/set-tag",
        body=(name, ("version", version), ("key", noted(alias)), ("value", old)),
        body_kind="json",
        expect=common,
        kind=StepKind.TAG,
    )
    give = Step(
        words=words,
        method="POST",
        path=f"{_API}/registered-models/alias",
        body=(name, ("alias", alias), ("version", version)),
        body_kind="json",
        expect=common,
        kind=StepKind.ALIAS,
    )
    return msgspec.structs.replace(
        plan,
        steps=(tag, give) if old else (give,),
        warnings=("what serves the champion may load it at once; MLflow does not tell",),
    )


def observed_tag(expect: Mapping[str, str], tags: Mapping[str, str]) -> Observation:
    return Observation("done" if tags.get(noted(expect["alias"])) == expect["before"] else "nothing")


def observed_alias(expect: Mapping[str, str], aliases: Mapping[str, str]) -> Observation:
    alias, before = expect["alias"], expect["before"]
    now = aliases.get(alias, "")
    if now == expect["version"]:
        was = f"; version {before} was before it" if before else ""
        return Observation("done", f"version {now} is the {alias}{was}")
    if now == before:
        return Observation("nothing", f"the {alias} is still {now or 'nobody'}")
    words = f"the {alias} is version {now or 'none'}: somebody else set it meanwhile"
    return Observation("failed", words, not_ours=True)
