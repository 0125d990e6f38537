"""Deck's pages in place of addresses."""

import time

import pytest

from tests.contract.spinnaker.bodies import config, execution, stage
from tests.contract.spinnaker.conftest import FakeGate
from tui.config import Settings, SpinnakerSettings
from tui.domain.address import Address
from tui.engine.source_pool import SourcePool
from tui.sources.base import SourceError
from tui.sources.spinnaker.source import SpinnakerSource

DECK = "https://deck.example.com/#"


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("/applications/{app}/executions/details/{id}", True),
        ("/applications/{app}/executions/details/{id}?stage=0&step=1&details=", True),
        ("!/applications/{app}/executions/{id}?pipeline=Deploy", True),
        ("/applications/{app}/executions", False),
        ("/applications/{app}/clusters", False),
        ("/applications/{app}/executions/details/../../credentials", False),
        ("", False),
    ],
)
async def test_the_page_of_an_execution_leads_to_its_run(
    gate: FakeGate, source: SpinnakerSource, page: str, found: bool
) -> None:
    gate.configs, gate.executions = [config(1)], [execution(1, stage("1", "wait"))]
    run = gate.executions[0]
    address = await source.address_of(DECK + page.format(app=run["application"], id=run["id"]))
    assert address == (
        Address("spin", f"{run['application']}/{run['name']}", run=run["id"]) if found else None
    )
    assert found or not any(path.startswith("/pipelines/") for path in gate.asked)


async def test_an_execution_that_is_not_there_is_told(gate: FakeGate, source: SpinnakerSource) -> None:
    gate.configs = [config(1)]
    with pytest.raises(SourceError, match="404"):
        await source.address_of(f"{DECK}/applications/ml/executions/details/01GONE00000000000000000000")


@pytest.mark.parametrize(
    ("web_url", "url", "name"),
    [
        ("https://deck.example.com", f"{DECK}/applications/ml/executions/details/01A", "spin"),
        ("https://tools.example.com/deck/", "https://tools.example.com/deck/#/applications", "spin"),
        ("https://tools.example.com/deck/", "https://tools.example.com/#/applications", None),
        (None, "https://gate.example.com/#/applications", "spin"),
    ],
)
def test_pages_are_where_deck_is(web_url: str | None, url: str, name: str | None) -> None:
    spin = SpinnakerSettings(url="https://gate.example.com", web_url=web_url, watch=("ml",))
    assert SourcePool(Settings(sources={"spin": spin}), None, time.time).at_url(url) == name
