"""Which class speaks to which type of source. A new system is one new line here."""

import importlib
import time
from collections.abc import Callable

from tui.config import (
    AlertmanagerSettings,
    ExpositionSettings,
    GitLabSettings,
    JenkinsSettings,
    JsonSettings,
    MLflowSettings,
    PrometheusSettings,
    SourceSettings,
)
from tui.sources.base import Source

CLASSES: dict[type[SourceSettings], str] = {
    JenkinsSettings: "tui.sources.jenkins:JenkinsSource",
    GitLabSettings: "tui.sources.gitlab:GitLabSource",
    PrometheusSettings: "tui.sources.prometheus:PrometheusSource",
    AlertmanagerSettings: "tui.sources.alertmanager:AlertmanagerSource",
    ExpositionSettings: "tui.sources.exposition:ExpositionSource",
    JsonSettings: "tui.sources.json:JsonSource",
    MLflowSettings: "tui.sources.mlflow:MLflowSource",
}


def build(name: str, settings: SourceSettings, *, clock: Callable[[], float] = time.time) -> Source:
    """The source called ``name``. Imports its module and libraries, some 100 ms the first time; sends nothing.

    Raises:
        ConfigError: the source cannot be made from these settings.
    """
    module, _, cls = CLASSES[type(settings)].partition(":")
    source: Source = getattr(importlib.import_module(module), cls)(name, settings, clock=clock)
    return source
