from collections.abc import AsyncIterator

import pytest

from tests.engine.two_sources import World
from tests.engine.world import NoJitter


@pytest.fixture
async def world() -> AsyncIterator[World]:
    world = World(NoJitter())
    await world.start()
    yield world
    await world.runtime.close()
    await world.running
