"""A JSON document with numbers, such as a monitor of the team's own: a query is a JSON pointer (RFC 6901).

In a list a step of it may also choose the item by what stands in it: ``/models/[name=fraud]/auc``, or by several
things: ``/[model=fraud][version=3]/auc``.
"""

import json
import math
import re
import time
from collections.abc import Callable
from typing import Any

import msgspec

from tui.config import JsonSettings
from tui.domain.health import Finding, Trouble
from tui.domain.series import Grid, Samples
from tui.sources.base import SourceError
from tui.sources.http.bounds import LONGEST_NUMBER, number, whole
from tui.sources.looks import Looks, Shelf
from tui.sources.metrics.login import written
from tui.sources.metrics.sample_history import SampleHistory, held
from tui.sources.metrics.server import MetricServerBase
from tui.text.safe import clean, shorten
from tui.threads import in_thread

_kept = msgspec.msgpack.Decoder(float)
_documents: "msgspec.json.Decoder[Any]" = msgspec.json.Decoder()
_INDEX = re.compile("[0-9]{1,9}")
_BEGUN = "the document has no past: this one begins when it is first asked for"


class JsonSource(MetricServerBase[JsonSettings]):
    """A :class:`tui.sources.base.MetricSource`."""

    def __init__(self, name: str, settings: JsonSettings, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__(name, settings, clock=clock)
        self._scrapes: SampleHistory[Any, str, float | str | None] = SampleHistory(
            self._read, self._pick, clock
        )

    def keep_looks(self, looks: Looks) -> None:
        page = (self._name, self._settings.base_url, self._settings.user, written(self._settings.parameters))
        self._scrapes.keep(
            Shelf(looks, page, lambda value: value if isinstance(value, float) else None, _kept.decode)
        )

    async def samples(self, query: str, grid: Grid) -> Samples:
        """The number that ``query`` points to, as far as it was seen; null, NaN and infinities are gaps.

        Raises:
            SourceError: REFUSED where there is no number now.
        """
        (past,) = await self._scrapes.look((query.strip(),))
        if isinstance(newest := past[-1][1], str):
            raise SourceError(Trouble.REFUSED, f"{self._name}: {newest}")
        points = [(at, value) for at, value in past if isinstance(value, float)]
        values = held(points, grid)
        notes = [*([_BEGUN] if len(past) == 1 else []), *self._scrapes.notes]
        if odd := sum(not math.isfinite(value) for _, value in points):
            notes.append(f"{odd} of {len(points)} values are NaN or infinite, drawn as gaps")
        return Samples((((), values),) if points else (), tuple(notes))

    async def reach(self) -> Finding:
        await self._scrapes.page()
        return Finding("ok", "document", "is JSON")

    def _advice(self, trouble: Trouble) -> str:
        return "url must be that of the document itself, its parameters under `parameters`"

    async def _read(self) -> Any:
        answer = await self._http.send("GET", "", query=written(self._settings.parameters) or None)
        if answer.status != 200:
            reason = answer.body[:300].decode(errors="replace") if answer.content_type == "text/plain" else ""
            raise self._wire.refuse(answer, reason)
        try:
            return self._wire.decode(answer, _documents)
        except SourceError:
            # Python's writers put NaN and Infinity into documents, which are no JSON.
            if b"NaN" not in answer.body and b"Infinity" not in answer.body:
                raise
            try:
                return await in_thread(lambda: json.loads(answer.body))
            except (ValueError, RecursionError):
                pass
            raise

    def _pick(self, document: Any, pointer: str) -> float | str | None:
        """The number there, None for null; or why there is none."""
        if pointer and not pointer.startswith("/"):
            return f"a query is a JSON pointer such as /quality/auc, not {shorten(clean(pointer), 60)}"
        value, walked = document, ""
        for part in pointer.split("/")[1:]:
            step = part.replace("~1", "/").replace("~0", "~")
            match value:
                case dict() if step in value:
                    value = value[step]
                case list() if _INDEX.fullmatch(step) and (at := whole(step)) is not None and at < len(value):
                    value = value[at]
                case list() if step.startswith("[") and step.endswith("]") and "=" in step:
                    chosen = [item for item in value if _is_chosen(item, step)]
                    if len(chosen) != 1:
                        many = f"{len(chosen)} items are" if chosen else "no item is"
                        return f"at {shorten(clean(walked or '/'), 80)} {many} {shorten(clean(step), 80)}"
                    value = chosen[0]
                case _:
                    return (
                        f"the document has no {shorten(clean(pointer), 80)}: "
                        f"nothing at {shorten(clean(walked or '/'), 80)} is called {shorten(clean(step), 40)}"
                    )
            walked += f"/{part}"
        match value:
            case None:
                return None
            case int() | float():
                return number(value)
            case str() if len(value) <= LONGEST_NUMBER:
                try:
                    return float(value)
                except ValueError:
                    pass
        return f"at {shorten(clean(pointer), 80)} there is no number"


def _is_chosen(item: Any, step: str) -> bool:
    """Whether an item of a list has all that ``[key=value][key=value]`` asks for."""
    wanted = (condition.partition("=") for condition in step[1:-1].split("]["))
    return isinstance(item, dict) and all(
        key in item and _as_text(item[key]) == value for key, _, value in wanted
    )


def _as_text(value: Any) -> str | None:
    """As it is written in the document, a text without its quotes; None for lists and objects."""
    match value:
        case str():
            return value
        case bool() | int() | float() | None:
            return msgspec.json.encode(value).decode()
    return None
