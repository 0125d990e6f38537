"""What Gate sends, as far as it is used (contracts: spinnaker §5). Every key may be missing: Gate hands on what old
versions, other services and people's own stages hold.

What a stage was told and found out (``context``) is a map that anybody fills: it is kept as it came, and
:func:`text`, :func:`number` and their like take from it what has the right type.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tui.sources.http.bounds import moment
from tui.sources.http.bounds import number as as_number
from tui.text.safe import clean

Map = Mapping[str, Any]


class _Payload(msgspec.Struct, frozen=True, rename="camel"):
    pass


class Application(_Payload, frozen=True):
    name: str | None = None


class Option(_Payload, frozen=True):
    value: Any = None


class Condition(_Payload, frozen=True):
    parameter: str | None = None
    comparator: str | None = None
    comparator_value: Any = None


class Parameter(_Payload, frozen=True):
    name: str | None = None
    label: str | None = None
    description: str | None = None
    required: bool | None = None
    default: Any = None
    has_options: bool | None = None
    options: tuple[Option, ...] | None = None
    conditional: Condition | None = None


class Config(_Payload, frozen=True):
    """The definition of a pipeline."""

    id: str | None = None
    name: str | None = None
    application: str | None = None
    disabled: bool | None = None
    parameter_config: tuple[Parameter, ...] | None = None


class Login(_Payload, frozen=True):
    user: str | None = None


class Modified(_Payload, frozen=True):
    user: str | None = None
    last_modified_time: float | None = None


class Pause(_Payload, frozen=True):
    paused_by: str | None = None
    pause_time: float | None = None
    resumed_by: str | None = None
    resume_time: float | None = None


class Task(_Payload, frozen=True):
    id: str | None = None
    name: str | None = None
    status: str | None = None
    start_time: float | None = None
    end_time: float | None = None
    task_exception_details: Any = None


class Stage(_Payload, frozen=True):
    id: str
    ref_id: str | None = None
    type: str | None = None
    name: str | None = None
    status: str | None = None
    start_time: float | None = None
    end_time: float | None = None
    scheduled_time: float | None = None
    requisite_stage_ref_ids: tuple[str, ...] | None = None
    parent_stage_id: str | None = None
    synthetic_stage_owner: str | None = None
    context: dict[str, Any] | None = None
    tasks: tuple[Task, ...] | None = None
    last_modified: Modified | None = None

    @property
    def values(self) -> Map:
        return self.context or {}

    @property
    def called(self) -> str:
        return clean(self.name or self.type or self.id)


class Parent(_Payload, frozen=True):
    """The execution that started another: of the whole of it, which has its own parent in it, the least."""

    id: str | None = None
    name: str | None = None
    application: str | None = None
    status: str | None = None
    pipeline_config_id: str | None = None


class Trigger(_Payload, frozen=True):
    type: str | None = None
    user: str | None = None
    parameters: dict[str, Any] | None = None
    correlation_id: str | None = None
    master: str | None = None
    job: str | None = None
    build_number: int | str | None = None
    build_info: dict[str, Any] | None = None
    branch: str | None = None
    hash: str | None = None
    repository: str | None = None
    tag: str | None = None
    parent_execution: Parent | None = None


class Execution(_Payload, frozen=True):
    id: str
    type: str | None = None
    application: str | None = None
    name: str | None = None
    description: str | None = None
    pipeline_config_id: str | None = None
    status: str | None = None
    build_time: float | None = None
    start_time: float | None = None
    end_time: float | None = None
    canceled: bool | None = None
    canceled_by: str | None = None
    cancellation_reason: str | None = None
    paused: Pause | None = None
    limit_concurrent: bool | None = None
    max_concurrent_executions: int | None = None
    trigger: Trigger | None = None
    authentication: Login | None = None
    stages: tuple[Stage | str, ...] | None = None

    @property
    def all_stages(self) -> tuple[Stage, ...]:
        """Without those that are only named, because they stand elsewhere in the same document."""
        return tuple(stage for stage in self.stages or () if isinstance(stage, Stage))


class Orchestration(_Payload, frozen=True):
    """What is called a task: an operation asked for by itself."""

    id: str
    name: str | None = None
    status: str | None = None
    build_time: float | None = None
    execution: Execution | None = None


class Ref(_Payload, frozen=True):
    ref: str | None = None


class User(_Payload, frozen=True):
    username: str | None = None
    roles: tuple[Any, ...] | None = None


class Account(_Payload, frozen=True):
    name: str | None = None
    environment: str | None = None
    challenge_destructive_actions: bool | None = None


class Moniker(_Payload, frozen=True):
    cluster: str | None = None
    sequence: int | None = None


class Capacity(_Payload, frozen=True):
    desired: float | None = None


class InstanceCounts(_Payload, frozen=True):
    total: float | None = None
    up: float | None = None


class Instance(_Payload, frozen=True):
    name: str | None = None
    id: str | None = None


class ServerGroup(_Payload, frozen=True):
    name: str
    account: str | None = None
    region: str | None = None
    cluster: str | None = None
    cloud_provider: str | None = None
    type: str | None = None
    moniker: Moniker | None = None
    build_info: Any = None
    is_disabled: bool | None = None
    disabled: bool | None = None
    capacity: Capacity | None = None
    instance_counts: InstanceCounts | None = None
    instances: tuple[Instance, ...] | None = None
    created_time: float | None = None


class Manifest(_Payload, frozen=True):
    manifest: dict[str, Any] | None = None


class Console(_Payload, frozen=True):
    output: Any = None


APPLICATIONS = msgspec.json.Decoder(tuple[Application, ...])
CONFIGS = msgspec.json.Decoder(tuple[Config, ...])
EXECUTIONS = msgspec.json.Decoder(tuple[Execution, ...])
EXECUTION = msgspec.json.Decoder(Execution)
ORCHESTRATION = msgspec.json.Decoder(Orchestration)
ORCHESTRATIONS = msgspec.json.Decoder(tuple[Orchestration, ...])
REF = msgspec.json.Decoder(Ref)
USER = msgspec.json.Decoder(User)
ACCOUNTS = msgspec.json.Decoder(tuple[Account, ...])
SERVER_GROUPS = msgspec.json.Decoder(tuple[ServerGroup, ...])
MANIFEST = msgspec.json.Decoder(Manifest)
CONSOLE = msgspec.json.Decoder(Console)
MAP = msgspec.json.Decoder(dict[str, Any])


# --- what a map holds -----------------------------------------------------------------------------------------------


def at(found: Any, *keys: str) -> Any:
    """What stands there, map in map; None where it does not."""
    for key in keys:
        found = found.get(key) if isinstance(found, Mapping) else None
    return found


def text(found: Any, *keys: str) -> str:
    """The text or number there, cleaned; empty for anything else."""
    value = at(found, *keys)
    return clean(str(value)) if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def number(found: Any, *keys: str) -> float | None:
    """The number there, also where it is written as a text; None for anything else."""
    value = at(found, *keys)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    read = as_number(value)
    return read if read - read == 0 else None


def flag(found: Any, *keys: str) -> bool | None:
    """The yes or no there, also as a text (contracts: spinnaker §6.4); None for anything else."""
    value = at(found, *keys)
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.strip().lower())
    return value if isinstance(value, bool) else None


def rows(found: Any, *keys: str) -> Sequence[Any]:
    value = at(found, *keys)
    return value if isinstance(value, Sequence) and not isinstance(value, str) else ()


def words(found: Any, *keys: str) -> tuple[str, ...]:
    """The texts of the list there, without empty ones."""
    return tuple(filter(None, (clean(word) for word in rows(found, *keys) if isinstance(word, str))))


def seconds(millis: float | None) -> float | None:
    return moment(millis)
