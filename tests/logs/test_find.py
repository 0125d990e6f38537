import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.logs.support import body, fed
from tests.logs.test_spool import lines
from tui.logs.find import Search
from tui.logs.jenkins import JenkinsParser
from tui.logs.rules import Finder, PatternError, errors, pattern, words
from tui.logs.spool import Spool


@pytest.fixture
def spool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Spool]:
    monkeypatch.setattr("tui.logs.spool._BLOCK_SIZE", 40)  # so that there are several blocks
    with Spool(tmp_path) as spool:
        yield spool


def filled(spool: Spool, texts: list[bytes]) -> None:
    for number in range(0, len(texts), 3):
        spool.append(lines(*texts[number : number + 3], at=number))


async def found(search: Search) -> list[int]:
    """All lines, forwards; backwards they must be the same."""
    forwards = []
    at: int | None = -1
    while (at := await search.next(-1 if at is None else at)) is not None:
        forwards.append(at)
    backwards = []
    at = 1 << 40
    while (at := await search.previous(at)) is not None:
        backwards.append(at)
    assert backwards == forwards[::-1]
    return forwards


@given(
    texts=st.lists(
        st.sampled_from([b"", b"error", b"Error x", b"ok", b"an \x1b[31mer\x1b[0mror", b"e.ror"]), max_size=40
    ),
    scanned=st.booleans(),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_search_finds_what_a_look_at_every_line_finds(
    tmp_path: Path, texts: list[bytes], scanned: bool
) -> None:
    with Spool(tmp_path) as spool:
        filled(spool, texts)
        plain = [re.sub(rb"\x1b\[\d*m", b"", text) for text in texts]
        for finder, wanted in (
            (words("error"), [i for i, text in enumerate(plain) if b"error" in text.lower()]),
            (words("Error"), [i for i, text in enumerate(plain) if b"Error" in text]),
            (words("e.r"), [i for i, text in enumerate(plain) if b"e.r" in text]),
            (pattern("^e.r"), [i for i, text in enumerate(plain) if re.match(b"e.r", text, re.I)]),
            (pattern(r"\Sr+O"), []),
        ):
            search = Search(spool, finder)
            if scanned:
                await search.scan()
                assert (search.count, search.scanned) == (len(wanted), len(texts))
                assert [search.rank(line) for line in wanted] == list(range(1, len(wanted) + 1))
            assert await found(search) == wanted


async def test_the_count_follows_a_growing_log(spool: Spool) -> None:
    search = Search(spool, words("x"))
    for number in range(50):
        spool.append(lines(b"x" if number % 5 == 0 else b"y", at=number))
        assert not search.complete
        await search.scan()
        assert (search.complete, search.count) == (True, number // 5 + 1)
    assert await search.next(41) == 45
    assert (search.rank(44), search.rank(45)) == (9, 10)


async def test_a_line_that_is_not_whole_is_not_counted_yet(spool: Spool) -> None:
    search = Search(spool, words("x"))
    spool.append(lines(b"x"))
    spool.preview(lines(b"x"))
    await search.scan()

    assert (search.count, await search.next(0)) == (1, None)


async def test_a_log_that_was_replaced_is_searched_anew(spool: Spool) -> None:
    search = Search(spool, words("x"))
    filled(spool, [b"x"] * 30)
    await search.scan()
    spool.reset()
    spool.append(lines(b"y", b"x"))

    assert not search.complete
    await search.scan()
    assert (search.count, await found(search)) == (1, [1])


async def test_lines_that_were_left_out_are_neither_counted_nor_found(tmp_path: Path) -> None:
    with Spool(tmp_path, cap=4000) as spool:
        search = Search(spool, words("line"))  # is in the marker too
        for number in range(1000):
            spool.append(lines(b"line %d" % number, at=number))
            if number % 100 == 0:
                await search.scan()
        await search.scan()

        assert spool.gap is not None
        kept = [*range(spool.gap[0]), *range(spool.gap[1], 1000)]
        assert search.count == len(kept)
        assert await found(search) == kept


async def test_others_run_while_a_long_log_is_searched(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for number in range(20):
            spool.append(lines(*[b"text"] * 20_000, at=number))
        search = Search(spool, words("nothing"))
        turns = 0

        async def other() -> None:
            nonlocal turns
            while not search.complete:
                turns += 1
                await asyncio.sleep(0)

        await asyncio.gather(search.scan(), other())
        assert turns >= 15


def test_a_pattern_that_is_none_is_refused_with_the_place() -> None:
    with pytest.raises(PatternError, match=r"'\(a' is not a regular expression: .* at position 0"):
        pattern("(a")
    with pytest.raises(PatternError, match=r"'\*' is not"):
        errors(["*"])


@pytest.mark.parametrize("text", ["[ERROR]", "a+b", "(", "ΣΑΣ", "straße", "\\d"])
def test_words_are_taken_as_they_are_written(text: str) -> None:
    finder = words(text)
    block = f"before\n{text}\nafter {text} {text}\n".encode()

    assert finder.lines(block) == [1, 2]
    assert finder.pattern.search(text)


ERRORS = """\
FAILED tests/test_train.py::test_loss - AssertionError: nan
ERROR tests/test_data.py - ModuleNotFoundError: No module named 'torch'
=================================== FAILURES ===================================
========================= 2 failed, 10 passed in 3.21s =========================
E   assert 0.91 > 0.95
Traceback (most recent call last):
[rank0]: Traceback (most recent call last):
ValueError: shapes (3,) and (4,) not aligned
[rank0]: torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB
subprocess.CalledProcessError: Command '['x']' returned non-zero exit status 1.
RuntimeError: CUDA error: device-side assert triggered
node-1:123:456 [0] NCCL WARN Cuda failure 'out of memory'
java.lang.NullPointerException: Cannot invoke method stage() on null object
Caused by: java.io.IOException: Broken pipe
Exception in thread "main" java.lang.Error
ERROR: script returned exit code 1
ERROR: Job failed: exit code 137
Process exited with code 2
make: *** [Makefile:12: train] Error 1
/bin/sh: 1: nvcc: command not found
train.sh: line 3: 12345 Killed                  python train.py
Segmentation fault (core dumped)
[ERROR] Failed to execute goal org.apache.maven.plugins:maven-compiler-plugin
[INFO] BUILD FAILURE
FAILURE: Build failed with an exception.
npm ERR! code ELIFECYCLE
fatal: repository 'https://example.com/x.git/' not found
main.c:3:1: error: expected ';' before '}' token
2026-05-08 09:28:43 ERROR trainer: loss is nan
2026-05-08 09:28:43,123 [CRITICAL] no space left on device
FATAL: command execution failed
panic: runtime error: index out of range
Finished: FAILURE
"""

NO_ERRORS = """\
step 12 loss=0.12 error=0.03
0 errors, 0 warnings
========================= 12 passed in 3.21s =========================
tests/test_errors.py::test_error PASSED
Downloading failure-detector-1.0.jar
exit code 0
Process exited with code 0
+ set -e; trap 'echo error' ERR
[INFO] BUILD SUCCESS
collecting exceptions.py
validation_error 0.031
CUDA available: True
Finished: SUCCESS
pip install errorhandler
FATAL: file does not exist
ERROR: No files to upload
"""


@pytest.mark.parametrize("line", ERRORS.splitlines())
def test_an_error_is_known_by_its_look(line: str) -> None:
    assert errors().lines(b"before\n" + line.encode() + b"\nafter\n") == [1]


@pytest.mark.parametrize("line", NO_ERRORS.splitlines())
def test_what_only_speaks_of_errors_is_none(line: str) -> None:
    assert errors().lines(line.encode() + b"\n") == []


def test_configured_patterns_are_errors_too() -> None:
    finder: Finder = errors([r"^loss is nan", r"DIVERGED"])

    assert finder.lines(b"fine\nloss is nan\nx DIVERGED\nERROR: x\n") == [1, 2, 3]
    assert errors(["No files to upload"]).lines(b"ERROR: No files to upload\n") == [0]


async def test_the_first_error_of_a_gitlab_job_is_what_broke_it(spool: Spool) -> None:
    """The look at a cold cache, and at artifacts that were never made, break nothing."""
    filled(
        spool,
        [
            b"Checking cache for main...",
            b"FATAL: file does not exist",
            b"Failed to extract cache",
            b"$ python train.py",
            b"ValueError: nan",
            b"Uploading artifacts...",
            b"ERROR: No files to upload",
            b"ERROR: Job failed: exit code 1",
        ],
    )
    assert await found(Search(spool, errors())) == [4, 7]


async def test_lines_of_one_traceback_are_one_error(spool: Spool) -> None:
    filled(
        spool,
        [
            b"start",
            b"Traceback (most recent call last):",
            b"  File x",
            b"ValueError: a",
            b"E   x",
            b"E   y",
            b"E   z",
            b"ok",
            b"ERROR: b",
            b"ok",
        ],
    )
    search = Search(spool, errors())
    await search.scan()

    assert await found(search) == [1, 3, 8]
    assert search.count == 3


async def test_the_cut_of_the_blocks_does_not_change_what_is_one_error(tmp_path: Path) -> None:
    texts = [b"ERROR: x" if number % 7 < 4 else b"ok" for number in range(60)]
    wanted = [number for number in range(60) if number % 7 == 0]
    with Spool(tmp_path) as spool:
        search = Search(spool, errors())
        for number, text in enumerate(texts):
            spool.append(lines(text, at=number))
            await search.scan()
        assert (search.count, await found(search)) == (len(wanted), wanted)


async def test_the_errors_of_a_recorded_build(tmp_path: Path) -> None:
    with Spool(tmp_path) as spool:
        for batch in fed(JenkinsParser(), [body("log-downstream")]):
            spool.append(batch)
        search = Search(spool, errors())
        first = await search.next(-1)

        assert first is not None
        assert spool.read(first).startswith(b"java.lang.NullPointerException: ")
        last = await search.previous(len(spool))
        assert last is not None
        assert spool.read(last) == b"Finished: FAILURE"
