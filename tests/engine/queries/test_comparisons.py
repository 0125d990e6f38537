"""Which two versions of a model are compared, and what the question before a promotion says of them."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.engine.acting_source import GATE, Desk
from tests.engine.actions.test_service import CANARY
from tests.engine.deploying_source import DeployingSource
from tests.engine.world import START, FakeSource, NoJitter, Time, listing_of, run_of
from tests.engine.world import address as run_address
from tui import config
from tui.commands.action_text import plan_text
from tui.config import MLflowSettings, ModelSettings, RegistrySettings, Settings, ValidationSettings
from tui.domain.action import ActionKind, ActionRequest
from tui.domain.address import Address, parse_address
from tui.domain.candidate import RegisteredVersion
from tui.domain.deployment import Changes, Commit, Deployment, Environment, Environments
from tui.domain.evaluation import Evaluation
from tui.domain.health import Trouble
from tui.domain.model_comparison import Column, Group, ModelComparison, Signature, Standing, VersionRecord
from tui.domain.status import Status
from tui.engine.actions import promotion_reader
from tui.engine.actions.journal import Journal
from tui.engine.queries import CandidateOf, ComparisonOf
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
registry = { source = "ml", model = "fraud", metrics = { auc = { better = "higher" } } }
"""
LIVE = Address("ci", "deploy", environment="live")
COMMITS = {"1": "a" * 40, "2": "b" * 40, "3": "b" * 40}


class Registry(FakeSource):
    """Three versions: of 1 and 2 it is written what they are deployed as; 2 and 3 were made at one commit."""

    def __init__(self, time: Time) -> None:
        super().__init__("ml", time)
        self.named = {"champion": "1", "challenger": "2"}
        self.problem: SourceError | None = None
        self.hangs = False
        self.evaluations: dict[str, Evaluation] = {}

    async def registered(self, model: str, aliases: Sequence[str]) -> Mapping[str, RegisteredVersion | None]:
        raise AssertionError

    async def aliases(self, model: str) -> Mapping[str, str]:
        if self.hangs:
            await asyncio.Event().wait()
        if self.problem is not None:
            raise self.problem
        return self.named

    async def newest_versions(self, model: str) -> tuple[RegisteredVersion, ...]:
        tags = {"1": (("deployed_as", "1.0"),), "2": (("deployed_as", "1.1"),)}
        return tuple(RegisteredVersion(model, number, tags=tags.get(number, ())) for number in "321")

    async def made_at(self, versions: Sequence[RegisteredVersion], revision: str) -> tuple[str, ...]:
        return tuple(each.version for each in versions if COMMITS[each.version] == revision)

    async def evaluated(self, model: str, version: str, file: str) -> Evaluation:
        self.asked.append((0.0, f"{file} of version {version}"))
        return self.evaluations.get(version, Evaluation(file, problem=f"no {file}"))

    async def recorded(self, model: str, version: str) -> VersionRecord:
        number = int(version)
        return VersionRecord(
            version=RegisteredVersion(
                model, version, run=f"r{version}", metrics=(("auc", 1 - number / 10),), created_at=START
            ),
            params=(("lr", f"0.0{version}"), ("C", "1")),
            signature=Signature(tuple(Column(f"f{n}", "long") for n in range(number))),
            commit=COMMITS[version],
            job_url="https://evil.example.com/job/1/",
            job_id="41",
        )


def stood(version: str, *, canary: bool = False, revision: str = "") -> Deployment:
    at = START - (60 if canary else 900)
    return Deployment(version, Status.PASSED, version, revision, started_at=at, finished_at=at, canary=canary)


class Work:
    def __init__(self, *deployments: Deployment) -> None:
        self.time = Time()
        self.ci, self.registry = DeployingSource("ci", self.time), Registry(self.time)
        self.ci.listing = listing_of(run_of(run_address("deploy", 1), Status.PASSED))
        self.ci.places[LIVE.pipeline] = Environments((Environment(LIVE, deployments),))
        self.runtime = Runtime(
            config.parse(CONFIG, Path("config.toml")),
            {"ci": self.ci, "ml": self.registry},
            clock=self.time.clock,
            rng=NoJitter(),
            later=self.time.later,
        )

    async def compared(self, *versions: str) -> ModelComparison:
        try:
            return await self.runtime.poller.ask(ComparisonOf("fraud", *versions))
        finally:
            await self.runtime.close()


def versions(found: ModelComparison) -> list[str | None]:
    return [each.version.version if each else None for each in (found.deployed, found.candidate)]


async def test_the_canary_against_what_is_deployed_by_their_tags() -> None:
    work = Work(stood("1.1", canary=True, revision="b" * 40), stood("1.0", revision="a" * 40))
    work.ci.brought = Changes((Commit("b" * 40, "Better", "Ann"),))
    found = await work.compared()
    assert (versions(found), found.basis) == (["1", "2"], ("by the tag deployed_as",) * 2)
    (code,) = [each for each in found.differences if each.group is Group.CODE]
    assert (code.change, found.notes) == ("1 commit by 1", ())
    jobs = [(each.deployed, each.candidate) for each in found.differences if each.name == "job"]
    assert jobs == [("job 41, of no configured source",) * 2], "an address in a tag is no link"


async def test_without_a_canary_it_is_the_candidate_of_the_registry() -> None:
    found = await Work(stood("v3", revision="b" * 40)).compared()
    assert (versions(found), found.basis) == (
        ["3", "2"],
        ("by the deployment's version", "by the alias challenger"),
    )
    assert "deployed is version 3, champion is 1" in found.notes


async def test_by_the_commit_only_where_one_version_was_made_at_it() -> None:
    found = await Work(stood("x", canary=True, revision="b" * 40), stood("y", revision="a" * 40)).compared()
    assert (versions(found), found.basis[0], found.differences) == (["1", None], "by the commit", ())
    assert found.notes == ("versions 2 and 3 were made at this commit; name one: pipedeck compare MODEL A B",)


OF_GITLAB = """
[sources.ci]
type = "jenkins"
url = "http://127.0.0.1:1"
[sources.ml]
type = "gitlab"
url = "http://127.0.0.1:1"
watch = ["ml/*"]
[models.fraud]
pipelines = ["ci:deploy"]
environment = "live"
registry = { source = "ml", model = "ml/fraud:fraud", metrics = { auc = { better = "higher" } } }
"""


class Numbered(Registry):
    """A registry without aliases; 1.0.1 is newer than 2.0.0, and lower."""

    async def aliases(self, model: str) -> Mapping[str, str]:
        return {}

    async def newest_versions(self, model: str) -> tuple[RegisteredVersion, ...]:
        return tuple(RegisteredVersion(model, number) for number in ("1.0.1", "2.0.0", "1.0.0"))

    async def recorded(self, model: str, version: str) -> VersionRecord:
        found = RegisteredVersion(model, version, metrics=(("auc", float(version[0])),))
        return VersionRecord(version=found, unread={Group.SIGNATURE: "it keeps none"})


def numbered(*deployments: Deployment) -> Work:
    work = Work(*deployments)
    work.runtime = Runtime(
        config.parse(OF_GITLAB, Path("config.toml")),
        {"ci": work.ci, "ml": Numbered(work.time)},
        clock=work.time.clock,
        rng=NoJitter(),
        later=work.time.later,
    )
    return work


async def test_without_aliases_it_is_the_highest_against_what_is_deployed() -> None:
    found = await numbered(stood("v1.0.0")).compared()
    assert (versions(found), found.basis) == (
        ["1.0.0", "2.0.0"],
        ("by the deployment's version", "the newest version"),
    )
    assert found.notes == ("version 1.0.1 was registered after 2.0.0, which is the highest",)
    assert {each.standing for each in found.differences if each.group is Group.SIGNATURE} == {
        Standing.UNKNOWN
    }
    nothing = await numbered(stood("abc")).compared()
    assert (versions(nothing), nothing.differences) == ([None, "2.0.0"], ())
    assert nothing.notes[-1] == "no version of ml/fraud:fraud is abc"
    gone = await numbered().compared()
    assert gone.notes[-1] == "of ml/fraud:fraud there is no version, or which one is deployed is not known"


async def test_without_aliases_the_newest_is_the_candidate() -> None:
    work = numbered(stood("1.0.0"))
    found = await work.runtime.poller.ask(CandidateOf("fraud"))
    await work.runtime.close()
    assert found.champion is not None
    assert found.candidate is not None
    assert (found.champion.version, found.candidate.version) == ("1.0.0", "2.0.0")
    assert [metric.outcome for metric in found.metrics] == ["BETTER"]
    work = numbered(stood("abc"))
    found = await work.runtime.poller.ask(CandidateOf("fraud"))
    await work.runtime.close()
    assert found.notes == ("no version of ml/fraud:fraud is what is deployed",)


async def test_by_the_alias_where_the_deployment_tells_nothing_and_that_is_said() -> None:
    found = await Work(stood("x", revision="c" * 40)).compared()
    assert versions(found) == ["1", "2"]
    assert found.basis[0] == "by the alias champion, not by the deployment"
    assert found.notes == ("version 1 was trained at aaaaaaaa; x, which is deployed, is of cccccccc",)


async def test_any_two_by_version_or_alias_and_what_cannot_be_read_of_the_ci_is_said() -> None:
    work = Work()
    work.ci.places[LIVE.pipeline] = SourceError(Trouble.TIMEOUT, "no answer")
    found = await work.compared("@challenger", "3")
    assert versions(found) == ["2", "3"]
    assert found.notes == ("what is deployed could not be read: no answer",)
    same = await Work().compared("1", "champion")
    assert (same.differences, same.notes[-1]) == ((), "both are version 1")


# --- the question before a promotion

PLACE = parse_address("ci:app@production")
STABLE, NEW = stood("1.0", revision="a" * 40), stood("1.1", canary=True, revision="b" * 40)


def desk_of(journal: Journal) -> tuple[Desk, Registry]:
    its = RegistrySettings(
        source="ml", model="fraud", metrics={"auc": ValidationSettings(better="higher", max_worse=0.01)}
    )
    model = ModelSettings(pipelines=("ci:deploy",), environment="production", registry=its)
    sources = {"ci": CANARY, "ml": MLflowSettings(url="http://127.0.0.1:1")}
    desk = Desk(journal, Settings(sources=sources, models={"fraud": model}))
    registry = Registry(desk.time)
    desk.runtime.sources._sources["ml"] = registry
    desk.source.listing = listing_of(run_of(run_address("deploy", 1), Status.PASSED))
    desk.source.places[GATE.pipeline] = Environments((Environment(PLACE, (NEW, STABLE)),))
    desk.source.pasts[PLACE] = Environment(PLACE, (NEW, STABLE))
    return desk, registry


async def asked(desk: Desk) -> list[str]:
    prepared = await desk.actions.plan(ActionRequest(ActionKind.PROMOTE, GATE))
    text = plan_text(prepared, desk.runtime.settings, desk.time.now, requests=False)
    await desk.runtime.close()
    return [line.strip() for line in text.splitlines()]


async def test_the_question_names_the_three_that_matter_most(journal: Journal) -> None:
    lines = await asked(desk_of(journal)[0])
    first = "against it: metrics auc: 0.9 → 0.8 (-0.1, 0.01 worse is allowed)"
    second = "against it: signature inputs: f0 long → 2 columns (+ f1 long, required: callers must change)"
    third = "what changed: parameters lr: 0.01 → 0.02 (×2); 1 more differ"
    assert [line for line in lines if line in (first, second, third)] == [first, second, third]


async def test_versions_that_only_an_alias_names_are_said_to_be(journal: Journal) -> None:
    desk, _ = desk_of(journal)
    unknown = (stood("y", canary=True, revision="d" * 40), stood("x", revision="c" * 40))
    desk.source.places[GATE.pipeline] = Environments((Environment(PLACE, unknown),))
    desk.source.pasts[PLACE] = Environment(PLACE, unknown)
    lines = await asked(desk)
    told = [
        line.partition("what changed: ")[2] for line in lines if line.startswith("not known: what changed")
    ]
    assert told == [
        "that version 1 is what is deployed is told only by the alias champion, not by the deployment",
        "that version 2 is the canary is told only by the alias challenger, not by the deployment",
        "not recorded of both, or not readable: data, environment",
    ]
    assert "what changed: version 2 was trained at bbbbbbbb; y, which is deployed, is of dddddddd" in lines


async def test_what_could_not_be_read_is_not_known(journal: Journal) -> None:
    desk, registry = desk_of(journal)
    registry.problem = SourceError(Trouble.UNREACHABLE, "no route to ml")
    assert "not known: what changed: no route to ml" in await asked(desk)


async def test_a_registry_that_does_not_answer_does_not_hold_the_question_up(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(promotion_reader, "LONGEST_WAIT", 0.01)
    desk, registry = desk_of(journal)
    registry.hangs = True
    assert "not known: what changed: the registry has not answered yet" in await asked(desk)
