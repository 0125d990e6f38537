"""What was done: the entries of the journal of actions, and what they tell of one action."""

from typing import Literal

import msgspec

from tui.domain.action import Plan, Reply, Step


class JournalError(Exception):
    """A line could not be written, or none can be read; the message says why."""


class Who(msgspec.Struct, frozen=True):
    """Who acts."""

    user: str
    host: str
    pid: int
    instance: str
    """Of the program; what its lock is called."""


Event = Literal["planned", "sending", "answered", "observed", "settled"]


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line."""

    id: str
    """Of the action."""
    at: float
    event: Event
    who: Who
    source: str
    target: str
    kind: str
    server: str = ""
    plan: Plan | None = None
    """With ``planned``; with ``settled`` where nothing was, for it was refused before."""
    policy: str = ""
    step: int = 0
    request: Step | None = None
    """With ``sending``: what is sent, without secrets, and by what its effect is recognised."""
    reply: Reply | None = None
    """With ``answered``."""
    state: str = ""
    """With ``observed`` and ``settled``: what is known of it then."""
    words: str = ""
    result: str = ""
    """What it led to: an address."""
    latency: float | None = None
    """Seconds from the request to its answer."""
    prev: str | None = None
    """The hash of the line before it (docs/journal.md)."""
    carried: str | None = None
    """The place of the line that this one repeats, of an action that was open when the segment began."""
    place: str | None = None
    """Where it stands, ``SEGMENT:LINE``; known of what was read, and not written."""

    @property
    def begins(self) -> bool:
        """Whether it is the first of its action: the plan, or what was refused without one by a policy."""
        return self.plan is not None or bool(self.policy)


class Record(msgspec.Struct, frozen=True):
    """What the journal tells of one action."""

    id: str
    entries: tuple[Entry, ...]
    """In the order they were written; at least one."""

    @property
    def first(self) -> Entry:
        return self.entries[0]

    @property
    def outcome(self) -> Entry | None:
        """The entry with which it ended; None while it has not, or was cut off."""
        return next((entry for entry in self.entries if entry.event == "settled"), None)

    @property
    def plan(self) -> Plan | None:
        return self.first.plan

    @property
    def sent(self) -> Entry | None:
        """The last request that was, or may have been, sent."""
        return next((entry for entry in reversed(self.entries) if entry.event == "sending"), None)

    @property
    def reply(self) -> Reply | None:
        """The answer to that, with what was found since; None where none was noted."""
        sent = self.sent
        return next(
            (
                entry.reply
                for entry in reversed(self.entries)
                if sent and entry.reply and entry.step == sent.step
            ),
            None,
        )
