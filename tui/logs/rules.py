"""What makes a line worth finding: words, a pattern, or the look of an error."""

import re
from collections.abc import Callable, Iterable, Sequence

import msgspec


class PatternError(ValueError):
    """The pattern is no regular expression. The message says which, why and where."""


class Finder(msgspec.Struct, frozen=True):
    """A way to find lines."""

    lines: Callable[[bytes], list[int]]
    """The lines that match in a text of whole lines without colours, counted from 0."""
    pattern: re.Pattern[str]
    """What to highlight in a line that matched."""
    runs: bool = False
    """Of consecutive lines only the first counts: a traceback is one error."""


def words(text: str) -> Finder:
    """Lines that hold ``text`` as it is written, in either case unless it has a capital letter."""
    fold = text == text.lower()

    def lines(block: bytes) -> list[int]:
        whole = block.decode("utf-8", "replace")
        whole = whole.lower() if fold else whole
        found = []
        number = at = 0
        while (hit := whole.find(text, at)) >= 0:
            number += whole.count("\n", at, hit)
            found.append(number)
            if not (at := whole.find("\n", hit) + 1):
                break
            number += 1
        return found

    return Finder(lines, re.compile(re.escape(text), re.IGNORECASE if fold else 0))


def pattern(text: str) -> Finder:
    """Lines that match the regular expression ``text``, in either case unless it has a capital letter.

    Raises:
        PatternError: it is none.
    """
    fold = not any(map(str.isupper, re.sub(r"\\.", "", text)))  # \S is no capital letter
    compiled = _compiled(text, re.IGNORECASE if fold else 0)

    def lines(block: bytes) -> list[int]:
        matches = compiled.search
        return [
            number
            for number, line in enumerate(block.decode("utf-8", "replace").split("\n")[:-1])
            if matches(line)
        ]

    return Finder(lines, compiled)


def errors(more: Iterable[str] = ()) -> Finder:
    """Lines that look like errors: of test runners, interpreters, CUDA, shells and build tools, and ``more`` patterns.

    Raises:
        PatternError: one of ``more`` is no regular expression.
    """
    own = [_compiled(text, 0).pattern for text in more]
    looks = re.compile("|".join(f"(?:{text})" for text in (*_LOOKS, *own)))
    wanted = re.compile("|".join(f"(?:{text})" for text in own)) if own else None

    def is_error(line: str) -> bool:
        if not looks.search(line):
            return False
        return not _HARMLESS.search(line) or bool(wanted and wanted.search(line))

    def lines(block: bytes) -> list[int]:
        if own:  # they may look like anything
            candidates: Sequence[int] = range(block.count(b"\n"))
        else:
            candidates = _suspicious(block)
        if not candidates:
            return []
        rows = block.split(b"\n")
        return [
            number for number in candidates if is_error(rows[number][:_LOOK_AT].decode("utf-8", "replace"))
        ]

    return Finder(lines, looks, runs=True)


_LOOK_AT = 2000
"""Characters of a line in which an error shows."""

# What every error below has in it, in lower case: one quick pass finds the few lines worth a closer look.
_SIGNS = (
    b"error", b"fail", b"fatal", b"critical", b"traceback", b"exception", b"caused by", b"exit", b"cuda", b"cudnn",
    b"nccl", b"cublas", b"killed", b"segmentation", b"dumped", b"not found", b"out of memory", b"npm err", b"panic:",
    b"\ne   ",
)  # fmt: skip

_LOOKS = (
    # pytest: the summary's lines, the heads of its parts, the assertion
    r"^(?:FAILED|ERROR) \S+\.py\b",
    r"^=+ (?:FAILURES|ERRORS) =+$",
    r"^=+ .*\b[1-9]\d* (?:failed|errors?)\b.* =+$",
    r"^E {3}",
    # Python and Java: the head and the last line of a trace, whatever prefix a launcher gives it
    r"Traceback \(most recent call last\)",
    r"^(?:\[\w+\]:? *)?(?:[\w$]+\.)*[\w$]*(?:Error|Exception)(?:$|: )",
    r"^(?:\[\w+\]:? *)?Caused by: ",
    r"^Exception in thread ",
    # CUDA
    r"CUDA (?:error|out of memory|driver error)|CUDA_ERROR_\w|device-side assert",
    r"cuDNN error|CUBLAS_STATUS_(?!SUCCESS)|NCCL (?:error|WARN)",
    # shells and what they run
    r"\b[Ee]xit(?:ed)?(?: with)?(?: non-zero)?(?: exit)? (?:code|status)[:=]? ?[1-9-]",
    r"\bcommand not found$|^(?:.*: +)?(?:\d+ +)?(?:Segmentation fault|Killed)\b",
    r"\(core dumped\)|\bOOMKilled\b|\bOut of memory: ",
    # build tools: Maven, Gradle, make, npm, git, compilers
    r"^\[ERROR\]|\bBUILD FAILURE\b|^FAILURE: |\bBUILD FAILED\b",
    r"^make(?:\[\d+\])?: \*\*\* |^npm ERR!|^(?:fatal|error): |: (?:fatal )?error: |^panic: ",
    # what programs and servers call an error
    r"(?:^|[\s\[|:])(?:ERROR|FATAL|CRITICAL)(?:[:\]|]|\s+\S)",
    r"^Finished: FAILURE$",
)

_HARMLESS = re.compile(
    # GitLab's runner of a job that goes on or passed: a cache that is cold, artifacts that were not made
    r"^(?:FATAL: file does not exist|ERROR: No files to upload)\s*$"
)
"""What looks like an error and breaks nothing."""


def _suspicious(block: bytes) -> list[int]:
    """The lines of ``block`` that hold one of the signs."""
    lower = b"\n" + block.lower()  # each line has a newline before it, as one of the signs wants
    starts: set[int] = set()
    for sign in _SIGNS:
        at = lower.find(sign)
        while at >= 0:
            starts.add(lower.rfind(b"\n", 0, at + 1))
            at = lower.find(b"\n", at + 1)
            at = lower.find(sign, at) if at >= 0 else -1
    numbers = []
    number = last = 0
    for start in sorted(starts):
        number += lower.count(b"\n", last, start)
        numbers.append(number)
        last = start
    return numbers


def _compiled(text: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(text, flags)
    except re.error as error:
        raise PatternError(f"{text!r} is not a regular expression: {error}") from None
