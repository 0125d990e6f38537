"""What runs where: server groups made of what the runs have deployed, and of operations that went back."""

from collections.abc import Iterator
from typing import Any

import msgspec

from tui.sandbox.plan import State
from tui.sandbox.spinnaker.site import Site, account_of, cluster_of, deployment, is_canary, version_of

REPLICAS = 3


class Put(msgspec.Struct, frozen=True):
    """A version came to a cluster."""

    at: float
    environment: str
    cluster: str
    version: str


def puts(site: Site, application: str) -> list[Put]:
    """All of them, oldest first."""
    found = list(_by_runs(site, application))
    known = {group["name"]: group for group in _groups(found, site)} if site.deeds.operations else {}
    for each in site.deeds.operations:
        job: dict[str, Any] = each.job
        if each.application != application or each.problem:
            continue
        if job.get("type") == "undoRolloutManifest":
            revision = int(job["revision"])
            group = next(
                (
                    one
                    for one in _groups(found, site)
                    if (one["region"], one["cluster"]) == (job["location"], job["manifestName"])
                    and one["moniker"]["sequence"] == revision
                ),
                None,
            )
        else:
            group = known.get(job.get("rollbackContext", {}).get("restoreServerGroupName"))
        if group is not None:
            version = group["buildInfo"]["images"][0].rpartition(":")[2]
            found.append(Put(each.at, group["region"], group["cluster"], version))
    return sorted(found, key=lambda put: put.at)


def _by_runs(site: Site, application: str) -> Iterator[Put]:
    for pipeline in site.pipelines(application):
        for run in site.world.runs(pipeline):
            seen = site.world.progress(run)
            for state in seen.tasks:
                task, last = state.task, state.last
                if not task.environment or last.state is not State.PASSED or last.ended_at is None:
                    continue
                if is_canary(task) and seen.state.finished:
                    continue  # it was promoted, or taken away
                yield Put(last.ended_at, task.environment, cluster_of(application, task), version_of(run))


def server_groups(site: Site, application: str) -> list[dict[str, Any]]:
    return _groups(puts(site, application), site)


def _groups(found: list[Put], site: Site) -> list[dict[str, Any]]:
    clusters: dict[tuple[str, str], list[Put]] = {}
    for put in sorted(found, key=lambda each: each.at):
        clusters.setdefault((put.environment, put.cluster), []).append(put)
    groups = []
    for (environment, cluster), members in clusters.items():
        application = cluster.partition(" ")[2].removesuffix("-canary")
        born: dict[str, float] = {}
        sequence: dict[str, int] = {}
        for number, put in enumerate(members, 1):
            born.setdefault(put.version, put.at)
            sequence[put.version] = number
        live = members[-1].version
        for index, version in enumerate(born, 1):
            up = REPLICAS if version == live else 0
            vm = site.options.clouds != "kubernetes"
            name = f"replicaSet {cluster.partition(' ')[2]}-{index:08x}"
            if vm:
                name = f"{cluster.partition(' ')[2]}-v{index:03}"
            groups.append(
                {
                    "name": name,
                    "account": account_of(environment),
                    "region": environment,
                    "cluster": cluster,
                    "type": site.options.clouds,
                    "cloudProvider": site.options.clouds,
                    "isDisabled": vm and version != live,
                    "moniker": {
                        "app": application,
                        "cluster": cluster,
                        "sequence": index if vm else sequence[version],
                    },
                    "buildInfo": {"images": [f"registry.example/{application}:{version}"]},
                    "createdTime": round(born[version] * 1000),
                    "capacity": {"desired": up, "pinned": False},
                    "instances": [
                        {
                            "id": f"{name}-{n}",
                            "name": f"pod {name.partition(' ')[2] or name}-{n}",
                            "health": [{"type": "kubernetes/pod", "state": "Up"}],
                            "healthState": "Up",
                            "availabilityZone": environment,
                        }
                        for n in range(up)
                    ],
                    "loadBalancers": [f"service {application}"],
                    "securityGroups": [],
                    "instanceCounts": {
                        "total": up,
                        "up": up,
                        "down": 0,
                        "unknown": 0,
                        "outOfService": 0,
                        "starting": 0,
                    },
                    "labels": {"app": application},
                    "serverGroupManagers": [],
                }
            )
    return groups


def manifest(site: Site, account: str, location: str, name: str) -> dict[str, Any] | None:
    for application in site.applications:
        groups = [
            each
            for each in server_groups(site, application)
            if (each["account"], each["region"], each["cluster"]) == (account, location, name)
        ]
        if groups:
            newest = max(groups, key=lambda each: each["moniker"]["sequence"])
            version = newest["buildInfo"]["images"][0].rpartition(":")[2]
            found = deployment(application, location, name, version)
            found["metadata"]["annotations"] = {
                "deployment.kubernetes.io/revision": str(newest["moniker"]["sequence"])
            }
            return {
                "account": account,
                "name": name,
                "location": location,
                "moniker": {"app": application, "cluster": name},
                "manifest": found,
                "status": {
                    "stable": {"state": True},
                    "paused": {"state": False},
                    "available": {"state": True},
                    "failed": {"state": False},
                },
                "artifacts": [],
                "events": [],
                "warnings": [],
                "metrics": [],
            }
    return None


def environments(site: Site) -> list[str]:
    return sorted(
        {
            task.environment.replace("{colour}", "blue")
            for pipeline in site.pipelines()
            for task in pipeline.tasks
            if task.environment
        }
    )
