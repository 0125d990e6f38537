from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.acting_source import at_once
from tests.engine.two_sources import World
from tests.engine.world import NoJitter
from tui.engine.actions.journal import Journal

__all__ = ["at_once"]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(NoJitter())
    await world.start()
    yield world
    await world.runtime.close()
    await world.running


@pytest.fixture
def journal(tmp_path: Path, at_once: None) -> Journal:
    return Journal(tmp_path / "state")
