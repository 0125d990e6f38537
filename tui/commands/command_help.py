"""How each command presents itself: a sentence, what its exit codes mean, an example."""

import argparse
from collections.abc import Callable
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Everywhere: TypeAlias = Callable[[], argparse.ArgumentParser]


def add_command(
    commands: Commands, everywhere: Everywhere, name: str, words: str, *, example: str, codes: str = ""
) -> argparse.ArgumentParser:
    """Add a command.

    Args:
        everywhere: makes the options that every command has; anew, for a parser writes its defaults into them.
        words: what it does, as a line in the list of commands.
        codes: what its exit codes mean, where that is more than the general list says.
    """
    sentence = f"{words[:1].upper()}{words[1:]}."
    notes = [f"Example: {example}", *([f"Exit code {codes}"] if codes else [])]
    return commands.add_parser(
        name,
        help=words,
        description=sentence,
        epilog="\n\n".join(notes),
        parents=[everywhere()],
        formatter_class=Paragraphs,
    )


class Paragraphs(argparse.HelpFormatter):
    """Empty lines in a text stay."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n\n".join(
            super(Paragraphs, self)._fill_text(part, width, indent) for part in text.split("\n\n")
        )
