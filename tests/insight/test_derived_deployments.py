"""Deployments out of runs, by the rules of a configuration."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import NOW, gate, pipeline, run
from tests.presenters.test_pipelines import stage
from tui import config
from tui.config import JenkinsSettings
from tui.domain.address import parse_address
from tui.domain.deployment import Deployment, Environment
from tui.domain.pipeline import Pipeline, Run
from tui.domain.status import Status
from tui.insight.deployment_rules import DeploymentRule
from tui.insight.derived_deployments import aim, environments, explain, tier_of, trial
from tui.insight.environment_state import environment_state

S = Status
PARAMETERS = (("TARGET", "production"), ("VERSION", "1.4"))
BY_PARAMETER = "environment = { parameter = 'TARGET' }\nversion = { parameter = 'VERSION' }\n"


def rules(*tables: str, job: str = "**") -> tuple[DeploymentRule, ...]:
    """Rules as the configuration writes them."""
    text = "[sources.ci]\ntype = 'jenkins'\nurl = 'http://ci'\n"
    for table in tables:
        named = any(line.startswith("job =") for line in table.splitlines())
        head = "" if named else f"job = '{job}'\n"
        text += f"[[sources.ci.deployments]]\n{head}{table}\n"
    source = config.parse(text, Path("config.toml")).sources["ci"]
    assert isinstance(source, JenkinsSettings)
    return source.deployments


def found(rule: str, job: Pipeline) -> dict[str, Deployment]:
    """What one rule makes of a job's only run: by ``app@environment``."""
    return {
        f"{each.address.path}@{each.name}": each.deployments[0] for each in environments(rules(rule), [job])
    }


def ran(address: str = "ci:deploy#7", status: Status = S.PASSED, **more: Any) -> Pipeline:
    return pipeline(address.partition("#")[0], run(address, status, **{"parameters": PARAMETERS, **more}))


def the_one(rule: str, job: Pipeline) -> tuple[str, Deployment]:
    ((place, deployment),) = found(rule, job).items()
    return place, deployment


@pytest.mark.parametrize(
    ("rule", "address", "more", "place", "version"),
    [
        (BY_PARAMETER, "ci:deploy#7", {}, "deploy@production", "1.4"),
        (
            "environment = 'edge'\nversion = { revision = 7 }",
            "ci:a/b#1",
            {"revision": "0123456789"},
            "a/b@edge",
            "0123456",
        ),
        (
            "environment = { folder = -2 }\nversion = { parameter = 'VERSION' }",
            "ci:eu%2Fwest/live/deploy#1",
            {},
            "eu%2Fwest/live/deploy@live",
            "1.4",
        ),
        (
            "environment = { folder = 0 }\nversion = { parameter = 'VERSION' }\napp = 'shop'",
            "ci:eu%2Fwest/live/deploy#1",
            {},
            "shop@eu/west",
            "1.4",
        ),
        (
            "environment = { branch = { main = 'production', 'release/*' = 'staging' } }\n"
            "version = { parameter = 'VERSION' }",
            "ci:shop/release%2F1.4#3",
            {"ref": "release/1.4"},
            "shop/release%2F1.4@staging",
            "1.4",
        ),
        (
            "environment = { display_name = '→ (?P<environment>\\w+)' }\n"
            "version = { display_name = '^(?P<version>\\S+)' }",
            "ci:release#3",
            {"title": "1.4.2 → prod"},
            "release@prod",
            "1.4.2",
        ),
        (
            "environment = 'edge'\nversion = { description = 'version (?P<version>\\S+)' }",
            "ci:handover#3",
            {"description": "<b>version</b> <i>1.4</i> out"},
            "handover@edge",
            "",
        ),
        (
            "environment = 'edge'\nversion = { description = 'version\\s+(?P<version>\\S+)' }",
            "ci:handover#3",
            {"description": "<b>version</b> <i>1.4</i> out"},
            "handover@edge",
            "1.4",
        ),
        (
            BY_PARAMETER + "app = { parameter = 'MODEL' }",
            "ci:deploy#3",
            {"parameters": (*PARAMETERS, ("MODEL", "churn"))},
            "churn@production",
            "1.4",
        ),
    ],
)
def test_a_rule_reads_what_went_where(
    rule: str, address: str, more: dict[str, Any], place: str, version: str
) -> None:
    job = ran(address, **more)
    if not version:
        assert found(rule, job) == {}
    else:
        where, deployment = the_one(rule, job)
        assert (where, deployment.version) == (place, version)
        assert str(deployment.run) == address


def test_it_says_who_when_and_from_which_run() -> None:
    job = ran(cause="alice", revision="abc", ref="main", web_url="http://ci/job/deploy/7/")
    _, deployment = the_one(BY_PARAMETER, job)
    assert (deployment.who, deployment.revision, deployment.ref) == ("alice", "abc", "main")
    assert (deployment.started_at, deployment.finished_at) == (NOW - 600, NOW - 480)
    assert deployment.web_url == "http://ci/job/deploy/7/"


@pytest.mark.parametrize(
    ("rule", "more", "why"),
    [
        (BY_PARAMETER, {"parameters": ()}, "environment: it has no parameter TARGET"),
        (BY_PARAMETER, {"parameters": (("TARGET", " "),)}, "environment: what its parameter says is empty"),
        (BY_PARAMETER, {"parameters": PARAMETERS[:1]}, "version: it has no parameter VERSION"),
        (
            "environment = { folder = 5 }\nversion = { parameter = 'VERSION' }",
            {},
            "environment: its full name has no part 5",
        ),
        (
            "environment = { branch = { main = 'x' } }\nversion = { parameter = 'VERSION' }",
            {"ref": "dev"},
            "environment: no entry for the branch dev",
        ),
        ("environment = 'x'\nversion = { revision = 8 }", {}, "version: its commit is not known"),
        (
            "environment = 'x'\nversion = { display_name = 'v(?P<version>.+)' }",
            {},
            "version: its display name does not match v(?P<version>.+)",
        ),
        (
            "environment = { stage = 'to (?P<environment>.+)' }\nversion = { revision = 8 }",
            {},
            "its stages were not read",
        ),
        (
            "environment = { stage = 'to (?P<environment>.+)' }\nversion = { revision = 8 }",
            {"stages": (stage("Build"),)},
            "no stage of it matches to (?P<environment>.+)",
        ),
        (BY_PARAMETER, {"vendor_status": "NOT_BUILT"}, "ended as NOT_BUILT, which is ignored"),
    ],
)
def test_a_run_that_cannot_be_read_is_no_deployment_and_it_says_why(
    rule: str, more: dict[str, Any], why: str
) -> None:
    job = ran(**more)
    assert environments(rules(rule), [job]) == ()
    tried = trial(rules(rule), job, job.runs[0])
    assert (tried.hits, tried.misses) == ((), ((0, why),))


def test_the_first_rule_that_can_read_a_run_decides() -> None:
    both = rules(
        BY_PARAMETER + "job = 'other'",
        "job = 'dep*'\nenvironment = 'first'\nversion = { parameter = 'NO' }",
        "job = 'deploy'\nenvironment = 'second'\nversion = { parameter = 'VERSION' }",
        "job = 'deploy'\nenvironment = 'third'\nversion = { parameter = 'VERSION' }",
    )
    job = ran()
    (place,) = environments(both, [job])
    assert place.name == "second"
    explained = {number: (len(hits), list(misses)) for number, hits, misses in explain(both, [job])}
    assert explained == {
        0: (0, []),
        1: (0, ["version: it has no parameter NO"]),
        2: (1, []),
        3: (0, []),
    }


CANARY_BY_INPUT = BY_PARAMETER + "canary = { input = '(?i)promote' }\nweight = { parameter = 'PERCENT' }"


@pytest.mark.parametrize(
    ("percent", "share"),
    [("25", 25.0), (" 12.5 % ", 12.5), ("a lot", None), ("140", None), ("-1", None), ("nan", None)],
)
def test_a_run_that_waits_at_the_input_is_a_canary_of_that_weight(percent: str, share: float | None) -> None:
    waiting = ran(
        status=S.WAITING,
        gates=(gate("ci:deploy#7!Go", "Promote 1.4?"),),
        parameters=(*PARAMETERS, ("PERCENT", percent)),
    )
    _, deployment = the_one(CANARY_BY_INPUT, waiting)
    assert (deployment.canary, deployment.share) == (True, share)
    assert (deployment.status, deployment.waits_for, deployment.finished_at) == (
        S.WAITING,
        "Promote 1.4?",
        None,
    )


def test_an_input_of_another_kind_makes_no_canary() -> None:
    waiting = ran(status=S.WAITING, gates=(gate("ci:deploy#7!Go", "Really?"),))
    _, deployment = the_one(CANARY_BY_INPUT, waiting)
    assert (deployment.canary, deployment.status) == (False, S.WAITING)


def test_a_canary_by_parameter_stays_one_when_its_run_has_ended() -> None:
    rule = BY_PARAMETER + "canary = { parameter = 'STRATEGY', equals = 'canary' }"
    canary = run("ci:deploy#8", parameters=(*PARAMETERS[:1], ("VERSION", "2"), ("STRATEGY", "canary")))
    stable = run("ci:deploy#7", parameters=(*PARAMETERS, ("STRATEGY", "all")), started_at=NOW - 5000)
    (place,) = environments(rules(rule), [pipeline("ci:deploy", canary, stable)])
    what = environment_state(place.deployments)
    assert what.stable is not None
    assert what.canary is not None
    assert (what.stable.version, what.canary.version) == ("1.4", "2")


def test_an_aborted_canary_may_still_be_up_and_that_is_said() -> None:
    aborted = run("ci:deploy#8", S.CANCELED, parameters=PARAMETERS)
    (place,) = environments(rules(CANARY_BY_INPUT), [pipeline("ci:deploy", aborted)])
    assert place.notes == (
        "ci:deploy#8 was aborted: whether its canary was taken out, only the Pipeline knows",
    )


@pytest.mark.parametrize(("unstable", "status"), [("false", S.WARNING), ("true", S.PASSED)])
def test_an_unstable_run_has_deployed_only_where_the_rule_says_so(unstable: str, status: Status) -> None:
    _, deployment = the_one(BY_PARAMETER + f"unstable = {unstable}", ran(status=S.WARNING))
    assert deployment.status is status


STAGES = "environment = { stage = 'to (?P<environment>\\w+)' }\nversion = { parameter = 'VERSION' }"


def test_each_stage_that_matches_is_a_deployment_even_in_a_run_that_failed_later() -> None:
    job = ran(
        status=S.FAILED,
        stages=(
            stage("Build"),
            stage("Ship", children=(stage("Deploy to staging", started_at=NOW - 500, duration=20.0),)),
            stage("Deploy to live", S.FAILED),
            stage("Deploy to moon", S.SKIPPED),
        ),
    )
    places = found(STAGES, job)
    assert {name: each.status for name, each in places.items()} == {
        "deploy@staging": S.PASSED,
        "deploy@live": S.FAILED,
    }
    assert places["deploy@staging"].finished_at == NOW - 480


def test_a_stages_name_may_tell_the_version_too() -> None:
    rule = (
        "environment = { stage = '(?P<environment>\\w+) \\d' }\nversion = { stage = ' (?P<version>[0-9.]+)' }"
    )
    place, deployment = the_one(rule, ran(stages=(stage("staging 2.0"),)))
    assert (place, deployment.version) == ("deploy@staging", "2.0")


def test_a_stage_before_the_input_is_the_canary() -> None:
    job = ran(
        status=S.WAITING,
        gates=(gate("ci:deploy#7!Promote", "Promote?"),),
        stages=(stage("Deploy to live"), stage("Promote", S.WAITING)),
    )
    _, deployment = the_one(STAGES + "\ncanary = { input = 'Promote' }", job)
    assert (deployment.status, deployment.canary, deployment.waits_for) == (S.WAITING, True, "Promote?")


# --- going back ---------------------------------------------------------------------------------------------------

ROLLBACK = BY_PARAMETER + (
    "app = 'shop'\n"
    "rollback = { job = 'back', parameters = { TO = '{environment}', V = '{version}', WHAT = '{app} {revision}' } }"
)


def history(*runs: Run, rule: str = ROLLBACK, known: tuple[Pipeline, ...] | None = None) -> Environment:
    job = pipeline("ci:deploy", *runs)
    (place,) = environments(rules(rule), [job], known if known is not None else (job, pipeline("ci:back")))
    return place


def version(number: int, text: str, status: Status = S.PASSED) -> Run:
    return run(
        f"ci:deploy#{number}",
        status,
        vendor_status="" if status is not S.FAILED else "FAILURE",
        parameters=(PARAMETERS[0], ("VERSION", text)),
        started_at=NOW - 10_000 + number * 500,
    )


def ways(place: Environment) -> dict[str, str]:
    return {
        f"#{each.run.run}": each.rollback.words
        for each in place.deployments
        if each.run is not None and each.rollback is not None
    }


def test_each_deployment_says_whether_one_can_go_back_to_it() -> None:
    place = history(
        version(6, "9", S.RUNNING),
        version(5, "3"),
        version(4, "2", S.FAILED),
        version(3, "3"),
        version(1, "1"),
    )
    assert ways(place) == {
        "#6": "it is still on its way",
        "#5": "it is there now",
        "#4": "it ended as failure",
        "#3": "the same version is there now",
        "#1": "would start back with TO=production, V=1, WHAT=shop ",
    }
    back = place.deployments[-1].rollback
    assert back is not None
    assert back.possible
    assert str(back.target) == "ci:back"
    assert back.parameters == (("TO", "production"), ("V", "1"), ("WHAT", "shop "))


def test_it_says_when_the_rollback_job_is_missing_or_disabled() -> None:
    runs = (version(2, "2"), version(1, "1"))
    without = history(*runs, rule=BY_PARAMETER)
    assert ways(without)["#1"] == "no rollback job is configured for it"
    assert ways(history(*runs, known=()))["#1"] == "its rollback job back is not among the watched jobs"
    disabled = pipeline("ci:back", disabled=True)
    assert ways(history(*runs, known=(disabled,)))["#1"] == "its rollback job back is disabled"


@pytest.mark.parametrize(
    ("name", "tier"),
    [
        ("production", "production"),
        ("prod-eu", "production"),
        ("Live", "production"),
        ("staging", "staging"),
        ("non-prod", "staging"),
        ("qa", "testing"),
        ("review/x", "development"),
        ("edge", "other"),
    ],
)
def test_a_name_suggests_a_tier(name: str, tier: str) -> None:
    assert tier_of(name) == tier


RUNS = st.lists(
    st.builds(
        lambda number, text, status, target: run(
            f"ci:deploy#{number}", status, parameters=(("TARGET", target), ("VERSION", text))
        ),
        st.integers(1, 50),
        st.text(max_size=3),
        st.sampled_from(list(S)),
        st.text(max_size=3),
    ),
    max_size=8,
    unique_by=lambda each: each.address,
)


@given(RUNS)
def test_every_run_is_a_deployment_or_says_why_not(runs: list[Run]) -> None:
    job = pipeline("ci:deploy", *runs)
    one = rules(ROLLBACK)
    places = environments(one, [job], [job])
    placed = {each.run for place in places for each in place.deployments}
    ((_, hits, misses),) = explain(one, [job])
    missed = {address for addresses in misses.values() for address in addresses}
    assert placed == {hit.deployment.run for hit in hits}
    assert placed | missed == {each.address for each in runs}
    assert not placed & missed
    for place in places:
        assert [each.started_at or 0 for each in place.deployments] == sorted(
            (each.started_at or 0 for each in place.deployments), reverse=True
        )


@pytest.mark.parametrize(
    ("rule", "job", "expected"),
    [
        (BY_PARAMETER, "ci:deploy", "production"),
        ("environment = { parameter = 'OTHER' }\nversion = { parameter = 'VERSION' }", "ci:deploy", ""),
        ("environment = 'edge'\nversion = { revision = 7 }", "ci:deploy", "edge"),
        (
            "environment = { branch = { main = 'live' } }\nversion = { revision = 7 }",
            "ci:shop/main",
            "live",
        ),
        (
            "environment = { stage = 'to (?P<environment>.+)' }\nversion = { revision = 7 }",
            "ci:deploy",
            "",
        ),
        ("job = 'other'\nenvironment = 'edge'\nversion = { revision = 7 }", "ci:deploy", ""),
        (
            "job = 'other'\nenvironment = 'edge'\nversion = { revision = 7 }\n"
            "rollback = { job = 'back', parameters = { TARGET = '{environment}' } }",
            "ci:back",
            "production",
        ),
    ],
)
def test_where_a_run_would_go(rule: str, job: str, expected: str) -> None:
    assert aim(rules(rule), parse_address(job), PARAMETERS) == expected
