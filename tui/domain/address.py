"""Addresses: what a person types, copies and puts in a script.

``SOURCE:PATH[#RUN[/JOB]]``, with ``!NAME`` for a gate of a run or job and ``@NAME`` for an environment::

    jenkins:ml/vision/train-resnet#12
    jenkins:ml-service/feature%2Fx#3/Deploy canary
    jenkins:deploy-model#7!Promote
    gitlab:ml/fraud#1842/train
    gitlab:ml/fraud@production

PATH is the Jenkins full name as the server sends it or the GitLab project path; RUN a number (Jenkins, GitLab) or the
server's own text id. JOB is the rest, with ``~ID`` where a name repeats in its run.

What cannot stand as it is is percent-encoded (docs/addresses.md): whatever :func:`tui.text.safe.clean` would change,
white space at an end, and what divides the parts. In PATH and an environment's name the percent sign is an ordinary
character, for Jenkins has its own encoding in the names of branches (``feature%2Fx``; of ``# % / ? [ ] \\`` and a few
names as a whole, jenkinsci/branch-api-plugin, NameEncoder): those stay what the server calls them. A ``#``, ``%``,
space or NUL that has to be encoded there has a second percent sign before it: ``%%23``.
"""

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from functools import lru_cache
from urllib.parse import quote, unquote

import msgspec

from tui.text.safe import clean

RunId = int | str
"""A build's number or pipeline's id; of a source that does not number its runs, the text it knows them by."""

_SHAPE = re.compile(
    r"(?P<source>[A-Za-z0-9_.-]+):(?P<path>[^#!@\s][^#!@]*)"
    r"(?:@(?P<environment>.+)|(?:#(?P<run>[^/!]+)(?:/(?P<job>[^!]+))?(?:!(?P<gate>[^!]+))?)?)",
    re.DOTALL,
)
_SURROGATES = "surrogatepass"
_NUMBER = re.compile(r"[0-9]+")
# One character in percent-encoding: its UTF-8, with the code points that no text should have but Python's may.
_ENCODED = re.compile(
    "%[0-7][0-9A-F]|%[CD][0-9A-F]%[89AB][0-9A-F]|%E[0-9A-F](?:%[89AB][0-9A-F]){2}|%F[0-4](?:%[89AB][0-9A-F]){3}"
)
_DIVIDERS = "#!@"
"""What ends PATH."""
_DOUBLED = "\0 #%"
"""What is encoded with two percent signs in PATH and environments, where ``%23`` and the like are names' own."""
_ENCODED_NAME = re.compile(f"%%(?:00|20|23|25)|{_ENCODED.pattern}")


class AddressError(ValueError):
    """The text is not an address; the message says what one looks like."""


class Address(msgspec.Struct, frozen=True, gc=False):
    source: str
    path: str
    run: RunId | None = None
    job: str | None = None
    gate: str | None = None
    environment: str | None = None

    @property
    def pipeline(self) -> "Address":
        """The address of the pipeline this one is in."""
        return Address(self.source, self.path)

    @property
    def of_run(self) -> "Address":
        """The address of the run this one is in."""
        return Address(self.source, self.path, self.run)

    @property
    def of_job(self) -> "Address":
        """The address of the job this one is in; of the run where it is in none."""
        return Address(self.source, self.path, self.run, self.job)

    @property
    def number(self) -> int | None:
        """RUN where it is a number; None: it is a text id, or there is none."""
        return self.run if isinstance(self.run, int) else None

    @property
    def spellings(self) -> tuple[str, ...]:
        """The address of a pipeline or environment, and what it would be if nothing of its names were encoded: what
        a configuration may compare it with."""
        place = f"{self.source}:{self.path}"
        plain = place if self.environment is None else f"{place}@{self.environment}"
        return tuple(dict.fromkeys((str(self), plain)))

    def fits(self, glob: str) -> bool:
        """Whether the address of a pipeline is ``glob``, or matches it: ``*`` crosses slashes here."""
        return any(text == glob or fnmatchcase(text, glob) for text in self.spellings)

    @property
    def run_text(self) -> str:
        """RUN as it stands in an address, behind the ``#``; empty where there is none."""
        return "" if self.run is None else spelled_run(self.run)

    def at_run(self, run: RunId) -> "Address":
        return Address(self.source, self.path, run)

    def at_job(self, job: str) -> "Address":
        return Address(self.source, self.path, self.run, job)

    def at_gate(self, gate: str) -> "Address":
        return Address(self.source, self.path, self.run, self.job, gate)

    def __lt__(self, other: "Address") -> bool:
        """Runs are sorted by number, text ids by their letters."""
        return self._order < other._order

    @property
    def _order(self) -> tuple[str, str, int, str, str, str, str]:
        number, text = (self.run, "") if isinstance(self.run, int) else (-1, self.run or "")
        return self.source, self.path, number, text, self.job or "", self.gate or "", self.environment or ""

    def __str__(self) -> str:
        text = f"{self.source}:{_spelled_name(self.path, _DIVIDERS)}"
        if self.environment is not None:
            return f"{text}@{_spelled_name(self.environment, '')}"
        if self.run is not None:
            text += f"#{spelled_run(self.run)}"
            if self.job is not None:
                text += f"/{_spelled_rest(self.job)}"
            if self.gate is not None:
                text += f"!{_spelled_rest(self.gate)}"
        return text


def parse_address(text: str) -> Address:
    """The address that ``text`` spells.

    Raises:
        AddressError: with the shape of an address and what was given.
    """
    match = _SHAPE.fullmatch(text.strip())
    if match is None:
        raise AddressError(
            f"{text!r} is not an address; write SOURCE:PATH[#RUN[/JOB]], for example gitlab:ml/fraud#1842/train"
        )
    run, job, gate, environment = match["run"], match["job"], match["gate"], match["environment"]
    return Address(
        source=match["source"],
        path=_read_name(match["path"], _DIVIDERS),
        run=None if run is None else int(run) if _NUMBER.fullmatch(run) else unquote(run, errors=_SURROGATES),
        job=job and _read_rest(job),
        gate=gate and _read_rest(gate),
        environment=environment and _read_name(environment, ""),
    )


# --- RUN: nothing but digits was ever there, so all of it is encoded as in a URL ------------------------------------


def spelled_run(run: RunId) -> str:
    """RUN as it stands in an address, behind the ``#``; safe to show."""
    if isinstance(run, int):
        return str(run)
    if _NUMBER.fullmatch(run):
        return f"{_encoded(run[0])}{run[1:]}"  # a text, although it looks like a number
    return quote(run, safe="", errors=_SURROGATES)


# --- JOB and gate: the percent sign is always encoded ---------------------------------------------------------------


def _spelled_rest(name: str) -> str:
    if _plain(name, "!%"):
        return name
    return "".join(_encoded(char) if char in "!%" or hidden else char for char, hidden in _chars(name))


def _read_rest(text: str) -> str:
    def char(found: re.Match[str]) -> str:
        char = _decoded(found[0])
        return char if char in ("!", "%") or _hidden(char) or _at_an_end(found, char) else found[0]

    return _ENCODED.sub(char, text) if "%" in text else text


# --- PATH and environment: a percent sign is a character of the name, where nothing else makes it more --------------


@lru_cache(maxsize=4096)
def _spelled_name(name: str, dividers: str) -> str:
    if _plain(name, f"{dividers}%"):
        return name
    name_read = _ENCODED_NAME.finditer(name) if "%" in name else ()
    # A percent sign which would be read as more than that.
    mistaken = {found.start() for found in name_read if _char_of_name(found, dividers) != found[0]}
    spelled = []
    for at, (char, hidden) in enumerate(_chars(name)):
        if not (char in dividers or hidden or at in mistaken):
            spelled.append(char)
        else:
            spelled.append(f"%{_encoded(char)}" if char in _DOUBLED else _encoded(char))
    return "".join(spelled)


def _read_name(text: str, dividers: str) -> str:
    return _ENCODED_NAME.sub(lambda found: _char_of_name(found, dividers), text) if "%" in text else text


def _char_of_name(found: re.Match[str], dividers: str) -> str:
    """The character that an encoded one stands for; what it is itself, where it is a part of the name."""
    text = found[0]
    if text.startswith("%%"):
        return _decoded(text[1:])
    char = _decoded(text)
    if char in _DOUBLED:
        return text
    return char if char in dividers or _hidden(char) or _at_an_end(found, char) else text


# --- characters -----------------------------------------------------------------------------------------------------


def _plain(name: str, dividers: str) -> bool:
    """Whether nothing of ``name`` need be looked at: as good as always."""
    return (
        name.isascii()
        and name.isprintable()
        and not name[:1].isspace()
        and not name[-1:].isspace()
        and not any(char in name for char in dividers)
    )


def _chars(name: str) -> Iterator[tuple[str, bool]]:
    """The characters, and whether they cannot be shown where they are."""
    last = len(name) - 1
    for at, char in enumerate(name):
        yield char, _hidden(char) or (at in (0, last) and char.isspace())


def _hidden(char: str) -> bool:
    """Whether a terminal is not shown it, or cannot be sent it."""
    return clean(char) != char or "\ud800" <= char <= "\udfff"


def _at_an_end(found: re.Match[str], char: str) -> bool:
    """Whether it is white space that begins or ends a part: elsewhere it need not be encoded, so it is not."""
    return char.isspace() and (found.start() == 0 or found.end() == len(found.string))


def _encoded(char: str) -> str:
    return "".join(f"%{byte:02X}" for byte in char.encode(errors=_SURROGATES))


def _decoded(text: str) -> str:
    """The one character; ``text`` itself where it is none (an overlong form)."""
    try:
        return bytes.fromhex(text.replace("%", "")).decode(errors=_SURROGATES)
    except UnicodeDecodeError:
        return text
