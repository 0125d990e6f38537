import os
import resource
import signal
import stat
import subprocess
import sys
from array import array
from collections.abc import Iterator
from math import nan
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.logs.support import fed
from tui.domain.log import LogLines, SectionClosed, SectionOpened
from tui.logs.blocks import SpoolError
from tui.logs.gitlab import GitLabParser
from tui.logs.jenkins import JenkinsParser
from tui.logs.spool import Spool

linux = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="looks at open files through /proc")


def lines(*texts: bytes, at: int = 0, times: list[float] | None = None) -> LogLines:
    return LogLines(
        b"".join(text + b"\n" for text in texts),
        array("Q", range(at, at + len(texts))),
        None if times is None else array("d", times),
    )


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "cache" / "logs") as spool:
        yield spool


@given(
    batches=st.lists(
        st.lists(
            st.tuples(
                st.binary(max_size=5).map(lambda b: b.replace(b"\n", b"").replace(b"\r", b"")),
                st.integers(0, 9),
            ),
            min_size=1,
            max_size=8,
        ),
        max_size=12,
    ),
    timed=st.lists(st.booleans(), min_size=12, max_size=12),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_line_comes_back_with_its_time_and_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batches: list[list[tuple[bytes, int]]], timed: list[bool]
) -> None:
    monkeypatch.setattr("tui.logs.spool._BLOCK_SIZE", 20)  # so that there are several blocks
    model: list[tuple[bytes, float | None, int]] = []
    with Spool(tmp_path) as spool:
        for batch, with_times in zip(batches, timed, strict=False):
            times = [float(time) if time else nan for _, time in batch]
            spool.append(
                lines(*(text for text, _ in batch), at=len(model), times=times if with_times else None)
            )
            for text, time in batch:
                model.append((text, float(time) if time and with_times else None, len(model)))

        numbers = range(len(spool))
        assert [(spool.read(i), spool.time(i), spool.position(i)) for i in numbers] == model
        assert [spool.read(i, 2) for i in numbers] == [text[:2] for text, _, _ in model]
        assert b"".join(spool.texts()) == b"".join(text + b"\n" for text, _, _ in model)
        assert b"".join(spool.texts(2, 5)) == b"".join(text + b"\n" for text, _, _ in model[2:5])
        for i in numbers:
            first, end = spool.span(i)
            assert first <= i < end
            assert spool.text(i, end) == b"".join(text + b"\n" for text, _, _ in model[i:end])
        assert (spool.read(len(spool)), spool.read(-1), spool.time(len(spool))) == (b"", b"", None)


def test_the_files_are_the_users_alone_and_have_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []
    unlink = os.unlink

    def spy(path: str) -> None:
        modes.append(stat.S_IMODE(os.stat(path).st_mode))
        unlink(path)

    monkeypatch.setattr(os, "unlink", spy)
    directory = tmp_path / "logs"
    before = os.umask(0)
    try:
        with Spool(directory) as spool:
            spool.append(lines(b"secret"))
            assert modes == [0o600]
            assert stat.S_IMODE(directory.stat().st_mode) == 0o700
            assert list(directory.iterdir()) == []
            assert spool.read(0) == b"secret"
    finally:
        os.umask(before)


def test_a_killed_process_leaves_nothing_behind(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; from array import array\n"
        "from tui.logs.spool import Spool; from tui.domain.log import LogLines\n"
        "spool = Spool(Path(sys.argv[1])); spool.append(LogLines(b'text\\n', array('Q', [0])))\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(tmp_path)], timeout=60, check=False)

    assert ended.returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()) == []


def test_the_preview_is_shown_until_the_line_is_whole(spool: Spool) -> None:
    parser = JenkinsParser()

    def feed(data: bytes) -> list[bytes]:
        for batch in parser.feed(data):
            spool.append(batch)
        spool.preview(parser.preview())
        return [spool.read(i) for i in range(len(spool))]

    assert feed(b"one\ntw") == [b"one", b"tw"]
    assert (spool.settled, spool.position(1)) == (1, None)
    assert feed(b"o\x1b[3") == [b"one", b"two3"]
    assert feed(b"1m!") == [b"one", b"two\x1b[31m!\x1b[0m"]
    assert feed(b"\r\nthree") == [b"one", b"two\x1b[31m!\x1b[0m", b"\x1b[31mthree\x1b[0m"]
    assert b"".join(spool.texts()).count(b"\n") == 3
    assert spool.settled == 2


def test_the_preview_has_its_time_and_a_remark_takes_a_line_of_its_own(spool: Spool) -> None:
    parser = GitLabParser()
    row = b"2026-05-08T09:28:43.500000Z 00O text\n"
    spool.remark("190.0 MB before this were not read")
    assert parser.feed(row) == []
    spool.preview(parser.preview())

    assert [spool.read(i) for i in range(2)] == [
        b"\x1b[7m 190.0 MB before this were not read \x1b[0m",
        b"text",
    ]
    assert [spool.time(i) for i in range(3)] == [None, 1778232523.5, None]


def test_progress_shows_its_last_state(spool: Spool) -> None:
    parser = GitLabParser()
    for percent in range(0, 101, 10):
        for batch in parser.feed(b"\r%d%%" % percent):
            spool.append(batch)
        spool.preview(parser.preview())
        assert [spool.read(i) for i in range(len(spool))] == [b"%d%%" % percent]
    for batch in parser.feed(b"\r\ndone\n"):
        spool.append(batch)
    assert b"".join(spool.texts()) == b"100%\ndone\n"


@linux
def test_a_log_longer_than_the_cap_loses_its_middle_and_says_so(tmp_path: Path) -> None:
    with Spool(tmp_path, cap=8000) as spool:
        kept = []
        for number in range(2000):
            spool.append(lines(b"line %04d" % number, at=number * 10))
            kept.append(sum(os.fstat(fd).st_size for fd in open_spools()))
        assert max(kept) <= 8000

        assert spool.gap is not None
        first, end = spool.gap
        assert [spool.read(i) for i in range(first)] == [b"line %04d" % i for i in range(first)]
        assert [spool.read(i) for i in range(end, 2000)] == [b"line %04d" % i for i in range(end, 2000)]
        assert first > 50
        assert 2000 - end > 150
        marker = spool.read(first)
        assert f"{end - first:,} lines".encode() in marker
        assert [spool.read(i) for i in range(first + 1, end)] == [b""] * (end - first - 1)
        assert (spool.position(first), spool.time(first)) == (None, None)
        assert spool.position(end) == end * 10
        assert b"".join(spool.texts()).splitlines()[first : first + 2] == [marker, b"line %04d" % end]
        assert len(spool) == 2000


def open_spools() -> list[int]:
    """The descriptors of this process' spool files, which have no name any more."""
    found = []
    for entry in Path("/proc/self/fd").iterdir():
        try:
            name = os.readlink(entry)
        except FileNotFoundError:  # the listing's own
            continue
        if "/log-" in name and name.endswith(" (deleted)"):
            found.append(int(entry.name))
    return found


@linux
def test_closing_and_starting_anew_give_the_disk_space_back(tmp_path: Path) -> None:
    before = len(open_spools())
    spool = Spool(tmp_path, cap=1000)
    for number in range(200):
        spool.append(lines(b"line", at=number))
    assert 1 < len(open_spools()) - before <= 7

    spool.reset()
    assert (len(open_spools()) - before, len(spool), spool.generation, spool.gap) == (0, 0, 1, None)
    spool.append(lines(b"another log"))
    assert (spool.read(0), spool.read(1)) == (b"another log", b"")

    spool.close()
    spool.close()
    assert (len(open_spools()) - before, len(spool), spool.read(0)) == (0, 0, b"")


def test_a_full_disk_is_said_and_what_was_kept_stays(spool: Spool) -> None:
    spool.append(lines(b"kept"))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, limits[1]))
    try:
        with pytest.raises(SpoolError, match=r"cannot keep the log in .*logs: .*; free some space"):
            spool.append(lines(b"x" * 9000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (len(spool), spool.read(0)) == (1, b"kept")

    spool.append(lines(b"next"))
    assert [spool.read(i) for i in range(2)] == [b"kept", b"next"]


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    spool = Spool(tmp_path / "file" / "logs")

    with pytest.raises(SpoolError, match="file/logs: Not a directory"):
        spool.append(lines(b"text"))


def test_sections_keep_their_place_in_the_whole_log(spool: Spool) -> None:
    spool.append(lines(b"before"))
    inner = SectionOpened(1, 1, "inner", "Inner", parent=0, at=10.0)
    spool.append(
        LogLines(b"Outer\nInner\n", array("Q", [1, 2]), None, (SectionOpened(0, 0, "outer", "Outer"), inner))
    )
    assert [section.name for section in spool.path(2)] == ["outer", "inner"]
    spool.append(LogLines(b"after\n", array("Q", [3]), None, (SectionClosed(1, 0, 12.5),)))
    spool.append(LogLines(b"end\n", array("Q", [4]), None, (SectionClosed(0, 0),)))
    spool.append(
        LogLines(b"end\n", array("Q", [5]), None, (SectionClosed(0, 0, 99.0), SectionClosed(7, 0, 1.0)))
    )

    assert [(s.name, s.first, s.last, s.duration) for s in spool.sections] == [
        ("outer", 1, 3, None),
        ("inner", 2, 2, 2.5),
    ]
    assert spool.sections[0].closed_at == 99.0
    paths = [[section.name for section in spool.path(line)] for line in range(5)]
    assert paths == [[], ["outer"], ["outer", "inner"], ["outer"], []]


def test_a_second_parser_of_the_same_log_numbers_its_sections_anew(spool: Spool) -> None:
    for name in ("a", "b"):
        data = b"section_start:1:%b\r\x1b[0KHeader\nsection_end:2:%b\r\x1b[0K\n" % (
            name.encode(),
            name.encode(),
        )
        for batch in fed(GitLabParser(), [data, b"text\n"]):
            spool.append(batch)

    assert [(section.name, section.first, section.last) for section in spool.sections] == [
        ("a", 0, 0),
        ("b", 2, 2),
    ]


def test_a_line_is_found_by_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.logs.spool._BLOCK_SIZE", 10)
    with Spool(tmp_path) as spool:
        spool.append(lines(b"no time", b"none", at=0))
        for number in range(2, 60):
            spool.append(lines(b"line %d" % number, b"", at=number, times=[100.0 + number, nan]))

        assert spool.line_at(0.0) == 2
        assert spool.line_at(102.0) == 2
        assert spool.line_at(102.5) == 4
        assert spool.line_at(159.0) == spool.settled - 2
        assert spool.line_at(160.0) is None
        spool.reset()
        assert spool.line_at(0.0) is None


def test_memory_does_not_grow_with_the_lines(tmp_path: Path) -> None:
    import tracemalloc

    batch = lines(*[b"x" * 60] * 1000, times=[1.0] * 1000)
    with Spool(tmp_path) as spool:
        spool.append(batch)
        tracemalloc.start()
        for _ in range(300):
            spool.append(batch)
        grown, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert grown < 300_000  # a byte a line; an index of offsets alone would take eight
