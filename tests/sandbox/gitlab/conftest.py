from collections.abc import Iterator

import pytest

from tests.sandbox.gitlab.face import START, Face, a_face
from tui.sandbox.scenario import demo
from tui.sandbox.world import Clock, World


@pytest.fixture
def face() -> Iterator[Face]:
    with a_face(World(demo(), Clock(START, manual=True))) as it:
        yield it
