"""Deployments of a controller that knows none: what is asked for, how often, and what comes of it."""

from pathlib import Path
from typing import Any

import pytest

from tests.contract.jenkins.support import EMPTY_QUEUE, asked, core, jenkins
from tests.http_stub import Reply, Request, Route
from tui import config
from tui.config import JenkinsSettings
from tui.domain.address import parse_address
from tui.domain.deployment import Version
from tui.domain.health import Trouble
from tui.domain.status import Status
from tui.insight.deployment_rules import DeploymentRule
from tui.sources.base import SourceError
from tui.sources.jenkins.payload import BUILDS_TREE, CHANGED_BUILDS_TREE, OLDER_RUNS
from tui.sources.jenkins.read.deployments import MOST_JOBS

WORKFLOW = "org.jenkinsci.plugins.workflow.job.WorkflowRun"


def rules(text: str) -> tuple[DeploymentRule, ...]:
    head = "[sources.ci]\ntype = 'jenkins'\nurl = 'http://ci'\n[[sources.ci.deployments]]\n"
    source = config.parse(head + text, Path("config.toml")).sources["ci"]
    assert isinstance(source, JenkinsSettings)
    return source.deployments


RULES = rules(
    "job = 'deploy'\nenvironment = { parameter = 'TARGET' }\nversion = { parameter = 'VERSION' }\n"
    "rollback = { job = 'deploy', parameters = { VERSION = '{version}' } }"
)
DEPLOY = parse_address("ci:deploy")


def build(
    number: int, version: str = "", target: str = "live", result: str | None = "SUCCESS", **more: Any
) -> dict[str, Any]:
    values = {"TARGET": target, "VERSION": version or f"1.{number}"}
    return {
        "_class": WORKFLOW,
        "number": number,
        "result": result,
        "building": result is None,
        "timestamp": 1_700_000_000_000 + number * 3_600_000,
        "duration": 60_000,
        "actions": [
            {
                "_class": "hudson.model.ParametersAction",
                "parameters": [{"name": name, "value": value} for name, value in values.items()],
            }
        ],
        **more,
    }


def root(*builds: dict[str, Any], name: str = "deploy", more: tuple[Any, ...] = ()) -> Reply:
    return core({"jobs": [{"name": name, "color": "blue", "builds": list(builds)}, *more]})


def routes(listing: Route, older: Route, **more: Route) -> dict[str, Route]:
    return {
        "/api/json": listing,
        "/queue/api/json": EMPTY_QUEUE,
        "/job/deploy/api/json": older,
        **more,
    }


async def test_what_is_listed_and_one_look_at_older_runs_tell_all() -> None:
    listing = root(build(9, target="staging"), build(8, target="staging"))
    older = core({"builds": [build(9, target="staging"), build(8, target="staging"), build(2), build(1)]})
    async with jenkins(routes(listing, older), deployments=RULES) as (source, stub):
        found = await source.environments(DEPLOY)
        assert {each.name: each.deployments[0].version for each in found.environments} == {
            "staging": "1.9",
            "live": "1.2",  # no longer among the newest runs of the list
        }
        deep = next(request for request in stub.requests if request.path == "/job/deploy/api/json")
        assert deep.query["tree"] == [BUILDS_TREE]
        before = len(stub.requests)
        again = await source.environments(DEPLOY)
        past = await source.history(parse_address("ci:deploy@live"))
        assert again == found
        assert [each.version for each in past.deployments] == ["1.2", "1.1"]
        assert past.deployments[1].rollback is not None
        assert past.deployments[1].rollback.parameters == (("VERSION", "1.1"),)
        assert len(stub.requests) == before, "neither costs a request"


async def test_new_runs_come_with_the_listing_and_a_gap_or_a_new_job_is_read_again() -> None:
    listings = [
        root(build(2), build(1)),
        root(build(3, result=None), build(2), build(1)),
        root(build(13), build(12)),  # 4 to 11 came and went between two looks
        root(build(1, "new", timestamp=5)),  # deleted and made again
    ]
    older = [
        core({"builds": [build(2), build(1)]}),
        core({"builds": [build(number) for number in range(13, 0, -1)]}),
        core({"builds": [build(1, "new", timestamp=5)]}),
    ]
    async with jenkins(routes(listings, older), deployments=RULES) as (source, stub):

        async def versions() -> list[str]:
            (live,) = (await source.environments(DEPLOY)).environments
            return [each.version for each in live.deployments]

        assert await versions() == ["1.2", "1.1"]
        await source.pipelines()
        assert await versions() == ["1.3", "1.2", "1.1"]
        assert asked(stub).count("/job/deploy/api/json") == 1
        await source.pipelines()
        assert await versions() == [f"1.{number}" for number in range(13, 0, -1)]
        assert asked(stub).count("/job/deploy/api/json") == 2
        await source.pipelines()
        assert await versions() == ["new"]


async def test_a_run_that_was_deleted_is_no_longer_shown() -> None:
    listings = [root(build(3), build(2), build(1)), root(build(3), build(1))]
    older = core({"builds": [build(3), build(2), build(1)]})
    async with jenkins(routes(listings, older), deployments=RULES) as (source, _):
        await source.environments(DEPLOY)
        await source.pipelines()
        (live,) = (await source.environments(DEPLOY)).environments
        assert [each.version for each in live.deployments] == ["1.3", "1.1"]


async def test_how_far_back_was_read_is_told_where_there_may_be_more() -> None:
    builds = [build(number) for number in range(OLDER_RUNS + 5, 5, -1)]
    listing, older = root(*builds[:5]), core({"builds": builds})
    async with jenkins(routes(listing, older), deployments=RULES) as (source, _):
        past = await source.history(parse_address("ci:deploy@live"))
        assert past.read_since == 1_700_000_000 + 6 * 3600


async def test_without_rules_and_without_matching_ones_it_says_so() -> None:
    listing = root(build(1), more=({"name": "train", "color": "blue", "builds": []},))
    async with jenkins({"/api/json": listing, "/queue/api/json": EMPTY_QUEUE}) as (source, _):
        found = await source.environments(DEPLOY)
        assert found.notes == (
            "Jenkins knows no deployments; [[sources.ci.deployments]] in the config says which runs are some",
        )
    async with jenkins(routes(listing, root()), deployments=RULES) as (source, _):
        found = await source.environments(parse_address("ci:train"))
        assert found.notes == ("no rule of [[sources.ci.deployments]] covers this job",)
        with pytest.raises(SourceError) as caught:
            await source.environments(parse_address("ci:gone"))
        assert caught.value.trouble is Trouble.NOT_FOUND
        assert "ci:gone is not among the watched jobs" in caught.value.message


async def test_a_job_whose_runs_no_rule_can_read_says_why() -> None:
    plain = build(1) | {"actions": []}
    async with jenkins(routes(root(plain), core({"builds": [plain]})), deployments=RULES) as (source, _):
        found = await source.environments(DEPLOY)
        assert found.notes == ("none of its runs was a deployment: environment: it has no parameter TARGET",)


async def test_older_runs_that_cannot_be_read_fail_the_job_itself_and_are_a_note_for_others() -> None:
    both = rules(
        "job = 'deploy*'\napp = 'shop'\n"
        "environment = { parameter = 'TARGET' }\nversion = { parameter = 'VERSION' }"
    )
    other = {"name": "deploy2", "color": "blue", "builds": [build(5, "9")]}
    listing = root(build(1), more=(other,))
    ways = routes(
        listing,
        core({"builds": [build(1)]}),
        **{"/job/deploy2/api/json": Reply(403, {"X-Required-Permission": "Job/Read"})},
    )
    async with jenkins(ways, deployments=both) as (source, _):
        found = await source.environments(DEPLOY)
        (live,) = found.environments
        assert [each.version for each in live.deployments] == ["9", "1.1"], "both jobs deploy the one app"
        assert len(found.notes) == 1
        assert found.notes[0].startswith("older runs of ci:deploy2 are not known: ci answered 403")
        with pytest.raises(SourceError) as caught:
            await source.environments(parse_address("ci:deploy2"))
        assert caught.value.trouble is Trouble.FORBIDDEN


async def test_stages_are_read_where_a_rule_looks_at_them_once_for_what_has_ended() -> None:
    staged = rules(
        "job = 'deploy'\nenvironment = { stage = 'Deploy to (?P<environment>\\w+)' }\n"
        "version = { parameter = 'VERSION' }"
    )
    graph = {
        "status": "ok",
        "data": {
            "stages": [
                {"id": "1", "name": "Deploy to live", "state": "success", "type": "STAGE"},
                {"id": "2", "name": "Notify", "state": "failure", "type": "STAGE"},
            ]
        },
    }
    broken = build(1, result="FAILURE")
    ways = routes(
        root(broken),
        core({"builds": [broken]}),
        **{"/job/deploy/1/api/json": core(broken), "/job/deploy/1/stages/tree": core(graph)},
    )
    async with jenkins(ways, deployments=staged) as (source, stub):
        (live,) = (await source.environments(DEPLOY)).environments
        assert (live.name, live.deployments[0].status) == ("live", Status.PASSED)
        before = len(stub.requests)
        await source.environments(DEPLOY)
        assert len(stub.requests) == before


# --- what a version brought ---------------------------------------------------------------------------------------


def change(commit: str, at: int, message: str = "Fix", author: str = "Ann") -> dict[str, Any]:
    return {"commitId": commit, "msg": message, "timestamp": at, "author": {"fullName": author}}


def sets(*changes: dict[str, Any]) -> dict[str, Any]:
    return {"changeSets": [{"items": list(changes)}]}


async def test_changes_are_those_of_the_runs_between_each_once_newest_first() -> None:
    builds = [
        {"number": 4, **sets(change("d", 4000, "Later"))},
        {"number": 3, **sets(change("c", 3000, " Tidy \u001b[31mup\n", "Bob"), change("b", 2500))},
        {"number": 2, "changeSet": {"items": [change("b", 2500), change("e", -1)]}},
        {"number": 1, **sets(change("a", 1000))},
    ]
    async with jenkins({"/job/deploy/api/json": core({"builds": builds})}) as (source, stub):
        live = parse_address("ci:deploy@live")
        old, new = (Version(live, run=parse_address(f"ci:deploy#{n}")) for n in (1, 3))
        changes = await source.changes(old, new)
        assert [(each.revision, each.title, each.author, each.at) for each in changes.commits] == [
            ("c", "Tidy up", "Bob", 3.0),
            ("b", "Fix", "Ann", 2.5),
            ("e", "Fix", "Ann", None),
        ]
        assert str(changes.commits[0].run) == "ci:deploy#3"
        assert changes.authors == ("Bob", "Ann")
        assert changes.notes == ()
        assert stub.requests[0].query["tree"] == [CHANGED_BUILDS_TREE]
        assert await source.changes(new, old) == changes, "whichever is named first"


async def test_changes_that_are_not_known_say_why() -> None:
    builds = [{"number": 9, "changeSets": []}, {"number": 5, "changeSets": []}]
    async with jenkins({"/job/deploy/api/json": core({"builds": builds})}) as (source, _):
        live = parse_address("ci:deploy@live")

        async def notes(old: str, new: str) -> tuple[str, ...]:
            runs = (parse_address(text) if text else None for text in (old, new))
            return (await source.changes(*(Version(live, run=run) for run in runs))).notes

        assert await notes("ci:deploy#5", "ci:deploy#9") == (
            "3 of the 4 runs between were deleted: their commits are not known",
            "Jenkins recorded no changes for these runs",
        )
        assert await notes("ci:deploy#5", "ci:other#9") == (
            "ci:deploy#5 and ci:other#9 are runs of two jobs: what lies between, no job tells",
        )
        assert await notes("", "ci:deploy#9") == ("the run behind one of them is not known",)


@pytest.mark.parametrize(
    ("reply", "metrics", "notes"),
    [
        (
            Reply.text('{"auc": 0.9, "data": {"rows": 12, "ok": true, "name": "x"}, "loss": NaN}'),
            (("auc", 0.9), ("data.rows", 12.0)),
            ("loss is not a number in out/m 1.json",),
        ),
        (Reply.text("not there", 404), (), ("ci:deploy#3 has no artifact out/m 1.json",)),
        (Reply.text("<html>"), (), ("out/m 1.json is not JSON: Expecting value: line 1 column 1 (char 0)",)),
        (Reply.text("[1, 2]"), (), ("out/m 1.json is not a JSON object of numbers",)),
        (Reply.text("{}"), (), ("out/m 1.json has no numbers in it",)),
        (
            Reply.text('{"a": "' + "x" * 300_000 + '"}'),
            (),
            ("out/m 1.json has more than 256 kB: it is no list of numbers",),
        ),
    ],
)
async def test_validation_numbers_are_read_from_an_artifact(
    reply: Reply, metrics: tuple[Any, ...], notes: tuple[str, ...]
) -> None:
    where = "/job/deploy/3/artifact/out/m%201.json"
    async with jenkins({where: reply}) as (source, stub):
        found = await source.validation(parse_address("ci:deploy#3/Train"), "out/m 1.json")
        assert (found.metrics, found.notes) == (metrics, notes)
        assert asked(stub) == [where]


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply.text('[{"name": "a", "passed": true}]'), ""),
        (Reply.text("not there", 404), "ci:deploy#3 has no such artifact"),
        (Reply.text("<html>"), "it is not JSON: Expecting value: line 1 column 1 (char 0)"),
        (Reply.text("x" * (5 << 20)), "it has more than 4 MB and was not read"),
    ],
)
async def test_an_evaluation_is_read_from_an_artifact(reply: Reply, problem: str) -> None:
    where = "/job/deploy/3/artifact/out/e%201.json"
    async with jenkins({where: reply}) as (source, stub):
        found = await source.evaluation(parse_address("ci:deploy#3/Train"), "out/e 1.json")
        assert (found.problem, bool(found.cases)) == (problem, not problem)
        assert asked(stub) == [where]


async def test_a_refused_artifact_is_an_error() -> None:
    def refuse(_: Request) -> Reply:
        return Reply(403, {"X-Required-Permission": "Run/Artifacts"})

    async with jenkins({"/job/deploy/3/artifact/m.json": refuse}) as (source, _):
        with pytest.raises(SourceError) as caught:
            await source.validation(parse_address("ci:deploy#3"), "m.json")
        assert caught.value.trouble is Trouble.FORBIDDEN


# --- pipedeck check -----------------------------------------------------------------------------------------------


async def test_a_check_explains_each_rule() -> None:
    several = (
        *RULES,
        *rules("job = 'gone'\nenvironment = 'x'\nversion = { revision = 8 }"),
        *rules(
            "job = 'train*'\nenvironment = 'x'\nversion = { revision = 8 }\nretrain = { job = 'nowhere' }"
        ),
        *rules("job = 'deploy'\nenvironment = 'x'\nversion = { revision = 8 }"),
    )
    listing = root(
        build(3), build(2), build(1), more=({"name": "train", "color": "blue", "builds": [build(1)]},)
    )
    ways = routes(
        listing,
        root(),
        **{
            "/whoAmI/api/json": core({"name": "a", "anonymous": False}),
            "/job/deploy/3/api/json": core(build(3)),
            "/job/deploy/3/stages/tree": core({"status": "ok", "data": {"stages": []}}),
        },
    )
    async with jenkins(ways, deployments=several) as (source, _):
        findings = [each for each in await source.check() if each.subject.startswith("deployments")]
    assert [(each.level, each.subject, each.message) for each in findings] == [
        (
            "ok",
            "deployments[0]",
            "deploy covers 1 job; this rule matched 3 runs: ci:deploy#3 is deploy 1.3 in live, "
            "ci:deploy#2 is deploy 1.2 in live, ci:deploy#1 is deploy 1.1 in live",
        ),
        ("warning", "deployments[1]", "no watched job matches gone"),
        ("warning", "deployments[2]", "nowhere, which it would start, is not among the watched jobs"),
        (
            "warning",
            "deployments[2]",
            "train* covers 1 job; 1 run, such as ci:train#1: version: its commit is not known",
        ),
        ("ok", "deployments[3]", "deploy covers 1 job, of which no run was left for this rule"),
    ]
    assert all(bool(each.advice) == (each.level != "ok") for each in findings)


APP = "environment = { parameter = 'TARGET' }\nversion = { parameter = 'VERSION' }\napp = 'train'"


async def test_an_app_may_be_called_like_a_job() -> None:
    listing = root(build(1), more=({"name": "train", "color": "blue", "builds": []},))
    ways = routes(listing, core({"builds": [build(1)]}), **{"/job/train/api/json": core({"builds": []})})
    async with jenkins(ways, deployments=rules(f"job = 'deploy'\n{APP}")) as (source, _):
        past = await source.history(parse_address("ci:train@live"))
        assert [each.version for each in past.deployments] == ["1.1"]
        with pytest.raises(SourceError) as caught:
            await source.history(parse_address("ci:train@moon"))
        assert "no run that is known was a deployment to ci:train@moon" in caught.value.message


async def test_of_very_many_jobs_some_are_read_no_further_than_the_list() -> None:
    names = [f"deploy{number}" for number in range(MOST_JOBS + 3)]
    jobs = [{"name": name, "color": "blue", "builds": [build(1, name)]} for name in names]
    deep = {f"/job/{name}/api/json": core({"builds": [build(1, name)]}) for name in names}
    ways: dict[str, Route] = {"/api/json": core({"jobs": jobs}), "/queue/api/json": EMPTY_QUEUE, **deep}
    async with jenkins(ways, deployments=rules(f"job = 'deploy*'\n{APP}")) as (source, stub):
        found = await source.environments(parse_address("ci:deploy0"))
        (live,) = found.environments
        assert {each.version for each in live.deployments} == set(names)
        assert found.notes == (
            f"3 of {MOST_JOBS + 3} jobs that may deploy it were read no further than the list",
        )
        assert len(set(asked(stub)) & set(deep)) == MOST_JOBS
