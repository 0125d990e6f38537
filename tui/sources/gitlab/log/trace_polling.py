"""When to ask for a trace again, each time whole: seldom, but soon after it grew (contracts: gitlab §5.2, §5.4)."""

EAGER = 30.0
"""Seconds from the beginning on in which it is asked for each time."""
STATUS_EAGER = 3.0
STATUS = 5.0
"""Seconds between looks at the job's status."""
SOONEST = 10.0
LATEST = 15.0
LONGEST_GAP = 50.0
_EARLY = 5.0


class TracePolling:
    """Learns how often a runner sends: between two times the text is not asked for, but around the next one it is."""

    def __init__(self) -> None:
        self._began: float | None = None
        self._due = 0.0
        self._wait = SOONEST
        self._grew: float | None = None
        self._gap: float | None = None

    def due(self, now: float) -> bool:
        """It is time to ask for the text."""
        if self._began is None:
            self._began = now
        return now >= self._due or now < self._began

    def answered(self, now: float, grew: bool, *, conditional: bool) -> None:
        """The text came, and was longer than before or not.

        Args:
            conditional: the server says at little cost that there is nothing new.
        """
        if grew:
            if self._grew is not None:
                self._gap = now - self._grew
            self._grew = now
        if self._began is None or now - self._began < EAGER:
            self._due = now
        elif conditional:
            self._due = now + STATUS
        elif grew:
            self._wait = SOONEST
            self._due = now + max(SOONEST, min(LONGEST_GAP, (self._gap or 0.0) - _EARLY))
        else:
            self._due = now + self._wait
            self._wait = min(LATEST, self._wait * 1.25)

    def wait(self, now: float) -> float:
        """Seconds until the job should be looked at again."""
        return STATUS_EAGER if self._began is None or now - self._began < EAGER else STATUS
