"""The command line's entry. Nothing is imported before it is known what for: ``--help`` needs words only."""

import sys
from collections.abc import Sequence

from tui import __version__


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is one of :class:`tui.commands.exit_codes.Exit`."""
    words = list(sys.argv[1:] if argv is None else argv)
    if words == ["--version"]:  # what installers and scripts ask need not wait for all commands to be known
        sys.stdout.write(f"pipedeck {__version__}\n")
        return 0
    from tui.commands.parser import parse

    arguments = parse(words)
    from tui.dispatch import run

    return run(arguments)
