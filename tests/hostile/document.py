"""``docs/hostile.md``: what the program says in every case; ``python -m tests.hostile.document`` writes it anew."""

import asyncio
import re
from pathlib import Path

from tests.hostile.asking import SOURCES, said
from tests.hostile.cases import CASES
from tests.hostile.server import hostile_server

PAGE = Path(__file__).parent.parent.parent / "docs" / "hostile.md"
HEAD = f"""# Hostile servers

What pipedeck says when a server, or what stands in front of one, answers with something that could do harm. A server
of our own (`tests/hostile/`) plays each of these {len(CASES)} cases to every kind of source; a test holds this page to
what is said. The source is called `ci` here, HOST and REQUEST stand for what differs. No answer costs more than 150 MB
of memory, no request that was given up leaves a thread or a descriptor behind, and no case ends in a traceback: tests
measure and count that, too.

Some of the words depend on the HTTP library's and the interpreter's version; those here are of Python 3.11.

| The server sends | pipedeck says | to these sources |
|---|---|---|
"""
_REQUEST = re.compile(r"\b(?:GET|POST) (?:/[^\s;:,)]+)?")
_URL = re.compile(r"http://HOST/\d+")


def words(message: str) -> str:
    """A message without what differs between sources and runs."""
    return _REQUEST.sub("REQUEST", _URL.sub("http://HOST", message))


async def say(url: str, number: int) -> dict[str, str]:
    """What is said in a case, by source."""
    asked = (said(ask, f"{url}/{number}", CASES[number].timeout) for ask in SOURCES.values())
    return dict(zip(SOURCES, map(words, await asyncio.gather(*asked)), strict=True))


def rows(name: str, found: dict[str, str]) -> str:
    """The rows of a case: sources that say the same share one."""
    by_words: dict[str, list[str]] = {}
    for source, message in found.items():
        by_words.setdefault(message.replace("|", "\\|"), []).append(source)
    return "".join(
        f"| {name if first else ''} | {message} | {', '.join(sources) if len(by_words) > 1 else 'all'} |\n"
        for first, (message, sources) in zip([True, *[False] * 99], by_words.items(), strict=False)
    )


async def _page() -> str:
    with hostile_server() as url:
        return HEAD + "".join([rows(case.name, await say(url, number)) for number, case in enumerate(CASES)])


if __name__ == "__main__":
    PAGE.write_text(asyncio.run(_page()))
