"""Every type of source in the config has its class, and none is imported before it is needed."""

import subprocess
import sys
from functools import partial

import pytest

from tests.engine.world import START
from tui.config import (
    SOURCE_TYPES,
    AlertmanagerSettings,
    ExpositionSettings,
    GitLabSettings,
    JenkinsSettings,
    JsonSettings,
    MLflowSettings,
    PrometheusSettings,
    ServerSettings,
    SpinnakerSettings,
)
from tui.sources import registry
from tui.threads import in_thread

SETTINGS: list[ServerSettings] = [
    JenkinsSettings(url="http://127.0.0.1:9/jenkins/"),
    GitLabSettings(url="http://127.0.0.1:9/gitlab/", watch=("ml/**",)),
    SpinnakerSettings(url="http://127.0.0.1:9", watch=("fraud",)),
    PrometheusSettings(url="http://127.0.0.1:9"),
    AlertmanagerSettings(url="http://127.0.0.1:9"),
    ExpositionSettings(url="http://127.0.0.1:9/metrics"),
    JsonSettings(url="http://127.0.0.1:9/latest.json"),
    MLflowSettings(url="http://127.0.0.1:9"),
]


def test_every_type_is_registered() -> None:
    assert {each.settings for each in SOURCE_TYPES.values()} == {type(table) for table in SETTINGS}


@pytest.mark.parametrize("settings", SETTINGS, ids=lambda table: type(table).__name__)
async def test_every_type_is_made_without_sending_anything(settings: ServerSettings) -> None:
    source = await in_thread(partial(registry.build, "name", settings, clock=lambda: START))
    facts = source.facts()
    assert (source.name, facts.name, facts.requests) == ("name", "name", 0)
    assert facts.type == settings.__struct_config__.tag
    assert facts.url == settings.base_url
    assert hasattr(source, "pipelines") == settings.runs_pipelines
    assert hasattr(source, "samples") == settings.gives_metrics
    await source.close()


def test_the_engine_imports_no_library_of_a_source() -> None:
    code = (
        "import sys, tui.engine.runtime;"
        "print(*({'httpx', 'gitlab', 'jenkins', 'requests', 'plotext', 'textual', 'statistics'}"
        " & sys.modules.keys()), *(name for name in sys.modules if name.startswith('tui.sources.')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded == {"tui.sources.base", "tui.sources.registry"}
