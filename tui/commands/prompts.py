"""Questions to the person at the terminal: on standard error, so that what is printed stays a document."""

import getpass
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class NoAnswer(Exception):
    """The person would not say: Ctrl-C, or the end of the input."""


def ask(question: str) -> str:
    """Raises Unanswered."""
    with _interruptible():  # before the question can be read: who sees it may press Ctrl-C
        print(question, end="", file=sys.stderr, flush=True)
        line = sys.stdin.readline()
    if not line:
        print(file=sys.stderr)
        raise NoAnswer
    return line.strip()


def ask_secret(question: str) -> str:
    """Without an echo.

    Raises:
        Unanswered
    """
    with _interruptible():
        try:
            return getpass.getpass(question)
        except EOFError:
            raise NoAnswer from None


def ask_yes(question: str) -> bool:
    """The default is No.

    Raises:
        Unanswered
    """
    return ask(f"{question} [y/N] ").lower() in ("y", "yes")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Ctrl-C ends a question at once: the loop's own handler would wait until the line is there."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        print(file=sys.stderr)
        raise NoAnswer from None
    finally:
        signal.signal(signal.SIGINT, before)
