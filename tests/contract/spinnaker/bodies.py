"""What a Gate sends, in small: of the shape of its recorded answers."""

from typing import Any

NOW = 1_790_000_000.0
MS = int(NOW * 1000)


def ulid(number: int) -> str:
    return f"01KDWX7VT0ZZZZZZZZZZZZ{number:04}"


def config(number: int, name: str = "", application: str = "shop", **more: Any) -> dict[str, Any]:
    return {
        "application": application,
        "id": f"00000000-0000-4000-8000-{number:012}",
        "index": number,
        "name": name or f"pipeline {number}",
        "limitConcurrent": True,
        "keepWaitingPipelines": False,
        "lastModifiedBy": "anonymous",
        "stages": [],
        "triggers": [],
        "updateTs": "1754974290764",
        **more,
    }


def stage(ref: str, kind: str = "wait", needs: tuple[str, ...] = (), **more: Any) -> dict[str, Any]:
    """One that has ended well, unless ``more`` says otherwise; its id is ``S`` and its reference."""
    return {
        "id": f"S{ref}",
        "refId": ref,
        "type": kind,
        "name": more.pop("name", f"stage {ref}"),
        "status": "SUCCEEDED",
        "startTime": MS - 60_000,
        "endTime": MS - 30_000,
        "context": {},
        "outputs": {},
        "tasks": [],
        "requisiteStageRefIds": list(needs),
        **more,
    }


def below(parent: str, ref: str, owner: str = "STAGE_BEFORE", **more: Any) -> dict[str, Any]:
    """A stage that the server made."""
    return stage(ref, parentStageId=parent, syntheticStageOwner=owner, **more)


def judgment(ref: str = "1", needs: tuple[str, ...] = (), **context: Any) -> dict[str, Any]:
    told = {"instructions": "", "judgmentInputs": [], "notifications": [], "failPipeline": True, **context}
    waiting = {"status": "RUNNING", "endTime": None, "name": "Manual Judgment"}
    return stage(ref, "manualJudgment", needs, context=told, **waiting)


def execution(number: int = 1, *stages: Any, of: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    of = of or config(1)
    return {
        "type": "PIPELINE",
        "id": ulid(number),
        "application": of["application"],
        "name": of["name"],
        "buildTime": MS - 70_000 + number,
        "canceled": False,
        "limitConcurrent": True,
        "maxConcurrentExecutions": 0,
        "keepWaitingPipelines": False,
        "stages": list(stages),
        "startTime": MS - 69_000,
        "endTime": MS - 10_000,
        "status": "SUCCEEDED",
        "authentication": {"user": "ann", "allowedAccounts": ["k8s"]},
        "origin": "api",
        "trigger": {"type": "manual", "user": "ann", "parameters": {}, "artifacts": [], "dryRun": False},
        "pipelineConfigId": of["id"],
        "notifications": [],
        "systemNotifications": [],
        "spelEvaluator": "v4",
        "templateVariables": {},
        **more,
    }


RUNNING: dict[str, Any] = {"status": "RUNNING", "endTime": None}


def collapsed(found: dict[str, Any]) -> dict[str, Any]:
    """As lists tell it."""
    stages = [each | {"context": {}, "outputs": {}, "tasks": []} for each in found["stages"]]
    return found | {"stages": stages}


def group(
    sequence: int, image: str, *, up: int = 0, cluster: str = "deployment shop", **more: Any
) -> dict[str, Any]:
    """A replica set of Kubernetes."""
    return {
        "name": f"replicaSet shop-{sequence}",
        "account": "k8s",
        "region": "prod",
        "cluster": cluster,
        "type": "kubernetes",
        "cloudProvider": "kubernetes",
        "isDisabled": False,
        "moniker": {"app": "shop", "cluster": cluster, "sequence": sequence},
        "buildInfo": {"images": [image]},
        "createdTime": MS - 1_000_000 + sequence * 1000,
        "capacity": {"desired": up, "pinned": False},
        "instances": [{"id": f"i{n}", "name": f"pod shop-{n}", "healthState": "Up"} for n in range(up)],
        "loadBalancers": ["service shop"],
        "instanceCounts": {"total": up, "up": up, "down": 0, "unknown": 0, "starting": 0, "outOfService": 0},
        "labels": {},
        "serverGroupManagers": [],
        **more,
    }
