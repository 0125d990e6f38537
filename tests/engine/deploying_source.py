"""A source in memory that deploys."""

from typing import TypeVar

from tests.engine.world import FakeSource, Time
from tui.domain.address import Address
from tui.domain.deployment import Changes, Environment, Environments, Validation, Version
from tui.domain.evaluation import Evaluation

T = TypeVar("T")


class DeployingSource(FakeSource):
    """What it answers, or raises, is set; what it was asked is kept, as of :class:`FakeSource`."""

    def __init__(self, name: str, time: Time) -> None:
        super().__init__(name, time)
        self.places: dict[Address, Environments | Exception] = {}
        self.pasts: dict[Address, Environment | Exception] = {}
        self.brought: Changes | Exception = Changes()
        self.numbers: dict[Address, Validation | Exception] = {}
        self.reported: dict[Address, Evaluation | Exception] = {}

    async def environments(self, pipeline: Address) -> Environments:
        await self._serve(f"environments {pipeline}")
        return _or_raise(self.places.get(pipeline, Environments()))

    async def history(self, environment: Address) -> Environment:
        await self._serve(f"history {environment}")
        return _or_raise(self.pasts[environment])

    async def changes(self, old: Version, new: Version) -> Changes:
        await self._serve(f"changes {old.revision}..{new.revision}")
        return _or_raise(self.brought)

    async def validation(self, run: Address, file: str) -> Validation:
        await self._serve(f"{file} of {run}")
        return _or_raise(self.numbers.get(run, Validation((), (f"no {file}",))))

    async def evaluation(self, run: Address, file: str) -> Evaluation:
        await self._serve(f"{file} of {run}")
        return _or_raise(self.reported.get(run, Evaluation(file, problem=f"no {file}")))


def _or_raise(answer: T | Exception) -> T:
    if isinstance(answer, Exception):
        raise answer
    return answer
