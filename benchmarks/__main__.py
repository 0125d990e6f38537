"""Measure all that has a limit, or the parts named; print one table.

It is written to benchmarks/results.md when all was measured in full.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator

from benchmarks.table import RESULTS, Row, document, table

GROUPS = ("start", "keys", "link", "servers", "process", "logs", "tail", "tests", "charts", "judging")
"""Modules ``bench_NAME``, each with ``rows(quick)``."""
BROKEN = "could not be measured"


def _rows(name: str, quick: bool) -> Iterator[Row]:
    """The rows of one part, or one that says that it broke."""
    print(f"{name} …", end="", file=sys.stderr, flush=True)
    begun = time.monotonic()
    try:
        yield from importlib.import_module(f"benchmarks.bench_{name}").rows(quick)
    except Exception:
        traceback.print_exc()
        yield Row(f"{name}: {BROKEN}", None, "")
    print(f" {time.monotonic() - begun:.0f} s", file=sys.stderr)


def main() -> int:
    usage = f"python -m benchmarks [--quick] [{' '.join(GROUPS)}]"
    parser = argparse.ArgumentParser(prog="benchmarks", usage=usage, description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a part; all of them")
    parser.add_argument("--quick", action="store_true", help="less of everything, in a minute")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(GROUPS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory(prefix="pipedeck-bench-") as folder:
        os.environ.update({f"XDG_{what}_HOME": folder for what in ("CACHE", "STATE", "CONFIG")})
        # Compiled modules are kept, as they are where it is installed.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        rows = [row for name in chosen.names or GROUPS for row in _rows(name, chosen.quick)]
    print("\n".join(table(rows)))
    if not chosen.names and not chosen.quick:
        RESULTS.write_text(document(rows), encoding="utf-8")
    return int(any(row.what.endswith(BROKEN) for row in rows))


if __name__ == "__main__":
    sys.exit(main())
