"""Starting a run, as for a retraining or an earlier version, and finding the run that came of it
(contracts: jenkins §5, §10.1)."""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec

from tui.domain.action import ActionField, ActionRequest, Observation, Plan, Reply, Step, at_fault
from tui.domain.address import Address
from tui.sources.jenkins.actions.live_state import JobState, Started
from tui.sources.jenkins.actions.live_state_reader import (
    LiveStateReader,
    WrongValue,
    address,
    filled,
    in_browser,
    names_note,
    note,
    noted,
    place,
    progress,
    quoted,
    shown,
)
from tui.sources.jenkins.actions.steps import StepKind
from tui.sources.jenkins.fields import text_of
from tui.sources.jenkins.names import job_path
from tui.sources.jenkins.payload import Cause
from tui.text.safe import clean, shorten

_NUMBER = re.compile(r"#(\d+)")
_values = msgspec.json.Decoder(dict[str, str])


async def plan_trigger(request: ActionRequest, look: LiveStateReader) -> Plan:
    target = request.target.pipeline
    job = await look.job(look.sent_name(target.path))
    if job.holds == "jobs":
        why = "it is a folder, and nothing of its own runs: name a job in it"
        return look.cannot(request, f"Start a run of {target} on {look.server}", why)
    if job.holds == "branches":
        return await _plan_scan(request, target, job, look)
    return plan_start(request, target, job, look, f"Start a run of {target} on {look.server}")


async def _plan_scan(request: ActionRequest, target: Address, job: JobState, look: LiveStateReader) -> Plan:
    """Of a multibranch project: no run, but a search (contracts: jenkins §2, jenkins_observed)."""
    words = f"Scan {target} for branches on {look.server}"
    if not job.buildable:
        return look.cannot(request, words, "it cannot be scanned: it, or what holds it, is disabled")
    if request.values:
        names = ", ".join(quoted(name) for name, _ in request.values)
        return look.cannot(
            request, words, f"a scan has no parameter {names}; name one of its branches to start a run"
        )
    effect = "its branches are looked for anew; those that are new or have changed start runs of their own"
    full_name = look.sent_name(target.path)
    step = Step(
        words=f"scan {target}",
        method="POST",
        path=f"{job_path(full_name)}/build?delay=0",
        kind=StepKind.SCAN,
        expect=note(**(place(request, look) | {"run": None}), before=_head(await look.scan_log(full_name))),
    )
    return look.plan(request, words, facts=(("effect", effect),), steps=(step,))


def _head(log: str) -> str:
    """By which one scan is told from another: its first lines tell who and when."""
    return sha256("\n".join(log.splitlines()[:3]).encode()).hexdigest()[:16] if log else ""


async def observe_scan(expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader) -> Observation:
    """Only its log tells of a scan."""
    log = await look.scan_log(expect["job"])
    if _head(log) in ("", expect.get("before", "")):
        yes = reply is not None and reply.state == "accepted"
        return Observation("accepted" if yes else "nothing", "no new scan is to be seen")
    ending = next((line for line in reversed(log.splitlines()) if line.strip()), "")
    if not ending.startswith("Finished: "):
        return Observation("happening", "it looks for branches")
    result = clean(ending.removeprefix("Finished: "))
    return Observation("done" if result == "SUCCESS" else "failed", f"the scan ended as {result}")


def plan_start(
    request: ActionRequest, target: Address, job: JobState, look: LiveStateReader, words: str
) -> Plan:
    """A new run of ``target`` with what the request says of its parameters."""
    if not job.buildable:
        why = "it cannot be built: it, or what holds it, is disabled"
        return look.cannot(request, words, why, fields=job.fields)
    known = {field.name for field in job.fields}
    unknown = [name for name, _ in request.values if name not in known]
    if unknown:
        # Jenkins would drop them without a word.
        names = ", ".join(quoted(name) for name in unknown)
        return look.cannot(request, words, f"it has no parameter {names}", fields=job.fields)
    try:
        values, secrets = filled(job.fields, request)
    except WrongValue as error:
        return look.cannot(request, words, str(error), fields=at_fault(job.fields, error.field, str(error)))
    warnings = []
    if job.running:
        before = ", ".join(str(target.at_run(number)) for number in job.running)
        warnings.append(f"it waits in the queue until {before} has ended: the job runs one build at a time")
    if names := in_browser(job.fields):
        warnings.append(f"{names} cannot be given here: its default is taken; or open it in the browser")
    files = [field.name for field in job.fields if field.kind == "file" and field.name in values]
    if files and job.is_pipeline:
        why = f"a Pipeline gets no file from {', '.join(map(quoted, files))}: Jenkins lists it and drops it"
        return look.cannot(request, words, why, fields=job.fields)
    facts = (("parameters", shown(values)),) if values else ()
    step = Step(
        words=f"start a run of {target}",
        method="POST",
        path=f"{job_path(look.sent_name(target.path))}/{_how(job.fields)}?delay=0sec",
        body=tuple(values.items()),
        body_kind="multipart" if files else "form" if values else "none",
        kind=StepKind.START,
        expect=note(
            **(place(request, look) | {"run": None}),
            next=job.next_number,
            secrets=names_note(secrets),
            optional=names_note(
                [field.name for field in job.fields if field.name in secrets and not field.required]
            ),
            files=names_note(files),
            sent=msgspec.json.encode({n: v for n, v in values.items() if n not in secrets}).decode(),
        ),
    )
    return look.plan(request, words, facts=facts, warnings=tuple(warnings), fields=job.fields, steps=(step,))


def _how(fields: Sequence[ActionField]) -> str:
    return "buildWithParameters" if fields else "build"


async def observe_start(expect: Mapping[str, str], reply: Reply | None, look: LiveStateReader) -> Observation:
    """The new run: the one that the queue's item became, else one of ours that was not there before."""
    found = dict(reply.found) if reply is not None else {}
    number = noted(found, "number")
    if not number:
        sought = await _seek(expect, noted(found, "queue"), look)
        if isinstance(sought, Observation):
            return sought
        number = sought
    at = address(expect, number)
    state = await look.run(expect["job"], number)
    seen = progress(state, at)
    if "sent" in expect:
        had = {parameter.name: text_of(parameter) for parameter in state.parameters}
        sent = _values.decode(expect["sent"])
        if missing := [name for name in sent if name not in had]:
            words = f"{seen.words}; Jenkins dropped {shorten(clean(', '.join(missing)), 200)}"
            seen = msgspec.structs.replace(seen, state="failed", words=words)
        elif other := [name for name, value in sent.items() if not _alike(value, had[name])]:
            words = f"{seen.words}, with another {shorten(clean(', '.join(other)), 200)} than was asked for"
            seen = msgspec.structs.replace(seen, state="failed", words=words)
    return msgspec.structs.replace(seen, found=note(number=number))


def _alike(sent: str, had: str | None) -> bool:
    """Whether a run may have a value as it was sent; what Jenkins does not tell may be it."""
    return had is None or sent.replace("\r\n", "\n").strip() == had.replace("\r\n", "\n").strip()


async def _seek(expect: Mapping[str, str], queue: int, look: LiveStateReader) -> int | Observation:
    """The number of the run, or what is to be said as long as there is none."""
    job = expect["job"]
    if queue:
        item = await look.item(queue)
        if item is not None and item.cancelled:
            return Observation("failed", "it was canceled in the queue")
        if item is not None and item.executable is not None and item.executable.number is not None:
            return item.executable.number
        if item is not None:
            why = shorten(clean(item.why or ""), 200)
            return Observation("happening", f"it waits in the queue{f': {why}' if why else ''}")
        builds = (await look.job(job)).builds
        for build in builds:
            if build.queue_id == queue:
                return build.id
        return Observation("nothing", "it has left the queue, and no run of it is to be seen")
    me = await look.me()
    started = (await look.job(job)).builds
    ours = [item for item in started if item.id >= noted(expect, "next") and _ours(item, expect, me)]
    if len(ours) == 1:
        return ours[0].id
    if ours:
        names = ", ".join(f"#{our.id}" for our in ours)
        return Observation("unknown", f"it may be any of {names}: several were started since")
    if any(_ours(item, expect, me) for item in await look.queued(job)):
        return Observation("happening", "it waits in the queue")
    return Observation("nothing", "no new run is to be seen")


def _tells_of(cause: Cause, run: str) -> bool:
    """Whether it may be that run that was run again: in whatever language, its number stands there."""
    numbers = _NUMBER.findall(cause.short_description or "")
    return not numbers or run in numbers


def _ours(started: Started, expect: Mapping[str, str], me: str) -> bool:
    if kind := expect.get("cause", ""):
        mine = started.by(me) or not any(cause.user_id for cause in started.causes)
        return mine and any(
            cause.kind.endswith(kind) and _tells_of(cause, expect["run"]) for cause in started.causes
        )
    if not started.by(me):
        return False
    had = {parameter.name: text_of(parameter) for parameter in started.parameters}
    sent = _values.decode(expect.get("sent", "{}"))
    return all(_alike(value, had[name]) for name, value in sent.items() if name in had)
