"""What runs where: server groups as deployments of the environments of the config (contracts: spinnaker §8)."""

import re
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from urllib.parse import quote

import msgspec

from tui.config import SpinnakerEnvironment
from tui.domain.address import Address
from tui.domain.deployment import Deployment, Environment, Environments, Rollback
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.insight.deployment_rules import filled
from tui.sources.base import SourceError
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import SERVER_GROUPS, ServerGroup, number, seconds, text, words
from tui.sources.spinnaker.read.accounts import Accounts
from tui.sources.spinnaker.read.origins import Origin, Origins
from tui.text.safe import clean

KEPT = 10.0
"""Seconds for which server groups are good: Clouddriver looks at them about every half minute."""
UNDOABLE = ("deployment", "statefulset", "daemonset")
"""Kinds of Kubernetes that an undo takes back (contracts: spinnaker §9.5)."""
_NUMBERED = re.compile(r"-(v[0-9]{3,})$")

Named = tuple[str, SpinnakerEnvironment]


class Standing(msgspec.Struct, frozen=True):
    """A server group in its environment."""

    group: ServerGroup
    status: Status
    word: str
    version: str
    canary: bool = False
    live: bool = False
    """It has what traffic there is, or most of it."""

    @property
    def id(self) -> str:
        group = self.group
        return "/".join(clean(part or "?") for part in (group.account, group.region, group.name))

    @property
    def cluster(self) -> str:
        return cluster_of(self.group)

    @property
    def revision(self) -> int | None:
        moniker = self.group.moniker
        return moniker.sequence if moniker is not None else None

    @property
    def kubernetes(self) -> bool:
        return "kubernetes" in (self.group.cloud_provider, self.group.type)

    @property
    def undoable(self) -> bool:
        kind = self.cluster.partition(" ")[0].lower()
        return self.kubernetes and kind in UNDOABLE and self.revision is not None


class Places:
    """
    Args:
        origins: finds which execution put a version somewhere.
    """

    def __init__(self, context: Context, origins: Origins) -> None:
        self._context = context
        self._accounts = Accounts(context)
        self._origins = origins
        self._groups: dict[str, tuple[float, tuple[ServerGroup, ...]]] = {}

    async def environments(self, pipeline: Address) -> Environments:
        """
        Raises:
            SourceError
        """
        application = _application(pipeline)
        rules = [rule for rule in self._rules() if rule[1].application.lower() == application.lower()]
        if not rules:
            words_ = (
                "Spinnaker knows no environments; "
                f"[sources.{self._context.name}.environments.NAME] in the config says which server groups are one"
            )
            return Environments((), (words_,))
        groups = await self.groups(application)
        origins, notes = await self._origins.of(application)
        return Environments(tuple(self._environment(rule, groups, origins) for rule in rules), notes)

    async def history(self, address: Address) -> Environment:
        """
        Raises:
            SourceError
        """
        found = self.rule(address)
        application = found[1].application
        groups = await self.groups(application)
        origins, notes = await self._origins.of(application)
        environment = self._environment(found, groups, origins)
        return msgspec.structs.replace(environment, notes=(*environment.notes, *notes))

    async def tier(self, address: Address) -> str | None:
        """
        Raises:
            SourceError
        """
        _, rule = self.rule(address)
        if not any(wildcard in rule.account for wildcard in "*?["):
            return await self._accounts.tier(frozenset({rule.account}))
        groups = _matching(rule, await self.groups(rule.application))
        return await self._accounts.tier(frozenset(group.account or "" for group in groups))

    def rule(self, address: Address) -> Named:
        """
        Raises:
            SourceError: the config names no such environment.
        """
        application = _application(address)
        for name, rule in self._rules():
            if name == address.environment and rule.application.lower() == application.lower():
                return name, rule
        known = ", ".join(name for name, _ in self._rules()) or "none"
        raise SourceError(
            Trouble.NOT_FOUND,
            f"{address} is no environment of [sources.{self._context.name}.environments]; it has: {known}",
        )

    def named(self, account: str, region: str, cluster: str) -> str:
        """The environment that a place belongs to; empty: none that the config names."""
        for name, rule in self._rules():
            if all(
                fnmatchcase(word, glob)
                for word, glob in (
                    (account, rule.account),
                    (region, rule.region),
                    (cluster, rule.cluster),
                )
            ):
                return name
        return ""

    async def groups(self, application: str, *, now: bool = False) -> tuple[ServerGroup, ...]:
        """The server groups of an application, read a moment ago or ``now``.

        Raises:
            SourceError
        """
        at, known = self._groups.get(application.lower(), (0.0, None))
        clock = self._context.clock()
        if known is None or now or not 0 <= clock - at < KEPT:
            path = f"/applications/{quote(application.lower(), safe='')}/serverGroups"
            known = await self._context.gate.get(path, SERVER_GROUPS)
            self._groups[application.lower()] = (clock, known)
        return known

    def _rules(self) -> Iterable[Named]:
        return self._context.settings.environments.items()

    def _environment(
        self, named: Named, groups: Sequence[ServerGroup], origins: Sequence[Origin]
    ) -> Environment:
        name, rule = named
        address = Address(self._context.name, rule.application.lower(), environment=name)
        found = standings(rule, groups)
        notes = []
        clusters = sorted({standing.cluster for standing in found if not standing.canary})
        if not found:
            notes.append("no server group fits it: see account, region and cluster in the config")
        if len(clusters) > 1:
            notes.append(f"{len(clusters)} clusters fit it ({', '.join(clusters)}); narrow cluster to one")
        notes += [
            f"nothing of {cluster} serves"
            for cluster in clusters
            if not any(one.live for one in found if one.cluster == cluster)
        ]
        return Environment(
            address,
            tuple(self._deployment(rule, name, standing, found, origins) for standing in found),
            web_url=self._context.page(rule.application).replace("/executions", "/clusters"),
            notes=tuple(notes),
        )

    def _deployment(
        self,
        rule: SpinnakerEnvironment,
        environment: str,
        standing: Standing,
        others: Sequence[Standing],
        origins: Sequence[Origin],
    ) -> Deployment:
        group = standing.group
        origin = next((origin for origin in origins if origin.fits(group)), None)
        created = seconds(group.created_time)
        return Deployment(
            standing.id,
            standing.status,
            standing.version,
            revision=text(group.build_info, "commit"),
            vendor_status=standing.word,
            who=origin.who if origin is not None else "",
            started_at=created,
            finished_at=created if standing.status is not Status.RUNNING else None,
            run=origin.run if origin is not None else None,
            canary=standing.canary,
            rollback=self.way_back(
                rule, environment, standing, beside_canary=any(other.canary for other in others)
            ),
        )

    def way_back(
        self, rule: SpinnakerEnvironment, environment: str, standing: Standing, *, beside_canary: bool
    ) -> Rollback:
        """How to go back to ``standing``; from a canary, back to what it is beside."""
        if standing.canary:
            return Rollback(False, "it is the canary")
        if standing.live and not beside_canary:
            return Rollback(False, "it is there")
        if standing.live and rule.rollback is None:
            return Rollback(
                False, "it is there beside a canary: reject the judgment that the canary waits at"
            )
        if rule.rollback is not None:
            given = {
                "app": rule.application,
                "environment": environment,
                "version": standing.version,
                "revision": str(standing.revision or ""),
            }
            target = Address(self._context.name, rule.rollback.job)
            return Rollback(True, f"starts {target.path}", target, filled(rule.rollback, given))
        if standing.undoable:
            return Rollback(True, f"undoes the rollout of {standing.cluster}: revision {standing.revision}")
        if standing.kubernetes:
            return Rollback(
                False, "Spinnaker undoes rollouts of Deployments, StatefulSets and DaemonSets only"
            )
        return Rollback(True, f"enables {clean(standing.group.name)} again and disables what serves")


def standings(rule: SpinnakerEnvironment, groups: Iterable[ServerGroup]) -> tuple[Standing, ...]:
    """The server groups of an environment, in each cluster newest first, and how each stands there."""
    clusters: dict[tuple[str, str, str], list[ServerGroup]] = {}
    for group in _matching(rule, groups):
        key = (group.account or "", group.region or "", cluster_of(group))
        clusters.setdefault(key, []).append(group)
    found: list[Standing] = []
    for (_, _, cluster), members in sorted(clusters.items()):
        canary = bool(rule.canary) and fnmatchcase(cluster, rule.canary)
        for standing in _in_cluster(rule, members):
            if not canary:
                found.append(standing)
            elif _serves(standing.group):
                found.append(msgspec.structs.replace(standing, canary=True))
    return tuple(found)


def _in_cluster(rule: SpinnakerEnvironment, members: Sequence[ServerGroup]) -> Iterable[Standing]:
    ordered = sorted(members, key=_age, reverse=True)
    serving = [group for group in ordered if _serves(group)]
    # The newest that is all there; while none is, the one that is most.
    whole = (group for group in serving if 0 < _up(group) >= (_desired(group) or 0.0))
    live = next(whole, None) or max(serving, key=_up, default=None)
    for group in ordered:
        newer = live is None or (group.created_time or 0.0) > (live.created_time or 0.0)
        version = version_of(group, rule.container)
        if group is live:
            yield Standing(group, Status.PASSED, "enabled", version, live=True)
        elif _serves(group):
            up = f"{_up(group):.0f} of {_desired(group) or 0:.0f} up"
            status = Status.RUNNING if newer else Status.PASSED
            yield Standing(group, status, f"enabled, {up}", version)
        else:
            # Made after what serves, and taken out: it is no way back to something that stood there before.
            word = "disabled" if _disabled(group) else "scaled to 0"
            yield Standing(group, Status.CANCELED if newer else Status.PASSED, word, version)


def cluster_of(group: ServerGroup) -> str:
    return clean(group.cluster or (group.moniker.cluster if group.moniker else None) or group.name)


def version_of(group: ServerGroup, container: str = "*") -> str:
    """What runs in it: the digest or tag of its image, the version of its package, else its own number."""
    for image in words(group.build_info, "images"):
        name, digest = image.partition("@")[::2]
        head, colon, tag = name.rpartition(":")
        tagged = colon and "/" not in tag
        if fnmatchcase(head if tagged else name, container):
            return digest or (tag if tagged else name)
    info = group.build_info
    version = text(info, "version") or text(info, "package_version")
    if version:
        return version
    if (built := number(info, "jenkins", "number")) is not None:
        return f"{text(info, 'jenkins', 'name')} #{built:.0f}".strip()
    if numbered := _NUMBERED.search(group.name):
        return numbered[1]
    sequence = group.moniker.sequence if group.moniker is not None else None
    return f"revision {sequence}" if sequence is not None else clean(group.name)


def _application(address: Address) -> str:
    """Of an environment, or of a pipeline."""
    return address.path.partition("/")[0]


def _matching(rule: SpinnakerEnvironment, groups: Iterable[ServerGroup]) -> list[ServerGroup]:
    def fits(group: ServerGroup) -> bool:
        cluster = cluster_of(group)
        inside = fnmatchcase(cluster, rule.cluster) or bool(rule.canary and fnmatchcase(cluster, rule.canary))
        return (
            inside
            and fnmatchcase(group.account or "", rule.account)
            and fnmatchcase(group.region or "", rule.region)
        )

    return [group for group in groups if fits(group)]


def _disabled(group: ServerGroup) -> bool:
    return group.is_disabled is True or group.disabled is True


def _desired(group: ServerGroup) -> float | None:
    return group.capacity.desired if group.capacity is not None else None


def _up(group: ServerGroup) -> float:
    return (group.instance_counts.up if group.instance_counts is not None else None) or 0.0


def _serves(group: ServerGroup) -> bool:
    return not _disabled(group) and (
        _desired(group) is None or (_desired(group) or 0.0) > 0 or _up(group) > 0
    )


def _age(group: ServerGroup) -> tuple[int, float]:
    sequence = group.moniker.sequence if group.moniker is not None else None
    return sequence or 0, group.created_time or 0.0
