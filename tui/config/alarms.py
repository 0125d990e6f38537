"""Alarms and notices in the configuration: ``[alarms.NAME]`` and ``[ui.notices]``."""

import re
from collections.abc import Iterable, Iterator
from datetime import time
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tui.config.secret import Secret
from tui.domain.absence import Recurring
from tui.domain.alarm import Severity
from tui.domain.globs import may_overlap

Name = Annotated[str, Meta(min_length=1)]
Duration = Annotated[str, Meta(pattern=r"^[1-9]\d*[smhd]$")]
Channel = Literal["app", "bell", "desktop", "command", "webhook"]
CHANNELS: tuple[Channel, ...] = ("app", "bell", "desktop", "command", "webhook")
_RANGE = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class SeriesCondition(_Table, frozen=True):
    """A metric of a model is beyond a limit, which is in the metric's shown unit."""

    model: Name
    """Name of a model."""
    metric: Name
    """Name of a metric."""
    above: float | None = None
    """It is bad above this, in the metric's unit."""
    below: float | None = None
    """It is bad below this."""
    track: Literal["canary", "baseline"] = "canary"
    """Which series, where the metric is told apart by track."""


class VerdictCondition(_Table, frozen=True):
    """A model's canary is judged so: DO NOT PROMOTE, or WAIT."""

    model: Name
    """Name of a model."""
    is_: Literal["worse", "unclear"] = msgspec.field(name="is", default="worse")
    """``worse`` is DO NOT PROMOTE, ``unclear`` is WAIT."""


class RunsCondition(_Table, frozen=True):
    """The newest runs of a pipeline all ended so; each pipeline is a subject of its own."""

    pipelines: Annotated[tuple[Name, ...], Meta(min_length=1)]
    """Globs over addresses, ``SOURCE:PATH``."""
    status: Literal["failed", "warning", "canceled"] = "failed"
    """How they ended."""
    consecutive: Annotated[int, Meta(ge=1, le=10)] = 1
    """So many in a row."""


class TestsCondition(_Table, frozen=True):
    """The newest run with tests has so many failures that the run before had not; each pipeline is a subject."""

    __test__ = False

    pipelines: Annotated[tuple[Name, ...], Meta(min_length=1)]
    """Globs over addresses, ``SOURCE:PATH``."""
    new_failures: Annotated[int, Meta(ge=1)] = 1
    """So many, or more."""


class SourceCondition(_Table, frozen=True):
    """A source cannot be read."""

    name: Name
    """Name of a source, of any type."""
    unreachable_for: Duration = "2m"
    """How long it has not been read."""


class AbsentCondition(_Table, frozen=True):
    """Something has not happened for a model for too long, where all is seen that could have happened."""

    model: Name
    """Name of a model."""
    of: Recurring
    """``training``: a run of its ``training`` finished, else its ``retrain`` passed, else a version was registered.
    ``evaluation``: a run left one of its ``evidence``. ``deployment``: a version, not only as a canary, came to where
    it serves. ``schedule``: the clock started one of its pipelines."""
    longer_than: Duration
    """How long it may take from one time to the next."""


Condition = (
    SeriesCondition | VerdictCondition | RunsCondition | TestsCondition | SourceCondition | AbsentCondition
)
KINDS = ("series", "verdict", "runs", "tests", "source", "absent")


class AlarmSettings(_Table, frozen=True):
    """What should be known of without looking. Exactly one of the six conditions is set."""

    series: SeriesCondition | None = None
    """A metric is beyond a limit."""
    verdict: VerdictCondition | None = None
    """The canary is judged so."""
    runs: RunsCondition | None = None
    """The newest runs ended so."""
    tests: TestsCondition | None = None
    """A run has new failures."""
    source: SourceCondition | None = None
    """A source cannot be read."""
    absent: AbsentCondition | None = None
    """Something has not happened for too long."""
    for_: Duration | None = msgspec.field(name="for", default=None)
    """How long it has to be bad; None: it fires at once."""
    clear: float | None = None
    """Of a series: the limit on whose good side it has to be before the alarm can end; None: the limit itself."""
    keep: Duration | None = None
    """How long it has to be good before the alarm ends; None: it ends at once."""
    severity: Severity = "warning"
    """How it is shown."""
    propose: tuple[Literal["rollback", "retrain"], ...] = ()
    """What it offers to do about it, of a model."""
    notify: tuple[Channel, ...] = CHANNELS
    """By which of the configured ways it is told."""

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(found for kind in KINDS if (found := getattr(self, kind)) is not None)

    @property
    def model(self) -> str:
        """The model that it names; empty for none."""
        named = self.series or self.verdict or self.absent
        return named.model if named is not None else ""

    def may_concern(self, model: str, pipelines: Iterable[str]) -> bool:
        """Whether it can be about the model of that name, which has these pipelines."""
        if self.model:
            return self.model == model
        about = self.runs or self.tests
        return about is not None and any(
            may_overlap(glob, pipeline) for glob in about.pipelines for pipeline in pipelines
        )


class NoticeSettings(_Table, frozen=True):
    """How alarms are told to somebody who is not looking."""

    app: bool = True
    """In the deck itself."""
    bell: bool = False
    """The terminal's, when an alarm begins to fire."""
    desktop: Literal["off", "osc9", "osc777"] = "off"
    """A notification of the desktop the terminal is on, through SSH and tmux."""
    command: tuple[Name, ...] = ()
    """Program and arguments; it gets the alarms as JSON on its standard input."""
    command_env: tuple[Name, ...] = ()
    """Environment variables it gets beside the few that every program needs."""
    webhook: Secret | None = None
    """The url that the same JSON is posted to; many hold a token."""
    webhook_headers: dict[Name, Secret] = {}
    """Sent with it."""
    quiet_hours: tuple[Annotated[str, Meta(pattern=f"^{_RANGE.pattern}$")], ...] = ()
    """Local times, ``22:00-07:00``, in which nobody is told."""
    per_minute: Annotated[int, Meta(ge=1, le=60)] = 6
    """Notices at most; what is more comes together in the next one."""

    @property
    def quiet(self) -> tuple[tuple[time, time], ...]:
        return tuple(
            (time.fromisoformat(start), time.fromisoformat(end))
            for start, _, end in (text.partition("-") for text in self.quiet_hours)
        )


def mistakes(alarm: AlarmSettings) -> Iterator[tuple[str, str]]:
    """What of a well-typed alarm cannot be meant: the key below it, and what is wrong with it."""
    if len(alarm.conditions) != 1:
        found = "several" if alarm.conditions else "none"
        yield "", f"has exactly one of {', '.join(KINDS)}; here: {found}"
        return
    series = alarm.series
    if series is not None and (series.above is None) == (series.below is None):
        yield "series", "has either above or below"
    elif series is not None and alarm.clear is not None:
        if series.above is not None and alarm.clear > series.above:
            yield "clear", f"must not be above the limit {series.above:g}"
        if series.below is not None and alarm.clear < series.below:
            yield "clear", f"must not be below the limit {series.below:g}"
    elif alarm.clear is not None:
        yield "clear", "only an alarm on a series has this"
    if alarm.source is not None and alarm.for_ is not None:
        yield "for", "is called source.unreachable_for here"
    if alarm.absent is not None and alarm.for_ is not None:
        yield "for", "is called absent.longer_than here"
    if alarm.source is not None and alarm.propose:
        yield "propose", "there is no model to do this with"
