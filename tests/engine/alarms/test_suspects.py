"""Which deployment came before something, and what going back from it means."""

from functools import partial
from pathlib import Path

import pytest

from tests.examples import pipeline
from tui import config
from tui.domain.address import Address, parse_address
from tui.domain.deployment import Deployment, Environment, Environments
from tui.domain.health import Fault, Trouble
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.domain.verdict import Decision, ServerVerdict, Verdict
from tui.engine.alarms.facts import AlarmFacts
from tui.engine.alarms.suspects import CanaryNow, Suspects
from tui.engine.queries import EnvironmentsOf, PipelinesOf, VerdictOf
from tui.engine.store import Store

CONFIG = """
[sources.jenkins]
type = "jenkins"
url = "http://127.0.0.1:1"
[sources.gitlab]
type = "gitlab"
url = "http://127.0.0.1:1"
watch = ["ml/*"]
[models.jenkins]
pipelines = ["jenkins:deploy"]
environment = "live"
[models.gitlab]
pipelines = ["gitlab:ml/fraud"]
environment = "live"
"""
NOW = 10_000.0
PATHS = {"jenkins": "deploy", "gitlab": "ml/fraud"}
passed = partial(Deployment, status=Status.PASSED)


def suspects(
    source: str,
    *deployments: Deployment,
    place: str = "live",
    skew: float = 0.0,
    text: str = CONFIG,
    store: Store | None = None,
) -> Suspects:
    store = store or Store(lambda fn: None)
    address = Address(source, PATHS[source])
    there = Environment(Address(source, PATHS[source], environment=place), deployments)
    store.put(PipelinesOf(source), Listing((pipeline(str(address)),)), NOW)
    store.put(EnvironmentsOf(address), Environments((there,)), NOW)
    return Suspects(config.parse(text, Path("config.toml")), store, lambda source, at: at - skew)


def stood(version: str, at: float, **more: object) -> Deployment:
    made = {"id": version, "version": version, "started_at": at, "finished_at": at, **more}
    return passed(**made)  # type: ignore[arg-type]


OLD, STABLE = stood("1", 1000.0), stood("2", 2000.0)


@pytest.mark.parametrize(
    ("source", "culprit", "words"),
    [
        ("jenkins", "3", "take the canary 3 back to 2"),
        # In GitLab it waits to be put there: it did nothing yet.
        ("gitlab", "2", "roll back to 1"),
    ],
)
def test_a_canary_that_waits_serves_in_jenkins_only(source: str, culprit: str, words: str) -> None:
    outside = source == "gitlab"
    more = {"status": Status.WAITING, "canary": True, "finished_at": None, "waits_outside": outside}
    waiting = stood("3", 3000.0, **more)
    look = suspects(source, waiting, STABLE, OLD)
    found = look.before(source, 5000.0)
    assert found is not None
    assert found[0].deployment.version == culprit
    said, request = look.rollback(found)
    assert said == words
    assert request is not None
    assert request.value("version") == words.rpartition(" ")[2]


def test_a_canary_that_stands_is_taken_back_to_the_stable_version() -> None:
    look = suspects("gitlab", stood("3", 3000.0, canary=True), STABLE, OLD)
    found = look.before("gitlab", 5000.0)
    assert look.rollback(found)[0] == "take the canary 3 back to 2"
    assert look.later(found) is look.coming(found) is None


def test_what_is_about_the_canary_is_about_the_one_that_is_there() -> None:
    look = suspects("gitlab", stood("4", 4000.0, canary=True), STABLE, OLD)
    found = look.before("gitlab", 5000.0, canary=True)
    assert found is not None
    assert (found[0].deployment.version, found[0].seconds) == ("4", 1000.0)
    assert look.rollback(found)[0] == "take the canary 4 back to 2"
    found = look.before("gitlab", 3000.0)
    assert found is not None
    assert found[0].deployment.version == "2"


def blamed(look: Suspects, since: float, *, canary: bool = True) -> tuple[str, str, str]:
    """The version, and what is said of going back and of training anew; no request where there is no version."""
    source = "gitlab"
    found = look.before(source, since, canary=canary)
    nobody = look.nobody(source, since, canary=canary) if found is None else ""
    (back, request), (again, _) = look.rollback(found, nobody), look.retrain(source, found, nobody)
    assert found is not None or request is None
    return found[0].deployment.version if found is not None else "", back, again


REJECTED = {"canary": True, "status": Status.CANCELED}
"""A canary whose run was aborted at its gate, recognised by a parameter."""
NONE = ("", "roll back: no canary is deployed", "retrain: no canary is deployed")


@pytest.mark.parametrize(
    "deployments",
    [
        (STABLE, OLD),
        (stood("3", 3000.0, **REJECTED), STABLE, OLD),
        (stood("3", 3000.0, status=Status.CANCELED), STABLE, OLD),
        (stood("2", 3100.0, id="again"), stood("3", 3000.0, canary=True), STABLE, OLD),
    ],
    ids=["none", "rejected", "rejected at an input", "taken back"],
)
def test_where_no_canary_is_deployed_nobody_is_to_blame_for_one(deployments: tuple[Deployment, ...]) -> None:
    assert blamed(suspects("gitlab", *deployments), 5000.0) == NONE
    assert suspects("gitlab", *deployments).canary("gitlab") == CanaryNow("")


def test_a_canary_is_not_to_blame_for_the_one_before_it() -> None:
    look = suspects("gitlab", stood("4", 4000.0, canary=True), STABLE, OLD)
    assert blamed(look, 3000.0)[:2] == ("", "roll back: the canary 4 came after it began")
    assert look.canary("gitlab") == CanaryNow("4", "4", 4000.0)


JUDGED = """
[sources.prom]
type = "prometheus"
url = "http://127.0.0.1:1"
[metrics.p95]
source = "prom"
query = "p95"
fail = 100
[alarms.verdict]
verdict = { model = "gitlab", is = "worse" }
"""


@pytest.mark.parametrize(
    ("ours", "theirs", "run", "state"),
    [
        (Decision.PROMOTE, Decision.STOP, "gitlab:ml/fraud#7", "bad"),
        (Decision.STOP, Decision.PROMOTE, "gitlab:ml/fraud#7", "bad"),
        (Decision.PROMOTE, Decision.PROMOTE, "gitlab:ml/fraud#7", "good"),
        (Decision.PROMOTE, Decision.STOP, "gitlab:ml/fraud#8", "unknown"),
        (Decision.PROMOTE, Decision.STOP, None, "unknown"),
        (Decision.STOP, Decision.WAIT, None, "bad"),
    ],
)
def test_an_alarm_goes_by_the_worse_verdict_and_by_a_server_only_about_the_run_of_this_canary(
    ours: Decision, theirs: Decision, run: str | None, state: str
) -> None:
    text = CONFIG.replace('environment = "live"', 'environment = "live"\nmetrics = ["p95"]') + JUDGED
    by = parse_address(run) if run is not None else None
    settings, store = config.parse(text, Path("config.toml")), Store(lambda fn: None)
    look = suspects("gitlab", stood("3", 3000.0, canary=True, run=by), STABLE, OLD, text=text, store=store)
    server = ServerVerdict(
        judge="Kayenta", run=parse_address("gitlab:ml/fraud#7"), decision=theirs, reason="p95", score=30
    )
    verdict = Verdict(model="gitlab", judge="own", decision=ours, reason="as ours", score=1, server=server)
    store.put(VerdictOf("gitlab"), verdict, NOW)
    (reading,) = AlarmFacts(settings, store, look, NOW, NOW).at(settings.alarms["verdict"])
    assert reading.seen.state == state
    if state == "bad":
        words = "as ours" if ours is Decision.STOP else "Kayenta says so: score 30; p95"
        assert reading.seen.words == f"DO NOT PROMOTE: {words}"


def test_a_canary_other_than_the_configured_one_is_not_to_blame() -> None:
    text = CONFIG + 'canary = { version = "9", track = "canary" }'
    look = suspects("gitlab", stood("4", 4000.0, canary=True), STABLE, OLD, text=text)
    assert blamed(look, 5000.0)[1] == "roll back: no canary is deployed"


def test_when_a_canary_came_is_told_by_another_clock() -> None:
    # By ours it came at 3000.
    look = suspects("gitlab", stood("4", 4000.0, canary=True), STABLE, OLD, skew=1000.0)
    assert blamed(look, 3500.0)[0] == "4"
    assert look.canary("gitlab") == CanaryNow("4", "4", 3000.0)


def test_what_cannot_be_read_is_not_taken_for_no_canary() -> None:
    store = Store(lambda fn: None)
    look = Suspects(config.parse(CONFIG, Path("config.toml")), store, lambda source, at: at)
    assert look.canary("gitlab") is None
    store.fail(PipelinesOf("gitlab"), Fault(Trouble.UNREACHABLE, "no connection"), NOW)
    assert look.canary("gitlab") == CanaryNow()
    assert look.nobody("gitlab", 5000.0, canary=True) == "no deployment of it is known"


def test_what_was_rejected_since_takes_the_blame_with_it() -> None:
    # It was there when it became bad, as a part of the traffic or on its way; the stable one was not the news.
    gone = stood("3", 3000.0, status=Status.CANCELED, finished_at=4000.0)
    look = suspects("gitlab", gone, STABLE, OLD)
    words = "roll back: 2, which was there before it, is there now"
    assert blamed(look, 3500.0, canary=False)[:2] == ("3", words)
    assert blamed(look, 4500.0, canary=False)[:2] == ("2", "roll back to 1")


@pytest.mark.parametrize("tried", [{}, {"canary": True}, {"status": Status.FAILED}], ids=str)
def test_what_was_put_back_is_not_taken_back_in_turn(tried: dict[str, object]) -> None:
    look = suspects("gitlab", stood("2", 3100.0, id="again"), stood("3", 3000.0, **tried), STABLE, OLD)
    words = "roll back: 2 was itself put back, after 3"
    assert blamed(look, 5000.0, canary=False)[:2] == ("2", words)


def test_what_has_come_since_is_said() -> None:
    look = suspects("gitlab", stood("3", 8000.0), STABLE, OLD)
    found = look.before("gitlab", 5000.0)
    assert look.later(found) == "3"
    assert look.rollback(found)[0] == "roll back to 1 (3 has come since)"


def test_when_it_was_taken_back_there_is_nothing_to_propose() -> None:
    look = suspects("gitlab", stood("1", 8000.0, id="again"), STABLE, OLD)
    words, request = look.rollback(look.before("gitlab", 5000.0))
    assert (words, request) == ("roll back: 1, which was there before it, is there now", None)


@pytest.mark.parametrize(
    ("wanted", "known"), [("", True), ("live", True), ("gitlab:ml/fraud@live", True), ("x", False)]
)
def test_one_environment_can_be_meant(wanted: str, known: bool) -> None:
    look = suspects("gitlab", STABLE, OLD)
    assert (look.before("gitlab", 5000.0, wanted) is not None) is known


def test_without_the_configured_environment_all_are_looked_at_unless_one_is_meant() -> None:
    look = suspects("gitlab", STABLE, OLD, place="staging")
    assert look.before("gitlab", 5000.0) is not None
    assert look.before("gitlab", 5000.0, "live") is None
