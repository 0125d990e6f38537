"""Rules that make deployments out of runs, for systems that know none (contracts: jenkins §11).

What a rule is and what is wrong with one; :mod:`tui.insight.derived_deployments` applies them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated
from urllib.parse import unquote

import msgspec
from msgspec import Meta

from tui.domain.globs import matches

NonEmptyText = Annotated[str, Meta(min_length=1)]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class WordPart(_Table, frozen=True):
    """Where a word about a deployment stands in its run; exactly one key is set."""

    parameter: NonEmptyText | None = None
    """The value of a build parameter."""
    folder: int | None = None
    """A part of the job's full name, counted from 0, or from the end with -1."""
    branch: dict[NonEmptyText, NonEmptyText] | None = None
    """By branch: globs and what they mean."""
    stage: NonEmptyText | None = None
    """A regex over the names of stages; each stage that matches is a deployment of its own."""
    display_name: NonEmptyText | None = None
    """A regex over the run's display name."""
    description: NonEmptyText | None = None
    """A regex over the run's description, without its markup."""
    revision: Annotated[int, Meta(ge=4, le=64)] | None = None
    """The first so many characters of the commit id."""

    @property
    def kind(self) -> str:
        """The key that is set; the first of several."""
        return next((name for name in self.__struct_fields__ if getattr(self, name) is not None), "")


class Canary(_Table, frozen=True):
    """How a run says that it is a canary: it waits at an input, or has a parameter of a value."""

    input: NonEmptyText | None = None
    """A regex over id and message of what it waits for."""
    parameter: NonEmptyText | None = None
    """A build parameter; with ``equals``."""
    equals: NonEmptyText | None = None
    """The value of that parameter which makes a run a canary's."""


class Weight(_Table, frozen=True):
    """How a canary says what part of the traffic it takes, in percent."""

    parameter: NonEmptyText
    """A build parameter that has the number."""


class Start(_Table, frozen=True):
    """A job and what it is started with."""

    job: NonEmptyText
    """Full name."""
    parameters: dict[NonEmptyText, str] = {}
    """In a value {app}, {environment}, {version} and {revision} are replaced."""


class DeploymentRule(_Table, frozen=True):
    """Which runs of which jobs put what where."""

    job: NonEmptyText
    """A glob over full names."""
    environment: NonEmptyText | WordPart
    """Where it was put: a name, or where in the run it stands."""
    version: WordPart
    """Where in the run the version stands."""
    app: NonEmptyText | WordPart | None = None
    """What is deployed; None: each job is an app of its own."""
    colour: WordPart | None = None
    """For blue-green environments: which half it goes to."""
    canary: Canary | None = None
    """How a run says that it is a canary; None: it never is."""
    weight: Weight | None = None
    """How much of the traffic a canary takes."""
    unstable: bool = False
    """A run that ended UNSTABLE has deployed."""
    ignore_results: tuple[NonEmptyText, ...] = ("NOT_BUILT",)
    """Results of runs that were no deployment."""
    rollback: Start | None = None
    """What is started to go back to an earlier version."""
    retrain: Start | None = None
    """What is started to train anew what it deploys."""

    def covers(self, path: str) -> bool:
        """It is about the job of that full name, written as sent (``feature%2Fx``) or decoded."""
        return matches(self.job, path) or matches(self.job, unquote(path))

    @property
    def reads_stages(self) -> bool:
        return isinstance(self.environment, WordPart) and self.environment.stage is not None


PLACEHOLDERS = ("app", "environment", "version", "revision")

_ALLOWED: Mapping[str, tuple[str, ...]] = {
    "environment": ("parameter", "folder", "branch", "stage", "display_name", "description"),
    "version": ("parameter", "display_name", "description", "revision", "stage"),
    "app": ("parameter", "folder", "display_name", "description"),
    "colour": ("parameter", "folder", "branch", "display_name", "description"),
}
_REGEXES = ("stage", "display_name", "description")


def mistakes(rule: DeploymentRule) -> Iterator[tuple[str, str]]:
    """What of a well-typed rule cannot be meant: the key below the rule, and what is wrong with it."""
    for name, allowed in _ALLOWED.items():
        part = getattr(rule, name)
        if isinstance(part, WordPart):
            yield from _part_mistakes(name, part, allowed)
    if rule.version.stage is not None and not rule.reads_stages:
        yield "version.stage", "is read only where environment comes from a stage too"
    if (canary := rule.canary) is not None:
        if canary.input is not None:
            yield from _regex_mistakes("canary.input", canary.input, "")
        if (canary.parameter is None) == (canary.input is None):
            yield "canary", 'says either { input = "REGEX" } or { parameter = "NAME", equals = "VALUE" }'
        elif (canary.parameter is None) != (canary.equals is None):
            yield "canary", "parameter and equals belong together"
    elif rule.weight is not None:
        yield "weight", "is the traffic of a canary, but the rule has no canary"
    for name in ("rollback", "retrain"):
        start: Start | None = getattr(rule, name)
        for place, reason in start_mistakes(start) if start is not None else ():
            yield f"{name}.{place}", reason


def start_mistakes(start: Start) -> Iterator[tuple[str, str]]:
    """The same of what is started."""
    for parameter, value in start.parameters.items():
        for found in _PLACEHOLDER.findall(value):
            if found not in PLACEHOLDERS:
                allowed_words = ", ".join(f"{{{word}}}" for word in PLACEHOLDERS)
                yield f"parameters.{parameter}", f"unknown placeholder {{{found}}}; allowed: {allowed_words}"


def _part_mistakes(name: str, part: WordPart, allowed: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    given = [key for key in WordPart.__struct_fields__ if getattr(part, key) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "nothing"
        yield name, f"comes from exactly one of {', '.join(allowed)}; here: {found}"
        return
    kind = given[0]
    if kind not in allowed:
        yield f"{name}.{kind}", f"{name} cannot be read there; allowed: {', '.join(allowed)}"
    elif kind in _REGEXES:
        yield from _regex_mistakes(f"{name}.{kind}", getattr(part, kind), name)
    elif kind == "branch" and not part.branch:
        yield f"{name}.branch", 'is empty; write for example { branch = { main = "production" } }'


def _regex_mistakes(key: str, pattern: str, group: str) -> Iterator[tuple[str, str]]:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        yield key, f"is not a regex: {error}"
        return
    if group and group not in compiled.groupindex:
        yield key, f"must name what it finds, as in (?P<{group}>\\S+)"


def filled(start: Start, words: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The parameters of ``start`` with its placeholders replaced; one without a word becomes empty."""
    return tuple(
        (name, _PLACEHOLDER.sub(lambda found: words.get(found[1], ""), value))
        for name, value in start.parameters.items()
    )
