"""The third CI: its answers become the words of the program, and its writes are sent once."""

import json
import time
from collections.abc import Callable, Mapping
from urllib.parse import quote

import msgspec

from tests.conformance.thirdci.log import ThirdLog
from tests.conformance.thirdci.settings import ThirdSettings
from tui.domain import tests as reports
from tui.domain.action import (
    ActionKind,
    ActionRequest,
    Observation,
    Offer,
    Plan,
    Reply,
    Step,
    WriteAccess,
)
from tui.domain.address import Address
from tui.domain.deployment import (
    Changes,
    Deployment,
    Environment,
    Environments,
    Rollback,
    Validation,
    Version,
)
from tui.domain.health import Finding, SourceFacts, Trouble
from tui.domain.pipeline import Gate, Job, Listing, Pipeline, Run, Stage, TestCounts
from tui.domain.status import Status
from tui.sources.base import SourceError
from tui.sources.http.client import HttpClient
from tui.sources.http.limiter import HttpResponse, Limiter
from tui.sources.http.send_once import send_once
from tui.text.safe import clean, clean_lines

STATUSES: Mapping[str, Status] = {
    "due": Status.QUEUED,
    "going": Status.RUNNING,
    "held": Status.WAITING,
    "ok": Status.PASSED,
    "broken": Status.FAILED,
    "ended": Status.CANCELED,
}


# --- what the server sends --------------------------------------------------------------------------------------


class JobPayload(msgspec.Struct, frozen=True):
    name: str
    state: str


class CasePayload(msgspec.Struct, frozen=True):
    name: str
    passed: bool
    words: str


class RunPayload(msgspec.Struct, frozen=True):
    id: str
    flow: str
    title: str
    state: str
    who: str
    version: str
    begun: float
    took: float | None
    jobs: tuple[JobPayload, ...]
    cases: tuple[CasePayload, ...]
    gate: str | None
    asks: str
    again_of: str | None


class FlowPayload(msgspec.Struct, frozen=True):
    name: str
    runs: tuple[RunPayload, ...]


class DeploymentPayload(msgspec.Struct, frozen=True):
    run: str
    version: str
    begun: float
    state: str
    canary: bool


class PlacePayload(msgspec.Struct, frozen=True):
    name: str
    flow: str
    tier: str
    deployments: tuple[DeploymentPayload, ...]


class MePayload(msgspec.Struct, frozen=True):
    name: str
    writes: bool | None


class ErrorPayload(msgspec.Struct, frozen=True):
    error: str


_FLOWS = msgspec.json.Decoder(tuple[FlowPayload, ...])
_RUN = msgspec.json.Decoder(RunPayload)
_PLACES = msgspec.json.Decoder(tuple[PlacePayload, ...])
_ME = msgspec.json.Decoder(MePayload)
_ERROR = msgspec.json.Decoder(ErrorPayload)
_DEEDS: Mapping[ActionKind, tuple[str, str]] = {
    ActionKind.APPROVE: ("go", "Let go on"),
    ActionKind.PROMOTE: ("go", "Let go on"),
    ActionKind.REJECT: ("no", "Reject"),
    ActionKind.RETRY: ("again", "Run again"),
    ActionKind.CANCEL: ("stop", "Stop"),
}


class ThirdSource:
    """A source of pipelines and deployments that acts; of the optional protocols it is a ``TieringSource``."""

    def __init__(self, name: str, settings: ThirdSettings, *, clock: Callable[[], float] = time.time) -> None:
        self._name = name
        self._settings = settings
        self._clock = clock
        self._limiter = Limiter(name, clock=clock)
        self._http = HttpClient(self._limiter, settings, self._headers)

    @property
    def name(self) -> str:
        return self._name

    def facts(self) -> SourceFacts:
        return SourceFacts(
            self._name,
            "thirdci",
            self._settings.base_url,
            clock_skew=self._limiter.clock_skew,
            requests=self._limiter.requests,
            bytes_read=self._limiter.bytes_read,
        )

    async def check(self) -> tuple[Finding, ...]:
        try:
            user = _ME.decode((await self._get("/api/me")).body).name
        except SourceError as error:
            return (Finding("error", error.trouble.value, error.message, "look at the server"),)
        return (Finding("ok", "user", clean(user)),)

    async def close(self) -> None:
        await self._http.close()

    # --- pipelines --------------------------------------------------------------------------------------------------

    async def pipelines(self) -> Listing:
        flows = self._limiter.decode(await self._get("/api/flows"), _FLOWS)
        return Listing(
            tuple(
                Pipeline(
                    Address(self._name, flow.name),
                    name=clean(flow.name.rpartition("/")[2]),
                    folder=clean(flow.name.rpartition("/")[0]),
                    runs=tuple(map(self._listed, flow.runs)),
                )
                for flow in flows
            )
        )

    async def run(self, address: Address) -> Run:
        payload = await self._payload(address)
        run = self._listed(payload)
        jobs = tuple(
            Job(
                run.address.at_job(job.name),
                str(number),
                clean(job.name),
                STATUSES.get(job.state, Status.UNKNOWN),
                vendor_status=clean(job.state),
            )
            for number, job in enumerate(payload.jobs)
        )
        stages = tuple(
            Stage(job.id, job.name, job.status, vendor_status=job.vendor_status, jobs=(job,)) for job in jobs
        )
        return msgspec.structs.replace(run, stages=stages)

    async def tests(self, address: Address) -> reports.TestReport:
        cases = tuple(
            reports.Case(
                clean(case.name),
                "",
                reports.CaseOutcome.PASSED if case.passed else reports.CaseOutcome.FAILED,
            )
            for case in (await self._payload(address)).cases
        )
        suites = (reports.Suite("all", cases),) if cases else ()
        return reports.TestReport(reports.counted(suites), suites)

    async def case(self, address: Address, key: reports.CaseKey) -> reports.CaseDetails:
        for case in (await self._payload(address)).cases:
            if clean(case.name) == key.name:
                return reports.CaseDetails(clean(case.words), clean_lines(case.words))
        raise SourceError(Trouble.NOT_FOUND, f"{self._name}: {address} has no test {key.name}")

    def log(self, address: Address, tail: int = 0) -> ThirdLog:
        return ThirdLog(self._get, address)

    # --- deployments ------------------------------------------------------------------------------------------------

    async def environments(self, pipeline: Address) -> Environments:
        return Environments(tuple(map(self._environment, await self._places(pipeline.path))))

    async def history(self, environment: Address) -> Environment:
        return self._environment(await self._place(environment))

    async def tier(self, environment: Address) -> str | None:
        return (await self._place(environment)).tier

    async def changes(self, old: Version, new: Version) -> Changes:
        return Changes(notes=("it does not tell",))

    async def validation(self, run: Address, file: str) -> Validation:
        return Validation(notes=("it keeps no files",))

    # --- acting -----------------------------------------------------------------------------------------------------

    async def write_access(self) -> WriteAccess:
        me = self._limiter.decode(await self._get("/api/me"), _ME)
        if me.writes is None:
            return WriteAccess(None, "the server does not say it")
        return WriteAccess(not me.writes, "" if me.writes else "the token only reads")

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        if target.environment is not None:
            return (Offer(ActionRequest(ActionKind.ROLLBACK, target), "Go back to the version before"),)
        if target.run is None:
            return (Offer(ActionRequest(ActionKind.TRIGGER, target), "Start"),)
        run = await self._payload(target)
        offers = []
        for kind, (_, words) in _DEEDS.items():
            if kind is not ActionKind.PROMOTE:
                why = _refusal(kind, run)
                offers.append(Offer(ActionRequest(kind, target), words, not why, why))
        return tuple(offers)

    async def plan(self, request: ActionRequest) -> Plan:
        if request.kind is ActionKind.ROLLBACK:
            return await self._plan_rollback(request)
        flow = quote(request.target.path)
        known = await self._runs(request.target.path)
        expect = (("newest", known[0].id if known else ""),)
        if request.kind is ActionKind.TRIGGER:
            step = Step(
                f"start {clean(request.target.path)}", "POST", f"/api/flows/{flow}/start", expect=expect
            )
            return self._plan(request, step)
        if request.kind not in _DEEDS or request.target.run is None:
            why = f"it knows no {request.kind.value}"
            return Plan(request, why, self._settings.base_url, self._clock(), possible=False, why_not=why)
        run = await self._payload(request.target)
        deed, words = _DEEDS[request.kind]
        words = f"{words}: {clean(run.asks or run.title)}"
        step = Step(
            words, "POST", f"/api/runs/{quote(run.id, safe='')}/{deed}", expect=(*expect, ("run", run.id))
        )
        plan = self._plan(request, step, _refusal(request.kind, run))
        waits = request.kind in (ActionKind.APPROVE, ActionKind.PROMOTE)
        return msgspec.structs.replace(plan, environment=run.gate or "") if waits else plan

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        body = json.dumps(dict(step.body)).encode()
        answer = await send_once(self._limiter, self._settings, step.method, step.path, body, self._headers)
        if isinstance(answer, Reply):
            return answer
        if answer.status >= 500:
            return Reply("lost", _words(answer), answer.status, over=True)
        if answer.status >= 400:
            return Reply("refused", _words(answer), answer.status)
        try:
            msgspec.json.decode(answer.body)
        except msgspec.DecodeError:
            return Reply("lost", "its answer cannot be read", answer.status)
        return Reply("accepted", status=answer.status)

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        notes = dict(step.expect)
        deed = step.path.rpartition("/")[2]
        if deed == "back":
            place = await self._place(Address(self._name, notes["flow"], environment=notes["place"]))
            now = place.deployments[0]
            done = (len(place.deployments), now.version) == (int(notes["count"]) + 1, notes["version"])
            return Observation("done" if done else "nothing", f"{clean(now.version)} is there")
        if deed in ("start", "again"):
            runs = await self._runs(notes.get("flow", "")) if "flow" in notes else await self._all()
            newer = [run for run in runs if run.id > notes["newest"] and run.again_of == notes.get("run")]
            if not newer:
                return Observation("nothing")
            return Observation("done", "it was started", self._address(newer[-1]))
        run = self._limiter.decode(await self._get(f"/api/runs/{quote(notes['run'], safe='')}"), _RUN)
        wanted = "ok" if deed == "go" else "ended"
        if run.gate is None and run.state == wanted:
            return Observation("done", f"it is {clean(run.state)} now", self._address(run))
        return Observation("nothing")

    # --- parts ------------------------------------------------------------------------------------------------------

    def _headers(self) -> Mapping[str, str]:
        token = self._settings.token
        return {"Authorization": f"Bearer {token.reveal()}"} if token is not None else {}

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> HttpResponse:
        answer = await self._http.send("GET", path, query=query)
        if answer.status != 200:
            raise self._limiter.refuse(answer, _words(answer))
        return answer

    async def _payload(self, address: Address) -> RunPayload:
        answer = await self._get(f"/api/runs/{quote(str(address.run), safe='')}")
        return self._limiter.decode(answer, _RUN)

    async def _all(self) -> tuple[RunPayload, ...]:
        flows = self._limiter.decode(await self._get("/api/flows"), _FLOWS)
        return tuple(run for flow in flows for run in flow.runs)

    async def _runs(self, path: str) -> tuple[RunPayload, ...]:
        return tuple(run for run in await self._all() if run.flow == path)

    async def _places(self, path: str, **query: str) -> tuple[PlacePayload, ...]:
        return self._limiter.decode(await self._get("/api/places", {"flow": path, **query}), _PLACES)

    async def _place(self, environment: Address) -> PlacePayload:
        found = await self._places(environment.path, name=environment.environment or "")
        if not found:
            raise SourceError(Trouble.NOT_FOUND, f"{self._name}: there is no {environment}")
        return found[0]

    async def _plan_rollback(self, request: ActionRequest) -> Plan:
        place = await self._place(request.target)
        version = request.value("version") or next(
            (each.version for each in place.deployments if each.version != place.deployments[0].version), ""
        )
        step = Step(
            f"put {clean(version)} back into {clean(place.name)}",
            "POST",
            f"/api/places/{quote(place.name, safe='')}/back",
            (("version", version),),
            "json",
            (
                ("flow", place.flow),
                ("place", place.name),
                ("version", version),
                ("count", str(len(place.deployments))),
            ),
        )
        plan = self._plan(request, step, "" if version else "there is no version before")
        return msgspec.structs.replace(plan, environment=clean(place.name))

    def _plan(self, request: ActionRequest, step: Step, why_not: str = "") -> Plan:
        return Plan(
            request,
            f"{step.words} on {self._name}",
            self._settings.base_url,
            self._clock(),
            possible=not why_not,
            why_not=why_not,
            steps=() if why_not else (step,),
        )

    def _address(self, run: RunPayload) -> Address:
        return Address(self._name, run.flow, run.id)

    def _listed(self, run: RunPayload) -> Run:
        address = self._address(run)
        gates: tuple[Gate, ...] = ()
        if run.gate is not None:
            gate = address.at_gate(run.gate)
            gates = (Gate(gate, clean(run.asks), since=run.begun),)
        failed = sum(not case.passed for case in run.cases)
        return Run(
            address,
            clean(run.title),
            STATUSES.get(run.state, Status.UNKNOWN),
            vendor_status=clean(run.state),
            cause=clean(run.who),
            started_at=run.begun,
            duration=run.took,
            tests=TestCounts(len(run.cases), failed, 0) if run.cases else None,
            gates=gates,
        )

    def _environment(self, place: PlacePayload) -> Environment:
        return Environment(
            Address(self._name, place.flow, environment=place.name),
            tuple(
                Deployment(
                    f"{len(place.deployments) - number}",
                    STATUSES.get(each.state, Status.UNKNOWN),
                    clean(each.version),
                    vendor_status=clean(each.state),
                    started_at=each.begun,
                    finished_at=each.begun,
                    run=Address(self._name, place.flow, each.run),
                    canary=each.canary,
                    rollback=Rollback(number > 0, "put back" if number else "it is there"),
                )
                for number, each in enumerate(place.deployments)
            ),
            tier=place.tier,
        )


def _refusal(kind: ActionKind, run: RunPayload) -> str:
    """Why that cannot be done to the run; empty: it can."""
    if kind in (ActionKind.APPROVE, ActionKind.PROMOTE, ActionKind.REJECT) and run.gate is None:
        return "it waits for nobody"
    if kind is ActionKind.CANCEL and run.state not in ("due", "going", "held"):
        return f"it has ended: {clean(run.state)}"
    return ""


def _words(answer: HttpResponse) -> str:
    try:
        return clean(_ERROR.decode(answer.body).error)
    except msgspec.DecodeError:
        return f"it answered {answer.status}"
