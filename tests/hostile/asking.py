"""Every kind of source, each with the one question that a hostile server answers."""

import time
from collections.abc import Awaitable, Callable, Mapping

import msgspec

from tui.config import (
    AlertmanagerSettings,
    ExpositionSettings,
    GitLabSettings,
    JenkinsSettings,
    JsonSettings,
    MLflowSettings,
    PrometheusSettings,
)
from tui.domain.address import Address
from tui.domain.pipeline import Run
from tui.domain.series import Grid
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.gitlab.context import open_context
from tui.sources.gitlab.graphql_client import GraphQL
from tui.sources.gitlab.graphql_queries import DASHBOARD
from tui.sources.gitlab.log.reader import GitLabLog, Traces
from tui.sources.gitlab.payload import Metadata
from tui.sources.gitlab.rest_client import Rest
from tui.sources.http.limiter import Limiter
from tui.sources.jenkins.log.progressive import ProgressiveText, TextReader
from tui.sources.jenkins.source import JenkinsSource
from tui.sources.metrics.alertmanager import AlertmanagerSource
from tui.sources.metrics.exposition import ExpositionSource
from tui.sources.metrics.json_document import JsonSource
from tui.sources.metrics.mlflow import MLflowSource
from tui.sources.metrics.prometheus import PrometheusSource

NAME = "ci"
GRID = Grid(0, 600, 60)
JOB = Address(NAME, "ml/fraud", 1, "train~7")

Ask = Callable[[str, float], Awaitable[object]]
"""Asks the server at a url, with a time-out."""


class Sink:
    """A log that nobody keeps."""

    def __init__(self) -> None:
        self.size = 0

    def begin(self, position: int) -> None:
        self.size = 0

    def feed(self, data: bytes) -> None:
        self.size += len(data)


async def jenkins(url: str, timeout: float) -> None:
    source = JenkinsSource(NAME, JenkinsSettings(url=url, timeout=timeout))
    try:
        await source.pipelines()
    finally:
        await source.close()


async def jenkins_log(url: str, timeout: float) -> None:
    texts = TextReader(Limiter(NAME), JenkinsSettings(url=url, timeout=timeout))
    try:
        await ProgressiveText(texts, "/job/train/1").read(Sink())
    finally:
        await texts.close()


async def gitlab_rest(url: str, timeout: float) -> None:
    rest = Rest(Limiter(NAME), GitLabSettings(url=url, watch=("ml/fraud",), timeout=timeout))
    try:
        await rest.read(msgspec.json.Decoder(Metadata), "/metadata")
    finally:
        rest.close()


async def gitlab_graphql(url: str, timeout: float) -> None:
    settings = GitLabSettings(url=url, watch=("ml/fraud",), timeout=timeout)
    graphql = GraphQL(Limiter(NAME), settings, time.time)
    try:
        await graphql.ask(DASHBOARD, paths=["ml/fraud"])
    finally:
        await graphql.close()


async def gitlab_log(url: str, timeout: float) -> None:
    context = open_context(NAME, GitLabSettings(url=url, watch=("ml/fraud",), timeout=timeout), time.time)
    traces = Traces(context, patience=timeout)

    async def run(address: Address) -> Run:
        return Run(address, "#1", Status.FAILED)

    try:
        await GitLabLog(traces, run, JOB, lambda: 0.0).read(Sink())
    finally:
        await traces.close()
        await context.close()


async def prometheus(url: str, timeout: float) -> None:
    source = PrometheusSource(NAME, PrometheusSettings(url=url, timeout=timeout))
    try:
        await source.samples("up", GRID)
    finally:
        await source.close()


async def alertmanager(url: str, timeout: float) -> None:
    source = AlertmanagerSource(NAME, AlertmanagerSettings(url=url, timeout=timeout))
    try:
        await source.alerts()
    finally:
        await source.close()


async def exposition(url: str, timeout: float) -> None:
    source = ExpositionSource(NAME, ExpositionSettings(url=url, timeout=timeout))
    try:
        await source.samples("up", GRID)
    finally:
        await source.close()


async def json_document(url: str, timeout: float) -> None:
    source = JsonSource(NAME, JsonSettings(url=url, timeout=timeout))
    try:
        await source.samples("/number", GRID)
    finally:
        await source.close()


async def mlflow(url: str, timeout: float) -> None:
    source = MLflowSource(NAME, MLflowSettings(url=url, timeout=timeout))
    try:
        await source.samples("runs:/abc/auc", GRID)
    finally:
        await source.close()


SOURCES: Mapping[str, Ask] = {
    "Jenkins": jenkins,
    "Jenkins log": jenkins_log,
    "GitLab REST": gitlab_rest,
    "GitLab GraphQL": gitlab_graphql,
    "GitLab log": gitlab_log,
    "Prometheus": prometheus,
    "Alertmanager": alertmanager,
    "exposition page": exposition,
    "JSON": json_document,
    "MLflow": mlflow,
}
FINE = "nothing: it is an answer"


async def said(ask: Ask, url: str, timeout: float) -> str:
    """What the program says of the server at ``url``, without what differs from run to run.

    Raises:
        Exception: anything that is no :class:`SourceError` is a defect.
    """
    try:
        await ask(url, timeout)
    except SourceError as error:
        host = url.removeprefix("http://").partition("/")[0]
        return error.message.replace(host, "HOST")
    return FINE
