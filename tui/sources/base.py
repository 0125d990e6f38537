"""What every source is to the rest of the program, and the one error they raise."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from tui.domain.action import ActionRequest, Observation, Offer, Plan, Reply, Step, WriteAccess
from tui.domain.address import Address
from tui.domain.alarm import Alerts
from tui.domain.candidate import RegisteredVersion
from tui.domain.deployment import Changes, Environment, Environments, Validation, Version
from tui.domain.evaluation import Evaluation
from tui.domain.health import Fault, Finding, SourceFacts, Trouble
from tui.domain.model_comparison import VersionRecord
from tui.domain.pipeline import Listing, Run
from tui.domain.series import Grid, Samples
from tui.domain.tests import CaseDetails, CaseKey, TestReport
from tui.domain.training import History, TrainingRun
from tui.domain.verdict import ServerVerdict

if TYPE_CHECKING:
    from tui.sources.logs import LogReader
    from tui.sources.looks import Looks


class SourceError(Exception):
    """A question a source could not answer.

    ``message`` says what happened, where (method and path of the request, and the JSON path when an answer did not
    have the expected shape) and what to do. It holds no secret and no other control character than spaces.
    """

    def __init__(
        self, trouble: Trouble, message: str, *, status: int | None = None, retry_at: float | None = None
    ) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.message = message
        self.status = status
        """HTTP status of the answer, where there was one."""
        self.retry_at = retry_at

    @property
    def fault(self) -> Fault:
        return Fault(self.trouble, self.message, self.retry_at)


def run_number(address: Address, called: str = "NUMBER") -> int:
    """The number of the run that an address names, for a server that numbers them.

    Args:
        called: what the number is called in the message.

    Raises:
        SourceError: it names none, or by a text.
    """
    if address.number is None:
        raise SourceError(Trouble.NOT_FOUND, f"{address} names no run; write {address.pipeline}#{called}")
    return address.number


class Source(Protocol):
    """One configured server.

    Methods are coroutines on the event loop and never block it; a caller may cancel them. They send each request
    once: repeating is the scheduler's business.
    """

    @property
    def name(self) -> str: ...

    def facts(self) -> SourceFacts:
        """What has been learnt of the server so far; sends nothing."""
        ...

    async def check(self) -> tuple[Finding, ...]:
        """Try everything the program will need of the server and say what was found. Does not raise."""
        ...

    async def close(self) -> None:
        """Close all connections, whatever is under way on them. Waits for no server."""
        ...


class PipelineSource(Source, Protocol):
    """A source that runs pipelines: Jenkins, GitLab, later Spinnaker."""

    async def pipelines(self) -> Listing:
        """All watched pipelines with their newest runs.

        Raises:
            SourceError: when nothing could be read. What failed for a part only is in the listing's notes.
        """
        ...

    async def run(self, address: Address) -> Run:
        """One run with its stages and jobs.

        Raises:
            SourceError
        """
        ...

    async def tests(self, address: Address) -> TestReport:
        """The tests of a run that exists; an empty report where it has none, or none yet.

        Raises:
            SourceError
        """
        ...

    async def case(self, address: Address, key: CaseKey) -> CaseDetails:
        """What one case said in the report of a run.

        Raises:
            SourceError: NOT_FOUND when it is no longer where ``key`` says.
        """
        ...

    def log(self, address: Address, tail: int = 0) -> "LogReader":
        """What reads the log of a job, a stage or a run; sends nothing yet.

        Args:
            tail: bytes at its end that will do, where the server can tell those; 0: all from the beginning.

        Raises:
            SourceError: it names no run.
        """
        ...


class DeploymentSource(Source, Protocol):
    """A source that knows where versions were put."""

    async def environments(self, pipeline: Address) -> Environments:
        """The environments that a pipeline deploys to, each with the deployments that matter now.

        Raises:
            SourceError: when nothing could be read. What failed for a part only is in the notes.
        """
        ...

    async def history(self, environment: Address) -> Environment:
        """One environment with its deployments as far back as is worth reading, each with whether it can be rolled
        back to.

        Raises:
            SourceError
        """
        ...

    async def changes(self, old: Version, new: Version) -> Changes:
        """The commits that ``new`` has and ``old``, deployed before it, has not.

        Raises:
            SourceError
        """
        ...

    async def validation(self, run: Address, file: str) -> Validation:
        """The numbers in a JSON file among the artifacts of a run, by its path.

        Raises:
            SourceError
        """
        ...


class EvaluatedSource(Source, Protocol):
    """A source whose runs leave files."""

    async def evaluation(self, run: Address, file: str) -> Evaluation:
        """What a report of an evaluation among the artifacts of a run says, by its path. One that is not there, or
        cannot be read, has a problem.

        Raises:
            SourceError
        """
        ...


class MetricSource(Source, Protocol):
    """A source of metric series: Prometheus and what speaks its API."""

    async def samples(self, query: str, grid: Grid) -> Samples:
        """The query's series over the grid.

        Raises:
            SourceError
        """
        ...


@runtime_checkable
class DatingSource(Protocol):
    """A source of metrics that can tell when a sample was taken, where a value does not."""

    async def newest(self, query: str, now: int) -> float | None:
        """The time of the newest sample that a query reads; None where it reads none, or nobody can tell.

        Raises:
            SourceError
        """
        ...


@runtime_checkable
class PausedSource(Protocol):
    """A source whose server may ask for a pause, which a person may end early."""

    def ask_early(self) -> bool:
        """See :meth:`tui.sources.http.limiter.Limiter.ask_early`."""
        ...


@runtime_checkable
class LookingSource(Protocol):
    """A source of metrics whose server tells only how things are now."""

    def keep_looks(self, looks: "Looks") -> None:
        """Begin with what was seen by programs before, and keep there what is seen; before anything is asked."""
        ...


@runtime_checkable
class LinkingSource(Protocol):
    """A source whose runs start those of other systems, and tell their web pages."""

    def link(self, address_of: Callable[[str], Awaitable[Address | None]]) -> None:
        """Take what tells, by the url of its page, a run of a configured source; before anything is asked."""
        ...


class ReachableSource(Source, Protocol):
    """A source that can be asked for nothing but whether it answers."""

    async def reach(self) -> Finding:
        """What was found there.

        Raises:
            SourceError
        """
        ...


class AlertSource(Source, Protocol):
    """A source with alarms of its own: Prometheus, Alertmanager."""

    async def alerts(self) -> Alerts:
        """What its rules found.

        Raises:
            SourceError
        """
        ...


class TrainingSource(Source, Protocol):
    """A source that knows what is being trained."""

    async def training_now(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        """The runs of these experiments that go on, as the server says, newest first.

        Raises:
            SourceError: also where one of the experiments is not there, or one may not see it.
        """
        ...

    async def trained_last(self, experiments: Sequence[str]) -> TrainingRun | None:
        """The run of these experiments that finished last; None: none did, and one may see them all.

        Raises:
            SourceError: as :meth:`training_now`.
        """
        ...

    async def training_lately(self, experiments: Sequence[str]) -> tuple[TrainingRun, ...]:
        """The runs of these experiments that began last, whether they go on or not, newest first.

        Raises:
            SourceError: as :meth:`training_now`.
        """
        ...

    async def metric_history(self, run: str, metric: str, after: int | None = None) -> History:
        """The values of one metric of a run, of very many some, with the last one among them.

        Args:
            after: only those of higher steps; where :meth:`reads_on`.

        Raises:
            SourceError
        """
        ...

    async def reads_on(self) -> bool:
        """Whether the server finds what came after a step without reading all that was before it."""
        ...


class RegistrySource(Source, Protocol):
    """A source that knows versions of models before anything is deployed."""

    async def registered(self, model: str, aliases: Sequence[str]) -> Mapping[str, RegisteredVersion | None]:
        """The version that each alias names, with its validation metrics; None where it names none.

        Raises:
            SourceError
        """
        ...

    async def aliases(self, model: str) -> Mapping[str, str]:
        """Which version each alias names.

        Raises:
            SourceError
        """
        ...

    async def newest_versions(self, model: str) -> tuple[RegisteredVersion, ...]:
        """The versions registered last, newest first, with their tags and without what was measured. Empty where there
        are none, or where one may not see them.

        Raises:
            SourceError
        """
        ...

    async def made_at(self, versions: Sequence[RegisteredVersion], revision: str) -> tuple[str, ...]:
        """Which of ``versions`` were made of that commit.

        Raises:
            SourceError
        """
        ...

    async def evaluated(self, model: str, version: str, file: str) -> Evaluation:
        """What a report of an evaluation among the artifacts of the run that made a version says.

        Raises:
            SourceError
        """
        ...

    async def recorded(self, model: str, version: str) -> VersionRecord:
        """All that there is of one version. What only a part lacks is said there.

        Raises:
            SourceError
        """
        ...


@runtime_checkable
class RunCachingSource(Protocol):
    """A source whose server does not tell what was sent to it, where what may be sent next depends on that."""

    def remember(self, step: Step, at: float) -> None:
        """Take in that a step was sent at a time, by whatever program; may be told again and again."""
        ...


@runtime_checkable
class TieringSource(Protocol):
    """A source that knows which of its environments are production."""

    async def tier(self, environment: Address) -> str | None:
        """The tier of one environment, asked for by its name; None where the server does not say it.

        Raises:
            SourceError: there is no such environment, or it could not be read.
        """
        ...


@runtime_checkable
class JudgingSource(Protocol):
    """A source whose server judges canaries by itself."""

    async def judgement(self, run: Address) -> ServerVerdict | None:
        """What it says of the canary of a run; None: it has none.

        Raises:
            SourceError
        """
        ...


@runtime_checkable
class AccountSource(Protocol):
    """A source whose server tells whom it takes us for."""

    async def account(self) -> str:
        """The name of the server's user; empty where nobody logged in. Asked once and remembered.

        Raises:
            SourceError
        """
        ...


class WebSource(Source, Protocol):
    """A source whose server shows pipelines on pages of their own."""

    async def address_of(self, url: str) -> Address | None:
        """What the page at ``url``, which is one of this server, shows; None: nothing that has an address.

        Raises:
            SourceError: it names what the server has to be asked about, which it does not know, or cannot be asked.
        """
        ...


class ActingSource(Source, Protocol):
    """A source that can be asked to do something. Everything but :meth:`send` only reads."""

    async def write_access(self) -> WriteAccess:
        """Whether the credentials may write, as far as the server tells; read once and remembered.

        Raises:
            SourceError
        """
        ...

    async def offers(self, target: Address) -> tuple[Offer, ...]:
        """All that this source can do to ``target``, read now; what cannot be done now too, with the reason.

        Raises:
            SourceError
        """
        ...

    async def plan(self, request: ActionRequest) -> Plan:
        """What granting the request would do, made from a state read now. One that cannot be done is a plan that is
        not possible, with the reason.

        Raises:
            SourceError: the state could not be read.
        """
        ...

    async def send(self, step: Step, secrets: Mapping[str, str]) -> Reply:
        """Send the one request of a step, once: no retry, no redirect followed, no new login. Does not raise.

        Args:
            secrets: values of the body's fields that the step shows as ``***``.
        """
        ...

    async def observe(self, step: Step, reply: Reply | None) -> Observation:
        """What the server shows now of a step's effect: one look, the engine decides when to look again.

        Args:
            reply: None when it is not known, as after a restart.

        Raises:
            SourceError: it could not be read.
        """
        ...
