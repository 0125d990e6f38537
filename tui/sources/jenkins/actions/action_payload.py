"""What is read before and after a write, and the shapes of its answers (contracts: jenkins §7, §10)."""

import msgspec
from msgspec import field

from tui.sources.jenkins.payload import Build, Definition, Payload, QueueItem


class ActedBuild(Build, frozen=True):
    keep_log: bool | None = None
    queue_id: int | None = None


_ASKED = "name,type,description,choices,defaultParameterValue[value,jobName,number]"
ACTED_TREE = (
    "_class,number,building,inProgress,result,description,keepLog,queueId,timestamp,"
    "actions[_class,userId,causes[_class,shortDescription,userId,userName,user[id,fullName]],"
    "parameters[_class,name,value,jobName,number],"
    f"executions[id,settled,input[id,message,ok,submitter,parameters[{_ASKED}]]]]"
)
ACTED_BUILD = msgspec.json.Decoder(ActedBuild)


class Property(Payload, frozen=True):
    parameter_definitions: tuple[Definition, ...] | None = None


class Child(Payload, frozen=True):
    name: str | None = None


class ActedJob(Payload, frozen=True):
    kind: str = field(name="_class", default="")
    buildable: bool | None = None
    disabled: bool | None = None
    concurrent_build: bool | None = None
    next_build_number: int | None = None
    property: tuple[Property, ...] | None = None
    builds: tuple[ActedBuild, ...] | None = None
    jobs: tuple[Child, ...] | None = None
    """None: it holds no others, and is built itself (contracts: jenkins §2)."""


RECENT = 20
"""Builds among which one is looked for that was started a moment ago."""
_STARTED = "number,queueId,building,actions[_class,causes[_class,userId],parameters[_class,name,value,jobName,number]]"
ACTED_JOB_TREE = (
    f"_class,buildable,disabled,concurrentBuild,nextBuildNumber,property[parameterDefinitions[{_ASKED}]],"
    f"builds[{_STARTED}]{{0,{RECENT}}},jobs[name]{{0,1}}"
)
ACTED_JOB = msgspec.json.Decoder(ActedJob)


class Executable(Payload, frozen=True):
    number: int | None = None


class ActedItem(QueueItem, frozen=True):
    cancelled: bool | None = None
    executable: Executable | None = None


ACTED_ITEM_TREE = (
    "_class,id,why,stuck,inQueueSince,cancelled,executable[number],task[_class,name,fullName,url],"
    "actions[_class,causes[_class,userId],parameters[_class,name,value,jobName,number]]"
)
ACTED_ITEM = msgspec.json.Decoder(ActedItem)


class ActedQueue(Payload, frozen=True):
    items: tuple[ActedItem, ...] | None = None


ACTED_QUEUE_TREE = f"items[{ACTED_ITEM_TREE}]"
ACTED_QUEUE = msgspec.json.Decoder(ActedQueue)


class Restart(Payload, frozen=True):
    restart_enabled: bool | None = None
    restartable_stages: tuple[str, ...] | None = None


RESTART = msgspec.json.Decoder(Restart)


class SaidData(Payload, frozen=True):
    success: str | bool | None = None
    message: str | None = None
    queue_id: int | None = None


class Said(Payload, frozen=True):
    """What pipeline-graph-view and the restart of a stage answer, with 200 whatever it is."""

    status: str | None = None
    message: str | None = None
    data: SaidData | None = None


SAID = msgspec.json.Decoder(Said)


class Crumb(Payload, frozen=True):
    crumb: str
    crumb_request_field: str


CRUMB = msgspec.json.Decoder(Crumb)
