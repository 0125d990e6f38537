"""Which evaluation is compared with which, how often is asked, and what the question before a promotion says."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.acting_source import GATE, Desk
from tests.engine.actions.test_service import CANARY
from tests.engine.deploying_source import DeployingSource
from tests.engine.queries.test_comparisons import Registry
from tests.engine.world import START, NoJitter, Time, listing_of, run_of
from tests.engine.world import address as run_address
from tui import config
from tui.commands.action_text import plan_text
from tui.config import ModelSettings, Settings
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.address import Address, parse_address
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.evaluation import CaseResult, CaseStanding, Evaluation, EvaluationCase, EvaluationComparison
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.engine.actions.journal import Journal
from tui.engine.queries import EvaluationsOf
from tui.engine.runtime import Runtime
from tui.sources.base import SourceError

CONFIG = """
[sources.ci]
type = "jenkins"
url = "http://127.0.0.1:1"
[sources.ml]
type = "mlflow"
url = "http://127.0.0.1:1"
[models.fraud]
pipelines = ["ci:deploy"]
environment = "live"
"""
OF_RUNS = 'evidence = ["e.json"]\n'
OF_VERSIONS = 'registry = { source = "ml", model = "fraud", metrics = {}, evidence = ["e.json"] }\n'
LIVE = Address("ci", "deploy", environment="live")
ONE, TWO, THREE = (run_address("deploy", number) for number in (1, 2, 3))


def evaluation(**results: str) -> Evaluation:
    cases = tuple(EvaluationCase(name, name, CaseResult(result)) for name, result in results.items())
    return Evaluation("e.json", "tool", cases)


OLD = evaluation(a="passed", b="passed", c="failed", d="passed")
NEWER = evaluation(a="failed", b="passed", c="passed", e="failed")


def stood(run: Address, *, canary: bool = False) -> Deployment:
    at = START - 1000 + 100 * run.number if run.number else START
    version = f"1.{run.number}"
    return Deployment(version, Status.PASSED, version, run=run, started_at=at, finished_at=at, canary=canary)


class Work:
    def __init__(self, extra: str, *deployments: Deployment) -> None:
        self.time = Time()
        self.ci, self.registry = DeployingSource("ci", self.time), Registry(self.time)
        self.ci.listing = listing_of(run_of(ONE, Status.PASSED))
        self.ci.places[LIVE.pipeline] = Environments((Environment(LIVE, deployments),))
        self.ci.reported = {ONE: OLD, TWO: NEWER, THREE: NEWER}
        self.registry.evaluations = {"1": OLD, "2": NEWER}
        self.runtime = Runtime(
            config.parse(CONFIG + extra, Path("config.toml")),
            {"ci": self.ci, "ml": self.registry},
            clock=self.time.clock,
            rng=NoJitter(),
            later=self.time.later,
        )

    async def asked(self, run: Address | None = None) -> tuple[EvaluationComparison, ...]:
        try:
            return await self.runtime.poller.ask(EvaluationsOf("fraud", run))
        finally:
            await self.runtime.close()

    @property
    def files(self) -> list[str]:
        return [what for source in (self.ci, self.registry) for _, what in source.asked if "e.json" in what]


def stand(found: EvaluationComparison) -> list[tuple[CaseStanding, str]]:
    return [(change.standing, change.name) for change in found.changes]


CHANGED = [
    (CaseStanding.WORSE, "a"),
    (CaseStanding.NEW_FAILURE, "e"),
    (CaseStanding.GONE, "d"),
    (CaseStanding.BETTER, "c"),
]


@pytest.mark.parametrize("run", [None, THREE], ids=["the canary's", "of a run"])
async def test_a_run_is_compared_with_the_one_that_is_deployed(run: Address | None) -> None:
    """Not with the run before, which nobody may have deployed."""
    work = Work(OF_RUNS, stood(THREE, canary=True), stood(ONE))
    (found,) = await work.asked(run)
    assert (stand(found), found.same, found.against, found.problem) == (CHANGED, 1, "1.1", "")
    assert work.files == ["e.json of ci:deploy#3", "e.json of ci:deploy#1"], "a request each"


async def test_what_is_deployed_is_compared_with_what_was_before_it() -> None:
    (found,) = await Work(OF_RUNS, stood(TWO), stood(ONE)).asked(TWO)
    assert (stand(found), found.against) == (CHANGED, "1.1")


async def test_what_cannot_be_read_is_never_the_same() -> None:
    work = Work(OF_RUNS, stood(THREE, canary=True), stood(ONE))
    work.ci.reported[ONE] = SourceError(Trouble.TIMEOUT, "no answer")
    (found,) = await work.asked(THREE)
    assert found.problem == "nothing to compare it with: no answer (1.1)"
    assert (found.same, stand(found)) == (
        0,
        [(CaseStanding.NEW_FAILURE, "a"), (CaseStanding.NEW_FAILURE, "e")],
    )

    work = Work(OF_RUNS, stood(THREE, canary=True), stood(ONE))
    work.ci.reported[THREE] = SourceError(Trouble.FORBIDDEN, "not permitted")
    (found,) = await work.asked(THREE)
    assert (found.problem, found.changes, found.same) == ("not permitted", (), 0)
    assert work.files == ["e.json of ci:deploy#3"]


async def test_where_nothing_was_deployed_there_is_nothing_to_compare_with() -> None:
    (found,) = await Work(OF_RUNS).asked(TWO)
    assert found.problem == "nothing to compare it with: nothing was deployed before it, as far as is known"
    (found,) = await Work(OF_RUNS).asked()
    assert found.problem == "no canary is there whose run could have it"


async def test_of_the_registry_the_candidate_is_compared_with_what_is_deployed() -> None:
    work = Work(OF_VERSIONS)
    (found,) = await work.asked()
    assert (stand(found), found.against) == (CHANGED, "version 1")
    assert work.files == ["e.json of version 2", "e.json of version 1"]
    other = Work(OF_VERSIONS, stood(ONE))
    assert await other.asked(TWO) == (), "a run that is not the canary's is of no known version"


async def test_the_same_version_is_compared_with_nothing() -> None:
    work = Work(OF_VERSIONS)
    work.registry.named["challenger"] = "1"
    (found,) = await work.asked()
    assert found.problem == "nothing to compare it with: it is the version that is deployed"


# --- the question before a promotion

PLACE = parse_address("ci:app@production")


async def asked(journal: Journal, before: Evaluation | Exception, after: Evaluation) -> list[str]:
    model = ModelSettings(pipelines=("ci:deploy",), environment="production", evidence=("e.json",))
    desk = Desk(journal, Settings(sources={"ci": CANARY}, models={"fraud": model}))
    here: Any = Environments((Environment(PLACE, (stood(GATE.of_run, canary=True), stood(ONE))),))
    desk.source.listing = listing_of(run_of(ONE, Status.PASSED))
    desk.source.places[GATE.pipeline] = here
    desk.source.pasts[PLACE] = here.environments[0]
    desk.source.reported = {ONE: before, GATE.of_run: after}
    prepared = await desk.actions.plan(ActionRequest(ActionKind.PROMOTE, GATE))
    text = plan_text(prepared, desk.runtime.settings, desk.time.now, requests=False)
    await desk.runtime.close()
    return [line.strip() for line in text.splitlines() if "e.json" in line]


async def test_the_question_says_what_got_worse_first(journal: Journal) -> None:
    assert await asked(journal, OLD, NEWER) == [
        "against it: 1 of 4 cases got worse (e.json): a (passed → failed)",
        "against it: 1 of 4 cases failed that nobody had tried before (e.json): e (failed)",
        "against it: 1 case is gone (e.json): d (was passed)",
    ]


async def test_the_question_says_what_is_not_known(journal: Journal) -> None:
    assert await asked(journal, OLD, Evaluation("e.json", problem="it is not JSON")) == [
        "not known: evaluation: e.json: could not be read: it is not JSON"
    ]
    lines = await asked(journal, SourceError(Trouble.TIMEOUT, "no answer"), OLD)
    assert lines[0].startswith("against it: 1 of 4 cases failed")
    assert lines[1] == (
        "not known: evaluation: e.json: 1 of 4 cases failed, not compared: nothing to compare it with: no answer (1.1)"
    )


async def test_the_question_says_that_nothing_got_worse(journal: Journal) -> None:
    assert await asked(journal, OLD, OLD) == ["evaluation: e.json: 4 same, beside 1.1"]
