"""The configuration: a TOML file in, typed settings out, every mistake named."""

from tui.config.file import default_path, load, parse
from tui.config.safety import Launch, Policy, SafetySettings
from tui.config.secret import ConfigError, Secret
from tui.config.settings import (
    METRIC_SOURCES,
    PIPELINE_SOURCES,
    Compare,
    GitLabSettings,
    JenkinsSettings,
    MetricSettings,
    ModelSettings,
    PrometheusSettings,
    Score,
    Settings,
    SourceSettings,
    Track,
    UiSettings,
    seconds,
)

__all__ = [
    "METRIC_SOURCES",
    "PIPELINE_SOURCES",
    "Compare",
    "ConfigError",
    "GitLabSettings",
    "JenkinsSettings",
    "Launch",
    "MetricSettings",
    "ModelSettings",
    "Policy",
    "PrometheusSettings",
    "SafetySettings",
    "Score",
    "Secret",
    "Settings",
    "SourceSettings",
    "Track",
    "UiSettings",
    "default_path",
    "load",
    "parse",
    "seconds",
]
