"""What can be asked of the sources and watched: small hashable values, each typed by its answer."""

from typing import Any, Generic, TypeAlias, TypeVar

import msgspec

from tui.domain.address import Address
from tui.domain.pipeline import Listing, Run
from tui.domain.series import Chart

T = TypeVar("T")


class Question(msgspec.Struct, Generic[T], frozen=True):
    """Something a source can be asked; ``T`` is the type of the answer. Equal questions are the same question."""


AnyQuestion: TypeAlias = Question[Any]


class PipelinesOf(Question[Listing], frozen=True):
    """All watched pipelines of a source, by its name in the config."""

    source: str


class RunAt(Question[Run], frozen=True):
    """One run with its stages and jobs."""

    address: Address


class ChartOf(Question[Chart], frozen=True):
    """One metric of a model over the last ``span`` seconds, for a chart ``columns`` cells wide."""

    model: str
    metric: str
    span: int
    columns: int
