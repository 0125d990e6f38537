"""The command line's entry. Nothing is imported before it is known what for: ``--help`` needs words only."""

import sys
from collections.abc import Sequence

from tui.commands.parser import parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is one of :class:`tui.commands.exit_codes.Exit`."""
    arguments = parse(sys.argv[1:] if argv is None else argv)
    from tui.dispatch import run

    return run(arguments)
