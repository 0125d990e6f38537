"""What there is of a stage's log: a text made of its tasks, of what the cloud said, and of the consoles of its pods
(contracts: spinnaker §10). Nothing streams and nothing has an offset: each answer is the whole text again."""

from array import array
from collections.abc import Iterator, Sequence
from urllib.parse import quote

from tui.domain.address import Address
from tui.domain.health import Trouble
from tui.domain.log import LogLines
from tui.logs.neutral import last_segments, neutral, self_contained
from tui.logs.parser import Parser, line_starts
from tui.sources.base import SourceError
from tui.sources.logs import LogSink, LogStatus
from tui.sources.spinnaker.context import Context
from tui.sources.spinnaker.payload import CONSOLE, Stage, at, rows, seconds, text
from tui.sources.spinnaker.read.links import link_of
from tui.sources.spinnaker.read.problems import stage_problem
from tui.sources.spinnaker.read.tree import Node, find, labels, tree, walk
from tui.sources.spinnaker.status import FAILED, is_active
from tui.text import format as fmt
from tui.text.safe import shorten

EVERY = 10.0
"""Seconds between two looks: each costs the whole execution."""
CONSOLE_EVERY = 30.0
"""The same where pods are asked, too; as often as Deck does."""
MOST_PODS = 5
MADE = "Spinnaker keeps no log of a stage: this is made of its tasks and of what they left"


class SpinnakerParser(Parser):
    def _lines(self, block: bytes, position: int) -> LogLines:
        positions: array[int] = line_starts(block, position)
        lines, _ = self_contained(neutral(last_segments(block)), b"")
        return LogLines(lines, positions)


class SpinnakerLog:
    """A :class:`tui.sources.logs.LogReader`.

    Args:
        of: a stage, or a run: then of the stage that failed first, of the one that runs, or of the last one.
    """

    def __init__(self, context: Context, of: Address) -> None:
        self.of = of
        self.chosen = ""
        self._context = context
        self._shown = b""
        self._begun = False

    def parser(self, position: int) -> SpinnakerParser:
        return SpinnakerParser(position)

    async def read(self, sink: LogSink) -> LogStatus:
        execution = await self._context.execution(self.of.of_run)
        nodes = tree(execution.all_stages)
        node = self._find(nodes)
        pods = list(_pods(node))
        lines = [*_told(node), *await self._linked(node)]
        for account, region, pod in pods[:MOST_PODS]:
            lines += await self._console(account, region, pod)
        made = "".join(f"{line}\n" for line in lines).encode(errors="replace")
        if not self._begun or not made.startswith(self._shown):
            sink.begin(0)
            self._begun, self._shown = True, b""
        if new := made[len(self._shown) :]:
            sink.feed(new)
            self._shown = made
        over = not is_active(execution) and node.stage.status not in ("RUNNING", "PAUSED")
        return LogStatus(over, CONSOLE_EVERY if pods else EVERY, MADE)

    def _find(self, nodes: Sequence[Node]) -> Node:
        if self.of.job is not None:
            if (node := find(nodes, self.of.job)) is None:
                names = shorten(", ".join(labels(nodes).values()), 200) or "none"
                raise SourceError(
                    Trouble.NOT_FOUND, f"{self.of.of_run} has no stage {self.of.job}; it has: {names}"
                )
            return node
        every = [node for node in walk(nodes) if not node.children]
        begun = sorted(
            (node for node in every if node.stage.start_time), key=lambda it: it.stage.start_time or 0.0
        )
        for fits, why in (
            ([node for node in begun if node.stage.status in FAILED], "the stage that failed first"),
            ([node for node in begun if node.stage.status == "RUNNING"], "the stage that runs"),
            (begun[::-1], "the last stage"),
            (every, "the first stage"),
        ):
            if fits:
                self.chosen = why
                self.of = self.of.of_run.at_job(labels(nodes)[fits[0].stage.id])
                return fits[0]
        raise SourceError(Trouble.NOT_FOUND, f"{self.of} has no stage")

    async def _linked(self, node: Node) -> list[str]:
        link = await link_of(node.stage, self._context)
        if link is None:
            return []
        if link.run is not None:
            return ["", f"its own log is that of {link.run}"]
        return ["", f"its own log is at {link.url}, which is at no source of the config"]

    async def _console(self, account: str, region: str, pod: str) -> list[str]:
        parts = "/".join(
            quote(part, safe="") for part in (account, region, f"pod {pod.removeprefix('pod ')}")
        )
        lines = ["", f"--- {pod} in {region}, the containers of now:"]
        try:
            answer = await self._context.gate.get(
                f"/instances/{parts}/console", CONSOLE, {"provider": "kubernetes"}
            )
        except SourceError as error:
            return [*lines, f"not to be had: {error.message}"]
        if isinstance(answer.output, str):
            return [*lines, *answer.output.splitlines()]
        for container in rows(answer.output):
            output = at(container, "output")
            lines += [
                f"--- {text(container, 'name')}:",
                *(output if isinstance(output, str) else "").splitlines(),
            ]
        return lines


def _told(node: Node) -> Iterator[str]:
    yield f"# {MADE}."
    yield from _of_stage(node.stage)
    for child in walk(node.children):
        yield ""
        yield f"# {child.stage.called} ({child.stage.status or '?'})"
        yield from _of_stage(child.stage)
    if problem := stage_problem(node):
        yield ""
        yield f"ERROR: {problem}"


def _of_stage(stage: Stage) -> Iterator[str]:
    for task in stage.tasks or ():
        begun, ended = seconds(task.start_time), seconds(task.end_time)
        took = f" after {fmt.duration(ended - begun)}" if begun and ended and ended >= begun else ""
        when = fmt.clock(begun) if begun else "not begun"
        yield f"{when}  {task.name or '?'}: {task.status or '?'}{took}"
    for kato in rows(stage.values, "kato.tasks"):
        for line in rows(kato, "history"):
            yield f"  {text(line, 'phase')}: {text(line, 'status')}"
    status = at(stage.values, "jobStatus")
    if isinstance(status, dict):
        yield f"job: {text(status, 'jobState')} {text(status, 'message')}".rstrip()
        for pod in rows(status, "pods"):
            yield f"  pod {text(pod, 'name')}: {text(pod, 'status', 'phase')}".rstrip()
    if link := text(stage.values, "execution", "logs") or text(stage.values, "jobStatus", "logs"):
        yield f"its logs are kept at {link}"


def _pods(node: Node) -> Iterator[tuple[str, str, str]]:
    """Account, region and name of the pods of a job that it ran."""
    for below in (node, *walk(node.children)):
        values = below.stage.values
        account = (
            text(values, "jobStatus", "account") or text(values, "account") or text(values, "credentials")
        )
        region = text(values, "jobStatus", "location") or text(values, "location")
        for pod in rows(values, "jobStatus", "pods"):
            if account and region and (name := text(pod, "name")):
                yield account, region, name
