"""The newest builds of each job. Of those that are known, nothing is asked while it cannot change, nor read again."""

from collections.abc import Mapping, Sequence

import msgspec

from tui.domain.address import Address
from tui.sources.jenkins.payload import BUILD, NEWEST_RUNS
from tui.sources.jenkins.read.runs import ReadBuild, read_build
from tui.text.safe import clean

MOST_OLDER = 20
"""Runs behind the newest that are kept in sight, one request each."""


class SeenBuild(msgspec.Struct, frozen=True, gc=False):
    number: int
    sent: bytes
    """As the server wrote it."""
    read: ReadBuild


class RecentBuilds(msgspec.Struct, frozen=True):
    """What a listing told of all jobs."""

    builds: Mapping[str, tuple[SeenBuild, ...]] = {}
    """By full name of the job, newest first."""
    changing: int = NEWEST_RUNS
    """So many of the newest need be asked for next."""
    older: Mapping[str, tuple[SeenBuild, ...]] = {}
    """Those behind the newest that went on when they were seen last, newest first."""

    def left_behind(self, before: "RecentBuilds") -> list[tuple[str, SeenBuild]]:
        """What went on in the listing ``before`` and is not among the newest any more, with the names of its jobs."""
        found = []
        for full_name, builds in self.builds.items():
            if len(builds) < NEWEST_RUNS:
                continue
            seen = (*before.builds.get(full_name, ()), *before.older.get(full_name, ()))
            found += [
                (full_name, build) for build in seen if build.read.active and build.number < builds[-1].number
            ]
        return found[:MOST_OLDER]


def newest(
    sent: Sequence[msgspec.Raw], known: tuple[SeenBuild, ...], asked: int, address: Address, web_url: str
) -> tuple[tuple[SeenBuild, ...], int]:
    """The newest builds of a job, and how many of them may change: those to the oldest active one, and one to come.

    Args:
        sent: what was answered, newest first.
        known: what the listing before told; those that are older than all in the answer are taken from there.
        asked: how many builds were asked for.

    Raises:
        msgspec.ValidationError: a build has a wrong type.
    """
    before = {build.sent: build for build in known}
    read = [before.get(bytes(raw)) or _read(bytes(raw), address, web_url) for raw in sent]
    builds = tuple(build for build in read if build is not None)
    if asked < NEWEST_RUNS and len(builds) >= asked:
        if known and builds[0].number < known[0].number:
            return builds, NEWEST_RUNS  # it is gone, or the job was made anew: what is known may be another's
        oldest = builds[-1].number
        builds = (*builds, *(build for build in known if build.number < oldest))[:NEWEST_RUNS]
        if not known or oldest > known[0].number + 1:
            return builds, NEWEST_RUNS  # there are others between
    active = [place for place, build in enumerate(builds, 1) if build.read.active]
    return builds, min(1 + max(active, default=0), NEWEST_RUNS)


def _read(sent: bytes, address: Address, web_url: str) -> SeenBuild | None:
    """None for a build without a number, which cannot be named."""
    try:
        build = BUILD.decode(sent)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(f"a build of {clean(address.path)}: {error}") from None
    if (number := build.number) is None:
        return None
    return SeenBuild(number, sent, read_build(build, address.at_run(number), f"{web_url}/{number}/"))
