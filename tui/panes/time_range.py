"""What time the charts show: zoom, pan, and the cursor, as plain values."""

import msgspec

SPANS = (15 * 60, 3600, 6 * 3600, 24 * 3600, 7 * 24 * 3600, 30 * 24 * 3600)
OLDEST = 365 * 24 * 3600
"""Nobody keeps metrics longer, as a rule."""
_GRAINS = 16
"""Ends in the past are multiples of this part of the span: coming back to one asks nothing new."""


class TimeRange(msgspec.Struct, frozen=True):
    """A range of time and a moment in it."""

    seconds: int = 3600
    until: int | None = None
    """None: now, and it goes on with the time."""
    cursor: float | None = None

    def end(self, now: float) -> float:
        return now if self.until is None else self.until

    def held(self, last: float) -> tuple[float, float]:
        """The time to show where ``last`` is the newest value and others follow. It ends a little later and stays
        until that is past: one more value is then a dot more, and not all of the picture anew."""
        grain = self.seconds // _GRAINS
        end = (last // grain + 1) * grain
        return end - self.seconds - grain, end

    def zoomed(self, step: int, now: float) -> "TimeRange":
        """The next longer span, or shorter (-1); what is under the cursor, or else in the middle of what is past,
        stays where it is."""
        index = SPANS.index(self.seconds) + step
        if not 0 <= index < len(SPANS):
            return self
        longer, end = SPANS[index], self.end(now)
        about = self.cursor
        if about is None:
            if self.until is None:
                return msgspec.structs.replace(self, seconds=longer)
            about = end - self.seconds / 2
        return self._ending(about + (end - about) / self.seconds * longer, longer, now)

    def panned(self, step: int, now: float) -> "TimeRange":
        """Half a span later, or earlier (-1)."""
        end = max(self.end(now) + step * self.seconds / 2, now - OLDEST)
        return self._ending(end, self.seconds, now)

    def pointed(self, step: int, start: float, end: float, grain: int) -> "TimeRange":
        """With the cursor so many grains further in what is shown, from its end where there was none."""
        at = end if self.cursor is None else (round(self.cursor / grain) + step) * grain
        at = min(max(start, at), end)
        return msgspec.structs.replace(self, cursor=at)

    def _ending(self, end: float, seconds: int, now: float) -> "TimeRange":
        grain, cursor = seconds // _GRAINS, self.cursor
        aligned = round(end / grain) * grain
        if cursor is not None:  # rounding alone does not put it out of sight
            aligned += grain if 0 < cursor - aligned < grain else 0
            aligned -= grain if 0 < aligned - seconds - cursor < grain else 0
        until = aligned if aligned < now else None
        end = now if until is None else until
        if cursor is not None and not end - seconds <= cursor <= end:
            cursor = None
        return TimeRange(seconds, until, cursor)
