"""Test reports of the world: which cases there are, and which of them fail in which run.

A suite has the same cases in every run. Those that fail are chosen so that every kind comes up: the same one each
time, one for several runs on end, one now and then, and others once.
"""

from random import Random
from typing import Literal

import msgspec

from tui.sandbox.world import Run

Outcome = Literal["passed", "failed", "skipped"]

_MODULES = ("model", "features", "loss", "io", "tokenizer", "serving", "calibration", "drift")
_WORDS = (
    "forward",
    "backward",
    "shape",
    "gradient",
    "empty_batch",
    "round_trip",
    "unicode",
    "threshold",
    "seed",
)
_FORMS = ("", "[bf16-1e-3]", "[fp32]", "[cpu]", "[batch=1]", "[batch=64]")
_ALWAYS = 1
_NOW_AND_THEN = 9


class Case(msgspec.Struct, frozen=True):
    module: str
    name: str
    outcome: Outcome
    seconds: float
    line: int

    @property
    def classname(self) -> str:
        return f"tests.test_{self.module}.Test{self.module.capitalize()}"

    @property
    def file(self) -> str:
        return f"tests/test_{self.module}.py"

    @property
    def message(self) -> str:
        """Why it failed or was skipped; empty for one that passed."""
        if self.outcome == "skipped":
            return "needs a GPU"
        return f"AssertionError: loss 0.{71 + self.line % 29} > 0.70" if self.outcome == "failed" else ""

    @property
    def trace(self) -> str:
        if self.outcome != "failed":
            return ""
        call = self.name.partition("[")[0]
        return (
            f"self = <{self.classname}>\n\n    def {call}(self):\n        loss = self.model.evaluate(self.batch)\n"
            f">       assert loss <= 0.70\nE       {self.message}\n\n{self.file}:{self.line}: AssertionError"
        )

    @property
    def output(self) -> str:
        """What it printed; only failed ones print."""
        return "epoch 1 loss 0.93\nepoch 2 loss 0.74\n" if self.outcome == "failed" else ""


def cases(run: Run, suite: str, *, count: int, failed: int, skipped: int, seconds: float) -> tuple[Case, ...]:
    """The cases of a suite of ``run``; ``seconds`` is what they took together."""
    broken = failing(run, count - skipped, failed)
    weights = [Random(f"{run.pipeline.path} {suite} {index}").expovariate(1.0) for index in range(count)]
    scale = seconds / (sum(weights) or 1.0)
    return tuple(
        Case(
            module=_MODULES[index % len(_MODULES)],
            name=f"test_{_WORDS[index % len(_WORDS)]}_{index // len(_FORMS)}{_FORMS[index % len(_FORMS)]}",
            outcome="failed" if index in broken else "skipped" if index >= count - skipped else "passed",
            seconds=0.0 if index >= count - skipped else round(weights[index] * scale, 3),
            line=10 + index * 7 % 80,
        )
        for index in range(count)
    )


def failing(run: Run, count: int, failed: int) -> set[int]:
    """Indexes of the ``failed`` cases, among ``count``, that fail in ``run``."""
    random = Random(f"{run.commit.sha} failures")
    wanted = [_ALWAYS, *([_NOW_AND_THEN] if run.number % 2 else []), 3 + run.number // 6 % 5]
    found: dict[int, None] = dict.fromkeys(index for index in wanted if index < count)
    while len(found) < min(failed, count):
        found.setdefault(random.randrange(count))
    return set(list(found)[:failed])
