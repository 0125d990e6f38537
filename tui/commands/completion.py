"""``pipedeck completion SHELL``: made from the parser; addresses and models come from what was listed last."""

import re
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterable, Iterator

from tui.commands.exit_codes import Exit
from tui.commands.parser import parser
from tui.config import Settings
from tui.domain.pipeline import Pipeline
from tui.engine.cache.disk import disk_cache_for
from tui.engine.cache.runs import RunCache

SHELLS = ("bash", "zsh", "fish")
_LISTED = {"ADDRESS": "pipedeck addresses 2>/dev/null", "MODEL": "pipedeck addresses --models 2>/dev/null"}
_FILES = ("--config", "--log")
_HARMLESS = re.compile(r"[\w./:@#%+=,~-]+")
"""What a shell takes as it stands. Bash expands the words that it is told (``compgen -W``): a job that is called
``$(…)`` would be run; and it puts earlier commands in the place of ``!``, so that gates are left out, too."""


def print_completion(shell: str) -> Exit:
    """Print the script for a shell."""
    import shtab

    whole = parser()
    for command in _commands(whole):
        for action in command._actions:
            if action.metavar in _LISTED:
                action.complete = shtab.cmd(_LISTED[str(action.metavar)])  # type: ignore[attr-defined]
            elif set(action.option_strings) & set(_FILES):
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(whole, shell), end="")
    if shell == "bash":
        print(_WHOLE_WORDS, end="")
    return Exit.OK


def _commands(whole: ArgumentParser) -> Iterator[ArgumentParser]:
    yield whole
    for action in whole._actions:
        if isinstance(action, _SubParsersAction):
            yield from action.choices.values()


async def print_addresses(settings: Settings, *, models: bool) -> Exit:
    """Print what was listed last, without asking anybody; a command that takes a MODEL too is told those first."""
    names = list(settings.models)
    if not models:
        kept = RunCache(disk_cache_for(settings), settings)
        for source in settings.pipeline_sources:
            if (found := await kept.listing(source)) is not None:
                names += _addresses(found[0].pipelines)
    print("\n".join(name for name in dict.fromkeys(names) if _HARMLESS.fullmatch(name)))
    return Exit.OK


def _addresses(pipelines: Iterable[Pipeline]) -> Iterator[str]:
    for pipeline in pipelines:
        yield str(pipeline.address)
        yield from (str(run.address) for run in pipeline.runs)


_WHOLE_WORDS = r"""
# Bash breaks words at the : and @ of an address. They are put together before, and what stands on the line up to the
# last of them is taken off the answers.
_pipedeck() {
  local words=() at=0 word joined=0 last=
  for word in "${COMP_WORDS[@]}"; do
    if (( ${#words[@]} > 1 )) && { [[ "$word" == [:@]* ]] || [[ "$last" == *[:@] ]]; }; then
      words[${#words[@]}-1]+="$word"
      (( at <= COMP_CWORD )) && (( joined += 1 ))
    else
      words+=("$word")
    fi
    last="${words[${#words[@]}-1]}"
    (( at += 1 ))
  done
  local COMP_WORDS=("${words[@]}") COMP_CWORD=$(( COMP_CWORD - joined ))
  _shtab_pipedeck
  local current="${COMP_WORDS[COMP_CWORD]}"
  local before="${current%"${current##*[:@]}"}"
  COMPREPLY=("${COMPREPLY[@]#"$before"}")
}
complete -o bashdefault -F _pipedeck pipedeck
"""
