"""What tasks write while they work: the same bytes at the same times, whenever they are asked for.

A task's output is decided with its plan. At a given time it is that output as far as it has come; being cancelled
cuts it off. The faces put their own words around it.
"""

import gzip
from collections.abc import Iterator
from functools import lru_cache
from random import Random

import msgspec

from tui.sandbox.plan import State, Task, TaskState
from tui.sandbox.world import Run

BATCHES = 10.0
"""Writes a second of a task that writes more lines than that: then each holds several."""


class Write(msgspec.Struct, frozen=True, gc=False):
    """Some bytes, written at once. They need not end a line."""

    at: float
    data: bytes
    error: bool = False
    """On stderr."""


def writes(run: Run, state: TaskState, attempt: int, now: float) -> Iterator[Write]:
    """What one attempt at a task has written by ``now``, oldest first."""
    attempted = state.attempts[attempt]
    if attempted.started_at is None or state.task.child:
        return
    end = now if attempted.ended_at is None else min(now, attempted.ended_at)
    outcomes = state.task.outcomes
    outcome = outcomes[attempt] if attempt < len(outcomes) else State.PASSED  # somebody retried it
    for offset, data, error in _output(f"{run.id} {state.task.id} {attempt}", state.task, outcome):
        if (at := attempted.started_at + offset) > end:
            return
        yield Write(at, data, error)


def packed(data: bytes, accept_encoding: str) -> tuple[bytes, dict[str, str]]:
    """``data`` as it goes over the wire, and the headers that say so."""
    headers = {"Vary": "Accept-Encoding"}
    if "gzip" not in accept_encoding or len(data) < 1000:
        return data, headers
    return gzip.compress(data, 1), {**headers, "Content-Encoding": "gzip"}


@lru_cache(maxsize=64)
def _output(key: str, task: Task, outcome: State) -> tuple[tuple[float, bytes, bool], ...]:
    """The writes of a task in seconds from its start."""
    pieces = list(_pieces(task, Random(f"{key} output"), outcome))
    step = task.seconds / (len(pieces) + 1)
    return tuple(((number + 1) * step, *piece) for number, piece in enumerate(pieces))


def _pieces(task: Task, random: Random, outcome: State) -> Iterator[tuple[bytes, bool]]:
    name = task.name.lower()
    count = max(4, int(task.seconds * task.lines))
    if task.lines > BATCHES:
        story = _bulk(count, max(1, round(task.lines / BATCHES)))
    elif any(word in name for word in ("test", "unit", "integration", "smoke", "validate")):
        story = _tests(task, random, outcome is not State.PASSED, count)
    elif any(word in name for word in ("train", "fit", "quantize")):
        story = _training(random, count)
    else:
        story = _commands(task, random, count)
    for data in story:
        yield data, False
    if outcome is State.FAILED:
        for data in _FAILURES[random.randrange(len(_FAILURES))]:
            yield data, True


def _bulk(count: int, batch: int) -> Iterator[bytes]:
    for first in range(0, count, batch):
        yield b"".join(_BULK % (line, line % 977) for line in range(first, min(first + batch, count)))


_BULK = b"%09d  shard 3  records 4096  loss 0.%03d  throughput 1834.2/s  gpu 0: 71 C  mem 31.2/40.0 GB  ok\n"


def _training(random: Random, count: int) -> Iterator[bytes]:
    yield b"$ python -m train --config configs/base.yaml --token [MASKED]\n"
    yield b"\x1b[33mUserWarning: the data loader has 2 workers; 8 are recommended\x1b[0m\n"
    epochs = max(1, count // 8)
    loss = random.uniform(1.5, 2.5)
    for epoch in range(1, epochs + 1):
        loss *= random.uniform(0.8, 0.99)
        for part in range(1, 6):
            bar = "█" * part * 4
            yield f"epoch {epoch}/{epochs}: {part * 20:3}%|{bar:<20}| {part * 64}/320\r".encode()
        yield b"\n"
        yield f"epoch {epoch}/{epochs}  \x1b[1mloss {loss:.4f}\x1b[0m  µ/σ 0.02/1.01\n".encode()


def _tests(task: Task, random: Random, failed: bool, count: int) -> Iterator[bytes]:
    total = task.tests or 40
    yield b"$ pytest -q --junitxml=reports/junit.xml\n"
    yield f"\x1b[1mcollected {total} items\x1b[0m\n".encode()
    files = max(1, min(6, count // 6))
    for number in range(files):
        yield f"tests/test_part_{number}.py ".encode()
        for _ in range(3):
            yield b"." * random.randrange(2, 9)
        yield b"F" if failed and number == files - 1 else b"."
        yield f" [{(number + 1) * 100 // files:3}%]\n".encode()
    if not failed:
        yield f"\x1b[32m===== {total} passed in {task.seconds:.2f}s =====\x1b[0m\n".encode()
        return
    yield b"=================================== FAILURES ===================================\n"
    yield b"    def test_scores_are_calibrated():\n>       assert abs(score(batch) - 0.5) < 0.01\n"
    yield b"E       assert 0.07 < 0.01\n\ntests/test_part_0.py:41: AssertionError\n"
    yield b"FAILED tests/test_part_0.py::test_scores_are_calibrated - assert 0.07 < 0.01\n"
    yield f"\x1b[31m===== 1 failed, {total - 1} passed in {task.seconds:.2f}s =====\x1b[0m\n".encode()


def _commands(task: Task, random: Random, count: int) -> Iterator[bytes]:
    yield f"$ make {task.name.lower().replace(' ', '-')}\n".encode()
    odd = iter(random.sample(_ODD, len(_ODD)))
    for line in range(1, count - 1):
        if line % 7 == 3 and (strange := next(odd, None)):
            yield strange
        else:
            yield f"[{line}/{count}] {random.choice(_STEPS)}\n".encode()
    yield b"done\n"


_STEPS = (
    "copying layers",
    "resolving dependencies",
    "uploading metrics.json",
    "waiting for the rollout to finish: 2 of 3 replicas are ready",
    "\x1b[36mdeployment.apps/scorer\x1b[0m configured",
    "checking 特征 schema",
)
_ODD = (
    b"\x1b]0;owned\x07a title that is none\n",
    b"see \x1b]8;;https://example.com/run/7\x1b\\the report\x1b]8;;\x1b\\ for more\n",
    b"\x1b[2J\x1b[Hcleared? \x9b31mred?\x07 not \xff\xfe UTF-8 \x00\n",
    "right to left: \u202etxt.exe\u202c, wide: 深度学习 👩‍🔬\n".encode(),
    b"long: " + b"0123456789abcdef" * 1200 + b"\n",
)
"""Other people's text at its worst."""

_FAILURES = (
    (
        b"Traceback (most recent call last):\n",
        b'  File "/builds/ml/train.py", line 88, in <module>\n    main()\n',
        b"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.50 GiB\n",
        b"exit code 1\n",
    ),
    (b"make: *** [Makefile:12: all] Error 2\n", b"script returned exit code 2\n"),
)
