"""What was recorded of a version of a model, and how two versions differ by it."""

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from tui.domain.candidate import RegisteredVersion
from tui.domain.verdict import MetricOutcome

NOT_RECORDED = "not recorded"


class Column(msgspec.Struct, frozen=True):
    """One input or output of a model."""

    name: str
    type: str
    required: bool = True


class Signature(msgspec.Struct, frozen=True):
    """What a model takes and gives."""

    inputs: tuple[Column, ...] = ()
    outputs: tuple[Column, ...] = ()
    params: tuple[Column, ...] = ()


class Dataset(msgspec.Struct, frozen=True):
    """Data that a run used."""

    context: str
    """What for: ``training``, ``validation``; empty where nobody said."""
    name: str
    digest: str
    """Of its first rows only: equal ones are no proof that all rows are."""
    rows: int | None = None


class VersionRecord(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a registry has of one version. None: not recorded, or not readable (``unread`` says which)."""

    version: RegisteredVersion
    run_name: str = ""
    params: tuple[tuple[str, str], ...] = ()
    datasets: tuple[Dataset, ...] = ()
    signature: Signature | None = None
    requirements: tuple[tuple[str, str], ...] | None = None
    """Packages and their versions."""
    commit: str = ""
    job_id: str = ""
    """Of the CI job that trained it, as its run says."""
    job_url: str = ""
    """The page of that job or run; anybody can have written it."""
    unread: Mapping[str, str] = {}
    """Groups that could not be read, and why."""


class Group(StrEnum):
    """What is compared, in the order in which it is told."""

    METRICS = "metrics"
    DATA = "data"
    PARAMETERS = "parameters"
    SIGNATURE = "signature"
    ENVIRONMENT = "environment"
    CODE = "code"
    ORIGIN = "origin"


class Standing(StrEnum):
    DIFFERS = "differs"
    UNKNOWN = "not known"
    """Of one side or of both nothing was recorded, or it could not be read: never the same."""
    SAME = "same"


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """One thing of two versions, side by side."""

    group: Group
    name: str
    deployed: str
    candidate: str
    standing: Standing
    change: str = ""
    """In few words."""
    outcome: MetricOutcome | None = None
    """Of a metric with a limit."""
    marked: bool = False
    """Somebody has to do something because of it: callers send what they did not before."""


class ModelComparison(msgspec.Struct, frozen=True, kw_only=True):
    """What changed from one version to another."""

    model: str
    """The name in the config."""
    deployed: VersionRecord | None
    """What it is measured by: what is deployed, or the first of the two that were named."""
    candidate: VersionRecord | None
    basis: tuple[str, str] = ("", "")
    """By what it was found that these two are meant: by the deployment, by an alias."""
    differences: tuple[Difference, ...] = ()
    """All that was compared, also what is the same."""
    notes: tuple[str, ...] = ()

    def standing(self, standing: Standing) -> tuple[Difference, ...]:
        return tuple(each for each in self.differences if each.standing is standing)
