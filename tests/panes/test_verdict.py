"""The verdict on the screen: in the metrics pane, and in the header where it says no."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from random import Random

import pytest

from tests.engine.world import FakeSource
from tests.screens.test_deck import Deck, deck
from tui.domain.candidate import RegisteredVersion
from tui.domain.health import Trouble
from tui.domain.series import Grid, Samples
from tui.engine.queries import VerdictOf
from tui.panes.metrics import MetricsPane
from tui.panes.verdict import VerdictLines
from tui.sources.base import SourceError
from widgets.chart.chart import Chart

JUDGED = """
[metrics.p95]
source = "prom"
title = "latency p95"
unit = "ms"
query = 'p95{track="{track}"}'
window = "1m"
compare = { max_worse = 10 }
[metrics.errors]
source = "prom"
unit = "%"
query = 'errors{track="{track}"}'
window = "1m"
fail = 2
[models.churn]
pipelines = ["jenkins:deploy"]
metrics = ["p95", "errors", "up"]
"""


@asynccontextmanager
async def judged(slower: float, size: tuple[int, int] = (160, 40), more: str = "") -> AsyncIterator[Deck]:
    """A deck whose source knows a canary that is this many milliseconds slower."""

    async def samples(self: FakeSource, query: str, grid: Grid) -> Samples:
        await self._serve(query)
        if isinstance(self.default, Exception):
            raise self.default
        rng = Random(query)
        mean = 1.0 if "errors" in query else 100.0 + slower * ("canary" in query)
        return Samples((((), tuple(rng.gauss(mean, 0.05 * mean) for _ in grid.times)),))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeSource, "samples", samples)
        async with deck(size, JUDGED + more) as work:
            await work.press("3")
            await work.press("1")
            yield work


def row(work: Deck, word: str) -> str:
    return next(line.split("▏")[-1].strip() for line in work.text.splitlines() if word in line)


async def test_a_canary_that_must_not_be_promoted_says_so_in_header_and_pane() -> None:
    async with judged(30.0) as work:
        header, *_ = work.text.splitlines()
        assert "✗ DO NOT PROMOTE churn" in header
        assert row(work, "PROMOTE  churn").startswith("✗ DO NOT PROMOTE  churn  WORSE: p95")
        line = row(work, "✗ WORSE")
        assert line.startswith("✗ WORSE    latency p95  ")
        assert "over the baseline; 10 ms is allowed" in line
        assert " ".join(row(work, "✓ OK").split()).startswith("✓ OK errors within its limits")


async def test_a_healthy_one_is_quiet_in_the_header() -> None:
    async with judged(0.0) as work:
        assert "PROMOTE" not in work.text.splitlines()[0]
        assert row(work, "✓ PROMOTE OK").startswith("✓ PROMOTE OK  churn  OK: p95, errors")


async def test_the_header_warns_of_models_that_are_not_looked_at() -> None:
    async with judged(30.0) as work:
        await work.press("j")
        assert "Fraud" in work.text, "another model is shown"
        assert "✗ DO NOT PROMOTE churn" in work.text.splitlines()[0]
        assert "✗ WORSE" not in work.text


async def test_a_wide_pane_tells_difference_values_and_age() -> None:
    async with judged(30.0, (200, 50)) as work:
        await work.press("3", "plus")
        line = row(work, "✗ WORSE")
        assert "ms (" in line
        assert "240 values, " in line
        assert line.endswith("independent, <1m old")


async def test_a_narrow_one_keeps_word_metric_and_reason() -> None:
    async with judged(30.0, (80, 24)) as work:
        await work.press("3")
        line = row(work, "✗ WORSE")
        assert line.startswith("✗ WORSE    latency p95  1")
        assert "✗ DO NOT PROMOTE" in work.text.splitlines()[0]


async def test_an_old_verdict_says_how_old_and_a_failed_one_why() -> None:
    async with judged(30.0) as work:
        work.sources["prom"].default = SourceError(Trouble.TIMEOUT, "prom did not answer")
        work.screen.runtime.poller.refresh(VerdictOf("churn"))
        await work.settle(120)
        assert "DO NOT PROMOTE" in work.text.splitlines()[0]
        line = row(work, "m old  ")
        assert re.match(r"✗ DO NOT PROMOTE  \d+m old  ~ timed out  churn  WORSE: p95", line)


async def test_without_any_answer_it_says_why() -> None:
    async with judged(30.0) as work:
        work.screen.runtime.store.forget(VerdictOf("churn"))
        work.sources["prom"].default = SourceError(Trouble.TIMEOUT, "prom did not answer")
        work.screen.runtime.poller.refresh(VerdictOf("churn"))
        await work.settle(2)
        assert row(work, "no verdict").startswith("? no verdict  churn  prom did not answer")
        assert "DO NOT PROMOTE" not in work.text


async def test_lines_come_and_go_with_the_model_and_leave_the_charts_their_room() -> None:
    async with judged(30.0) as work:
        pane = work.screen.panes["metrics"]
        assert isinstance(pane, MetricsPane)
        lines = pane.query_one(VerdictLines)
        assert lines.size.height == 2
        await work.press("j")
        assert lines.size.height == 0
        chart = pane.query_one(Chart)
        assert chart.size.height == pane.box.size.height


async def test_models_without_anything_to_judge_are_not_asked_about() -> None:
    async with deck() as work:
        assert not any("track" in asked for _, asked in work.sources["prom"].asked)


async def test_a_candidate_stands_below_the_canary() -> None:
    registry = (
        '[sources.ml]\ntype = "mlflow"\nurl = "http://127.0.0.1:9"\n[models.churn.registry]\nsource = "ml"\n'
        'model = "churn"\nmetrics = { auc = { better = "higher" } }\n'
    )

    async def registered(
        self: FakeSource, model: str, aliases: Sequence[str]
    ) -> Mapping[str, RegisteredVersion | None]:
        values = {"champion": ("3", 0.9), "challenger": ("4", 0.8)}
        return {
            alias: RegisteredVersion(model, version, metrics=(("auc", value),))
            for alias, (version, value) in values.items()
        }

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(FakeSource, "registered", registered, raising=False)
        async with judged(0.0, more=registry) as work:
            line = row(work, "✗ WORSE")
            assert line.startswith("✗ WORSE    auc, version 4  ")
            assert "worse than version 3 by 0.1" in line
            await work.press("3", "plus")
            assert "challenger 4 against champion 3, validated" in work.text
            assert row(work, "✗ WORSE").endswith("candidate, validated")


async def test_the_methods_numbers_are_one_key_away() -> None:
    async with judged(30.0, (200, 50)) as work:
        await work.press("3", "W")
        assert "pairs of windows, " in row(work, "✗ WORSE")
        await work.press("W")
        assert "over the baseline" in row(work, "✗ WORSE")
