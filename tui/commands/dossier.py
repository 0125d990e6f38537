"""``pipedeck dossier``: what is known of one version of a model, written to two files to be kept."""

import os
import re
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import msgspec

from tui.commands.exit_codes import Exit
from tui.commands.frame import complain, no_such_model, with_runtime
from tui.commands.journal import record_document
from tui.config import Settings
from tui.domain.address import AddressError, parse_address
from tui.domain.candidate import RegisteredVersion
from tui.domain.deployment import Deployment
from tui.domain.evaluation import Evaluation, EvaluationComparison
from tui.domain.journal import JournalError, Record
from tui.domain.tests import CaseOutcome
from tui.engine.queries import (
    ComparisonOf,
    EvaluationOf,
    HistoryOf,
    Query,
    RegisteredEvaluationOf,
    RegisteredVersions,
    TestsOf,
    VerdictOf,
)
from tui.engine.queries.verdicts import judged_metrics
from tui.engine.queries.versions import front_of
from tui.engine.runtime import Runtime
from tui.files import open_file
from tui.insight.deployed_version import TAGS, linked_version
from tui.insight.environment_state import before
from tui.insight.evaluation import compare
from tui.presenters.documents import (
    SCHEMA,
    ComparisonDoc,
    DeploymentDoc,
    VerdictDoc,
    comparison_document,
    document_of,
    verdict_document,
)
from tui.presenters.dossier import (
    ActionDoc,
    DossierDoc,
    LineDoc,
    SeriesDoc,
    TestedDoc,
    markdown,
    series_documents,
    without_credentials,
)
from tui.presenters.evaluation import EvaluationDoc, evaluation_documents
from tui.sources.base import SourceError
from tui.threads import in_thread

T = TypeVar("T")

MOST_FAILURES = 50


async def dossier(
    settings: Settings,
    model: str,
    version: str,
    folder: Path,
    *,
    clock: Callable[[], float] = time.time,
) -> Exit:
    """Write ``MODEL-VERSION.md`` and ``.json`` into ``folder``, and print where they are."""
    if mistake := no_such_model(settings, model):
        complain(mistake)
        return Exit.USAGE

    async def work(runtime: Runtime) -> Exit:
        document = await _Reading(runtime, model, version).document(clock())
        if document is None:
            return Exit.USAGE
        harmless = without_credentials(document)
        name = re.sub(r"[^\w.-]", "_", f"{model}-{version}")
        texts = {
            ".json": msgspec.json.format(msgspec.json.encode(harmless), indent=2).decode() + "\n",
            ".md": markdown(harmless),
        }
        for ending, text in texts.items():
            path = folder / (name + ending)
            try:
                await in_thread(partial(_write, path, text))
            except FileExistsError:
                complain(f"{path} is there already and stays as it is; name another folder with --folder")
                return Exit.REFUSED
            except OSError as error:
                complain(f"{path} cannot be written: {error.strerror}")
                return Exit.USAGE
            print(path)
        return Exit.OK

    return await with_runtime(settings, work, clock=clock)


def _write(path: Path, text: str) -> None:
    """A file that only its owner can read, and that was not there. Raises OSError."""
    with open(open_file(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
        file.write(text)


class _Reading:
    """What is read for a dossier; what cannot be is noted there."""

    def __init__(self, runtime: Runtime, model: str, version: str) -> None:
        self._runtime = runtime
        self._settings = runtime.settings
        self._model = model
        self._version = version
        self._missing: list[str] = []

    async def document(self, now: float) -> DossierDoc | None:
        """None where nothing knows of such a version; that is said."""
        registered = await self._registered()
        of_registry = next((each for each in registered if each.version == self._version), None)
        names = {self._version}
        if of_registry is not None:
            names |= {value for key, value in of_registry.tags if key in TAGS}
        environment, history = await self._history()
        deployments = [
            each
            for each in history
            if each.version in names or self._linked(each, registered) == self._version
        ]
        names |= {each.version for each in deployments}
        if of_registry is None and deployments:
            number = self._linked(deployments[0], registered)
            of_registry = next((each for each in registered if each.version == number), None)
        if of_registry is None and not deployments:
            complain(
                f"no version {self._version} of {self._model} was found, neither deployed nor registered"
            )
            for words in self._missing:
                complain(words)
            return None
        if of_registry is not None:
            names.add(of_registry.version)
        verdict, series = await self._verdict(names, now)
        return DossierDoc(
            schema=SCHEMA,
            at=now,
            model=self._model,
            version=self._version,
            names=tuple(sorted(names - {self._version})),
            environment=environment,
            deployments=tuple(document_of(DeploymentDoc, each, rollback=None) for each in deployments),
            verdict=verdict,
            series=series,
            tests=await self._tests(deployments),
            evaluations=await self._evaluations(of_registry, deployments, history, registered),
            comparison=await self._comparison(of_registry, deployments, history, registered, now),
            actions=self._actions(names, deployments),
            missing=tuple(self._missing),
        )

    async def _registered(self) -> tuple[RegisteredVersion, ...]:
        if self._settings.models[self._model].registry is None:
            self._missing.append("no registry has the model: what changed is not known")
            return ()
        return await self._asked(RegisteredVersions(self._model), "the registry") or ()

    def _linked(self, deployment: Deployment, registered: Sequence[RegisteredVersion]) -> str:
        registry = self._settings.models[self._model].registry
        if registry is None:
            return ""
        return linked_version(registry.model, deployment.version, registered).version

    async def _history(self) -> tuple[str, tuple[Deployment, ...]]:
        try:
            front = await front_of(self._settings, self._model, self._runtime.poller.recent)
        except SourceError as error:
            self._missing.append(f"what was deployed could not be read: {error.message}")
            return "", ()
        if front is None:
            self._missing.append("no environment of it was found: what was deployed is not known")
            return "", ()
        place = front.environment
        past = await self._asked(HistoryOf(place.address), "older deployments")
        if past is not None and past.read_since is not None:
            self._missing.append("deployments were read only as far back as the server lists them")
        return str(place.address), (past or place).deployments

    async def _verdict(self, names: set[str], now: float) -> tuple[VerdictDoc | None, tuple[SeriesDoc, ...]]:
        if not judged_metrics(self._settings, self._model):
            self._missing.append("no metric of it is judged: there is no verdict")
            return None, ()
        found = await self._asked(VerdictOf(self._model), "the verdict")
        if found is None:
            return None, ()
        if found.canary not in names:
            about = f"of {found.canary}" if found.canary else "of no version that is known"
            self._missing.append(
                f"the verdict that there is now is {about}; what was decided by stands with who did what"
            )
            return None, ()
        units = {name: metric.unit for name, metric in self._settings.metrics.items()}
        document = verdict_document(self._model, found, None, units, now)
        return document, series_documents(found.metrics, found.step)

    async def _tests(self, deployments: Sequence[Deployment]) -> tuple[TestedDoc, ...]:
        tested = []
        for run in dict.fromkeys(each.run.of_run for each in deployments if each.run is not None):
            report = await self._asked(TestsOf(run), f"the tests of {run}")
            if report is None:
                continue
            failures = [
                " ".join(filter(None, (suite.title, case.classname, case.name)))
                for suite in report.suites
                for case in suite.cases
                if case.outcome is CaseOutcome.FAILED
            ]
            if len(failures) > MOST_FAILURES:
                self._missing.append(f"{len(failures) - MOST_FAILURES} more failed tests of {run}")
            counts = report.counts
            shown = tuple(failures[:MOST_FAILURES])
            tested.append(TestedDoc(str(run), counts.total, counts.failed, counts.skipped, shown))
        return tuple(tested)

    async def _evaluations(
        self,
        of_registry: RegisteredVersion | None,
        deployments: Sequence[Deployment],
        history: Sequence[Deployment],
        registered: Sequence[RegisteredVersion],
    ) -> tuple[EvaluationDoc, ...]:
        """Beside those of what was there before it."""
        model, found = self._settings.models[self._model], []
        earlier = before(deployments[-1], history) if deployments else None
        if model.evidence:
            run = deployments[-1].run if deployments else None
            if run is None:
                self._missing.append("no run that deployed it is known: its evaluations are not, either")
            else:
                old = earlier.run if earlier is not None else None
                pairs = [
                    (
                        EvaluationOf(run.of_run, file),
                        EvaluationOf(old.of_run, file) if old is not None else None,
                    )
                    for file in model.evidence
                ]
                found += [await self._evaluation(*pair, earlier.version if earlier else "") for pair in pairs]
        if model.registry is not None and model.registry.evidence and of_registry is not None:
            number = self._linked(earlier, registered) if earlier is not None else ""
            for file in model.registry.evidence:
                after = RegisteredEvaluationOf(self._model, of_registry.version, file)
                other = RegisteredEvaluationOf(self._model, number, file) if number else None
                found.append(await self._evaluation(after, other, f"version {number}"))
        return evaluation_documents(found)

    async def _evaluation(
        self, query: "EvaluationOf | RegisteredEvaluationOf", old: Query[Evaluation] | None, against: str
    ) -> EvaluationComparison:
        async def read(query: Query[Evaluation], file: str) -> Evaluation:
            try:
                return await self._runtime.poller.ask(query)
            except SourceError as error:
                return Evaluation(file, problem=error.message)

        after = await read(query, query.file)
        earlier = await read(old, query.file) if old is not None and after.cases else None
        found = compare(after, earlier, against, "nothing that was there before it is known")
        if found.problem:
            self._missing.append(f"evaluation {found.file}: {found.problem}")
        return found

    async def _comparison(
        self,
        of_registry: RegisteredVersion | None,
        deployments: Sequence[Deployment],
        history: Sequence[Deployment],
        registered: Sequence[RegisteredVersion],
        now: float,
    ) -> ComparisonDoc | None:
        """With what was there before it, or is there now where it never was."""
        if of_registry is None:
            if self._settings.models[self._model].registry is not None:
                self._missing.append("its version in the registry is not known: what changed is not known")
            return None
        earlier = before(deployments[-1], history) if deployments else None
        old = self._linked(earlier, registered) if earlier is not None else ""
        if earlier is not None and not old:
            self._missing.append(
                f"{earlier.version}, which was there before it, is no version of the registry"
            )
            return None
        found = await self._asked(ComparisonOf(self._model, old, of_registry.version), "what changed")
        return comparison_document(found, now) if found is not None else None

    def _actions(self, names: set[str], deployments: Sequence[Deployment]) -> tuple[ActionDoc, ...]:
        runs = {str(each.run.of_run) for each in deployments if each.run is not None}
        journal = self._runtime.journal
        try:
            found = [each for each in journal.newest_first() if self._about(each, names, runs)]
            return tuple(_action(each, journal.lives(each.first.who.instance)) for each in reversed(found))
        except JournalError as error:
            self._missing.append(f"the journal could not be read: {error}")
            return ()

    def _about(self, record: Record, names: set[str], runs: set[str]) -> bool:
        """Whether it was about the version: its run, or something of the model with the version among the values."""
        try:
            target = parse_address(record.first.target)
        except AddressError:
            return False
        if target.run is not None and str(target.of_run) in runs:
            return True
        model = self._settings.models[self._model]
        registry = model.registry
        ours = model.ships(target.pipeline) or (
            registry is not None and (target.source, target.path) == (registry.source, registry.model)
        )
        values = dict(record.plan.request.values).values() if record.plan is not None else ()
        return ours and not names.isdisjoint(values)

    async def _asked(self, query: Query[T], what: str) -> T | None:
        try:
            return await self._runtime.poller.ask(query)
        except SourceError as error:
            self._missing.append(f"{what} could not be read: {error.message}")
            return None


def _action(record: Record, lives: bool) -> ActionDoc:
    known = record_document(record, record.outcome is None and lives)
    return ActionDoc(
        at=known.at,
        kind=known.kind,
        address=known.address,
        who=f"{known.user}@{known.host}",
        account=known.account,
        policy=known.policy,
        reason=known.reason,
        state=known.state,
        words=known.words,
        values=record.plan.request.values if record.plan is not None else (),
        facts=known.facts,
        lines=tuple(
            LineDoc(each.place or "", each.at, each.event, each.words or each.state)
            for each in record.entries
        ),
    )
