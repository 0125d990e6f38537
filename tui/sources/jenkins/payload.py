"""What is asked of a controller, and the shapes its answers come in.

Beside each shape stands the ``tree=`` that asks for it. Missing, null and zero differ; unknown fields are ignored by
both sides, so one tree serves all versions (contracts: jenkins §2).
"""

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType, field


class Payload(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    pass


# Actions: everything a plugin may hang on a build. Only those of the classes below are read.


class User(Payload, frozen=True):
    id: str | None = None
    full_name: str | None = None


class Cause(Payload, frozen=True):
    kind: str = field(name="_class", default="")
    short_description: str | None = None
    user_id: str | None = None
    user_name: str | None = None
    upstream_project: str | None = None
    upstream_build: int | None = None
    user: User | None = None
    """Who interrupted a build."""


class Parameter(Payload, frozen=True):
    name: str
    kind: str = field(name="_class", default="")
    value: Any = UNSET
    """Any JSON value; absent for passwords, credentials, files and runs."""
    job_name: Any = None
    number: Any = None
    """With ``job_name`` the run that a run parameter names (contracts: jenkins_observed, parameter kinds)."""


class Named(Payload, frozen=True):
    name: str | None = None


class GitRevision(Payload, frozen=True):
    sha: str | None = field(name="SHA1", default=None)
    branch: tuple[Named, ...] | None = None


class ScmRevision(Payload, frozen=True):
    hash: str | None = None
    pull_hash: str | None = None
    head: Named | None = None


class Value(Payload, frozen=True):
    value: Any = UNSET
    job_name: Any = None
    number: Any = None


class Definition(Payload, frozen=True):
    """A parameter that a job or an input asks for."""

    name: str
    type: str | None = None
    """``StringParameterDefinition``."""
    description: str | None = None
    choices: Any = None
    """A list of texts; of other plugins' kinds anything."""
    default_parameter_value: Value | None = None


class Input(Payload, frozen=True):
    id: str | None = None
    message: str | None = None
    ok: str | None = None
    """What is written on its button."""
    submitter: str | None = None
    """Users and groups that may answer, with commas between."""
    parameters: tuple[Definition, ...] | None = None


class InputExecution(Payload, frozen=True):
    id: str | None = None
    settled: bool | None = None
    input: Input | None = None


class BuildAction(Payload, frozen=True):
    kind: str = field(name="_class", default="")
    causes: tuple[Cause, ...] | None = None
    parameters: tuple[Parameter, ...] | None = None
    last_built_revision: GitRevision | None = None
    remote_urls: tuple[str, ...] | None = None
    revision: ScmRevision | None = None
    fail_count: int | None = None
    skip_count: int | None = None
    total_count: int | None = None
    executions: tuple[InputExecution, ...] | UnsetType | None = UNSET
    """Absent before pipeline-input-step 466 (2023-01)."""
    user_id: str | None = None
    """Who approved an input."""


class Tag(Payload, frozen=True):
    kind: str = field(name="_class", default="")


class Build(Payload, frozen=True):
    number: int | None = None
    kind: str = field(name="_class", default="")
    display_name: str | None = None
    full_display_name: str | None = None
    description: str | None = None
    """May hold HTML."""
    building: bool | None = None
    in_progress: bool | None = None
    """Absent before core 2.369."""
    result: str | None = None
    timestamp: int | None = None
    duration: int | None = None
    estimated_duration: int | None = None
    actions: tuple[msgspec.Raw, ...] | None = None
    """Undecoded: a plugin unknown to us may use our field names for other types."""
    runs: "tuple[Cell, ...] | None" = None
    """Of a matrix: the newest run of each cell, also those that this one left out (contracts: jenkins_observed)."""


class Cell(Payload, frozen=True):
    """A run of one cell of a matrix."""

    number: int | None = None
    url: str | None = None
    building: bool | None = None
    in_progress: bool | None = None
    result: str | None = None
    timestamp: int | None = None
    duration: int | None = None


_STARTED = (
    "causes[_class,shortDescription,userId,userName,upstreamProject,upstreamBuild],"
    "parameters[_class,name,value,jobName,number]"
)
_ACTION_TREE = (
    f"actions[_class,{_STARTED},lastBuiltRevision[SHA1,branch[name]],remoteUrls,"
    "revision[hash,pullHash,head[name]],failCount,skipCount,totalCount,"
    "executions[id,settled,input[id,message,submitter,"
    "parameters[name,type,description,choices,defaultParameterValue[value,jobName,number]]]]]"
)
BUILD_TREE = (
    "_class,number,displayName,fullDisplayName,description,building,inProgress,result,timestamp,duration,"
    f"estimatedDuration,{_ACTION_TREE}"
)
RUN_TREE = f"{BUILD_TREE},runs[number,url,building,inProgress,result,timestamp,duration]"
"""Of a run that is looked at."""
BUILD = msgspec.json.Decoder(Build)
ACTION = msgspec.json.Decoder(BuildAction)
TAG = msgspec.json.Decoder(Tag)


# Older builds of one job


class Builds(Payload, frozen=True):
    builds: tuple[Build, ...] | None = None


OLDER_RUNS = 50
BUILDS_TREE = f"builds[{BUILD_TREE}]{{0,{OLDER_RUNS}}}"
NEWEST_TREE = f"builds[{BUILD_TREE}]{{0,10}}"
BUILDS = msgspec.json.Decoder(Builds)


class Author(Payload, frozen=True):
    full_name: str | None = None


class Change(Payload, frozen=True):
    commit_id: str | None = None
    msg: str | None = None
    timestamp: int | None = None
    """-1 where it is not known."""
    author: Author | None = None


class ChangeSet(Payload, frozen=True):
    items: tuple[Change, ...] | None = None


class ChangedBuild(Payload, frozen=True):
    number: int
    change_sets: tuple[ChangeSet, ...] | None = None
    """Of a Pipeline; one for each repository it checked out."""
    change_set: ChangeSet | None = None
    """Of a freestyle job."""


class ChangedBuilds(Payload, frozen=True):
    builds: tuple[ChangedBuild, ...] | None = None


_ITEMS = "items[commitId,msg,timestamp,author[fullName]]{0,100}"
CHANGED_BUILDS_TREE = f"builds[number,changeSets[{_ITEMS}],changeSet[{_ITEMS}]]{{0,100}}"
CHANGED_BUILDS = msgspec.json.Decoder(ChangedBuilds)


# Jobs


class Job(Payload, frozen=True):
    name: str
    """As in a URL's segment before encoding: ``feature%2Fx`` for a branch."""
    full_name: str | None = None
    color: str | None = None
    disabled: bool | None = None
    buildable: bool | None = None
    builds: tuple[msgspec.Raw, ...] | UnsetType | None = UNSET
    """Undecoded: most of them were read before."""
    jobs: "tuple[Job, ...] | UnsetType | None" = UNSET
    """Present on whatever holds jobs: folders, multibranch projects, organisations."""


class Jobs(Payload, frozen=True):
    jobs: tuple[Job, ...] | UnsetType | None = UNSET


LEVELS = 6
"""Folder levels read with one request. The URL of six has 2.6 kB; a controller takes 8 (contracts: jenkins §1.3)."""
NEWEST_RUNS = 5


def jobs_tree(runs: int) -> str:
    job = f"name,fullName,color,disabled,buildable,builds[{BUILD_TREE}]{{0,{runs}}}"
    tree = "jobs[name]{0,1}"  # only tells that the deepest level is a folder with something in it
    for _ in range(LEVELS):
        tree = f"jobs[{job},{tree}]"
    return tree


JOBS = msgspec.json.Decoder(Jobs)


# Queue


class Task(Payload, frozen=True):
    kind: str = field(name="_class", default="")
    name: str | None = None
    full_name: str | None = None
    url: str | None = None


class QueueItem(Payload, frozen=True):
    id: int
    kind: str = field(name="_class", default="")
    why: str | None = None
    stuck: bool | None = None
    in_queue_since: int | None = None
    task: Task | None = None
    actions: tuple[msgspec.Raw, ...] | None = None
    """Undecoded, as of a build."""


class Queue(Payload, frozen=True):
    items: tuple[QueueItem, ...] | None = None


QUEUE_TREE = (
    f"items[_class,id,why,stuck,inQueueSince,task[_class,name,fullName,url],actions[_class,{_STARTED}]]"
)
QUEUE = msgspec.json.Decoder(Queue)


# Stages: pipeline-graph-view (contracts: jenkins §6.1)


class GraphStage(Payload, frozen=True):
    id: int | str
    """A number before plugin version 40."""
    name: str | None = None
    state: str | None = None
    type: str | None = None
    start_time_millis: int | str | None = None
    """From 112 to 438 the times are sentences (``Started 3 min ago``)."""
    total_duration_millis: int | str | None = None
    pause_duration_millis: int | str | None = None
    children: "tuple[GraphStage, ...] | None" = None
    next_sibling: "GraphStage | None" = None
    """The stage after this one inside a parallel branch."""
    seq_container_name: str | None = None
    """The branch's name, on the first of its stages."""
    synthetic: bool | None = None
    placeholder: bool | None = None
    cause_of_blockage: str | None = None


class GraphData(Payload, frozen=True):
    stages: tuple[GraphStage, ...] | None = None


class GraphAnswer(Payload, frozen=True):
    status: str | None = None
    """``error`` comes with HTTP 200."""
    message: str | None = None
    data: GraphData | None = None


GRAPH = msgspec.json.Decoder(GraphAnswer)


# Stages: wfapi (contracts: jenkins §6.2)


class WfError(Payload, frozen=True):
    message: str | None = None
    type: str | None = None


class WfStage(Payload, frozen=True):
    id: str
    name: str | None = None
    status: str | None = None
    error: WfError | None = None
    start_time_millis: int | None = None
    duration_millis: int | None = None
    pause_duration_millis: int | None = None


class WfRun(Payload, frozen=True):
    status: str
    stages: tuple[WfStage, ...] | None = None


class WfDefinition(Payload, frozen=True):
    default_val: Any = None
    choices: tuple[str, ...] | None = None


class WfParameter(Payload, frozen=True):
    name: str
    type: str | None = None
    description: str | None = None
    definition: WfDefinition | None = None
    """Only of the five kinds that wfapi knows."""


class WfInput(Payload, frozen=True):
    id: str
    message: str | None = None
    proceed_text: str | None = None
    """What is written on its button."""
    inputs: tuple[WfParameter, ...] | None = None


WF_RUN = msgspec.json.Decoder(WfRun)
WF_INPUTS = msgspec.json.Decoder(tuple[WfInput, ...])


# Stages: the flow graph of the core API (contracts: jenkins §6.5)


class FlowNode(Payload, frozen=True):
    id: str
    kind: str = field(name="_class", default="")
    display_name: str | None = None
    icon_color: str | None = None
    parents: tuple[str, ...] | None = None


class FlowAction(Payload, frozen=True):
    kind: str = field(name="_class", default="")
    nodes: msgspec.Raw = msgspec.Raw(b"[]")


class FlowRun(Payload, frozen=True):
    actions: tuple[FlowAction | None, ...] | None = None


FLOW_TREE = "actions[_class,nodes[_class,id,displayName,iconColor,parents]]"
FLOW_RUN = msgspec.json.Decoder(FlowRun)
FLOW_NODES = msgspec.json.Decoder(tuple[FlowNode, ...])


# Locks (contracts: jenkins §10.5)


class Resource(Payload, frozen=True):
    name: str | None = None
    build_name: str | None = None
    """Full display name of the run that holds it."""
    reserved: bool | None = None
    reserved_by: str | None = None


class Resources(Payload, frozen=True):
    resources: tuple[Resource, ...] | None = None


RESOURCES_TREE = "resources[name,buildName,reserved,reservedBy]"
RESOURCES = msgspec.json.Decoder(Resources)


class WhoAmI(Payload, frozen=True):
    name: str
    anonymous: bool


WHO_AM_I = msgspec.json.Decoder(WhoAmI)
