"""Measure all that has a limit, or the parts named; print one table.

It is written to benchmarks/results.md when all was measured in full.
"""

import argparse
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from itertools import chain, repeat

import msgspec

from benchmarks.subprocess_runner import BROKEN, own_folders, part
from benchmarks.table import RESULTS, document, last_results, table

GROUPS = ("start", "keys", "link", "servers", "process", "logs", "tail", "tests", "charts", "judging")
"""Modules ``bench_NAME``, each with ``rows(quick)``."""


def main() -> int:
    usage = f"python -m benchmarks [--quick] [{' '.join(GROUPS)}]"
    parser = argparse.ArgumentParser(prog="benchmarks", usage=usage, description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of a part; all of them")
    parser.add_argument("--quick", action="store_true", help="counts and sizes only: times are unfair then")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(GROUPS):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    with own_folders():
        # Compiled modules are kept, as they are where it is installed.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        # Each in a process of its own, so that none pays for what another leaves behind. One after the other, but
        # where it is only to be seen that they work.
        spawn, names = multiprocessing.get_context("spawn"), chosen.names or GROUPS
        with ProcessPoolExecutor(4 if chosen.quick else 1, spawn, max_tasks_per_child=1) as pool:
            rows = list(chain.from_iterable(pool.map(part, names, repeat(chosen.quick))))
    broken = any(row.what.endswith(BROKEN) for row in rows)
    if chosen.quick:  # several at once: of what takes time it is only seen that it works
        rows = [msgspec.structs.replace(row, ours=None, theirs=None) if row.timed else row for row in rows]
    before = last_results(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else {}
    print("\n".join(table(rows, before)))
    if not chosen.names and not chosen.quick:
        RESULTS.write_text(document(rows, before), encoding="utf-8")
    return int(broken)


if __name__ == "__main__":
    sys.exit(main())
