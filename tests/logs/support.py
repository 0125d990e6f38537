"""Feeding parsers and looking at what came out."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from tui.domain.log import LogLines, Section
from tui.logs.parser import Parser
from tui.logs.spool import Spool

RECORDINGS = Path(__file__).parents[1] / "recordings" / "jenkins"


class Read(NamedTuple):
    """A log as a spool gives it back."""

    lines: list[bytes]
    times: list[float | None]
    positions: list[int | None]
    sections: list[Section]


def fed(parser: Parser, chunks: Iterable[bytes]) -> list[LogLines]:
    """All batches of a log that comes in ``chunks`` and ends."""
    batches = [batch for chunk in chunks for batch in parser.feed(chunk)]
    return batches + parser.finish()


def read(directory: Path, batches: Iterable[LogLines]) -> Read:
    with Spool(directory) as spool:
        for batch in batches:
            spool.append(batch)
        numbers = range(len(spool))
        return Read(
            [spool.read(number) for number in numbers],
            [spool.time(number) for number in numbers],
            [spool.position(number) for number in numbers],
            list(spool.sections),
        )


def recording(name: str) -> Any:
    """A recorded answer of a Jenkins: ``headers`` and ``body``, as the server sent them."""
    return json.loads((RECORDINGS / f"{name}.json").read_text(encoding="utf-8"))


def body(name: str) -> bytes:
    text: str = recording(name)["body"]
    return text.encode()
