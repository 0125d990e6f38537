"""The configuration: a TOML file in, typed settings out, every mistake named."""

from tui.config.alarms import AlarmSettings, NoticeSettings
from tui.config.file import FORMAT, default_path, load, parse
from tui.config.safety import Launch, Policy, SafetySettings
from tui.config.secret import ConfigError, Secret
from tui.config.settings import (
    CompareSettings,
    MetricSettings,
    ModelSettings,
    RegistrySettings,
    ScoreSettings,
    Settings,
    TrackSettings,
    TrainingSettings,
    UiSettings,
    ValidationSettings,
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
    SpinnakerEnvironment,
    SpinnakerSettings,
)
from tui.config.views import ViewSettings

__all__ = [
    "FORMAT",
    "SOURCE_TYPES",
    "AlarmSettings",
    "AlertmanagerSettings",
    "CompareSettings",
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
    "RegistrySettings",
    "SafetySettings",
    "ScoreSettings",
    "Secret",
    "ServerSettings",
    "Settings",
    "SourceType",
    "SpinnakerEnvironment",
    "SpinnakerSettings",
    "TrackSettings",
    "TrainingSettings",
    "UiSettings",
    "ValidationSettings",
    "ViewSettings",
    "default_path",
    "load",
    "parse",
    "seconds",
]
