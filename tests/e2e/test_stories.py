"""What people come for, with the keys it takes counted: a failed run and an alarm; tests/e2e/test_actions.py has a
promotion."""

from pathlib import Path

from tests.e2e.deck import ENTER, Deck
from tests.e2e.test_actions import done
from tui.sandbox.process import Sandbox

ALARM = """
[alarms.failing]
series = { model = "fraud", metric = "errors", above = 0.8 }
propose = ["rollback"]
"""


class Person(Deck):
    """Who works it, and looks before each key."""

    typed = 0

    def keys(self, keys: str) -> None:
        self.typed += len(keys)
        self.send(keys)


def test_a_failed_run_its_first_error_its_failing_test_and_another_try(
    sandbox: Sandbox, config: Path
) -> None:
    with Person(config) as deck:
        deck.loaded()
        deck.keys("jjjj")
        deck.wait_for("❯✗ ml/features/store")
        deck.wait_for("4 of 60 tests failed")
        deck.wait_for("first error of contract tests")
        assert deck.typed == 4, "and none to learn why"
        deck.keys("4")
        deck.wait_for("New failures")
        deck.keys("j")
        deck.wait_for("AssertionError: loss ")
        assert deck.typed == 6, "four at most from its first error"
        deck.keys("1r")
        deck.wait_for("y Yes, retry")
        deck.keys("y")
        deck.wait_for("» retry")
        assert deck.typed == 9, "three at most from its failing test"
    (write,) = sandbox.control.state().faces["gitlab"].writes
    assert write.path.endswith("/retry")


def test_an_alarm_and_what_it_proposes_takes_the_canary_back(sandbox: Sandbox, config: Path) -> None:
    with config.open("a") as file:
        file.write(ALARM)
    with Person(config) as deck:
        deck.loaded()
        before = len(sandbox.control.state().faces["gitlab"].writes)
        deck.keys("8")
        deck.wait_for("take the canary 76d0b686 back to 6499beb3")
        deck.keys("b")
        deck.wait_for("y Yes, roll back")  # it shows what can be answered when it hears
        assert "76d0b686 → 6499beb3" in deck.text
        assert "76d0b686 goes; 6499beb3 was there before it" in deck.text
        deck.keys(f"production{ENTER}")
        deck.wait_for("» rollback")
        assert deck.typed == 13
        sandbox.control.advance(120)
        done(deck, "rollback gitlab:ml/fraud@pro")
    (write,) = sandbox.control.state().faces["gitlab"].writes[before:]
    assert write.path.endswith("/retry")
