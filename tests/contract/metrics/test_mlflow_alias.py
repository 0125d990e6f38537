"""Setting the champion, against a stub that behaves as the contract says."""

import json
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.http_stub import Reply, Request, Stub, http_stub
from tui import config
from tui.config import MLflowSettings, ModelSettings, Secret
from tui.domain.action import ActionKind, ActionRequest, Offer, Plan
from tui.domain.address import Address
from tui.engine.actions.model_rules import champions
from tui.engine.queries.candidates import candidacy
from tui.sources.metrics.mlflow import MLflowSource

API = "/api/2.0/mlflow"
MODEL = Address("ml", "fraud")
WRITES = (f"POST {API}/model-versions/set-tag", f"POST {API}/registered-models/alias")


class Registry:
    """Three versions of one model."""

    def __init__(self) -> None:
        self.aliases = {"champion": "1", "challenger": "2"}
        self.tags: dict[str, dict[str, str]] = {"1": {}, "2": {}, "3": {}}
        self.routes = {
            f"GET {API}/registered-models/get": self.model,
            f"GET {API}/model-versions/get": self.version,
            f"GET {API}/runs/get": self.run,
            WRITES[0]: self.tag,
            WRITES[1]: self.alias,
        }

    def model(self, asked: Request) -> Reply:
        aliases = [{"alias": alias, "version": version} for alias, version in self.aliases.items()]
        return Reply.json({"registered_model": {"name": "fraud", "aliases": aliases}})

    def version(self, asked: Request) -> Reply:
        number = asked.query["version"][0]
        if number not in self.tags:
            return Reply.json({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "not found"}, 404)
        tags = [{"key": key, "value": value} for key, value in self.tags[number].items()]
        return Reply.json({"model_version": {"version": number, "run_id": number, "tags": tags}})

    def run(self, asked: Request) -> Reply:
        """Each version is a little better than the one before."""
        metrics = [{"key": "auc", "value": 0.9 + 0.01 * int(asked.query["run_id"][0]), "timestamp": 0}]
        return Reply.json({"run": {"data": {"metrics": metrics}}})

    def tag(self, asked: Request) -> Reply:
        sent = json.loads(asked.body)
        self.tags[sent["version"]][sent["key"]] = sent["value"]
        return Reply.json({})

    def alias(self, asked: Request) -> Reply:
        sent = json.loads(asked.body)
        self.aliases[sent["alias"]] = sent["version"]
        return Reply.json({})


@pytest.fixture
def registry() -> Registry:
    return Registry()


@pytest.fixture
def stub(registry: Registry) -> Iterator[Stub]:
    with http_stub(registry.routes) as stub:
        yield stub


@pytest.fixture
async def source(stub: Stub) -> AsyncIterator[MLflowSource]:
    made = MLflowSource("ml", MLflowSettings(url=stub.url, token=Secret("t0ken")))
    yield made
    await made.close()


def request(version: str, alias: str = "champion") -> ActionRequest:
    return ActionRequest(ActionKind.SET_CHAMPION, MODEL, (("alias", alias), ("version", version)))


async def carry_out(source: MLflowSource, plan: Plan) -> list[str]:
    states: list[str] = []
    for step in plan.steps:
        states.append((await source.send(step, {})).state)
        states.append((await source.observe(step, None)).state)
    return states


async def offered(source: MLflowSource, alias: str = "champion") -> list[Offer]:
    """What the config makes of what the registry tells."""
    its = config.RegistrySettings(source="ml", model="fraud", champion=alias, metrics={})
    model = ModelSettings(registry=its)
    return [*champions(its, await candidacy("fraud", model, source))]


@pytest.mark.parametrize("alias", ["champion", "prod"])
async def test_it_keeps_the_old_one_and_comes_back(
    source: MLflowSource, registry: Registry, alias: str
) -> None:
    registry.aliases = {alias: "1", "challenger": "2"}
    (forth,) = await offered(source, alias)
    assert (forth.words, forth.request) == (f"Make version 2 (challenger) the {alias}", request("2", alias))
    plan = await source.plan(forth.request)
    assert plan.possible
    assert plan.facts == ((alias, "1 → 2"),)
    assert [(await source.observe(step, None)).state for step in plan.steps] == ["nothing", "nothing"]
    assert await carry_out(source, plan) == ["accepted", "done", "accepted", "done"]
    assert (await source.observe(plan.steps[1], None)).words == (
        f"version 2 is the {alias}; version 1 was before it"
    )
    assert registry.aliases[alias] == "2"
    assert registry.tags["2"] == {f"previous_{alias}": "1"}
    (back,) = await offered(source, alias)
    assert back.words == f"Back to version 1, the {alias} before"
    assert await carry_out(source, await source.plan(back.request)) == [
        "accepted",
        "done",
        "accepted",
        "done",
    ]
    assert registry.aliases[alias] == "1"


async def test_the_first_champion_has_none_before_it(source: MLflowSource, registry: Registry) -> None:
    registry.aliases.clear()
    plan = await source.plan(request("3"))
    assert (len(plan.steps), plan.facts) == (1, (("champion", "none → 3"),))
    assert await carry_out(source, plan) == ["accepted", "done"]


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (request("9"), "fraud has no version 9"),
        (request("1"), "version 1 is the champion already"),
        (ActionRequest(ActionKind.SET_CHAMPION, MODEL), "say which version"),
        (ActionRequest(ActionKind.RETRY, MODEL, (("version", "2"),)), "MLflow has nothing like retry"),
    ],
)
async def test_what_cannot_be_done_says_why(
    source: MLflowSource, stub: Stub, what: ActionRequest, why: str
) -> None:
    plan = await source.plan(what)
    assert (plan.possible, plan.why_not, plan.steps) == (False, why, ())
    assert all(asked.method == "GET" for asked in stub.requests)


async def test_somebody_else_was_quicker(source: MLflowSource, registry: Registry) -> None:
    plan = await source.plan(request("2"))
    registry.aliases["champion"] = "3"
    seen = await source.observe(plan.steps[1], None)
    assert (seen.state, seen.words) == ("failed", "the champion is version 3: somebody else set it meanwhile")


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply.json({"error_code": "PERMISSION_DENIED", "message": "no"}, 403), "refused"),
        (Reply(302, {"Location": "/login"}), "refused"),
        (Reply.text("oops", 500), "lost"),
        (Reply.text("<html>", 200, "text/html"), "lost"),
        (Reply.json({}, 200), "accepted"),
        (Reply(cut=True, body=b"0123456789"), "lost"),
    ],
)
async def test_each_answer_is_sent_for_once_and_judged(
    source: MLflowSource, stub: Stub, reply: Reply, state: str
) -> None:
    plan = await source.plan(request("2"))
    before = len(stub.requests)
    stub.routes[WRITES[1]] = reply
    answer = await source.send(plan.steps[1], {})
    assert answer.state == state
    (sent,) = stub.requests[before:]
    assert sent.headers["authorization"] == "Bearer t0ken"
    assert json.loads(sent.body) == {"name": "fraud", "alias": "champion", "version": "2"}
