"""What stands where, by the deployments of an environment in whatever order they come."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from tests.deployed import DAY, HOUR, deployed, environment
from tests.examples import NOW
from tui.domain.deployment import Deployment
from tui.domain.status import Status
from tui.insight.environment_state import (
    LiveColour,
    before,
    colours,
    environment_state,
    live_of,
    newest_first,
)

S = Status


def versions(*deployments: Deployment | None) -> list[str]:
    return [each.version if each else "" for each in deployments]


def test_nothing_stands_where_nothing_was_deployed() -> None:
    what = environment_state(())
    assert (what.stable, what.previous, what.canary, what.coming, what.failed) == (None, None, None, (), None)
    assert what.stable_share is None


def test_the_stable_version_is_the_success_that_ended_last_not_the_newest() -> None:
    slow = deployed("slow", 2 * HOUR, finished_at=NOW - 60)
    what = environment_state((deployed("quick", HOUR), slow, deployed("old", DAY)))
    assert versions(what.stable, what.previous) == ["slow", "quick"]


def test_the_previous_one_is_of_another_version() -> None:
    what = environment_state((deployed("2", HOUR), deployed("2", 2 * HOUR), deployed("1", DAY)))
    assert versions(what.stable, what.previous) == ["2", "1"]


def test_a_canary_shares_the_traffic_until_a_stable_one_comes_after_it() -> None:
    stable, canary = deployed("1", DAY), deployed("2", HOUR, canary=True, share=25.0)
    what = environment_state((canary, stable))
    assert versions(what.stable, what.canary) == ["1", "2"]
    assert what.stable_share == 75.0
    promoted = environment_state((deployed("2", 60.0), canary, stable))
    assert (promoted.canary, promoted.stable_share) == (None, 100.0)
    assert versions(promoted.stable, promoted.previous) == ["2", "1"]


def test_the_share_of_the_stable_one_is_not_known_where_the_canarys_is_not() -> None:
    assert environment_state((deployed("2", HOUR, canary=True), deployed("1", DAY))).stable_share is None


def test_a_canary_that_waits_for_a_person_is_one_and_one_that_was_stopped_is_none() -> None:
    stable = deployed("1", DAY)
    waiting = deployed("2", HOUR, S.WAITING, canary=True)
    assert environment_state((waiting, stable)).canary == waiting
    stopped = deployed("2", HOUR, S.CANCELED, canary=True)
    what = environment_state((stopped, stable))
    assert (what.canary, what.failed) == (None, stopped)


def test_a_canary_that_waits_to_be_put_there_is_coming_and_takes_no_others_place() -> None:
    stable, serves = deployed("1", DAY), deployed("2", HOUR, canary=True)
    waits = deployed("3", 60.0, S.WAITING, canary=True, waits_outside=True)
    now = environment_state([waits, serves, stable])
    assert (now.stable, now.canary, now.coming) == (stable, serves, (waits,))


def test_coming_is_the_newest_that_runs_and_the_newest_that_waits_never_older_than_what_is_there() -> None:
    what = environment_state(
        (
            deployed("5", 60.0, S.RUNNING),
            deployed("4", 120.0, S.WAITING),
            deployed("3", 180.0, S.WAITING),
            deployed("2", HOUR),
            deployed("1", DAY, S.WAITING),  # parked for ever
        )
    )
    assert versions(*what.coming) == ["5", "4"]


def test_a_failure_counts_until_something_came_of_a_later_one() -> None:
    failed = deployed("2", HOUR, S.FAILED)
    assert environment_state((failed, deployed("1", DAY))).failed == failed
    assert environment_state((deployed("3", 60.0), failed, deployed("1", DAY))).failed is None
    canary = deployed("3", 60.0, canary=True)
    assert environment_state((canary, failed, deployed("1", DAY))).failed is None


def test_what_was_there_before_is_told_by_when_it_ended() -> None:
    third, second, first = deployed("3", 60.0), deployed("2", HOUR), deployed("1", DAY)
    failed = deployed("x", 2 * HOUR, S.FAILED)
    everything = (third, failed, second, first)
    assert before(third, everything) == second
    assert before(second, everything) == first
    assert before(first, everything) is None
    assert before(deployed("4", 10.0, S.RUNNING), everything) == third


def test_of_a_pair_the_one_of_the_front_environments_version_has_the_traffic() -> None:
    blue = environment("g:a@blue", deployed("1", DAY))
    green = environment("g:a@green", deployed("2", HOUR))
    assert live_of((blue, green), None) == LiveColour("green", "it was deployed to last")
    front = environment("g:a@production", deployed("1", 2 * DAY))
    assert live_of((blue, green), front) == LiveColour("blue", "production has its version")
    other = environment("g:a@production", deployed("7", HOUR))
    assert live_of((blue, green), other) == LiveColour("green", "it was deployed to last")
    assert live_of((environment("g:a@blue"), environment("g:a@green")), None) is None


def test_colours_of_one_environment_the_one_with_the_traffic_first() -> None:
    green, blue = deployed("2", HOUR, colour="green"), deployed("1", DAY, colour="blue")
    broken = deployed("3", 60.0, S.FAILED, colour="blue")
    older = deployed("0", 2 * DAY, colour="green")
    assert colours((older, blue, broken, green)) == (("green", green), ("blue", blue))


DEPLOYMENTS = st.lists(
    st.builds(
        deployed,
        st.sampled_from("1234"),
        st.floats(1.0, 10 * DAY).map(float),
        st.sampled_from((S.PASSED, S.FAILED, S.RUNNING, S.WAITING, S.CANCELED, S.QUEUED)),
        canary=st.booleans(),
    ),
    max_size=8,
    unique_by=lambda each: each.started_at,
)


@given(DEPLOYMENTS, st.integers())
def test_the_order_in_which_they_come_does_not_matter(deployments: list[Deployment], seed: int) -> None:
    shuffled = list(deployments)
    Random(seed).shuffle(shuffled)
    assert environment_state(shuffled) == environment_state(deployments)
    assert newest_first(shuffled) == newest_first(deployments)


@given(DEPLOYMENTS)
def test_everybody_has_one_part_only(deployments: list[Deployment]) -> None:
    what = environment_state(deployments)
    parts = [each for each in (what.stable, what.canary, *what.coming, what.failed) if each is not None]
    assert len({each.id for each in parts}) == len(parts)
    assert what.stable is None or (what.stable.status is S.PASSED and not what.stable.canary)
    if what.stable is not None:
        assert all(
            (each.finished_at or 0) <= (what.stable.finished_at or 0)
            for each in deployments
            if each.status is S.PASSED and not each.canary
        )
        assert what.previous is None or what.previous.version != what.stable.version
