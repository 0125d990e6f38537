"""Full names of jobs and the URLs they stand in (contracts: jenkins §1.1)."""

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote, urlsplit

from tui.domain.globs import is_glob, matches
from tui.sources.http.bounds import whole

_CELL = re.compile(r"[^=,/]+=[^=,/]*(?:,[^=,/]+=[^=,/]*)*")


_BLUE_OCEAN = re.compile(
    r"/blue/organizations/[^/]+/(?P<name>[^/?#]+)/detail/(?P<branch>[^/?#]+)/(?P<number>[0-9]+)(?=[/?#]|$)"
)


def job_path(full_name: str) -> str:
    """``/job/a/job/b`` for ``a/b``, empty for the root. A branch ``feature%2Fx`` is ``feature%252Fx`` in a URL."""
    return "".join(f"/job/{quote(part, safe='')}" for part in full_name.split("/") if part)


def cell_path(full_name: str) -> str | None:
    """Where a cell of a matrix project lies: behind its job without another ``/job/`` (contracts: jenkins_observed,
    Matrix). None for a name that is none of a cell: ``AXIS=value,AXIS=value`` may also be a job's."""
    job, _, cell = full_name.rpartition("/")
    return f"{job_path(job)}/{quote(cell, safe='=,')}" if job and _CELL.fullmatch(cell) else None


def cell_name(url: str) -> str:
    """``AXIS=value,AXIS=value`` of a URL of a cell's run; empty where it is none."""
    try:
        parts = urlsplit(url).path.rstrip("/").split("/")
    except ValueError:
        return ""
    name = unquote(parts[-2]) if len(parts) > 2 else ""
    return name if _CELL.fullmatch(name) else ""


def place_of(url: str) -> tuple[str, int | None] | None:
    """Full name and run number that a URL points at; None when it is no job's.

    Host, scheme and prefix are those of the controller's own idea of its address, which may be wrong, so only what
    follows the first ``/job/`` counts. Views on the way (``/view/all/job/x``) are the same job.
    """
    try:
        parts = urlsplit(url).path.split("/")
    except ValueError:
        return None
    names: list[str] = []
    at = 0
    while at + 1 < len(parts):
        if parts[at] == "job":
            names.append(unquote(parts[at + 1]))
            at += 2
        elif parts[at] == "view":
            at += 2
        elif names:
            break
        else:
            at += 1
    number = parts[at] if at < len(parts) else ""
    if not names:
        return None
    return "/".join(names), whole(number)


def page_of(url: str) -> tuple[str, int | None] | None:
    """:func:`place_of`, also of a page of Blue Ocean, where a branch stands behind ``detail``."""
    if found := _BLUE_OCEAN.search(url):
        name = unquote(found["name"])
        branch = unquote(found["branch"])
        if branch != name.rpartition("/")[2]:
            name = f"{name}/{quote(branch, safe='')}"
        return name, whole(found["number"])
    return place_of(url)


def matching(full_name: str, globs: Sequence[str]) -> tuple[str, ...]:
    """The globs that match a job, by its name as sent (``feature%2Fx``) or decoded (``feature/x``)."""
    spellings = {full_name, unquote(full_name)}
    return tuple(glob for glob in globs if any(matches(glob, spelling) for spelling in spellings))


def common_folder(globs: Sequence[str]) -> str:
    """The deepest folder that holds everything the globs can match; empty for the root."""
    folders: list[list[str]] = []
    for glob in globs:
        parts = glob.split("/")[:-1]
        literal = next((at for at, part in enumerate(parts) if is_glob(part)), len(parts))
        folders.append(parts[:literal])
    common = folders[0] if folders else []
    for folder in folders[1:]:
        same = 0
        while same < min(len(common), len(folder)) and common[same] == folder[same]:
            same += 1
        common = common[:same]
    return "/".join(common)


def may_hold(folder: str, globs: Sequence[str]) -> bool:
    """Whether something inside a folder could match one of the globs."""
    return any(_may_hold(folder.split("/"), glob.split("/")) for glob in globs)


def _may_hold(folder: Sequence[str], glob: Sequence[str]) -> bool:
    for wanted, part in zip(glob, folder, strict=False):
        if "**" in wanted:
            return True
        if not matches(wanted, part):
            return False
    return len(glob) > len(folder)
