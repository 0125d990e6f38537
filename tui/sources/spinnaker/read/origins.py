"""Which execution put which version where: only its deploying stages tell, read in full (contracts: spinnaker §8)."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from tui.domain.address import Address
from tui.sources.base import SourceError
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import Execution, ServerGroup, Stage, at, rows, text, words
from tui.sources.spinnaker.status import is_active
from tui.text.safe import clean

MOST_READ = 5
"""Executions that are read for one question: each costs 50 kB and more. They are kept, so the next one knows more."""
_REMEMBERED = 200
DEPLOYING = ("deployManifest", "createServerGroup", "cloneServerGroup", "deploy")


class Origin(msgspec.Struct, frozen=True):
    """A stage that deployed."""

    run: Address
    who: str
    account: str
    location: str
    names: frozenset[str]
    """Server groups, or manifests with their kinds, which are clusters."""
    images: frozenset[str] = frozenset()

    def fits(self, group: ServerGroup) -> bool:
        if self.account not in ("", group.account) or self.location not in ("", group.region):
            return False
        if clean(group.name) in self.names:
            return True
        there = set(words(group.build_info, "images"))
        return clean(group.cluster or "") in self.names and not self.images.isdisjoint(there)


class Origins:
    """
    Args:
        executions: those of an application that are known, newest first, not in full.
    """

    def __init__(self, context: Context, executions: Callable[[str], Sequence[Execution]]) -> None:
        self._context = context
        self._executions = executions
        self._known: dict[tuple[str, str | None, float | None], tuple[Origin, ...]] = {}
        """By id, status and start: what has ended may be restarted."""

    async def of(self, application: str) -> tuple[tuple[Origin, ...], tuple[str, ...]]:
        """What deployed there, newest first; and notes about what is not known."""
        deploying = [
            execution
            for execution in self._executions(application)
            if any(map(_has_deployed, execution.all_stages))
        ]
        found: list[Origin] = []
        unread, asked = 0, 0
        for execution in deploying:
            key = (execution.id, execution.status, execution.start_time)
            if key not in self._known:
                if asked >= MOST_READ:
                    unread += 1
                    continue
                asked += 1
                try:
                    whole = await self._context.execution(self._context.of_execution(execution))
                except SourceError:
                    unread += 1
                    continue
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                origins = tuple(_origins(whole, self._context))
                if not is_active(whole):
                    self._known[key] = origins
                found += origins
                continue
            found += self._known[key]
        note = f"{unread} of {len(deploying)} executions that deployed are not read yet: who did it may be missing"
        return tuple(found), (note,) if unread else ()


def _has_deployed(stage: Stage) -> bool:
    return stage.type in DEPLOYING and stage.status not in (None, "NOT_STARTED", "SKIPPED")


def _origins(execution: Execution, context: Context) -> Iterator[Origin]:
    run = context.of_execution(execution)
    who = clean((execution.authentication.user if execution.authentication else None) or "")
    for stage in execution.all_stages:
        if not _has_deployed(stage):
            continue
        values = stage.values
        account = (
            text(values, "deploy.account.name") or text(values, "account") or text(values, "credentials")
        )
        images = frozenset(
            image
            for manifest in rows(values, "outputs.manifests") or rows(values, "manifests")
            for container in rows(manifest, "spec", "template", "spec", "containers")
            if (image := text(container, "image"))
        )
        for key in ("outputs.manifestNamesByNamespace", "deploy.server.groups"):
            places = at(values, key)
            for location in places if isinstance(places, dict) else ():
                names = frozenset(words(places, location))
                yield Origin(run, who, account, clean(location), names, images)
