"""Metrics in Prometheus' text format, read from the page itself (contracts: metrics §3).

What a query may say is in :mod:`tui.sources.metrics.exposition_query`. A page has no past:
:mod:`tui.sources.metrics.sample_history` keeps what was seen of the series that are asked for.
"""

import math
import re
import time
from array import array
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO
from itertools import chain, islice

import msgspec

from tui.config import ExpositionSettings
from tui.domain.health import Finding, Trouble
from tui.domain.series import Grid, Histogram, Samples
from tui.sources.base import SourceError
from tui.sources.http.limiter import HttpResponse
from tui.sources.looks import Looks, Shelf
from tui.sources.metrics import exposition_query
from tui.sources.metrics.exposition_query import Labels, NoQuery, Rows, Selector, evaluate, parse, selectors
from tui.sources.metrics.sample_history import Point, SampleHistory
from tui.sources.metrics.server import MetricServerBase
from tui.text.safe import clean, shorten
from tui.threads import in_thread

LARGEST_PAGE = 8 << 20
MOST_SAMPLES = 200_000
MOST_LINES = 400_000
LONGEST_LINE = 1 << 16
MOST_SERIES = 500
"""That one selector may match, also one after the other."""
MOST_SETS = 1000
"""Sets of series that are remembered."""
_YEAR = 365 * 86400
_NATIVE = re.compile(
    rb'^(?P<name>[\w:]*(?:\{(?:[^"{}\n]|"(?:[^"\\\n]|\\.)*")*\})?)[ \t]+\{\s*[a-z_]+\s*:[^\n]*$', re.MULTILINE
)
"""The line of a native histogram, whose value is a structure instead of a number."""
_STRUCTURE = re.compile(rb"\{\s*[a-z_]+\s*:")
"""What such a line has, found in a twentieth of the time."""
_ACCEPT = {"Accept": "text/plain;version=0.0.4"}

_kept = msgspec.msgpack.Decoder(tuple[bytes, list[float]])
_labels = msgspec.msgpack.Decoder(tuple[Labels, ...])

Page = Mapping[str, list[tuple[Labels, Point]]]
"""Samples by name, with the time each is from."""


class PageSample(msgspec.Struct, frozen=True):
    """What one look at the page showed of a selector, small: there are many."""

    series: tuple[Labels, ...]
    numbers: "array[float]"
    """For each of them the time and the value."""


class ExpositionSource(MetricServerBase[ExpositionSettings]):
    """A :class:`tui.sources.base.MetricSource`."""

    def __init__(
        self, name: str, settings: ExpositionSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(name, settings, clock=clock)
        self._scrapes: SampleHistory[Page, Selector, PageSample] = SampleHistory(
            self._read, self._pick, clock
        )
        self._series: dict[tuple[Labels, ...], tuple[Labels, ...]] = {}
        """Each set of series once, although every look has it."""
        self._kept_series: dict[bytes, tuple[Labels, ...]] = {}
        """Those of them that were read from disk, as they are written there."""
        self._native = 0
        """Native histograms on the page, which are not read."""

    def keep_looks(self, looks: Looks) -> None:
        page = (self._name, self._settings.base_url, self._settings.user)
        self._scrapes.keep(Shelf(looks, page, _pack, self._unpack))

    async def samples(self, query: str, grid: Grid) -> Samples:
        """The query's series, as far as they were seen; NaN and infinities are gaps.

        Raises:
            SourceError: REFUSED for a query that is none; others as the server fares.
        """
        try:
            tree = parse(query)
        except NoQuery as error:
            raise SourceError(Trouble.REFUSED, f"{self._name}: {error}") from None
        wanted = selectors(tree)
        seen = dict(zip(wanted, await self._scrapes.look(wanted), strict=True))

        def work() -> tuple[Rows, tuple[str, ...], Histogram | None]:
            past = {selector: _by_series(looks) for selector, looks in seen.items()}
            for selector, series in past.items():
                if len(series) > MOST_SERIES:
                    raise NoQuery(
                        f"{selector.name} matches more than {MOST_SERIES} series; name more of their labels"
                    )
            return (*evaluate(tree, past, grid), exposition_query.histogram(tree, past, grid.end))

        try:
            rows, notes, buckets = await in_thread(work)
        except NoQuery as error:
            raise SourceError(Trouble.REFUSED, f"{self._name}: {shorten(clean(str(error)), 300)}") from None
        looks = len(next(iter(seen.values())))
        begun = "the page has no past: this one begins when it is first asked for; a rate needs two looks"
        return Samples(
            tuple(
                (
                    tuple((clean(name), clean(value)) for name, value in labels),
                    tuple(value if value is not None and math.isfinite(value) else None for value in values),
                )
                for labels, values in rows.items()
            ),
            (*((begun,) if looks == 1 else ()), *self._scrapes.notes, *notes),
            nan=sum(value is not None and math.isnan(value) for values in rows.values() for value in values),
            histogram=buckets,
        )

    async def reach(self) -> Finding:
        page = await self._scrapes.page()
        count = sum(map(len, page.values()))
        native = f"; {self._native} native histograms are not read" if self._native else ""
        return Finding("ok", "page", f"{count} samples of {len(page)} names{native}")

    def _advice(self, trouble: Trouble) -> str:
        return "url must be that of the page itself, such as http://host:8080/metrics"

    def _pick(self, page: Page, selector: Selector) -> PageSample:
        """The samples that a selector means. The parser adds ``_total`` to a counter that was sent without it."""
        found = page.get(selector.name) or page.get(f"{selector.name}_total") or ()
        # Of what is there twice the last one counts.
        samples = {labels: point for labels, point in found if selector.matches(labels)}
        samples = dict(islice(samples.items(), MOST_SERIES + 1))
        if len(self._series) > MOST_SETS:
            self._series.clear()
            self._kept_series.clear()
        series = tuple(samples)
        return PageSample(self._series.setdefault(series, series), array("d", chain(*samples.values())))

    def _unpack(self, content: bytes) -> PageSample:
        names, numbers = _kept.decode(content)
        # Nearly all looks are at the same series: to read their labels anew each time would take most of the time.
        if (series := self._kept_series.get(names)) is None:
            series = self._kept_series[names] = _labels.decode(names)
        if len(numbers) != 2 * len(series):
            raise ValueError("it takes a time and a value for each series")
        return PageSample(self._series.setdefault(series, series), array("d", numbers))

    async def _read(self) -> Page:
        answer = await self._http.send("GET", "", headers=_ACCEPT)
        if answer.status != 200:
            reason = answer.body[:300].decode(errors="replace") if answer.content_type == "text/plain" else ""
            raise self._wire.refuse(answer, reason)
        self._wire.whole(answer, LARGEST_PAGE)
        at = self._clock()
        return await in_thread(lambda: self._parsed(answer, at))

    def _parsed(self, answer: HttpResponse, now: float) -> Page:
        """100,000 samples take a second: in a thread."""
        from prometheus_client.parser import text_string_to_metric_families

        # The parser takes seconds for these, whatever they hold, and minutes for a line with as many labels.
        if (
            answer.body.count(b"\n") > MOST_LINES
            or max(map(len, BytesIO(answer.body)), default=0) > LONGEST_LINE
        ):
            reason = (
                f"{answer.where} has more than {MOST_LINES} lines, or one of more than {LONGEST_LINE} bytes"
            )
            raise SourceError(Trouble.WRONG_ANSWER, f"{self._name}: {reason}; ask a Prometheus instead")
        page: dict[str, list[tuple[Labels, Point]]] = {}
        count = 0
        try:
            body, self._native = answer.body, 0
            if _STRUCTURE.search(body):
                body, self._native = _NATIVE.subn(b"", body)
            for family in text_string_to_metric_families(body.decode()):
                for sample in family.samples:
                    # An exemplar is misread as a time stamp, of 1970.
                    sampled_at = float(sample.timestamp) if sample.timestamp is not None else now
                    at = sampled_at if abs(now - sampled_at) < _YEAR else now
                    labels = tuple(sorted(sample.labels.items()))
                    page.setdefault(sample.name, []).append((labels, (at, float(sample.value))))
                count += len(family.samples)
                if count > MOST_SAMPLES:
                    reason = f"{answer.where} has more than {MOST_SAMPLES} samples; ask a Prometheus instead"
                    raise SourceError(Trouble.WRONG_ANSWER, f"{self._name}: {reason}")
        except (ValueError, KeyError, IndexError, AttributeError):
            kind = answer.content_type or "no type"
            raise SourceError(
                Trouble.WRONG_ANSWER,
                f"{self._name}: {answer.where or 'GET'} answered {clean(kind)} that is not Prometheus' text format, "
                "or cut off; is the url that of the metrics page?",
                status=answer.status,
            ) from None
        return page


def _pack(look: PageSample) -> tuple[bytes, list[float]] | None:
    return (msgspec.msgpack.encode(look.series), look.numbers.tolist()) if look.series else None


def _by_series(looks: Sequence[tuple[float, PageSample]]) -> dict[Labels, list[Point]]:
    series: dict[Labels, list[Point]] = {}
    for _, look in looks:
        for labels, at, value in zip(look.series, look.numbers[::2], look.numbers[1::2], strict=True):
            past = series.setdefault(labels, [])
            if not past or at > past[-1][0]:
                past.append((at, value))
    return series
