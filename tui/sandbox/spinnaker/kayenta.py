"""What Kayenta answers about one interval of a canary (contracts: spinnaker §7)."""

from typing import Any

from tui.sandbox.spinnaker.site import THRESHOLDS, Site

METRICS = (("latency p95", "service", "High"), ("errors", "service", "Pass"), ("ndcg", "quality", "Pass"))


def result(site: Site, id_: str) -> dict[str, Any] | None:
    stage, _, interval = id_.partition("-")
    found = site.stage_of(stage)
    if found is None or not interval.isdecimal() or not 0 < int(interval) <= len(site.options.scores):
        return None
    score = site.options.scores[int(interval) - 1]
    run = found[0]
    passed = score >= THRESHOLDS["pass"]
    kind = "Pass" if passed else "Marginal" if score > THRESHOLDS["marginal"] else "Fail"
    results = [
        {
            "name": name,
            "id": f"{group}-{name}",
            "tags": {},
            "classification": "Pass" if passed else outcome,
            "classificationReason": "" if passed or outcome == "Pass" else f"{name} was too high",
            "groups": [group],
            "critical": False,
            "muted": False,
            "experimentMetadata": {"stats": {"count": 60, "mean": 1.1, "min": 1.0, "max": 1.2, "std": 0.05}},
            "controlMetadata": {"stats": {"count": 60, "mean": 1.0, "min": 0.9, "max": 1.1, "std": 0.05}},
            "resultMetadata": {"ratio": 1.1},
        }
        for name, group, outcome in METRICS
    ]
    return {
        "application": "ranking",
        "parentPipelineExecutionId": site.id_of(run),
        "pipelineId": id_,
        "stageStatus": {"fetchControl0": "succeeded", "mixMetrics": "succeeded", "judge": "succeeded"},
        "complete": True,
        "status": "succeeded",
        "storageAccountName": "kayenta-store",
        "config": {"name": "ranking-canary", "metrics": [], "judge": {"name": "NetflixACAJudge-v1.0"}},
        "canaryExecutionRequest": {"scopes": {}, "thresholds": THRESHOLDS},
        "result": {
            "judgeResult": {
                "judgeName": "NetflixACAJudge-v1.0",
                "results": results,
                "groupScores": [
                    {"name": "service", "score": score, "classification": "", "classificationReason": ""},
                    {"name": "quality", "score": 100, "classification": "", "classificationReason": ""},
                ],
                "score": {"score": score, "classification": kind, "classificationReason": ""},
            },
            "canaryDuration": "PT1M",
        },
        "buildTimeMillis": 0,
        "startTimeMillis": 0,
        "endTimeMillis": 0,
    }
