"""An MLflow as a source, at a fixed time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tui.config import MLflowSettings
from tui.domain.series import Grid
from tui.sources.metrics.mlflow import MLflowSource

API = "/api/2.0/mlflow"
AT = 1_700_000_000
GRID = Grid(AT - AT % 60, AT - AT % 60 + 600, 60)


@asynccontextmanager
async def source(url: str, **settings: Any) -> AsyncIterator[MLflowSource]:
    made = MLflowSource("ml", MLflowSettings(url=url, **settings), clock=lambda: AT + 7200.0)
    try:
        yield made
    finally:
        await made.close()
