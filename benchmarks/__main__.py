"""All benchmarks, or those named: ``python -m benchmarks [--quick] [NAME ...]``.

Prints one table; writes it to ``benchmarks/results.md`` when all were run in full.
"""

import argparse
import importlib
import os
import sys
import tempfile
import time

from benchmarks.table import RESULTS, Row, document, table

GROUPS = ("start", "keys", "link", "servers", "process", "logs", "tail", "tests", "charts", "judging")
"""Modules ``bench_NAME``, each with ``rows(quick)``."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(GROUPS))
    parser.add_argument("--quick", action="store_true", help="less of everything: to see that it works")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(GROUPS):
        parser.error(f"there is no {', '.join(sorted(unknown))}; there is: {', '.join(GROUPS)}")
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="pipedeck-bench-") as folder:
        os.environ.update({f"XDG_{what}_HOME": folder for what in ("CACHE", "STATE", "CONFIG")})
        # Compiled modules are kept, as they are where it is installed.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        for name in chosen.names or GROUPS:
            begun = time.monotonic()
            print(f"{name} …", end="", file=sys.stderr, flush=True)
            rows += importlib.import_module(f"benchmarks.bench_{name}").rows(chosen.quick)
            print(f" {time.monotonic() - begun:.0f} s", file=sys.stderr)
    print("\n".join(table(rows)))
    if not chosen.names and not chosen.quick:
        RESULTS.write_text(document(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
