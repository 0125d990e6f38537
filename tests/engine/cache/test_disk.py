"""Values kept on disk: bounded, private, and nothing believed that is not what was written."""

import os
import stat
import threading
import zlib
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.config import Settings
from tui.domain.pipeline import TestCounts
from tui.domain.tests import Case, CaseDetails, CaseOutcome, Suite, TestReport
from tui.engine.cache.disk import DiskCache, default_folder, disk_cache_for

REPORT = TestReport(
    TestCounts(2, 1, 0),
    (
        Suite(
            "unit",
            (Case("a", "T", CaseOutcome.PASSED, 0.5), Case("b", "T", CaseOutcome.FAILED, failed_since=3)),
        ),
    ),
    ("a note",),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "tests"


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.exists() else []


def test_what_was_kept_is_there_after_a_restart(folder: Path) -> None:
    DiskCache(folder).put("run 7", REPORT)
    assert DiskCache(folder).get("run 7", TestReport) == REPORT
    assert DiskCache(folder).get("run 8", TestReport) is None


def test_the_last_value_counts(folder: Path) -> None:
    history = DiskCache(folder)
    history.put("case", CaseDetails("old"))
    history.put("case", CaseDetails("new"))
    assert history.get("case", CaseDetails) == CaseDetails("new")
    assert len(files(folder)) == 1


def test_only_its_owner_can_read_it(folder: Path) -> None:
    folder.mkdir(mode=0o777, parents=True)
    folder.chmod(0o777)
    DiskCache(folder).put("run", REPORT)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [stat.S_IMODE(file.stat().st_mode) for file in files(folder)] == [0o600]


def spoilt(content: bytes) -> dict[str, bytes]:
    header, _, body = content.partition(b"\n")
    key, value = msgspec.msgpack.decode(zlib.decompress(body))

    def packed(*what: object) -> bytes:
        return header + b"\n" + zlib.compress(msgspec.msgpack.encode(what))

    return {
        "empty": b"",
        "cut off": content[:-3],
        "cut in the header": content[:5],
        "more after the end": content + b"x",
        "an older format": content.replace(b"1", b"0", 1),
        "not compressed": header + b"\n" + msgspec.msgpack.encode((key, value)),
        "noise": os.urandom(200),
        "another key": packed("run 8", value),
        "another type": packed(key, 7),
        "other fields": packed(key, {"suites": [{"name": None}]}),
        "more values": packed(key, value, 1),
    }


@pytest.mark.parametrize(
    "how", list(spoilt(b"pipedeck 1\n" + zlib.compress(msgspec.msgpack.encode(("k", 1)))))
)
def test_a_file_that_is_not_what_was_written_counts_as_absent_and_goes(folder: Path, how: str) -> None:
    history = DiskCache(folder)
    history.put("run 7", REPORT)
    (file,) = files(folder)
    file.write_bytes(spoilt(file.read_bytes())[how])
    assert history.get("run 7", TestReport) is None
    assert files(folder) == []
    history.put("run 7", REPORT)
    assert history.get("run 7", TestReport) == REPORT


def test_what_a_newer_program_kept_is_left_to_it(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    history = DiskCache(folder)
    history.put("run 7", REPORT)
    (file,) = files(folder)
    newer = file.read_bytes().replace(b"pipedeck 1", b"pipedeck 12", 1)
    file.write_bytes(newer)
    assert history.get("run 7", TestReport) is None
    history.put("run 7", REPORT)
    assert file.read_bytes() == newer
    assert "is of format 12, and this program knows 1 at most" in caplog.text


def test_a_link_or_a_pipe_is_no_kept_value(folder: Path, tmp_path: Path) -> None:
    history = DiskCache(folder)
    history.put("run 7", REPORT)
    (file,) = files(folder)
    file.rename(tmp_path / "precious")
    file.symlink_to(tmp_path / "precious")
    assert history.get("run 7", TestReport) is None
    file.unlink()
    os.mkfifo(file)
    assert history.get("run 7", TestReport) is None
    history.put("run 7", REPORT)
    assert history.get("run 7", TestReport) == REPORT


def test_without_a_home_nothing_is_kept_and_it_says_why(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "~nobody-of-that-name/x")
    history = DiskCache()
    history.put("run 7", REPORT)
    assert history.get("run 7", TestReport) is None
    assert "~nobody-of-that-name is no home directory here" in caplog.text


@given(st.binary(max_size=300))
def test_no_content_is_believed_or_does_harm(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    folder = tmp_path_factory.getbasetemp() / f"noise-{threading.get_ident()}"
    history = DiskCache(folder)
    history.put("run 7", REPORT)
    (file,) = files(folder)
    file.write_bytes(content)
    assert history.get("run 7", TestReport) is None


def test_a_bomb_is_not_unpacked(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.engine.cache.disk.LARGEST_VALUE", 1000)
    history = DiskCache(folder)
    history.put("run", CaseDetails("x" * 2000))
    assert history.get("run", CaseDetails) is None
    history.put("run", CaseDetails("x" * 200))
    assert history.get("run", CaseDetails) is not None


def value(n: int, size: int = 1000) -> CaseDetails:
    """Takes some ``size`` bytes, however it is compressed."""
    return CaseDetails(os.urandom(size // 2).hex(), str(n))


def test_all_together_stay_within_the_limit_and_the_least_used_go_first(folder: Path) -> None:
    history = DiskCache(folder, limit=20_000)
    for n in range(100):
        history.put(f"run {n}", value(n))
        history.get("run 0", CaseDetails)
        for file in files(folder):
            # Files made within one tick of the clock are told apart by their names only.
            os.utime(file, ns=(0, file.stat().st_mtime_ns - 1_000_000_000))
        assert sum(file.stat().st_size for file in files(folder)) <= 20_000
    kept = [n for n in range(100) if history.get(f"run {n}", CaseDetails)]
    assert kept[0] == 0, "it was used all the time"
    assert kept[1:] == list(range(100 - len(kept) + 1, 100))
    assert len(kept) > 10


def test_one_value_may_not_push_out_all_others(folder: Path) -> None:
    history = DiskCache(folder, limit=20_000)
    history.put("small", value(1))
    history.put("large", value(2, 12_000))
    assert history.get("large", CaseDetails) is None
    assert history.get("small", CaseDetails) is not None


@pytest.mark.parametrize("what", ["a file in its place", "a folder in the file's place"])
def test_where_nothing_can_be_written_nothing_is_kept(folder: Path, what: str) -> None:
    history = DiskCache(folder)
    if what == "a file in its place":
        folder.parent.mkdir()
        folder.write_text("")
    else:
        history.put("run", REPORT)
        (file,) = files(folder)
        file.unlink()
        file.mkdir()
    history.put("run", REPORT)
    assert history.get("run", TestReport) is None
    if folder.is_dir():
        assert [path.name for path in files(folder) if path.is_file()] == [], "nothing half written is left"


def test_several_may_write_at_once(folder: Path) -> None:
    def write(n: int) -> None:
        history = DiskCache(folder, limit=30_000)
        for turn in range(20):
            history.put(f"run {turn % 4}", value(n))
            history.get(f"run {turn % 4}", CaseDetails)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(DiskCache(folder).get(f"run {n}", CaseDetails) for n in range(4))


def test_the_demo_leaves_nothing_behind() -> None:
    settings = Settings(sources={})
    assert disk_cache_for(settings) is None
    assert disk_cache_for(msgspec.structs.replace(settings, path=Path("config.toml"))) is not None


def test_the_folder_is_the_persons_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "pipedeck" / "tests"
    DiskCache().put("run", REPORT)
    assert DiskCache(default_folder()).get("run", TestReport) == REPORT
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_folder().parts[-2:] == ("pipedeck", "tests")
