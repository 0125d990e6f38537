"""Stages and waiting inputs as wfapi tells them."""

from typing import Any

import pytest

from tests.contract.jenkins.staged import ADDRESS, INPUT, build, flat, gate, read, wf
from tests.contract.jenkins.support import asked, core, drawn, jenkins, recorded
from tests.http_stub import Reply, Route
from tui.domain.status import Status

WFAPI = {
    # name: result of the build, stages
    "wfapi-describe-aborted": ("ABORTED", "train canceled"),
    "wfapi-describe-downstream": ("FAILURE", "trigger passed"),
    "wfapi-describe-failing-pipeline": (
        "FAILURE",
        "checkout passed, train failed, deploy skipped, ~Post Actions passed",
    ),
    "wfapi-describe-finished": (
        "FAILURE",
        "checkout passed, test passed, unit warning, lint passed, train passed, shard-0 passed, shard-1 passed, "
        "warm-up passed, fit passed, validate passed, nightly only skipped, deploy-canary passed, promote failed, "
        "deploy skipped, ~Post Actions passed",
    ),
    "wfapi-describe-freestyle-404": ("SUCCESS", "j passed"),
    "wfapi-describe-input-aborted": (
        "ABORTED",
        "checkout passed, test passed, unit passed, lint passed, train passed, shard-0 passed, shard-1 passed, "
        "warm-up passed, fit passed, validate passed, nightly only skipped, deploy-canary passed, promote canceled, "
        "deploy skipped, ~Post Actions passed",
    ),
    "wfapi-describe-killed": ("ABORTED", "j canceled"),
    "wfapi-describe-mid-run": (None, "checkout passed, test passed, unit running, lint running"),
    "wfapi-describe-no-stages": ("SUCCESS", "j passed"),
    "wfapi-describe-on-agent": ("SUCCESS", "data passed, train passed"),
    "wfapi-describe-parallel-paused": (
        None,
        "prep passed, approve passed, eu gate passed, us gate running, loop passed",
    ),
    "wfapi-describe-paused": (
        None,
        "checkout passed, test passed, unit warning, lint passed, train passed, shard-0 passed, shard-1 passed, "
        "warm-up passed, fit passed, validate passed, nightly only skipped, deploy-canary passed, promote waiting",
    ),
    "wfapi-describe-running": (None, "train running"),
    "wfapi-describe-scripted-gates": (
        "SUCCESS",
        "prep passed, approve passed, eu gate passed, us gate passed, loop passed, done passed",
    ),
    "wfapi-describe-success": (
        "SUCCESS",
        "checkout passed, test passed, unit passed, lint passed, train passed, shard-0 passed, shard-1 passed, "
        "warm-up passed, fit passed, validate passed, nightly only skipped, deploy-canary passed, promote passed, "
        "deploy passed, ~Post Actions passed",
    ),
    "wfapi-describe-syntax-error": ("FAILURE", "j failed"),
    "wfapi-describe-waiting-for-node": (None, "cpu passed, gpu running"),
    "multibranch-wfapi-describe-skipped": (
        "SUCCESS",
        "~Checkout SCM passed, Build passed, Test passed, Deploy skipped",
    ),
    "multibranch-wfapi-describe2": (
        "SUCCESS",
        "~Checkout SCM passed, Build passed, Test passed, Deploy passed",
    ),
    "multibranch-wfapi-describe3": (
        "SUCCESS",
        "~Checkout SCM passed, Build passed, Test passed, Deploy passed",
    ),
}


@pytest.mark.parametrize("name", WFAPI)
async def test_every_recorded_wfapi_run(name: str) -> None:
    result, expected = WFAPI[name]
    run = await read({"wfapi/describe": recorded(name)}, build(result, active=result is None))
    assert drawn(run.stages) == expected
    several = run.stages is not None and len(run.stages) > 1
    assert (
        several is (run.stage_source == "wfapi: a flat list, parallel branches are not told apart")
        or not several
    )


async def test_times_of_wfapi() -> None:
    run = await read({"wfapi/describe": recorded("wfapi-describe-finished")}, build("FAILURE"))
    promote = flat(run.stages)["promote"]
    assert (promote.started_at, promote.duration, promote.paused) == (1795422689.217, 0.202, 93.461)
    assert (promote.vendor_status, promote.needs) == ("FAILED", ("84",))
    mid = await read({"wfapi/describe": recorded("wfapi-describe-mid-run")}, build(None, active=True))
    lint = flat(mid.stages)["lint"]
    assert (lint.status, lint.vendor_status, lint.duration) == (Status.RUNNING, "SUCCESS", None)


@pytest.mark.parametrize(
    ("stages", "expected"),
    [
        # Skipped after a failure: the same error, at once, one after the other.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 600, 30, "x"), wf("c", "FAILED", 700, 30, "x")],
         "a failed, b skipped, c skipped"),
        # Skipped by when{} in between.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "NOT_EXECUTED", 600, 30), wf("c", "FAILED", 700, 30, "x")],
         "a failed, b skipped, c skipped"),
        # Branches that fail alike, side by side.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 10, 400, "x")], "a failed, b failed"),
        # A caught error, then work, then the same error again.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "SUCCESS", 600, 30), wf("c", "FAILED", 700, 30, "x")],
         "a failed, b passed, c failed"),
        # Another error, or one that took its time.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 600, 30, "y")], "a failed, b failed"),
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 600, 5000, "x")], "a failed, b failed"),
        # Two branches failed differently; what follows repeats either.
        ([wf("a", "FAILED", 0, 500, "x"), wf("b", "FAILED", 10, 400, "y"), wf("c", "FAILED", 600, 30, "x")],
         "a failed, b failed, c skipped"),
        # Aborted, without an error of its own.
        ([wf("a", "ABORTED", 0, 500), wf("b", "ABORTED", 600, 0)], "a canceled, b skipped"),
    ],
)  # fmt: skip
async def test_failed_or_skipped_after_a_failure(stages: list[dict[str, Any]], expected: str) -> None:
    run = await read({"wfapi/describe": Reply.json({"status": "FAILED", "stages": stages})}, build("FAILURE"))
    assert drawn(run.stages) == expected


INPUTS = {
    "wfapi-pendingInputActions": [("Promote", "Promote 1.5.0 to production?")],
    "wfapi-pendingInputActions-viewer": [("Promote", "Promote 1.5.0 to production?")],
    "wfapi-pending-after-bad-choice": [("Promote", "Promote 1.5.0 to production?")],
    "wfapi-pending-after-first": [("Us-gate", "Release US?")],
    "wfapi-pending-multiple": [
        ("C0fa4d596aaec3edf9175e82ef9e5e4a", "Release EU?"),
        ("Us-gate", "Release US?"),
    ],
    "wfapi-pending-none": [],
    "wfapi-pending-single": [("43fd7d44572d70589ccc4c3238dc1f47", "One parameter?")],
    "wfapi-inputSubmit-after": [("Us-gate", "Release US?")],
}

INPUTS["wfapi-inputSubmit-nobody-pending"] = INPUTS["wfapi-pending-multiple"]


@pytest.mark.parametrize("name", INPUTS)
async def test_every_recorded_pending_input(name: str) -> None:
    """Asked for where the input plugin is too old to tell the core API what waits."""
    stages: dict[str, Route] = {
        "wfapi/describe": recorded("wfapi-describe-paused"),
        "wfapi/pendingInputActions": recorded(name),
    }
    run = await read(stages, build(None, active=True, actions=[{"_class": INPUT}]))
    assert [(gate.address.gate, gate.message) for gate in run.gates] == INPUTS[name]
    assert run.status is Status.WAITING


async def test_an_input_that_the_core_tells_of_is_not_asked_for_again() -> None:
    routes: dict[str, Route] = {
        "/job/j/1/api/json": core(
            build(None, active=True, actions=[{"_class": INPUT, "executions": [gate("Go", "")]}])
        ),
        "/job/j/1/wfapi/describe": recorded("wfapi-describe-paused"),
    }
    async with jenkins(routes) as (source, stub):
        run = await source.run(ADDRESS)
    assert [(gate.address.gate, gate.message) for gate in run.gates] == [("Go", "Go")]
    assert "/job/j/1/wfapi/pendingInputActions" not in asked(stub)
