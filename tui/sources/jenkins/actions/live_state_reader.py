"""What an action needs to know of its target, read at this moment: nothing here is kept beyond one question."""

import os
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tui.domain.action import ActionField, ActionRequest, Observation, Plan
from tui.domain.address import Address
from tui.sources.base import SourceError, run_number
from tui.sources.jenkins.actions.action_payload import (
    ACTED_BUILD,
    ACTED_ITEM,
    ACTED_ITEM_TREE,
    ACTED_JOB,
    ACTED_JOB_TREE,
    ACTED_QUEUE,
    ACTED_QUEUE_TREE,
    ACTED_TREE,
    RESTART,
    ActedItem,
)
from tui.sources.jenkins.actions.live_state import (
    JobState,
    RunState,
    Started,
    item_state,
    job_state,
    run_state,
    wfapi_inputs,
)
from tui.sources.jenkins.context import JenkinsContext
from tui.sources.jenkins.names import job_path, place_of
from tui.sources.jenkins.payload import WF_INPUTS
from tui.text.safe import clean, shorten

HIDDEN = "***"
LARGEST_FILE = 64 << 20
"""Bytes of a file parameter that are sent: they are held in memory."""
_MOST_OF_A_SCAN = 4_000_000
"""Bytes of a scan's log: it tells of each branch in a few lines."""


class LiveStateReader:
    """One look at a controller. What was read of a run or job is not read again by the same one."""

    def __init__(
        self,
        context: JenkinsContext,
        sent_name: Callable[[str], str],
        me: Callable[[], Awaitable[str]],
        stopped: Callable[[str, int, str], float | None],
    ) -> None:
        self.server = context.server
        self.me = me
        """Who we are to the server."""
        self.stopped = stopped
        """When a level of stopping was last sent for a run from this machine; None: it was not, as far as is known."""
        self.clock = context.clock
        self.sent_name = sent_name
        """The full name of a job as the server spells it."""
        self._client = context.client
        self._began = context.clock()
        self._runs: dict[tuple[str, int], RunState] = {}
        self._jobs: dict[str, JobState] = {}
        self._stages: dict[tuple[str, int], Sequence[str]] = {}

    async def run(self, full_name: str, number: int) -> RunState:
        """
        Raises:
            SourceError
        """
        known = self._runs.get((full_name, number))
        if known is None:
            known = self._runs[full_name, number] = await self._run(full_name, number)
        return known

    async def _run(self, full_name: str, number: int) -> RunState:
        path = f"{job_path(full_name)}/{number}"
        build = await self._client.get(f"{path}/api/json", ACTED_BUILD, tree=ACTED_TREE)
        state = await self._client.make(f"GET {path}/api/json", lambda: run_state(build))
        if not state.inputs_hidden:
            return state
        found = await self._client.get(f"{path}/wfapi/pendingInputActions", WF_INPUTS)
        return msgspec.structs.replace(state, waiting=wfapi_inputs(found))

    async def of(self, address: Address) -> RunState:
        """
        Raises:
            SourceError
        """
        return await self.run(self.sent_name(address.path), run_number(address))

    async def job(self, full_name: str) -> JobState:
        """
        Raises:
            SourceError
        """
        if full_name not in self._jobs:
            path = f"{job_path(full_name)}/api/json"
            self._jobs[full_name] = job_state(await self._client.get(path, ACTED_JOB, tree=ACTED_JOB_TREE))
        return self._jobs[full_name]

    async def item(self, id: int) -> ActedItem | None:
        """An item of the queue; None when it left more than five minutes ago (contracts: jenkins §5)."""
        try:
            return await self._client.get(f"/queue/item/{id}/api/json", ACTED_ITEM, tree=ACTED_ITEM_TREE)
        except SourceError as error:
            if error.status == 404:
                return None
            raise

    async def scan_log(self, full_name: str) -> str:
        """What the last search for branches wrote; empty where there was none."""
        try:
            return await self._client.beginning(
                f"{job_path(full_name)}/indexing/consoleText", _MOST_OF_A_SCAN
            )
        except SourceError as error:
            if error.status == 404:
                return ""
            raise

    async def queued(self, full_name: str) -> Sequence[Started]:
        """What waits in the queue to become a run of a job."""
        queue = await self._client.get("/queue/api/json", ACTED_QUEUE, tree=ACTED_QUEUE_TREE)
        return [item_state(item) for item in queue.items or () if _is_of(item, full_name)]

    async def restartable(self, full_name: str, number: int) -> Sequence[str]:
        """The stages that a run can begin at once more; none where it cannot (contracts: jenkins §10.3)."""
        if (full_name, number) not in self._stages:
            self._stages[full_name, number] = await self._restartable(full_name, number)
        return self._stages[full_name, number]

    async def _restartable(self, full_name: str, number: int) -> Sequence[str]:
        try:
            found = await self._client.get(f"{job_path(full_name)}/{number}/restart/api/json", RESTART)
        except SourceError as error:
            if error.status == 404:
                return ()
            raise
        return (found.restartable_stages or ()) if found.restart_enabled else ()

    # --- plans ----------------------------------------------------------------------------------------------------

    def plan(self, request: ActionRequest, words: str, **more: Any) -> Plan:
        return Plan(request=request, words=words, server=self.server, read_at=self._began, **more)

    def cannot(self, request: ActionRequest, words: str, why: str, **more: Any) -> Plan:
        return self.plan(request, words, possible=False, why_not=why, **more)


def _is_of(item: ActedItem, full_name: str) -> bool:
    place = place_of(item.task.url or "") if item.task is not None else None
    return place == (full_name, None)


# --- notes of a step ----------------------------------------------------------------------------------------------


def note(**values: object) -> tuple[tuple[str, str], ...]:
    """What a step is to remember."""
    return tuple((key, str(value)) for key, value in values.items() if value not in (None, ""))


def noted(notes: Mapping[str, str], key: str) -> int:
    return int(notes.get(key) or 0)


def place(request: ActionRequest, look: LiveStateReader) -> dict[str, object]:
    """The notes by which a step's job and run are found again: ``path`` as shown, ``job`` as the server spells it."""
    target = request.target
    job = look.sent_name(target.path)
    return {"source": target.source, "path": target.path, "job": job, "run": target.run}


def address(expect: Mapping[str, str], number: int | None = None) -> Address:
    return Address(expect["source"], expect["path"], number or noted(expect, "run") or None)


def quoted(name: str) -> str:
    return f"'{shorten(clean(name), 80)}'"


# --- fields -------------------------------------------------------------------------------------------------------


_RUN = re.compile(r"[^#]+#\d+")
"""Jenkins answers 500 to what has no ``#``, and takes a permalink to fail later (contracts: jenkins_observed)."""


class WrongValue(Exception):
    """A field cannot have what it was given; the message says why."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


def filled(fields: Sequence[ActionField], request: ActionRequest) -> tuple[dict[str, str], tuple[str, ...]]:
    """The value of every field, ``***`` for a secret one, and the names of the secret ones.

    Raises:
        WrongValue
    """
    given = dict(request.values)
    values: dict[str, str] = {}
    for field in fields:
        if field.kind == "unsupported":
            if field.name in given:
                raise WrongValue(
                    f"{quoted(field.name)} cannot be given here; open it in the browser", field.name
                )
            continue
        if field.omitted and not given.get(field.name):
            continue
        value = HIDDEN if field.kind == "secret" else given.get(field.name, field.default)
        if field.kind == "choice":
            value = value if field.name in given else value or next(iter(field.choices), "")
            if value not in field.choices:
                choices = shorten(field.listed(), 200)
                raise WrongValue(
                    f"{quoted(field.name)} cannot be {quoted(value)}; it is one of {choices}", field.name
                )
        if field.kind == "boolean" and value not in ("true", "false"):
            raise WrongValue(f"{quoted(field.name)} is true or false, not {quoted(value)}", field.name)
        if field.kind == "run" and value and not _RUN.fullmatch(value):
            raise WrongValue(
                f"{quoted(field.name)} is a run, written JOB#NUMBER, not {quoted(value)}", field.name
            )
        if field.kind == "file":
            value = _file(field.name, value)
        values[field.name] = value
    return values, tuple(field.name for field in fields if field.kind == "secret")


def _file(name: str, text: str) -> str:
    """The whole path of a file that is to be sent.

    Raises:
        WrongValue
    """
    path = Path(text).expanduser().absolute()
    if not path.is_file() or not os.access(path, os.R_OK):
        raise WrongValue(f"{quoted(name)}: {quoted(text)} is no file that can be read", name)
    if path.stat().st_size > LARGEST_FILE:
        raise WrongValue(f"{quoted(name)}: {quoted(text)} is larger than {LARGEST_FILE >> 20} MB", name)
    return str(path)


def names_note(names: Sequence[str]) -> str:
    return msgspec.json.encode(names).decode() if names else ""


def in_browser(fields: Sequence[ActionField]) -> str:
    """The names of the fields that cannot be filled in here."""
    return ", ".join(quoted(field.name) for field in fields if field.kind == "unsupported")


def shown(values: Mapping[str, str]) -> str:
    return shorten(", ".join(f"{clean(name)}={clean(value)}" for name, value in values.items()), 300)


# --- how runs do --------------------------------------------------------------------------------------------------


def progress(state: RunState, at: Address) -> Observation:
    """A run that was started. The server's state alone counts (rule 12 of the design)."""
    if state.waiting:
        return Observation("done", f"{at} ran up to a gate and waits for a person", at)
    if state.active:
        return Observation("happening", f"{at} runs", at)
    if state.result in ("SUCCESS", "UNSTABLE"):
        return Observation("done", f"{at} ended as {state.result}", at)
    return Observation("failed", f"{at} ended as {state.ending}", at)
