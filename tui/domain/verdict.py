"""How a canary compares with its baseline: the verdict on a model, and on each of its metrics."""

from enum import StrEnum

import msgspec

from tui.domain.address import Address


class MetricOutcome(StrEnum):
    """Of one metric."""

    OK = "OK"
    """Not worse by more than is allowed."""
    BETTER = "BETTER"
    """OK, and better by more than the same margin; shown, never rewarded."""
    WORSE = "WORSE"
    UNCLEAR = "UNCLEAR"
    """It may be worse or not: too little is known."""
    IGNORED = "IGNORED"
    """Without data, and configured not to count then."""

    @property
    def good(self) -> bool:
        return self in (MetricOutcome.OK, MetricOutcome.BETTER)


class Decision(StrEnum):
    """Of a model. Nothing is ever promoted because of it; a person does that."""

    PROMOTE = "PROMOTE OK"
    WAIT = "WAIT"
    STOP = "DO NOT PROMOTE"


class MetricVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """One metric, judged from the first value of the canary on. Numbers are in the metric's shown unit."""

    metric: str
    outcome: MetricOutcome
    reason: str
    """In words, with what is missing for a clearer one."""
    method: str = ""
    """How it was found, with the method's numbers: for those who want to know more than the reason."""
    baseline: float | None = None
    """Median."""
    canary: float | None = None
    baseline_at_least: bool = False
    """It may be any more: a quantile at the bound of its histogram's highest bucket."""
    canary_at_least: bool = False
    difference: float | None = None
    """How far the canary lies above the baseline; not the difference of the medians."""
    low: float | None = None
    """The interval of the difference; None where it has no end."""
    high: float | None = None
    margin: float | None = None
    """How much worse than the baseline it may be."""
    fail: float | None = None
    """The limit that it must not be beyond, whatever the baseline does."""
    points: int = 0
    """Values compared, of the side that has fewer."""
    effective: float | None = None
    """Independent values to which they amount."""
    since: float | None = None
    newest: float | None = None
    """Time of the canary's newest value."""
    gaps: float = 0.0
    """Share of the looks, from the canary's first value on, at which it had none."""
    baseline_values: tuple[float | None, ...] = ()
    """At each look from the canary's first value on; None where there was none."""
    canary_values: tuple[float | None, ...] = ()
    more: float | None = None
    """Seconds until it should be clearer; None where it is clear, or nobody can tell."""
    group: str = ""
    weight: float = 1.0
    critical: bool = False
    required: bool = False


class ServerMetric(msgspec.Struct, frozen=True):
    """One metric, as the server of a canary judged it."""

    metric: str
    group: str
    outcome: MetricOutcome
    reason: str


class GroupScore(msgspec.Struct, frozen=True):
    name: str
    score: float
    """0 to 100."""


class ServerVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the server that runs a canary says of it by itself (Spinnaker's Kayenta); never mixed with ours."""

    judge: str
    run: Address
    """Of the canary."""
    decision: Decision
    reason: str
    score: float | None = None
    """0 to 100, of the newest interval that was judged."""
    passes: float | None = None
    """From which score on it passes."""
    fails: float | None = None
    """Up to which score it has failed."""
    intervals: tuple[float, ...] = ()
    """The scores so far, in the order of the intervals."""
    groups: tuple[GroupScore, ...] = ()
    metrics: tuple[ServerMetric, ...] = ()


_WORST = (Decision.STOP, Decision.WAIT, Decision.PROMOTE)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    model: str
    baseline: str = ""
    """The version that the canary is compared with; empty where nobody tells."""
    canary: str = ""
    judge: str
    decision: Decision
    reason: str
    score: float
    """0 to 100: of the weight of what counts, the share that is OK."""
    metrics: tuple[MetricVerdict, ...] = ()
    groups: tuple[GroupScore, ...] = ()
    notes: tuple[str, ...] = ()
    server: ServerVerdict | None = None
    """What the canary's own server says beside it; None where none does."""
    server_alone: bool = False
    """That alone counts."""
    step: int = 60
    """Seconds between two looks, the shortest of its metrics'."""

    @property
    def counts(self) -> Decision:
        """What all go by, a promotion first: the worse of ours and the server's, or the server's alone."""
        if self.server is None:
            return self.decision
        if self.server_alone:
            return self.server.decision
        return min(self.decision, self.server.decision, key=_WORST.index)

    def counts_for(self, run: Address | None) -> bool:
        """Whether :attr:`counts` tells of the canary that ``run`` put there.

        Where it is the server's word, that has to be about the same run.
        """
        server = self.server
        return (
            server is None or self.counts is self.decision or (run is not None and run.of_run == server.run)
        )

    @property
    def why(self) -> str:
        """Why :attr:`counts` is what it is; with whose word that is, where it is not ours."""
        server = self.server
        if server is None or (self.counts is self.decision and not self.server_alone):
            return self.reason
        score = f"score {server.score:g}" if server.score is not None else ""
        reason = "; ".join(filter(None, (score, server.reason)))
        return f"{server.judge} says so{f': {reason}' if reason else ''}"
