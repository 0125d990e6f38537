"""The verdict on the sandbox's canaries: by the engine over a world that stands still, and by the command."""

import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.e2e.command import Done, pipedeck
from tests.e2e.settings import write_config
from tui.config import CompareSettings, Settings
from tui.domain.verdict import Decision, MetricOutcome, Verdict
from tui.engine.queries import VerdictOf
from tui.engine.runtime import Runtime
from tui.presenters.documents import VerdictDoc
from tui.sandbox.process import Sandbox

HEADS = ("METRIC", "VERDICT", "BASELINE", "CANARY", "DIFFERENCE", "LIMIT", "VALUES", "AGE")
START = 1_795_422_000.0
GROWN = 1500.0
"""Seconds after which the canary of fraud is beyond its limits."""


async def verdict(settings: Settings, model: str, now: float) -> Verdict:
    runtime = Runtime(settings, clock=lambda: now)
    try:
        return await runtime.poller.ask(VerdictOf(model))
    finally:
        await runtime.close()


async def test_a_bad_canary_must_not_be_promoted_a_healthy_one_may_be_and_a_young_one_waits() -> None:
    with Sandbox(clock="manual", start=START) as sandbox:
        settings = sandbox.settings()
        young = await verdict(settings, "vision", START)
        assert young.decision is Decision.WAIT
        assert {metric.outcome for metric in young.metrics} == {MetricOutcome.UNCLEAR}
        assert any(metric.more for metric in young.metrics)
        bad = await verdict(settings, "fraud", START)
        assert bad.decision is Decision.STOP
        p95 = next(metric for metric in bad.metrics if metric.metric == "p95")
        assert p95.outcome is MetricOutcome.WORSE
        assert " % over the baseline" in p95.reason
        now = sandbox.control.advance(GROWN)
        grown = await verdict(settings, "fraud", now)
        assert grown.decision is Decision.STOP
        errors = next(metric for metric in grown.metrics if metric.metric == "errors")
        assert errors.outcome is MetricOutcome.WORSE
        assert errors.reason.startswith("beyond the fail limit 3 %")
        healthy = await verdict(settings, "churn", now)
        assert (healthy.decision, healthy.score) == (Decision.PROMOTE, 100)
        assert [metric.outcome for metric in healthy.metrics] == [MetricOutcome.OK] * 3
        fresh = await verdict(settings, "vision", now)
        assert fresh.decision is Decision.WAIT


@pytest.fixture(scope="module")
def served() -> Iterator[Sandbox]:
    """A world whose present is ours, because commands know no other."""
    with Sandbox(clock="manual", start=time.time() - GROWN) as sandbox:
        sandbox.control.advance(GROWN)
        yield sandbox


@pytest.fixture
def config(served: Sandbox, tmp_path: Path) -> Path:
    """Judged so that neither noise nor missed scrapes matter: fraud by errors beyond their limit, churn by errors with
    a wide margin, vision by too few values."""
    settings = served.settings()
    patient = {
        name: msgspec.structs.replace(metric, max_age="1h") for name, metric in settings.metrics.items()
    }
    patient["lenient"] = msgspec.structs.replace(patient["errors"], compare=CompareSettings(max_worse=2.0))
    judged = {"fraud": ("errors", "accuracy"), "churn": ("lenient",), "vision": ("accuracy",), "empty": ()}
    models = {
        name: msgspec.structs.replace(settings.models.get(name, settings.models["churn"]), metrics=metrics)
        for name, metrics in judged.items()
    }
    changed = msgspec.structs.replace(settings, models=models, metrics=patient)
    return write_config(changed, tmp_path / "config.toml")


def run(config: Path, *arguments: str) -> Done:
    done = pipedeck("--config", config, "verdict", *arguments)
    assert "Traceback" not in done.stderr
    return done


def test_what_must_not_be_promoted_ends_with_10_and_says_why(config: Path) -> None:
    done = run(config, "fraud")
    assert (done.returncode, done.stderr) == (10, "")
    head, facts, _, titles, *rows = done.stdout.splitlines()
    assert re.match(r"Fraud detection: DO NOT PROMOTE  WORSE: errors\b", head)
    assert re.fullmatch(r"baseline \w+  canary \w+  score 0", facts)
    assert titles.split() == [*HEADS, "REASON"]
    assert "0.5 % worse, fail 3 %" in done.stdout
    errors = next(row for row in rows if row.startswith("errors"))
    assert re.search(r"^errors +WORSE +0\.\d+ % .* beyond the fail limit 3 %: ", errors)
    assert "service 0  quality 0" in rows


def test_what_is_not_clear_yet_ends_with_11_and_says_how_long(config: Path) -> None:
    done = run(config, "vision", "--json")
    assert (done.returncode, done.stderr) == (11, "")
    document = msgspec.json.decode(done.stdout, type=VerdictDoc)
    assert set(msgspec.json.decode(done.stdout)) == {
        field.name for field in msgspec.structs.fields(VerdictDoc)
    }
    assert (document.schema, document.model, document.decision) == (1, "vision", "WAIT")
    assert document.groups == {"quality": 0}
    (accuracy,) = document.metrics
    assert (accuracy.metric, accuracy.outcome, accuracy.critical) == ("accuracy", "UNCLEAR", True)
    assert accuracy.reason
    assert accuracy.more is None or accuracy.more > 0


def test_what_may_be_promoted_ends_with_0(config: Path) -> None:
    done = run(config, "churn")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Churn: PROMOTE OK  OK: lenient\n")


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("frod", "the config has no table [models.frod] (did you mean fraud?)"),
        ("x", "the config has no table [models.x] (known: fraud, churn, vision, empty)"),
        (
            "empty",
            "[models.empty] has no metric to judge by; give one of its metrics `compare` or `fail`, "
            "or the model a `registry`",
        ),
    ],
)
def test_a_mistake_ends_with_2(config: Path, model: str, words: str) -> None:
    done = run(config, model)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", f"pipedeck: {words}\n")


def test_a_server_that_cannot_be_reached_ends_with_3(served: Sandbox, config: Path) -> None:
    served.control.fault("prometheus", "503")
    try:
        done = run(config, "fraud")
    finally:
        served.control.fault("prometheus", None)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("pipedeck: prometheus answered 503")
