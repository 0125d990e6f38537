"""What may be done, and what it takes: the ``[safety]`` table, and what a model starts."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Name = Annotated[str, Meta(min_length=1)]
Wait = Annotated[str, Meta(pattern=r"^(0|[1-9]\d*)[smhd]$")]
AtMost = Annotated[str, Meta(pattern=r"^[1-9]\d* per [1-9]\d*[smhd]$")]

PLACEHOLDER = re.compile(r"\{(\w+)\}")
LAUNCH_WORDS = ("model", "environment", "version", "colour")


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class Launch(_Table, frozen=True, kw_only=True):
    """A pipeline to be started for a model. In values {model}, {environment}, {version} and {colour} are replaced."""

    pipeline: Name
    """``SOURCE:PATH``."""
    ref: str = ""
    """GitLab: the branch or tag; empty: the default branch."""
    parameters: dict[Name, str] = {}
    """Jenkins: parameters; GitLab: variables."""
    inputs: dict[Name, str] = {}
    """GitLab: inputs of the pipeline."""

    def values(self, words: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The values of a request to start it: ``ref``, parameters by name, inputs as ``inputs.NAME``."""

        def filled(text: str) -> str:
            return PLACEHOLDER.sub(lambda found: words.get(found[1], ""), text)

        return (
            *((("ref", self.ref),) if self.ref else ()),
            *((name, filled(value)) for name, value in self.parameters.items()),
            *((f"inputs.{name}", filled(value)) for name, value in self.inputs.items()),
        )


class Policy(_Table, frozen=True, kw_only=True):
    """What an alarm may do by itself. Promotion is never among it."""

    name: Name
    """For the journal, and what is announced."""
    alarm: Name
    """Name of the alarm."""
    model: Name
    """Name of the model that is rolled back, or trained anew."""
    action: Literal["rollback", "retrain"]
    """What it does."""
    environment: str = ""
    """What is rolled back; empty: the environment of the model."""
    reject_waiting: bool = False
    """Before a rollback the gate that the canary waits at is rejected: else the rollback may wait behind it."""
    at_most: AtMost
    """``1 per 6h``, for all instances that share a state directory."""
    wait: Wait
    """How long it is announced before it is done, so that a person may be first."""


class SafetySettings(_Table, frozen=True, kw_only=True):
    read_only: bool = False
    """Nothing is sent that could change anything, anywhere; also ``--read-only``."""
    read_only_environments: tuple[Name, ...] = ()
    """Globs over names (``production``) or addresses (``SOURCE:PATH@NAME``) of environments."""
    production: tuple[Name, ...] = ("prod", "prod-*", "production", "production/*", "*/production")
    """The same; what GitLab says is of the production tier is among it, too."""
    policies: tuple[Policy, ...] = ()
    """What alarms may do by themselves while the deck is open."""
