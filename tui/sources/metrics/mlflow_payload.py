"""What MLflow sends, as far as it is used (contracts: metrics §4, model §8). All lists are left out when empty."""

import math

import msgspec

from tui.sources.http.bounds import number

INFINITE = 1.79e308
"""MLflow stores an infinity as the largest number there is."""


class Metric(msgspec.Struct):
    key: str = ""
    value: float | str = math.nan
    """NaN comes as text."""
    timestamp: float = 0.0
    """Milliseconds."""
    step: float = 0
    run_id: str = ""
    """Of a logged model's metrics: the run that logged it."""
    dataset_name: str = ""


class History(msgspec.Struct):
    metrics: list[Metric] = []
    next_page_token: str = ""


class Tag(msgspec.Struct):
    """A parameter of a run, too."""

    key: str = ""
    value: str = ""


class RunData(msgspec.Struct):
    metrics: list[Metric] = []
    params: list[Tag] = []
    tags: list[Tag] = []


class RunInfo(msgspec.Struct):
    run_id: str = ""
    run_name: str = ""
    experiment_id: str = ""
    status: str = ""
    start_time: float | None = None
    end_time: float | None = None
    lifecycle_stage: str = ""


class DatasetInfo(msgspec.Struct):
    name: str = ""
    digest: str = ""
    profile: str = ""
    """JSON in a text, up to 16 MB of it; it need not be JSON."""


class DatasetInput(msgspec.Struct):
    tags: list[Tag] = []
    dataset: DatasetInfo = msgspec.field(default_factory=DatasetInfo)


class Inputs(msgspec.Struct):
    dataset_inputs: list[DatasetInput] = []


class ModelOutput(msgspec.Struct):
    model_id: str = ""


class Outputs(msgspec.Struct):
    model_outputs: list[ModelOutput] = []


class Run(msgspec.Struct):
    info: RunInfo = msgspec.field(default_factory=RunInfo)
    data: RunData = msgspec.field(default_factory=RunData)
    inputs: Inputs = msgspec.field(default_factory=Inputs)
    outputs: Outputs = msgspec.field(default_factory=Outputs)

    @property
    def models(self) -> set[str]:
        """The ids of the models that it made."""
        return {model_output.model_id for model_output in self.outputs.model_outputs}


class RunAnswer(msgspec.Struct):
    run: Run


class RunList(msgspec.Struct):
    runs: list[Run] = []
    next_page_token: str = ""


class Experiment(msgspec.Struct):
    experiment_id: str
    name: str = ""


class ExperimentAnswer(msgspec.Struct):
    experiment: Experiment


class LoggedModelInfo(msgspec.Struct):
    creation_timestamp_ms: float = 0.0


class LoggedModel(msgspec.Struct):
    info: LoggedModelInfo = msgspec.field(default_factory=LoggedModelInfo)
    data: RunData = msgspec.field(default_factory=RunData)


class LoggedModelAnswer(msgspec.Struct):
    model: LoggedModel


class Version(msgspec.Struct):
    version: str
    name: str = ""
    run_id: str = ""
    source: str = ""
    creation_timestamp: float | None = None
    tags: list[Tag] = []


class VersionAnswer(msgspec.Struct):
    model_version: Version


class VersionList(msgspec.Struct):
    model_versions: list[Version] = []
    next_page_token: str = ""


class Alias(msgspec.Struct):
    alias: str
    version: str


class Model(msgspec.Struct):
    aliases: list[Alias] = []


class ModelAnswer(msgspec.Struct):
    registered_model: Model


class File(msgspec.Struct):
    path: str


class FileList(msgspec.Struct):
    files: list[File] = []
    next_page_token: str = ""


class Error(msgspec.Struct):
    error_code: str = ""
    message: str = ""


histories = msgspec.json.Decoder(History)
run_lists = msgspec.json.Decoder(RunList)
experiments = msgspec.json.Decoder(ExperimentAnswer)
runs = msgspec.json.Decoder(RunAnswer)
logged_models = msgspec.json.Decoder(LoggedModelAnswer)
versions = msgspec.json.Decoder(VersionAnswer)
file_lists = msgspec.json.Decoder(FileList)
version_lists = msgspec.json.Decoder(VersionList)
models = msgspec.json.Decoder(ModelAnswer)
errors = msgspec.json.Decoder(Error)


def value_of(value: float | str) -> float | None:
    """None for NaN and infinities."""
    found = number(value)
    return found if abs(found) < INFINITE else None
