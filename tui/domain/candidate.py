"""Versions of a model in a registry, and how the candidate among them compares with the champion."""

from collections.abc import Mapping

import msgspec

from tui.domain.verdict import MetricOutcome, MetricVerdict


class RegisteredVersion(msgspec.Struct, frozen=True):
    """One version of a registered model, with what was measured of it."""

    model: str
    version: str
    aliases: tuple[str, ...] = ()
    before: Mapping[str, str] = {}
    """For an alias of it the version that had it before, where that was noted when it was given."""
    run: str = ""
    """The id of the run that made it; empty where there is none."""
    created_at: float | None = None
    metrics: tuple[tuple[str, float | None], ...] = ()
    """The newest value of each; None for NaN and infinities."""
    source_uri: str = ""
    """Where the registry says that the model lies."""
    model_id: str = ""
    """Of the registry's own record of the model, which ``metrics`` are of; empty: they are those of the run."""
    tags: tuple[tuple[str, str], ...] = ()
    """What somebody wrote at it, where that was read."""
    notes: tuple[str, ...] = ()
    """What one should know of it: that its run was deleted, that some of what it logged does not count."""


class Candidacy(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate beside the champion, by their validation metrics. Nothing is ever promoted because of it."""

    model: str
    """The name in the config."""
    registered: str
    """The name in the registry."""
    champion: RegisteredVersion | None
    candidate: RegisteredVersion | None
    metrics: tuple[MetricVerdict, ...] = ()
    """``baseline`` is the champion's value, ``canary`` the candidate's."""
    notes: tuple[str, ...] = ()
    called: tuple[str, str] | None = None
    """What champion and candidate are called where no aliases name them."""

    @property
    def outcome(self) -> MetricOutcome:
        """WORSE where one metric is, else UNCLEAR where one is; OK."""
        outcomes = {metric.outcome for metric in self.metrics}
        return next(
            (outcome for outcome in (MetricOutcome.WORSE, MetricOutcome.UNCLEAR) if outcome in outcomes),
            MetricOutcome.OK,
        )
