"""Exit codes of all commands."""

from enum import IntEnum

from tui.domain.health import Trouble


class Exit(IntEnum):
    OK = 0
    FAILED = 1
    """The run, job or check it tells of failed."""
    USAGE = 2
    """The command line or the config is wrong."""
    UNREACHABLE = 3
    """A source could not be reached."""
    REFUSED = 4
    """By the server, by read-only, or by the person."""
    UNKNOWN = 5
    """What happened is not known."""
    WORSE = 10
    UNCLEAR = 11


def exit_of(trouble: Trouble) -> Exit:
    """Of a command whose one address could not be read."""
    return Exit.USAGE if trouble in (Trouble.MISCONFIGURED, Trouble.NOT_FOUND) else Exit.UNREACHABLE
