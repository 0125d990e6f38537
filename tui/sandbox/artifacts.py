"""What runs leave behind: the numbers of a model, the same on every face."""

from random import Random
from typing import Any

from tui.sandbox.world import Run

METRICS = "metrics.json"


def metrics_of(run: Run) -> dict[str, Any]:
    """The content of the file of a run. Each version is a little better or worse than others."""
    random = Random(f"{run.version} {run.pipeline.path} numbers")
    return {
        "accuracy": round(random.uniform(0.91, 0.95), 4),
        "auc": round(random.uniform(0.95, 0.98), 4),
        "loss": round(random.uniform(0.18, 0.26), 4),
        "data": {"rows": 1_200_000 + random.randrange(50_000), "drift": round(random.uniform(0.0, 0.1), 3)},
        "version": run.version,
    }
