"""``[views.NAME]``: ways to look at the list of pipelines."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from tui.domain.status import Status

Sort = Literal["need", "name", "time"]
Group = Literal["nothing", "source", "folder"]
ColumnName = Literal["Ref", "Run", "Now", "Age", "Tests", "Cause", "Source"]


class ViewSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    filter: str = ""
    """Words that a row has to hold, as they are typed after ``/``."""
    group: Group = "nothing"
    """What rows stand together by."""
    sort: Sort = "need"
    """What comes first: what needs a person, by name, or the newest."""
    columns: tuple[ColumnName, ...] = ()
    """Beside the pipeline's name; none: as many as there is room for."""
    sources: tuple[str, ...] = ()
    """Names of ``[sources.NAME]``; none: all."""
    causes: Annotated[tuple[str, ...], Meta(description="words")] = ()
    """Words, one of which the cause of the last run has to hold; none: any."""
    status: tuple[Status, ...] = ()
    """Of the last run; none: any."""
