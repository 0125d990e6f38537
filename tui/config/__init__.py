"""The configuration: a TOML file in, typed settings out, every mistake named."""

from tui.config.alarms import AlarmSettings, NoticeSettings
from tui.config.file import default_path, load, parse
from tui.config.safety import Launch, Policy, SafetySettings
from tui.config.secret import ConfigError, Secret
from tui.config.settings import (
    Compare,
    MetricSettings,
    ModelSettings,
    Registry,
    Score,
    Settings,
    Track,
    UiSettings,
    Validated,
    seconds,
)
from tui.config.sources import (
    SOURCE_TYPES,
    AlertmanagerSettings,
    ExpositionSettings,
    GitLabSettings,
    JenkinsSettings,
    JsonSettings,
    MetricServer,
    MLflowSettings,
    PrometheusSettings,
    ServerSettings,
    SourceType,
)

__all__ = [
    "SOURCE_TYPES",
    "AlarmSettings",
    "AlertmanagerSettings",
    "Compare",
    "ConfigError",
    "ExpositionSettings",
    "GitLabSettings",
    "JenkinsSettings",
    "JsonSettings",
    "Launch",
    "MLflowSettings",
    "MetricServer",
    "MetricSettings",
    "ModelSettings",
    "NoticeSettings",
    "Policy",
    "PrometheusSettings",
    "Registry",
    "SafetySettings",
    "Score",
    "Secret",
    "ServerSettings",
    "Settings",
    "SourceType",
    "Track",
    "UiSettings",
    "Validated",
    "default_path",
    "load",
    "parse",
    "seconds",
]
