"""The queue: what waits, for what, asked for by whom; joined to the jobs of the listing."""

import pytest

from tests.contract.jenkins.support import (
    ML,
    by_path,
    core,
    jenkins,
    listed,
    recorded,
    tree_of,
)
from tui.presenters.pipelines import other_lines, pipeline_line

RUN = "org.jenkinsci.plugins.workflow.job.WorkflowRun"
PLACEHOLDER = "org.jenkinsci.plugins.workflow.support.steps.ExecutorStepExecution$PlaceholderTask"

QUEUES: dict[str, dict[str, list[tuple[int, str, bool]]]] = {
    "queue": {
        "quiet-job": [(28, "In the quiet period. Expires in 22 sec", False)],
        "param-build": [(26, "A build is already in progress", False)],
        "offline-agent-job": [(30, "‘gpu-01’ is offline", True)],
        "needs-gpu": [(29, "There are no nodes with the label ‘gpu&&h100’", True)],
        "freestyle-hello": [(27, "Executor slot already in use; ‘gpu-01’ is offline", False)],
    },
    "queue-while-quiet": {
        "freestyle-hello": [(89, "Jenkins is about to shut down", False)],
        "needs-gpu": [(29, "Jenkins is about to shut down", True)],
    },
    "queue-with-placeholder": {
        "needs-gpu": [(29, "There are no nodes with the label ‘gpu&&h100’", True)],
    },
}
QUEUES["queue-tree"] = QUEUES["queue"]


@pytest.mark.parametrize("name", QUEUES)
async def test_every_recorded_queue_is_joined_to_its_jobs(name: str) -> None:
    """By the path of the task's URL, whose host is the controller's idea of itself."""
    listing = await listed(recorded("root-final"), recorded(name))
    assert {
        path: [(item.id, item.reason, item.stuck) for item in pipeline.queue]
        for path, pipeline in by_path(listing).items()
        if pipeline.queue
    } == QUEUES[name]


ASKED = ("queue-params-tree",)


async def test_a_queued_item_tells_who_asked_for_it_with_what() -> None:
    jobs = {"name": "rec", "jobs": [{"name": "sweep", "fullName": "rec/sweep", "color": "notbuilt"}]}
    listing = await listed(core({"jobs": [jobs]}), recorded("queue-params-tree"))
    (sweep,) = listing.pipelines
    assert [(item.id, item.cause, dict(item.parameters)) for item in sweep.queue] == [
        (283, "admin", {"LR": "1e-5", "OPT": "adamw"}),
        (281, "admin", {"LR": "3e-4", "OPT": "adamw"}),
        (282, "dev, admin", {"LR": "1e-4", "OPT": "lion"}),
    ]
    (shown, *others) = [pipeline_line(sweep, 1796093927.0), *other_lines(sweep, 1796093927.0)]
    assert shown.state == "2m: Build #1 is already in progress (ETA: N/A) (LR=3e-4, OPT=adamw)", "the oldest"
    assert [(line.word, line.cause, line.state) for line in others] == [
        ("queued", "admin", "2m: In the quiet period. Expires in 38 sec (LR=1e-5, OPT=adamw)"),
        ("queued", "dev, admin", "2m: Build #1 is already in progress (ETA: N/A) (LR=1e-4, OPT=lion)"),
    ]


async def test_a_queued_item_knows_since_when_it_waits() -> None:
    listing = await listed(recorded("root-final"), recorded("queue"))
    (item,) = by_path(listing)["quiet-job"].queue
    assert item.since == 1795422460.796


async def test_queue_items_under_a_prefix_and_in_folders() -> None:
    jobs = {"jobs": tree_of(mb={"feature%2Fx": None})}
    items = [
        {
            "id": 1,
            "task": {"url": "https://wrong.example/old/job/mb/job/feature%252Fx/"},
            "why": "a\x1b[31m b",
        },
        {"id": 2, "task": {}, "why": "not ours to see"},
        {"id": 3, "task": None},
        {"id": 4, "_class": "hudson.model.Queue$LeftItem", "task": {"url": "/job/mb/job/feature%252Fx/"}},
        {"id": 5, "task": {"url": "http://[broken"}},
    ]
    routes = {"/api/json": core(jobs), "/queue/api/json": core({"items": items})}
    async with jenkins(routes, prefix="/jenkins") as (source, _):
        (pipeline,) = (await source.pipelines()).pipelines
    assert [(item.id, item.reason) for item in pipeline.queue] == [(1, "a b")]
    assert "/jenkins/job/mb/job/feature%252Fx/" in pipeline.web_url


@pytest.mark.parametrize(
    "task",
    [
        {"_class": PLACEHOLDER, "name": "part of ml » waits-for-gpu #3"},
        {"_class": PLACEHOLDER, "name": "part of ml » waits-for-gpu #3 (gpu)"},
        {"_class": PLACEHOLDER, "name": "part of ml/waits-for-gpu#3"},
        {"_class": PLACEHOLDER, "url": "http://wrong.example/job/ml/job/waits-for-gpu/3/"},
        {"name": "part of something", "url": "job/ml/job/waits-for-gpu/3/"},
    ],
)
async def test_a_run_that_waits_for_a_machine_says_why(task: dict[str, str]) -> None:
    builds = [
        {
            "_class": RUN,
            "number": number,
            "fullDisplayName": f"ml » waits-for-gpu #{number}",
            "inProgress": True,
        }
        for number in (31, 3)
    ]
    jobs = {"jobs": [{"name": "ml", "jobs": [{"name": "waits-for-gpu", "builds": builds}]}]}
    queue = core({"items": [{"id": 88, "task": task, "why": "There are no nodes with the label ‘gpu’"}]})
    (pipeline,) = (await listed(core(jobs), queue)).pipelines
    assert [run.waiting_reason for run in pipeline.runs] == [
        "",
        "waits for agent: There are no nodes with the label ‘gpu’",
    ]
    assert pipeline.queue == ()


async def test_without_its_queue_the_list_is_still_a_list() -> None:
    listing = await listed(core({"jobs": ML}), recorded("root-tree-bad-400"))
    assert len(listing.pipelines) == 4
    (note,) = listing.notes
    assert note.startswith("the queue is not known: ci answered 500 to GET /queue/api/json")
