"""Versions of a model in a registry, and how the candidate among them compares with the champion."""

from collections.abc import Mapping

import msgspec

from tui.domain.verdict import MetricVerdict, Outcome


class RegisteredVersion(msgspec.Struct, frozen=True):
    """One version of a registered model, with what the run that made it measured."""

    model: str
    version: str
    aliases: tuple[str, ...] = ()
    before: Mapping[str, str] = {}
    """For an alias of it the version that had it before, where that was noted when it was given."""
    run: str = ""
    """The id of that run; empty where there is none."""
    created_at: float | None = None
    metrics: tuple[tuple[str, float | None], ...] = ()
    """The newest value of each; None for NaN and infinities."""


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

    @property
    def outcome(self) -> Outcome:
        """WORSE where one metric is, else UNCLEAR where one is; OK."""
        outcomes = {metric.outcome for metric in self.metrics}
        return next((each for each in (Outcome.WORSE, Outcome.UNCLEAR) if each in outcomes), Outcome.OK)
