"""What a run trains, as ``pipedeck status`` prints it."""

from typing import Any

import msgspec

from tests.examples import NOW, address, run
from tests.presenters.test_pipelines import stage
from tui.config import TrainingSettings
from tui.domain.pipeline import Job
from tui.domain.status import Status
from tui.domain.training import LatestMetric, Link, LinkedTraining, TrainingRun
from tui.presenters.documents import run_document
from tui.presenters.plain_text import run_text

AT = address("g:ml/fraud#7").at_job("train")
SETTINGS = TrainingSettings(source="ml", experiments=("fraud",))


def found(link: Link, *, ended: bool = False, status: Status = Status.RUNNING) -> LinkedTraining:
    metrics = (LatestMetric("loss", 0.25, 9), LatestMetric("lr", None, 9))
    training = TrainingRun(
        "r1", "one", Status.RUNNING, "RUNNING", started_at=NOW - 60, metrics=metrics, web_url="http://ml/#/r1"
    )
    return LinkedTraining(training, link, ended, NOW - 9 if ended else None, status)


def trains() -> Any:
    job = Job(AT, "5", "train", Status.RUNNING, started_at=NOW - 90)
    return run("g:ml/fraud#7", Status.RUNNING, stages=(stage("train", Status.RUNNING, jobs=(job,)),))


def test_the_text_has_it_below_its_job() -> None:
    text = run_text(trains(), (), NOW, None, (SETTINGS, [found(Link(AT, "url", True))]))
    *_, above, line = text.splitlines()
    assert above.startswith("train")
    assert line.split() == ["∿", "one", "running", "1m", "loss", "0.25", "at", "step", "9;", "by", "url"]
    # A link to the run alone stands below all.
    whole = found(Link(AT.of_run, "tag", True))
    assert run_text(trains(), (), NOW, None, (SETTINGS, [whole])).splitlines()[-1].endswith("by tag")


def test_the_document_has_the_jobs_status_for_what_was_left_running() -> None:
    def document(*linked: LinkedTraining) -> Any:
        return msgspec.json.decode(msgspec.json.encode(run_document(trains(), linked)))["training"]

    sure, likely = Link(AT, "job id", True), Link(AT, "commit and time", False)
    assert document(found(sure)) == [
        {
            "id": "r1",
            "name": "one",
            "status": "running",
            "vendor_status": "RUNNING",
            "started_at": NOW - 60,
            "ended_at": None,
            "job": "g:ml/fraud#7/train",
            "basis": "job id",
            "certain": True,
            "left_running": False,
            "values": {"loss": 0.25, "lr": None},
            "web_url": "http://ml/#/r1",
        }
    ]
    (left,) = document(found(sure, ended=True, status=Status.CANCELED))
    assert (left["status"], left["left_running"]) == ("canceled", True)
    (unclear,) = document(found(likely, ended=True, status=Status.CANCELED))
    assert (unclear["status"], unclear["certain"], unclear["left_running"]) == ("running", False, False)
    assert document() == []
    assert run_document(trains()).training is None
