"""Builds of the core API as runs."""

from collections.abc import Iterator, Sequence

import msgspec
from msgspec import UNSET

from tui.domain.address import Address
from tui.domain.pipeline import Gate, Run, TestCounts
from tui.domain.status import Status
from tui.sources.http.bounds import length, moment
from tui.sources.jenkins.fields import input_field, text_of
from tui.sources.jenkins.payload import (
    ACTION,
    TAG,
    Build,
    BuildAction,
    Cause,
    Input,
    InputExecution,
    Parameter,
    QueueItem,
    WfInput,
)
from tui.sources.jenkins.status import run_status, shown
from tui.text.safe import clean, clean_lines, shorten

CAUSES = "hudson.model.CauseAction"
PARAMETERS = "hudson.model.ParametersAction"
_GIT = "hudson.plugins.git.util.BuildData"
_SCM = "jenkins.scm.api.SCMRevisionAction"
INPUT = "org.jenkinsci.plugins.workflow.support.steps.input.InputAction"
INTERRUPTED = "jenkins.model.InterruptedBuildAction"
_TESTS = ("TestResultAction", "SurefireAggregatedReport")

_REASON_LIMIT = 120
_DESCRIPTION_LIMIT = 400


class ReadBuild(msgspec.Struct, frozen=True):
    """A build as a run without stages, and what else is needed to read the rest of it."""

    run: Run
    full_display_name: str
    """How the queue calls it."""
    is_pipeline: bool
    """It can have stages."""
    active: bool
    interruption: str
    """Who or what stopped it."""
    upstream: tuple[str, int] | None
    """Full name and number of the run that started it."""
    gates_hidden: bool
    """It has or had inputs, but its plugin is too old to tell which of them wait."""


def read_build(build: Build, address: Address, web_url: str) -> ReadBuild:
    """The build that is asked for as ``address``.

    Raises:
        msgspec.ValidationError: an action of a known class has a wrong type.
    """
    actions = tuple(actions_of(build))
    active = build.in_progress if build.in_progress is not None else bool(build.building)
    executions, hidden = _inputs(actions) if active else ((), False)
    gates = tuple(_gate(address, execution) for execution in executions)
    revision, ref = _revision(actions)
    created_at = moment(build.timestamp)
    run = Run(
        address=address,
        title=clean(build.display_name or "") or f"#{address.run_text}",
        status=Status.WAITING if gates else run_status(build.result, active),
        vendor_status=shown(build.result),
        ref=ref,
        revision=revision,
        cause=cause_of(actions),
        parameters=parameters_of(actions),
        created_at=created_at,
        started_at=created_at,
        duration=None if active else length(build.duration),
        expected_duration=length(build.estimated_duration) or None,
        tests=_tests(actions),
        gates=gates,
        description=shorten(clean(build.description or ""), _DESCRIPTION_LIMIT),
        web_url=web_url,
    )
    return ReadBuild(
        run=run,
        full_display_name=build.full_display_name or "",
        is_pipeline=build.kind.endswith("WorkflowRun"),
        active=active,
        interruption=_interruption(actions),
        upstream=upstream_of(actions),
        gates_hidden=hidden,
    )


def gates_of(inputs: Sequence[WfInput], run: Address) -> tuple[Gate, ...]:
    """wfapi's pending inputs as gates. What they ask for is left out: it tells of defaults of passwords."""
    return tuple(Gate(run.at_gate(clean(item.id)), _words(item.message) or clean(item.id)) for item in inputs)


def parameters_of(actions: Sequence[BuildAction]) -> tuple[tuple[str, str], ...]:
    return tuple(
        (clean(parameter.name), _value(parameter))
        for action in actions
        if action.kind in (PARAMETERS, "")
        for parameter in action.parameters or ()
    )


def upstream_of(actions: Sequence[BuildAction]) -> tuple[str, int] | None:
    """Full name and number of the run that started this one. By the key and not by the class of the cause: a ``build``
    step has one of its own (contracts: jenkins_observed, build step)."""
    for action in actions:
        for cause in (action.causes or ()) if action.kind in (CAUSES, "") else ():
            if cause.upstream_project and cause.upstream_build is not None:
                return cause.upstream_project, cause.upstream_build
    return None


def actions_of(build: Build | QueueItem) -> Iterator[BuildAction]:
    """What plugins hung on a build or an item of the queue, as far as it is known to us.

    Raises:
        msgspec.ValidationError: an action of a known class has a wrong type.
    """
    number = build.number if isinstance(build, Build) else build.id
    for raw in build.actions or ():
        if bytes(raw) in (b"{}", b"null"):
            continue
        try:
            yield ACTION.decode(raw)
        except msgspec.ValidationError as error:
            # Somebody else's plugin may use these names for other things; those we read must be right.
            kind = TAG.decode(raw).kind
            if kind in (CAUSES, PARAMETERS, _GIT, _SCM, INPUT, INTERRUPTED) or kind.endswith(_TESTS):
                raise msgspec.ValidationError(
                    f"build {number}, action {shown(kind.rpartition('.')[2])}: {error}"
                ) from None


def cause_of(actions: Sequence[BuildAction]) -> str:
    words = (
        _cause_words(cause)
        for action in actions
        if action.kind in (CAUSES, "")
        for cause in action.causes or ()
    )
    return shorten(", ".join(dict.fromkeys(word for word in words if word)), _REASON_LIMIT)


def _cause_words(cause: Cause) -> str:
    """By class, because the descriptions come in the server's language (contracts: jenkins §0, rule 4)."""
    kind = cause.kind.replace("$", ".").rpartition(".")[2]
    if cause.upstream_project:
        number = f"#{cause.upstream_build}" if cause.upstream_build is not None else ""
        return f"upstream {clean(cause.upstream_project)}{number}"
    if user := cause.user_name or cause.user_id:
        return clean(user)
    if kind in ("UserIdCause", "UserCause"):
        return "anonymous"
    if kind == "TimerTriggerCause":
        return "timer"
    if kind == "SCMTriggerCause":
        return "change in SCM"
    if kind == "BranchIndexingCause":
        return "branch indexing"
    if kind == "BranchEventCause" or kind.endswith(("PushCause", "WebHookCause")):
        return "push"
    return clean(cause.short_description or "")


def _interruption(actions: Sequence[BuildAction]) -> str:
    return _words(
        next(
            (
                cause.short_description
                for action in actions
                if action.kind == INTERRUPTED
                for cause in action.causes or ()
                if cause.short_description
            ),
            "",
        )
    )


def _value(parameter: Parameter) -> str:
    text = text_of(parameter)
    if not text:
        return "***" if "Password" in parameter.kind else ""
    return clean_lines(text) if "\n" in text else clean(text)


def _revision(actions: Sequence[BuildAction]) -> tuple[str, str]:
    """Commit and branch. Git's own data says nothing where it names several repositories: one of them is a shared
    library (contracts: jenkins §4)."""
    commit, ref = "", ""
    git = {
        action.remote_urls: action.last_built_revision
        for action in actions
        if action.kind in (_GIT, "") and action.last_built_revision
    }
    if len(git) == 1:
        (revision,) = git.values()
        commit = revision.sha or ""
        ref = next((name for branch in revision.branch or () if (name := _branch(branch.name or ""))), "")
    for action in actions:
        if action.kind == _SCM and action.revision:
            commit = action.revision.pull_hash or action.revision.hash or commit
            ref = (action.revision.head.name if action.revision.head else None) or ref
    return clean(commit), clean(ref)


def _branch(name: str) -> str:
    for prefix in ("refs/remotes/origin/", "refs/heads/", "origin/"):
        name = name.removeprefix(prefix)
    return "" if name == "detached" else name


def _tests(actions: Sequence[BuildAction]) -> TestCounts | None:
    for action in actions:
        known = not action.kind or action.kind.endswith(_TESTS)
        if known and action.total_count is not None and action.fail_count is not None:
            return TestCounts(action.total_count, action.fail_count, action.skip_count or 0)
    return None


def _inputs(actions: Sequence[BuildAction]) -> tuple[tuple[InputExecution, ...], bool]:
    """The inputs that wait now, and whether there may be others that the plugin does not tell of."""
    waiting: list[InputExecution] = []
    hidden = False
    for action in actions:
        if action.kind == INPUT:
            hidden = hidden or action.executions is UNSET
            waiting += [item for item in action.executions or () if not item.settled and _gate_name(item)]
    return tuple(waiting), hidden


def _gate_name(execution: InputExecution) -> str:
    return clean((execution.input and execution.input.id) or execution.id or "")


def _gate(run: Address, execution: InputExecution) -> Gate:
    name = _gate_name(execution)
    asked = execution.input or Input()
    return Gate(
        run.at_gate(name),
        _words(asked.message) or name,
        submitter=_words(asked.submitter),
        fields=tuple(map(input_field, asked.parameters or ())),
    )


def _words(text: str | None) -> str:
    return shorten(" ".join(clean(text or "").split()), _REASON_LIMIT)
