"""What Kayenta says of a canary, by the stages of its run and by its own documents (contracts: spinnaker §7)."""

import re
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.verdict import Decision, GroupScore, MetricOutcome, ServerMetric, ServerVerdict
from tui.sources.base import SourceError
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import MAP, Map, Stage, at, flag, number, rows, text
from tui.sources.spinnaker.read.problems import stage_problem
from tui.sources.spinnaker.read.tree import Node, tree, walk
from tui.sources.spinnaker.status import FAILED, vendor
from tui.text.safe import clean, shorten

JUDGE = "Kayenta"
CANARY, INTERVAL = "kayentaCanary", "runCanary"
_REMEMBERED = 50
_NUMBER = re.compile(r"#([0-9]{1,6})$")
_BY_CLASS = {"pass": Decision.PROMOTE, "marginal": Decision.WAIT, "fail": Decision.STOP}
_WORST = (Decision.STOP, Decision.WAIT, Decision.PROMOTE)


class Canaries:
    def __init__(self, context: Context) -> None:
        self._context = context
        self._documents: dict[str, Map] = {}
        """Those that are complete."""

    async def judgement(self, run: Address) -> ServerVerdict | None:
        """
        Raises:
            SourceError
        """
        execution = await self._context.execution(run)
        nodes = [
            node
            for node in walk(tree(execution.all_stages))
            if node.stage.type == CANARY and node.stage.status != "SKIPPED"
        ]
        if not nodes:
            return None
        node = max(nodes, key=lambda node: node.stage.start_time or 0.0)
        intervals = sorted(
            (child.stage for child in walk(node.children) if child.stage.type == INTERVAL), key=_turn
        )
        judged = [
            stage
            for stage in intervals
            if number(stage.values, "canaryScore") is not None or stage.status in FAILED
        ]
        document = await self._document(judged[-1]) if judged else None
        return _verdict(run, node, intervals, judged, document)

    async def _document(self, stage: Stage) -> Map | None:
        """None: there is none, or not for this user: the scores of the stages are all that is known then."""
        id_ = text(stage.values, "canaryPipelineExecutionId")
        if not id_ or id_ in self._documents:
            return self._documents.get(id_)
        storage = text(stage.values, "storageAccountName")
        path = f"/v2/canaries/canary/{quote(id_, safe='')}"
        try:
            # Without its account an old one is not found.
            found: dict[str, Any] = await self._context.gate.get(
                path, MAP, {"storageAccountName": storage} if storage else None
            )
        except SourceError as error:
            if error.trouble in (Trouble.NOT_FOUND, Trouble.FORBIDDEN):
                return None
            raise
        if flag(found, "complete"):
            if len(self._documents) >= _REMEMBERED:
                self._documents.clear()
            self._documents[id_] = found
        return found


def _turn(stage: Stage) -> tuple[int, float]:
    found = _NUMBER.search(stage.called)
    return int(found[1]) if found else 0, stage.start_time or 0.0


def _verdict(
    run: Address, node: Node, intervals: Sequence[Stage], judged: Sequence[Stage], document: Map | None
) -> ServerVerdict:
    # The pipeline obeys the stage's score, which is a whole number.
    scores = tuple(score for stage in judged if (score := number(stage.values, "canaryScore")) is not None)
    limits = next(
        filter(
            lambda found: number(found, "pass") is not None,
            (
                *(at(stage.values, "scoreThresholds") for stage in reversed(intervals)),
                at(document, "canaryExecutionRequest", "thresholds"),
                at(node.stage.values, "canaryConfig", "scoreThresholds"),
            ),
        ),
        None,
    )
    pass_, marginal = number(limits, "pass"), number(limits, "marginal")
    by_score = _by_score(scores, pass_, marginal)
    by_document, problem = _by_document(document)
    decision = min((by_score, by_document or by_score), key=_WORST.index)
    status = node.stage.status
    if status in (*FAILED, "CANCELED"):
        decision = Decision.STOP
        why = shorten(stage_problem(node), 200) or f"the analysis ended as {vendor(status)}"
    elif status != "SUCCEEDED":
        decision = min((decision, Decision.WAIT), key=_WORST.index)
        why = f"{len(scores)} of {len(intervals)} intervals judged" if intervals else "it has not begun"
    else:
        why = problem or "all intervals judged"
    judge_result = at(document, "result", "judgeResult")
    return ServerVerdict(
        judge=JUDGE,
        run=run,
        decision=decision,
        reason=why,
        score=scores[-1] if scores else None,
        passes=pass_,
        fails=marginal,
        intervals=scores,
        groups=tuple(
            GroupScore(name, score)
            for group in rows(judge_result, "groupScores")
            if (name := text(group, "name")) and (score := number(group, "score")) is not None
        ),
        metrics=tuple(_metrics(judge_result, document)),
    )


def _by_score(scores: Sequence[float], pass_: float | None, marginal: float | None) -> Decision:
    if not scores or pass_ is None:
        return Decision.WAIT
    if marginal is not None and any(score <= marginal for score in scores):
        return Decision.STOP
    return Decision.PROMOTE if scores[-1] >= pass_ else Decision.WAIT


def _by_document(document: Map | None) -> tuple[Decision | None, str]:
    if document is None:
        return None, ""
    if isinstance(at(document, "exception"), dict) or text(document, "status") == "terminal":
        errors = "; ".join(
            filter(None, (clean(str(error)) for error in rows(document, "exception", "details", "errors")))
        )
        return Decision.STOP, f"Kayenta failed: {shorten(errors, 150)}" if errors else "Kayenta failed"
    if not flag(document, "complete"):
        return Decision.WAIT, ""
    score = at(document, "result", "judgeResult", "score")
    kind = text(score, "classification")
    return _BY_CLASS.get(kind.lower(), Decision.WAIT), text(score, "classificationReason") or kind


def _metrics(judge_result: Any, document: Map | None) -> Iterator[ServerMetric]:
    directions = {
        text(metric, "name"): text(metric, "analysisConfigurations", "canary", "direction").lower()
        for metric in rows(document, "config", "metrics")
    }
    for result in rows(judge_result, "results"):
        name, kind = text(result, "name"), text(result, "classification")
        if not name:
            continue
        groups = rows(result, "groups")
        group = clean(groups[0]) if groups and isinstance(groups[0], str) else ""
        outcome = MetricOutcome.IGNORED if flag(result, "muted") else _outcome(kind, directions.get(name, ""))
        reason = text(result, "classificationReason") or kind
        if flag(result, "critical"):
            reason = f"{reason} (critical)"
        yield ServerMetric(name, group, outcome, reason)


def _outcome(kind: str, direction: str) -> MetricOutcome:
    match kind.lower():
        case "pass":
            return MetricOutcome.OK
        case "high":
            return MetricOutcome.BETTER if direction == "decrease" else MetricOutcome.WORSE
        case "low":
            return MetricOutcome.BETTER if direction == "increase" else MetricOutcome.WORSE
    return MetricOutcome.UNCLEAR
