"""What the Jenkins of the sandbox holds: folders, pipelines and builds by their addresses."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote, unquote

import msgspec

from tui.sandbox.jenkins.manual_changes import ManualChanges
from tui.sandbox.plan import Form, Progress, State, TaskState
from tui.sandbox.world import Pipeline, Run, World

RESULTS = {
    State.PASSED: "SUCCESS",
    State.WARNING: "UNSTABLE",
    State.FAILED: "FAILURE",
    State.CANCELED: "ABORTED",
}
PERMALINKS: dict[str, tuple[State, ...]] = {
    "lastBuild": (),
    "lastCompletedBuild": (State.PASSED, State.WARNING, State.FAILED, State.CANCELED),
    "lastFailedBuild": (State.FAILED,),
    "lastStableBuild": (State.PASSED,),
    "lastSuccessfulBuild": (State.PASSED, State.WARNING),
    "lastUnstableBuild": (State.WARNING,),
    "lastUnsuccessfulBuild": (State.WARNING, State.FAILED, State.CANCELED),
}
"""Which states each permalink looks for; none: any."""

_COLORS = {
    State.PASSED: "blue",
    State.WARNING: "yellow",
    State.FAILED: "red",
    State.CANCELED: "aborted",
}


class Folder(msgspec.Struct, frozen=True):
    """A folder or multibranch project: what lies between the root and the pipelines."""

    path: str
    multibranch: bool = False


Item = Folder | Pipeline


class Controller:
    """A view of the world's Jenkins side.

    Args:
        root_url: the configured root URL, with its slash at the end. It begins every ``url`` in the answers,
            wherever the server is really reached.
    """

    def __init__(self, world: World, root_url: str) -> None:
        self.world = world
        self.root_url = root_url
        self.deeds = ManualChanges()
        self.forms: Mapping[str, Form] = {}
        self.choices: Mapping[str, tuple[str, ...]] = {}
        self.starts: Mapping[str, tuple[str, str]] = {}
        self.locks: frozenset[str] = frozenset()
        self._items: dict[str, Item] = {}
        for pipeline in world.pipelines("jenkins"):
            parts = pipeline.path.split("/")
            for depth in range(1, len(parts)):
                path = "/".join(parts[:depth])
                branch = pipeline.kind == "branch" and depth == len(parts) - 1
                self._items.setdefault(path, Folder(path, branch))
            self._items[pipeline.path] = pipeline
        self._inside: dict[str, list[Item]] = {}
        for path, item in sorted(self._items.items()):
            self._inside.setdefault(path.rpartition("/")[0], []).append(item)

    def form(self, id: str, state: TaskState) -> Form:
        """What the input ``id``, the gate of a task, asks for."""
        return self.forms.get(id, state.task.form)

    def item(self, path: str) -> Item | None:
        """The folder or pipeline with that full name."""
        return self._items.get(path)

    def inside(self, path: str) -> list[Item]:
        """What a folder holds; the empty path is the root."""
        return self._inside.get(path, [])

    def url(self, path: str) -> str:
        return self.root_url + job_path(path)

    def run_url(self, run: Run) -> str:
        return f"{self.url(run.pipeline.path)}{run.number}/"

    def builds(self, pipeline: Pipeline) -> list[Run]:
        """The runs that have left the queue, newest first."""
        return [run for run in self.world.runs(pipeline) if self.has_begun(run)]

    def build(self, pipeline: Pipeline, name: str) -> Run | None:
        """The build with that number or permalink."""
        if name in PERMALINKS:
            return self.newest(pipeline, *PERMALINKS[name])
        return next((run for run in self.builds(pipeline) if str(run.number) == name), None)

    def newest(self, pipeline: Pipeline, *states: State) -> Run | None:
        """The newest build that is in one of ``states``; of none given, the newest build."""
        for run in self.builds(pipeline):
            if not states or self.world.progress(run).state in states:
                return run
        return None

    def has_begun(self, run: Run) -> bool:
        """It is a build, not only an item of the queue."""
        seen = self.world.progress(run)
        return run.begins_at <= self.world.now() and (seen.started_at is not None or not seen.state.finished)

    def queued(self, pipeline: Pipeline) -> list[Run]:
        """The runs of ``pipeline`` that are in the queue, newest first."""
        return [
            run
            for run in self.world.runs(pipeline)
            if not self.has_begun(run) and not self.world.progress(run).state.finished
        ]

    def waiting(self, pipeline: Pipeline) -> Run | None:
        """The newest of those."""
        return next(iter(self.queued(pipeline)), None)

    def active(self) -> Iterator[tuple[Run, Progress]]:
        """The builds that are under way."""
        for pipeline in self.world.pipelines("jenkins"):
            for run in self.builds(pipeline):
                seen = self.world.progress(run)
                if seen.state.finished:
                    break
                yield run, seen

    def started_in(self, run: Run, stage: str) -> str | None:
        """The full name of the job that a stage of ``run`` starts."""
        of = run.pipeline.path, stage
        return next((job for job, by in self.starts.items() if by == of), None)

    def run_of(self, path: str, number: int) -> Run | None:
        """The build of a job with that number."""
        item = self.item(path)
        return self.build(item, str(number)) if isinstance(item, Pipeline) else None

    def holder(self, lock: str) -> Run | None:
        """The build that works with what a lock guards."""
        for run, seen in self.active():
            if any(state.state is State.RUNNING and state.task.label == lock for state in seen.tasks):
                return run
        return None

    def color(self, pipeline: Pipeline) -> str:
        """That of the last completed build, with ``_anime`` while one runs."""
        if pipeline.disabled:
            return "disabled"
        builds = self.builds(pipeline)
        states = [self.world.progress(run).state for run in builds]
        color = next((_COLORS[state] for state in states if state.finished), "notbuilt")
        running = bool(states) and not states[0].finished
        return f"{color}_anime" if running else color


def job_path(path: str) -> str:
    """``job/a/job/b/``: where a full name lies under the root."""
    return "".join(f"job/{quote(part, safe='')}/" for part in path.split("/"))


def full_display_name(path: str) -> str:
    return " » ".join(unquote(part) for part in path.split("/"))


def job_class(pipeline: Pipeline) -> str:
    if pipeline.kind == "matrix":
        return "hudson.matrix.MatrixProject"
    if pipeline.plain:
        return "hudson.model.FreeStyleProject"
    return "org.jenkinsci.plugins.workflow.job.WorkflowJob"
