"""Which version of a registry a deployment has: told by the deployment, else guessed by nobody. Pure."""

import re
from collections.abc import Sequence

import msgspec

from tui.domain.candidate import RegisteredVersion

TAGS = ("deployed_as", "release.version", "image_tag")
"""Tags of a version that name what it is deployed as, the surest first (contracts: model §2)."""


_LONGEST = 200
"""Letters of a part of a version."""


class LinkedVersion(msgspec.Struct, frozen=True):
    """A version, and by what it was found."""

    version: str = ""
    """Empty: it was not."""
    basis: str = ""
    """Or why it was not."""


def linked_version(model: str, deployed: str, versions: Sequence[RegisteredVersion]) -> LinkedVersion:
    """By the number in the deployment's own version, else by a tag of a version."""
    match = re.fullmatch(rf"(?:models:/{re.escape(model)}/|v)?(\d+(?:\.\d+\.\d+\S*)?)", deployed)
    if match and any(each.version == match[1] for each in versions):
        return LinkedVersion(match[1], "by the deployment's version")
    for tag in TAGS:
        found = [each.version for each in versions if deployed and dict(each.tags).get(tag) == deployed]
        if found:
            return _only(found, f"by the tag {tag}", f"have the tag {tag} {deployed}")
    return LinkedVersion()


def made_at_commit(found: Sequence[str]) -> LinkedVersion:
    """By the commit that it was trained at, which is no proof where several were."""
    return _only(found, "by the commit", "were made at this commit") if found else LinkedVersion()


def newest(versions: Sequence[RegisteredVersion]) -> tuple[LinkedVersion, str]:
    """The highest of versions that have no alias, by semver, and what to say where another one came later: a hotfix of
    an older line is not the candidate (contracts: model §5).

    Args:
        versions: newest first.
    """
    numbered = [(number, each) for each in versions if (number := _semver(each.version)) is not None]
    if not numbered:
        return LinkedVersion(), ""
    _, highest = max(numbered, key=lambda pair: pair[0])
    later = versions[0]
    note = ""
    if later.version != highest.version:
        note = f"version {later.version} was registered after {highest.version}, which is the highest"
    return LinkedVersion(highest.version, "the newest version"), note


def _semver(version: str) -> tuple[object, ...] | None:
    """What orders versions: a release is above its candidates, whose parts that are numbers are below other ones."""
    match = re.fullmatch(r"v?(\d+)\.(\d+)\.(\d+)(?:-([0-9A-Za-z.-]+))?(?:\+.*)?", version, re.ASCII)
    if match is None or any(len(part) > _LONGEST for part in match.groups() if part):
        return None
    before = tuple(
        (not part.isdigit(), int(part) if part.isdigit() else part) for part in (match[4] or "").split(".")
    )
    return int(match[1]), int(match[2]), int(match[3]), match[4] is None, before


def _only(found: Sequence[str], basis: str, several: str) -> LinkedVersion:
    if len(found) == 1:
        return LinkedVersion(found[0], basis)
    numbers = sorted(found, key=lambda each: (len(each), each))
    return LinkedVersion("", f"versions {', '.join(numbers[:-1])} and {numbers[-1]} {several}")
