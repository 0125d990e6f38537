"""What runs leave behind: the numbers of a model, the same on every face."""

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

from tui.sandbox.world import Run

METRICS, EVALUATION = "metrics.json", "evaluation.json"


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


_CASES = (
    ("refund of a stolen card", "score 0.31 is below 0.5"),
    ("two cards at one address", "score 0.42 is below 0.5"),
    ("purchase at night abroad", "took a traveller for a thief"),
    ("many small transfers", "score 0.38 is below 0.5"),
    ("first purchase after years", "took a customer who came back for a thief"),
    ("gift cards by the dozen", "score 0.47 is below 0.5"),
    ("new phone, same person", "took a new phone for a new person"),
    ("subscription that grew", "took a higher price for fraud"),
    ("transfer to oneself", "score 0.58 is above 0.5"),
    ("card tested with cents", "score 0.44 is below 0.5"),
    ("merchant that moved", "took the new address for another merchant"),
    ("shared family account", "took two people for one thief"),
    ("holiday with many hotels", "score 0.61 is above 0.5"),
    ("chargeback within a day", "score 0.29 is below 0.5"),
    ("salary paid in advance", "took an advance for a fraud"),
)
_AT_ONCE = 3


def evaluation_of(run: Run) -> list[dict[str, Any]]:
    """What the evaluation of a run said. Each fails in three cases, and in other ones than most."""
    first = _AT_ONCE * (run.id % (len(_CASES) // _AT_ONCE))
    return [
        {"name": name, "passed": True}
        if not first <= place < first + _AT_ONCE
        else {"name": name, "passed": False, "reason": reason}
        for place, (name, reason) in enumerate(_CASES)
    ]


ARTIFACTS: Mapping[str, Callable[[Run], Any]] = {METRICS: metrics_of, EVALUATION: evaluation_of}
"""By its path."""
