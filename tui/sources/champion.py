"""Setting MLflow's champion: what can be done, what it would do, and what became of it (contracts: metrics §4). Pure.

The alias is simply overwritten, whoever set it meanwhile. So the version it named is first kept in a tag of the new
one, by which one comes back.
"""

from collections.abc import Mapping

import msgspec

from tui.domain.action import Kind, Observation, Offer, Plan, Step, Wish
from tui.domain.address import Address

ALIAS = "champion"
BEFORE = "previous_champion"
_API = "/api/2.0/mlflow"


class Standing(msgspec.Struct, frozen=True):
    """How a registered model stands."""

    aliases: Mapping[str, str]
    before: str = ""
    """The version that was champion before this one, where that was kept."""


def offers(model: Address, standing: Standing) -> tuple[Offer, ...]:
    """One for each version with an alias, and the way back."""
    now = standing.aliases.get(ALIAS)
    found = [
        Offer(_wish(model, version), f"Make version {version} ({alias}) the {ALIAS}")
        for alias, version in standing.aliases.items()
        if version != now
    ]
    if standing.before and standing.before != now:
        words = f"Back to version {standing.before}, the {ALIAS} before"
        found.append(Offer(_wish(model, standing.before), words))
    return tuple(found)


def _wish(model: Address, version: str) -> Wish:
    return Wish(Kind.SET_CHAMPION, model, (("version", version),))


def plan(wish: Wish, standing: Standing, exists: bool, server: str, now: float) -> Plan:
    """``exists``: whether there is a version such as is wished for."""
    model, version = wish.target.path, wish.value("version")
    old = standing.aliases.get(ALIAS, "")
    why_not = ""
    if wish.kind is not Kind.SET_CHAMPION:
        why_not = f"MLflow has nothing like {wish.kind}"
    elif not version:
        why_not = "say which version"
    elif not exists:
        why_not = f"{model} has no version {version}"
    elif version == old:
        why_not = f"version {version} is the {ALIAS} already"
    words = f"Make version {version} of {model} the {ALIAS} on {wish.target.source}"
    facts = ((ALIAS, f"{old or 'none'} → {version}"),)
    plan = Plan(wish, words, server, now, possible=not why_not, why_not=why_not, facts=facts)
    if why_not:
        return plan
    name = ("name", model)
    common = (("model", model), ("version", version), ("before", old))
    tag = Step(
        words=f"Note in version {version} that {old} was {ALIAS}",
        method="POST",
        path=f"{_API}/model-versions/set-tag",
        body=(name, ("version", version), ("key", BEFORE), ("value", old)),
        body_kind="json",
        expect=(("do", "tag"), *common),
    )
    alias = Step(
        words=words,
        method="POST",
        path=f"{_API}/registered-models/alias",
        body=(name, ("alias", ALIAS), ("version", version)),
        body_kind="json",
        expect=(("do", "alias"), *common),
    )
    return msgspec.structs.replace(
        plan,
        steps=(tag, alias) if old else (alias,),
        warnings=("what serves the champion may load it at once; MLflow does not tell",),
    )


def observed_tag(expect: Mapping[str, str], tags: Mapping[str, str]) -> Observation:
    return Observation("done" if tags.get(BEFORE) == expect["before"] else "nothing")


def observed_alias(expect: Mapping[str, str], standing: Standing) -> Observation:
    now = standing.aliases.get(ALIAS, "")
    if now == expect["version"]:
        return Observation("done", f"version {now} is the {ALIAS}")
    if now == expect["before"]:
        return Observation("nothing", f"the {ALIAS} is still {now or 'nobody'}")
    return Observation("failed", f"the {ALIAS} is version {now or 'none'}: somebody else set it meanwhile")
