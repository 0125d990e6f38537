"""The licences of what the lock files name, as the installed packages tell them."""

import importlib.metadata
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

LOCKS = Path(__file__).parent.parent / "requirements"
PARTS = (
    ("run.txt", "Runs with the program"),
    ("build.txt", "Builds the program"),
    ("test.txt", "Tests the program"),
)
"""A lock file, and what the packages in it are for that are not in one before."""


def locked(lock: str) -> dict[str, str]:
    """The version of each package that the lock file has for this system."""
    lines = (LOCKS / lock).read_text(encoding="utf-8").splitlines()
    named = [Requirement(line.rstrip(" \\")) for line in lines if line and line[0] not in " #"]
    here = [each for each in named if each.marker is None or each.marker.evaluate()]
    return {each.name: str(each.specifier).removeprefix("==") for each in here}


def licences_document() -> str:
    lines = [
        "# Licences",
        "",
        "What Pipedeck, itself under the MIT licence, uses, in the versions of `requirements/`, with the licence that",
        "each package's own metadata tells. The optional `keyring` is not installed there and not listed, nor is what",
        "only other systems than Linux and macOS need. `make docs` writes this; `tests/test_docs.py` compares.",
    ]
    seen: set[str] = set()
    for lock, purpose in PARTS:
        lines += ["", f"## {purpose}", "", "| package | version | licence |", "| --- | --- | --- |"]
        lines += [
            f"| {name} | {version} | {_licence(name)} |"
            for name, version in locked(lock).items()
            if name not in seen
        ]
        seen |= locked(lock).keys()
    return "\n".join(lines) + "\n"


def _licence(name: str) -> str:
    """Raises PackageNotFoundError: the environment is older than the lock files, ``make test`` renews it."""
    return next(_told(importlib.metadata.metadata(name).json))


def _told(metadata: dict[str, str | list[str]]) -> Iterator[str]:
    """From the most exact to the least; some have pasted the whole text, or a classifier, where a name belongs."""
    for field in ("license_expression", "license"):
        text = str(metadata.get(field, ""))
        if text and "\n" not in text and "::" not in text:
            yield text
    for classifier in metadata.get("classifier", ()):
        kind, _, licence = classifier.rpartition(" :: ")
        if kind.startswith("License"):
            yield licence
    yield "not told"
