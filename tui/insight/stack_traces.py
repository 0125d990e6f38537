"""What a stack trace says: what went wrong, and where in the code."""

import re

_SOURCE = r"(?:pyi?|[cm]?[jt]sx?|go|rs|rb|cc?|cpp|cxx|hh?|hpp|cs|php|swift|jl|[rR]|sh|bats|lua|exs?|pl|dart|vue|ipynb)"
_PLACES = (
    # Python: File "tests/test_model.py", line 41, in test_loss
    re.compile(r'File "(?P<path>[^"]+)", line (?P<line>\d+)'),
    # Java and its kin: at pkg.Class.method(File.java:12)
    re.compile(r"\((?P<path>[\w$./-]+\.(?:java|kt|scala|groovy)):(?P<line>\d+)\)"),
    # pytest, JavaScript, Go, Rust, Ruby, C: path/file.ext:12[:5]
    re.compile(rf"(?P<path>(?:[A-Za-z]:[\\/])?[\w@.+/\\-]*[\w-]\.{_SOURCE}):(?P<line>\d+)\b"),
)
_TEST = re.compile(r"test|spec", re.IGNORECASE)
_LIBRARY = re.compile(
    r"site-packages|dist-packages|node_modules|/usr/lib|/usr/local/lib|/lib/python\d|/\.cargo/|/gems/|^<|^node:"
)

_SAID = re.compile(
    r"^E {2,}(?P<pytest>\S.*)$|^(?P<error>(?:[\w$]+\.)*[\w$]*(?:Error|Exception|Failure)\b.*)$", re.M
)


def place_in(trace: str) -> str:
    """``path:line`` of the test's own line, as the trace writes it; empty where it names none.

    Of several places the last one in a file that is named like a test, else the last one that is in no library.
    """
    found: list[tuple[int, str, str]] = []
    taken: set[tuple[int, int]] = set()
    for shape in _PLACES:
        for match in shape.finditer(trace):
            if not any(start <= match.start("path") < end for start, end in taken):
                taken.add(match.span())
                found.append((match.start(), match["path"], match["line"]))
    own = [(path, line) for _, path, line in sorted(found) if not _LIBRARY.search(path)]
    tests = [place for place in own if _TEST.search(re.split(r"[\\/]", place[0])[-1])]
    path, line = (tests or own or [("", "")])[-1]
    return f"{path}:{line}" if path else ""


def message_in(trace: str) -> str:
    """The line of a trace that says what went wrong; else its first one."""
    if match := _SAID.search(trace):
        return (match["pytest"] or match["error"]).strip()
    return next((line.strip() for line in trace.split("\n") if line.strip()), "")
