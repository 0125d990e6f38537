"""What is around a run: its merge request and who has to approve that, when its schedule runs it next, and who holds
what its jobs wait for. Read only for the run that is looked at; what this user may not see is left out."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import quote

import msgspec

from tui.domain.health import Trouble
from tui.domain.pipeline import Job, Run
from tui.sources.base import SourceError
from tui.sources.gitlab.gather import concerns_all, gather
from tui.sources.gitlab.payload import MergeRequestNode, User, seconds
from tui.sources.gitlab.read.convert import wanted_ref
from tui.sources.gitlab.rest_client import PER_PAGE, Rest, project_url
from tui.text import format as fmt
from tui.text.safe import clean, shorten

MOST_GROUPS = 20
"""Resource groups of a project that are searched for a job that waits: no job names its group."""
_NAMED = 5
"""People or jobs that are named; of others the number is told."""
_REQUEST = re.compile(r"refs/merge-requests/(\d+)/(head|merge|train)")
_KINDS: Mapping[str, str] = {"head": "", "merge": "merged result", "train": "merge train"}


class _Request(msgspec.Struct, frozen=True):
    title: str = ""
    source_branch: str = ""
    target_branch: str = ""


class _Rule(msgspec.Struct, frozen=True):
    name: str = ""
    approvals_required: int = 0
    approved: bool | None = None
    approved_by: Sequence[User] = ()
    eligible_approvers: Sequence[User] = ()


class _Approvals(msgspec.Struct, frozen=True):
    rules: Sequence[_Rule] = ()


class _Schedule(msgspec.Struct, frozen=True):
    ref: str = ""
    description: str | None = None
    active: bool | None = None
    next_run_at: datetime | None = None


class _Group(msgspec.Struct, frozen=True):
    key: str


class _Pipeline(msgspec.Struct, frozen=True):
    id: int


class _Holder(msgspec.Struct, frozen=True):
    id: int
    name: str = ""
    pipeline: _Pipeline | None = None


T = TypeVar("T")

_request = msgspec.json.Decoder(_Request)
_approvals = msgspec.json.Decoder(_Approvals)
_schedules = msgspec.json.Decoder(tuple[_Schedule, ...])
_groups = msgspec.json.Decoder(tuple[_Group, ...])
_upcoming = msgspec.json.Decoder(tuple[_Holder, ...])
_current = msgspec.json.Decoder(_Holder | None)


class Surroundings:
    """Reads them over REST; GraphQL tells the merge request, where the version does."""

    def __init__(self, rest: Rest, clock: Callable[[], float]) -> None:
        self._rest = rest
        self._clock = clock

    async def facts(self, run: Run, ref: str, request: MergeRequestNode | None) -> tuple[str, ...]:
        """Lines about a run.

        Args:
            ref: as GitLab writes it (``refs/merge-requests/7/head``).
        """
        if match := _REQUEST.fullmatch(ref):
            return await self._of_request(run.address.path, match[1], _KINDS[match[2]], request)
        if run.trigger == "schedule":
            return await self._of_schedule(run.address.path, run.ref)
        return ()

    async def _of_request(
        self, path: str, iid: str, kind: str, known: MergeRequestNode | None
    ) -> tuple[str, ...]:
        url = f"{project_url(path)}/merge_requests/{iid}"
        seen: _Request | MergeRequestNode | None = known
        if seen is None:
            seen = await self._read(_request, url)
        if seen is None:
            return ()
        branches = f"{clean(seen.source_branch)} → {clean(seen.target_branch)}"
        if known is not None and known.merge_train_index is not None:
            count = f" of {known.merge_trains_count}" if known.merge_trains_count else ""
            kind = f"{kind or 'merge train'}, place {known.merge_train_index + 1}{count}"
        about = f"!{iid} {shorten(clean(seen.title), 120)}: {branches}{f' ({kind})' if kind else ''}"
        if known is not None and not known.approvals_left:
            return (about,)  # all who have to did, or nobody has to
        approvals = await self._read(_approvals, f"{url}/approval_state")
        lacking = [words for rule in (approvals.rules if approvals else ()) if (words := _lacks(rule))]
        if not lacking:
            return (about,)
        return about, f"approvals missing at {self._time()}: {'; '.join(lacking)}"

    async def _of_schedule(self, path: str, ref: str) -> tuple[str, ...]:
        url = f"{project_url(path)}/pipeline_schedules"
        found = await self._read(_schedules, url, {"scope": "active", "per_page": PER_PAGE}) or ()
        coming = [
            (at, clean(schedule.description or ""))
            for schedule in found
            if schedule.active is not False
            and wanted_ref(schedule.ref) == ref
            and (at := seconds(schedule.next_run_at)) is not None
        ]
        return tuple(
            f"scheduled next: {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M} UTC"
            + (f" ({shorten(description, 60)})" if description else "")
            for at, description in sorted(coming)[:1]
        )

    async def with_holders(self, path: str, jobs: Iterable[Job]) -> dict[str, str]:
        """Why jobs wait that wait for a resource group, by id: its name, who holds it, how many are before it."""
        waiting = {int(job.id) for job in jobs if job.vendor_status == "waiting_for_resource" and job.id}
        if not waiting:
            return {}
        url = f"{project_url(path)}/resource_groups"
        groups = await self._read(_groups, url, {"per_page": MOST_GROUPS}) or ()
        found: dict[str, str] = {}
        keys = [group.key for group in groups[:MOST_GROUPS]]
        lines = await gather(self._upcoming(f"{url}/{quote(key, safe='')}") for key in keys)
        for key, line in zip(keys, lines, strict=True):
            places = {job.id: at for at, job in enumerate(line)}
            mine = waiting & places.keys()
            if not mine:
                continue
            holder = await self._read(_current, f"{url}/{quote(key, safe='')}/current_job")
            held = f", held by {_job(holder)}" if holder is not None and holder.id not in mine else ""
            for id in mine:
                before = f"; {fmt.count(places[id], 'job')} before it" if places[id] else ""
                found[str(id)] = f"waits for the resource group {shorten(clean(key), 60)}{held}{before}"
        return found

    async def _upcoming(self, url: str) -> Sequence[_Holder]:
        return await self._read(_upcoming, f"{url}/upcoming_jobs", {"per_page": PER_PAGE}) or ()

    async def _read(
        self, decoder: "msgspec.json.Decoder[T]", path: str, query: Mapping[str, str | int] | None = None
    ) -> T | None:
        """A payload; None where it is not there, not shown or not what is expected."""
        try:
            return await self._rest.read(decoder, path, dict(query) if query else None)
        except SourceError as error:
            if concerns_all(error) and error.trouble is not Trouble.UNAUTHORIZED:
                raise
            return None

    def _time(self) -> str:
        return f"{datetime.fromtimestamp(self._clock(), UTC):%H:%M} UTC"


def _lacks(rule: _Rule) -> str:
    """``Security 1 of 2, of bob, carol``: what a rule wants yet, and who can give it; empty for nothing."""
    given = {user.username for user in rule.approved_by}
    if rule.approved or len(given) >= rule.approvals_required:
        return ""
    asked = [clean(user.username) for user in rule.eligible_approvers if user.username not in given]
    more = f" and {len(asked) - _NAMED} more" if len(asked) > _NAMED else ""
    names = f", from {', '.join(asked[:_NAMED])}{more}" if asked else ""
    name = shorten(clean(rule.name), 60) or "any approver"
    return f"{name} has {len(given)} of {rule.approvals_required}{names}"


def _job(job: _Holder) -> str:
    return f"{clean(job.name)}{f' of #{job.pipeline.id}' if job.pipeline else ''}"
