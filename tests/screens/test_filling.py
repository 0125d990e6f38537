"""Where the cursor is while one source after the other answers."""

from pathlib import Path
from unittest.mock import patch

from tests.app_pilot import running
from tests.engine.world import NoJitter, Time
from tests.screens.test_deck import world
from tui import config
from tui.app import Pipedeck
from tui.domain.pipeline import Listing
from tui.engine.queries import PipelinesOf
from tui.engine.runtime import Runtime
from tui.keys import keymap
from tui.panes.pipelines import PipelinesPane

CONFIG = """
[sources.jenkins]
type = "jenkins"
url = "http://127.0.0.1:1"
[sources.gitlab]
type = "gitlab"
url = "http://127.0.0.1:1"
watch = ["ml/*"]
"""


async def test_it_stays_on_the_first_row_until_all_were_heard_of() -> None:
    time = Time()
    settings = config.parse(CONFIG, Path("config.toml"))
    runtime = Runtime(settings, {}, clock=time.clock, rng=NoJitter(), later=time.later)
    app = Pipedeck(settings, keymap(settings.ui.keys), runtime)
    listings = world(time.now)
    rows = []
    with patch.object(Runtime, "run"):
        async with running(app) as pilot:
            pane = app.screen.query_one(PipelinesPane)
            for source, listing in (
                ("gitlab", listings["gitlab"]),
                ("jenkins", listings["jenkins"]),
                ("jenkins", Listing(listings["jenkins"].pipelines[:2])),
                ("jenkins", listings["jenkins"]),
            ):
                runtime.store.put(PipelinesOf(source), listing, time.now)
                pane.project()
                await pilot.pause()
                rows.append(pane.table.key)
    # From then on it is held by the pipeline it is on.
    fraud = "gitlab:ml/fraud feat/[/foo]"
    assert rows == [fraud, "jenkins:deploy", fraud, fraud]
