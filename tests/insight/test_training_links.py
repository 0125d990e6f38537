"""Which job trains: the rules, the surest first, and what must never make a link."""

from typing import Any

import pytest

from tests.examples import NOW, address, run
from tests.presenters.test_pipelines import stage
from tui.domain.pipeline import Job, Run
from tui.domain.status import Status
from tui.domain.training import TrainingRun
from tui.insight.training_links import Server, linked, says_its_job

COMMIT = "a1b2c3d4" * 5
GITLAB = Server("http://inner:8080/gitlab", "CI_JOB_ID", alone=True)
JENKINS = Server("http://ci.example/jenkins", "BUILD_TAG", alone=True)
PAGES = "https://git.example.com/gitlab/ml/fraud"


def ci_job(name: str, number: str, **more: Any) -> Job:
    at = address("g:ml/fraud#1893").at_job(name)
    told = {"started_at": NOW - 500, "duration": None, "web_url": f"{PAGES}/-/jobs/{number}", **more}
    return Job(at, number, name, told.pop("status", Status.RUNNING), **told)


def ci_run(*jobs: Job, **more: Any) -> Run:
    told = {"revision": COMMIT, "web_url": f"{PAGES}/-/pipelines/1893", **more}
    return run("g:ml/fraud#1893", Status.RUNNING, stages=(stage("train", jobs=jobs),), **told)


RUN = ci_run(ci_job("train", "77001"), ci_job("eval", "77002", started_at=NOW - 10))
BUILD = run(
    "j:ml/train#41",
    Status.RUNNING,
    web_url="https://ci.example/jenkins/job/ml/job/train/41/",
    stages=(stage("fit", jobs=(Job(address("j:ml/train#41").at_job("fit"), "5", "fit", Status.RUNNING),)),),
)


def training(tags: dict[str, str] | None = None, **more: Any) -> TrainingRun:
    told = {"started_at": NOW - 300, **more}
    return TrainingRun(
        told.pop("id", "r1"),
        "one",
        told.pop("status", Status.RUNNING),
        "RUNNING",
        tags=tuple((tags or {}).items()),
        **told,
    )


def link(
    of: TrainingRun, to: Run = RUN, server: Server = GITLAB, tag: str = ""
) -> tuple[str, str, bool] | None:
    found = linked(to, [of], server, tag)
    return (str(found[0].link.address), found[0].link.basis, found[0].link.certain) if found else None


TRAIN, ALL = "g:ml/fraud#1893/train", "g:ml/fraud#1893"
JENKINS_RUN = "j:ml/train#41"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"gitlab.CI_JOB_ID": "77001"}, (TRAIN, "job id", True)),
        ({"CI_JOB_ID": "77001"}, (TRAIN, "job id", True)),
        ({"gitlab.CI_JOB_ID": "77001", "CI_JOB_ID": "77002"}, (TRAIN, "job id", True)),
        ({"ci.url": f"{PAGES}/-/jobs/77001"}, (TRAIN, "url", True)),
        ({"anything": f"{PAGES}/-/jobs/77001/"}, (TRAIN, "url", True)),
        (
            {"ci.url": "HTTPS://GIT.example.com:443/gitlab/ml/fraud/-/jobs/77001".replace("HTTPS", "https")},
            (TRAIN, "url", True),
        ),
        ({"ci.url": "http://inner:8080/gitlab/ml/fraud/-/jobs/77001"}, (TRAIN, "url", True)),
        ({"ci.url": f"{PAGES}/-/pipelines/1893"}, (ALL, "url", True)),
        ({"CI_PIPELINE_ID": "1893"}, (ALL, "tag", True)),
        # Of other jobs, other servers and other kinds of number.
        ({"CI_PIPELINE_IID": "1893"}, None),
        ({"gitlab.CI_JOB_ID": "77009"}, None),
        ({"ci.url": "https://evil.example/ml/fraud/-/jobs/77001"}, None),
        ({"ci.url": "http://inner:8080/ml/fraud/-/jobs/77001"}, None),
        ({"ci.url": "http://inner:8080/gitlab/1"}, None),
        ({"ci.url": "javascript:alert(1)"}, None),
        ({"ci.url": "https://[::1"}, None),
        ({"CI_JOB_ID": "77001", "CI_SERVER_URL": "https://other.example"}, None),
        ({"CI_JOB_ID": "77001", "CI_JOB_URL": "https://other.example/a/-/jobs/77001"}, None),
        ({"CI_JOB_ID": "77001", "CI_SERVER_URL": "http://inner:8080/gitlab2"}, None),
        ({"BUILD_TAG": "jenkins-ml-fraud-1893"}, None),
    ],
)
def test_what_a_run_says_of_its_job(tags: dict[str, str], expected: tuple[str, str, bool] | None) -> None:
    assert link(training(tags)) == expected
    assert link(training(params=tuple(tags.items()))) == expected, "a parameter says as much"


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"BUILD_URL": "https://ci.example/jenkins/job/ml/job/train/41/"}, "url"),
        ({"BUILD_TAG": "jenkins-ml-train-41"}, "tag"),
        ({"JOB_NAME": "ml/train", "BUILD_NUMBER": "41"}, "tag"),
        ({"JOB_NAME": "ml/train", "BUILD_NUMBER": "4"}, None),
        ({"BUILD_NUMBER": "41"}, None),
        # The id of a node in a Jenkins build is no id of a job.
        ({"CI_JOB_ID": "5"}, None),
        ({"CI_PIPELINE_ID": "41"}, None),
    ],
)
def test_of_jenkins_it_is_the_run(tags: dict[str, str], expected: str | None) -> None:
    assert link(training(tags), BUILD, JENKINS) == (expected and (JENKINS_RUN, expected, True))


def test_an_id_alone_is_only_likely_where_two_servers_number_jobs() -> None:
    several = Server(GITLAB.base_url, GITLAB.job_variable, alone=False)
    assert link(training({"CI_JOB_ID": "77001"}), server=several) == (TRAIN, "job id", False)
    for name, value in (
        ("CI_SERVER_URL", "https://git.example.com"),
        ("CI_SERVER_URL", "http://inner:8080/gitlab"),
        ("ci.url", f"{PAGES}/-/jobs/77001"),
    ):
        assert link(training({"CI_JOB_ID": "77001", name: value}), server=several) == (TRAIN, "job id", True)


def test_the_tag_of_the_config_holds_an_id_or_a_page() -> None:
    assert link(training({"pipeline_id": "1893"}), tag="pipeline_id") == (ALL, "tag", True)
    assert link(training({"job": "77001"}), tag="job") == (TRAIN, "tag", True)
    assert link(training({"job": f"{PAGES}/-/jobs/77001"}), tag="job") == (TRAIN, "url", True)
    assert link(training({"job": "1"}, commit=COMMIT), tag="job") is None, "it says that it is another one's"


def test_commit_and_time_make_a_link_likely_only() -> None:
    assert link(training(commit=COMMIT)) == (TRAIN, "commit and time", False)
    assert link(training(commit="b" * 40)) is None
    assert link(training()) is None
    assert link(training(commit=COMMIT, started_at=None)) is None
    assert link(training(commit=COMMIT, started_at=NOW - 9000)) is None
    assert link(training({"CI_JOB_ID": "1"}, commit=COMMIT)) is None, "it is another job's"
    # Of parallel jobs none: only that it was in this run.
    matrix = ci_run(ci_job("train a", "1"), ci_job("train b", "2"))
    assert link(training(commit=COMMIT), matrix) == (ALL, "commit and time", False)
    bare = ci_run(ci_job("train", "77001"), revision="")
    assert link(training(commit=""), bare) is None


def test_a_retried_job_keeps_what_it_trained() -> None:
    both = ci_run(
        ci_job("train", "77001", retried=True, status=Status.FAILED, duration=9.0), ci_job("train~2", "77005")
    )
    runs = [training({"CI_JOB_ID": "77005"}, id="new"), training({"CI_JOB_ID": "77001"}, id="old")]
    found = linked(both, runs, GITLAB)
    assert [(each.training.id, each.link.address.job, each.ended) for each in found] == [
        ("new", "train~2", False),
        ("old", "train", True),
    ]


def test_parts_of_a_run_stand_in_it() -> None:
    tags = {"CI_JOB_ID": "77001"}
    parts = [training(tags, id=f"fold{n}", parent="r1") for n in range(3)]
    (found,) = linked(RUN, [training(tags), *parts], GITLAB)
    assert [each.id for each in found.parts] == ["fold0", "fold1", "fold2"]
    # One whose whole is not among those that were read stands by itself; one cannot be a part of itself.
    assert len(linked(RUN, parts, GITLAB)) == 3
    assert len(linked(RUN, [training(tags, id="x", parent="x")], GITLAB)) == 1


def test_what_is_silent_is_told_from_what_names_a_job_unknown_here() -> None:
    assert not says_its_job(training({"mlflow.user": "root"}))
    assert says_its_job(training({"CI_JOB_ID": "9"}))
    assert says_its_job(training({"x": "https://h/-/jobs/9"}))
    assert says_its_job(training({"mine": "9"}), "mine")
