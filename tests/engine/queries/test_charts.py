"""Charts from configured metrics, over a source that answers what it is told to."""

import asyncio
import math
from collections.abc import Callable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config import MetricSettings, ModelSettings, Settings, TrackSettings
from tui.domain.health import Finding, SourceFacts, Trouble
from tui.domain.series import Chart, Grid, Samples
from tui.engine.queries import ChartOf
from tui.engine.queries.charts import chart, chart_grid
from tui.sources.base import SourceError

NOW = 100_000.5
BOTH = 'x{track="{track}",version="{version}"}'


class Answers:
    """A metric source that answers each query with ``answer(query, grid)``."""

    name = "prom"

    def __init__(self, answer: Callable[[str, Grid], Samples]) -> None:
        self.queries: list[str] = []
        self.answer = answer

    async def samples(self, query: str, grid: Grid) -> Samples:
        self.queries.append(query)
        await asyncio.sleep(0)
        return self.answer(query, grid)

    def facts(self) -> SourceFacts:
        return SourceFacts("prom", "prometheus", "")

    async def check(self) -> tuple[Finding, ...]:
        return ()

    async def close(self) -> None:
        pass


def constant(value: float | None = 1.0, *, notes: Sequence[str] = ()) -> Callable[[str, Grid], Samples]:
    return lambda query, grid: Samples((((), (value,) * len(grid.times)),), tuple(notes))


async def ask(
    source: Answers,
    query: str,
    *,
    model: ModelSettings | None = None,
    scale: float = 1.0,
) -> Chart:
    settings = Settings(
        sources={},
        models={
            "fraud": model
            or ModelSettings(
                environment="production",
                baseline=TrackSettings(version="1", track="stable"),
                canary=TrackSettings(version="2", track="canary"),
            )
        },
        metrics={"m": MetricSettings(source="prom", query=query, scale=scale)},
    )
    return await chart(ChartOf("fraud", "m", 3600, 60), settings, source, NOW)


class TestTheGrid:
    @given(
        now=st.floats(0, 4e9),
        span=st.integers(1, 30 * 86400),
        columns=st.integers(0, 500),
        window=st.sampled_from(["1s", "30s", "5m", "1h", "2d"]),
    )
    def test_it_is_aligned_covers_the_span_and_fits(
        self, now: float, span: int, columns: int, window: str
    ) -> None:
        grid = chart_grid(now, span, columns, window)
        assert grid.step >= 1
        assert grid.start % grid.step == grid.end % grid.step == 0
        assert now - grid.step < grid.end <= now
        assert grid.end - span - grid.step < grid.start <= grid.end - span
        assert len(grid.times) <= 2 * max(1, columns) + 2

    def test_it_stands_still_until_a_step_has_passed(self) -> None:
        assert chart_grid(1200.0, 3600, 60, "5m") == chart_grid(1229.9, 3600, 60, "5m")
        assert chart_grid(1230.0, 3600, 60, "5m") == Grid(1230 - 3600, 1230, 30)

    def test_it_is_no_finer_than_a_twentieth_of_the_window(self) -> None:
        assert chart_grid(NOW, 60, 100, "5m").step == 15

    @given(now=st.floats(1e9, 4e9), back=st.integers(0, 10**7), span=st.integers(60, 30 * 86400))
    def test_an_end_in_the_past_holds_whatever_the_time(self, now: float, back: int, span: int) -> None:
        until = int(now) - back
        grid = chart_grid(now, span, 60, "5m", until)
        assert grid == chart_grid(now + 12345.6, span, 60, "5m", until)
        assert until - grid.step < grid.end <= until
        assert grid.start % grid.step == grid.end % grid.step == 0

    def test_the_future_is_not_asked_for(self) -> None:
        assert chart_grid(NOW, 3600, 60, "5m", int(NOW) + 999) == chart_grid(NOW, 3600, 60, "5m")


class TestThePast:
    @pytest.mark.parametrize(("until", "final"), [(None, False), (99_900, False), (99_600, True)])
    async def test_what_has_settled_is_final(self, until: int | None, final: bool) -> None:
        """What happened in the last minutes may still be added to."""
        source = Answers(constant())
        settings = Settings(
            sources={},
            models={"fraud": ModelSettings()},
            metrics={"m": MetricSettings(source="prom", query="up")},
        )
        query = ChartOf("fraud", "m", 3600, 60, until)
        answer = await chart(query, settings, source, NOW)
        assert answer.final is final
        assert math.isinf(query.wait(answer)) is final


class TestTracks:
    async def test_each_track_is_asked_with_its_own_words(self) -> None:
        source = Answers(constant())
        answer = await ask(source, BOTH)
        assert source.queries == ['x{track="stable",version="1"}', 'x{track="canary",version="2"}']
        assert [(series.track, series.label) for series in answer.series] == [
            ("baseline", "1"),
            ("canary", "2"),
        ]

    async def test_a_query_without_tracks_is_asked_once(self) -> None:
        source = Answers(constant())
        (series,) = (await ask(source, 'x{e="{environment}"}[{window}] {step} {model}')).series
        assert source.queries == ['x{e="production"}[5m] 30s fraud']
        assert (series.track, series.label) == (None, "")

    async def test_names_of_others_are_escaped(self) -> None:
        source = Answers(constant())
        await ask(
            source, 'x{v="{version}"}', model=ModelSettings(canary=TrackSettings(version='a"} or b{c="'))
        )
        assert source.queries == ['x{v="a\\"} or b{c=\\""}']

    async def test_a_track_without_a_version_is_left_out_and_told(self) -> None:
        source = Answers(constant())
        answer = await ask(
            source, 'x{v="{version}"}', model=ModelSettings(baseline=TrackSettings(version="1"))
        )
        assert [series.track for series in answer.series] == ["baseline"]
        assert answer.notes == (
            "no canary: the query uses {version}, which neither [models.fraud] nor a deployment gives for it",
        )

    async def test_no_track_at_all_is_an_error(self) -> None:
        with pytest.raises(SourceError, match=r"\[metrics.m\]: no baseline: .*; no canary: ") as caught:
            await ask(Answers(constant()), 'x{v="{version}"}', model=ModelSettings())
        assert caught.value.trouble is Trouble.REFUSED

    @pytest.mark.parametrize("name", ["environment", "namespace"])
    async def test_what_the_model_lacks_is_an_error(self, name: str) -> None:
        source = Answers(constant())
        with pytest.raises(SourceError, match=rf"\[models.fraud\] has no {name}; add it"):
            await ask(source, f'x{{a="{{{name}}}",t="{{track}}"}}', model=ModelSettings())
        assert source.queries == []

    async def test_an_unknown_placeholder_is_an_error(self) -> None:
        with pytest.raises(SourceError, match=r"unknown placeholder \{word\}"):
            await ask(Answers(constant()), "x{word}")


class TestValues:
    async def test_they_are_scaled_and_gaps_stay_gaps(self) -> None:
        def answer(query: str, grid: Grid) -> Samples:
            return Samples((((), (0.25, None, 1e308, *[0.5] * (len(grid.times) - 3))),))

        (series,) = (await ask(Answers(answer), "x", scale=1000)).series
        assert series.values[:4] == (250.0, None, None, 500.0)
        assert len(series.values) == len(series.grid.times)

    async def test_a_track_without_samples_is_all_gaps_and_told(self) -> None:
        def answer(query: str, grid: Grid) -> Samples:
            return Samples(()) if "canary" in query else constant()(query, grid)

        answered = await ask(Answers(answer), BOTH)
        assert set(answered.series[0].values) == {1.0}
        assert set(answered.series[1].values) == {None}
        assert answered.notes == ("canary: no samples in this time",)

    async def test_several_series_are_refused_naming_the_labels_that_differ(self) -> None:
        rows = tuple(
            ((("job", "api"), ("pod", str(number)), *((("zone", "a"),) if number else ())), (1.0,))
            for number in range(3)
        )
        with pytest.raises(SourceError, match="yields 3 series for the baseline") as caught:
            await ask(Answers(lambda query, grid: Samples(rows)), BOTH)
        assert "they differ in pod, zone: aggregate" in caught.value.message

    async def test_many_differing_labels_are_cut(self) -> None:
        rows = tuple((tuple((f"l{i}", f"{number}") for i in range(9)), (1.0,)) for number in range(2))
        with pytest.raises(SourceError, match="they differ in l0, l1, l2, l3, l4, …: "):
            await ask(Answers(lambda query, grid: Samples(rows)), "x")


class TestNotes:
    async def test_what_holds_for_both_is_told_once(self) -> None:
        answer = await ask(Answers(constant(notes=["partial answer"])), BOTH)
        assert answer.notes == ("partial answer",)

    async def test_what_holds_for_one_names_it(self) -> None:
        def answer(query: str, grid: Grid) -> Samples:
            return constant(notes=["3 NaN"] if "canary" in query else [])(query, grid)

        assert (await ask(Answers(answer), BOTH)).notes == ("canary: 3 NaN",)

    async def test_an_error_of_one_track_is_the_answer(self) -> None:
        def answer(query: str, grid: Grid) -> Samples:
            if "canary" in query:
                raise SourceError(Trouble.TIMEOUT, "too slow")
            return constant()(query, grid)

        source = Answers(answer)
        with pytest.raises(SourceError, match="too slow"):
            await ask(source, BOTH)
        assert len(source.queries) == 2
