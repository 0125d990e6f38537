"""``[views.NAME]``: ways to look at the list."""

from pathlib import Path

import pytest

from tests.examples import pipeline, run
from tests.screens.test_deck import deck
from tui import config
from tui.config import ConfigError, ViewSettings
from tui.domain.status import Status
from tui.panes.pipeline_views import admits, columns_of
from tui.panes.pipelines import COLUMNS
from widgets.table.columns import fit_columns

VIEWS = """
[views.broken]
status = ["failed"]
sort = "name"
columns = ["Cause"]
[views.vision]
filter = "vision"
group = "source"
sources = ["jenkins"]
"""


async def test_v_goes_from_view_to_view_and_the_heading_names_it() -> None:
    async with deck((150, 40), VIEWS) as work:
        every = list(work.list.pipelines)
        await work.press("V")
        assert list(work.list.pipelines) == ["gitlab:ml/fraud feat/[/foo]"]
        assert work.text.split("\n")[3].strip().startswith("view broken")
        assert "Cause" in work.text
        assert "Now" not in work.text.split("\n")[4].partition("▏")[0]
        await work.press("s")
        assert "sorted by time" in work.text, "not as in the view"
        await work.press("V")
        assert list(work.list.pipelines) == ["jenkins:ml/vision"]
        assert "jenkins  1 pipeline, 1 running" in work.text
        await work.press("slash", *"nothing", "enter")
        assert "No pipeline matches the filter." in work.text
        await work.press("escape", "V")
        assert list(work.list.pipelines) == every
        assert "view" not in work.text


async def test_without_views_the_key_says_how_to_have_some() -> None:
    async with deck((80, 24)) as work:
        await work.press("V")
        assert "No view is configured; add [views.NAME] to the config." in work.text


@pytest.mark.parametrize(
    ("view", "admitted"),
    [
        (ViewSettings(), True),
        (ViewSettings(sources=("g",)), True),
        (ViewSettings(sources=("j",)), False),
        (ViewSettings(status=(Status.FAILED, Status.PASSED)), True),
        (ViewSettings(status=(Status.RUNNING,)), False),
        (ViewSettings(causes=("nobody", "PUSH")), True),
        (ViewSettings(causes=("schedule",)), False),
    ],
)
def test_what_a_view_is_about(view: ViewSettings, admitted: bool) -> None:
    assert admits(view, pipeline("g:a", run("g:a#1", Status.PASSED, cause="push by dana"))) is admitted
    assert admits(view, pipeline("g:a")) is (not view.status and not view.causes and "j" not in view.sources)


def test_the_columns_of_a_view() -> None:
    shown = columns_of(ViewSettings(columns=("Now", "Source")), COLUMNS)
    widths = fit_columns(shown, 300, (1, 9, 9, 2, 20, 3, 12, 5, 7))
    assert [column.title for column, width in zip(COLUMNS, widths, strict=True) if width] == [
        "",
        "Pipeline",
        "Now",
        "Source",
    ]


def test_a_view_of_a_source_that_there_is_not_is_a_mistake() -> None:
    head = '[sources.ci]\ntype = "jenkins"\nurl = "http://127.0.0.1:9"\n'
    with pytest.raises(ConfigError, match=r"views.x.sources\[0\]: there is no \[sources.co\]"):
        config.parse(f'{head}[views.x]\nsources = ["co"]\n', Path("config.toml"))
