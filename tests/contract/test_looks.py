"""What pages said, kept on disk: private, bounded, shared by programs, and only what was written there is believed."""

import logging
import sqlite3
import stat
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from tests.http_stub import Reply, Stub, http_stub
from tui.config import ExpositionSettings, JsonSettings, Settings
from tui.domain.series import Grid
from tui.engine.cache.disk import looks_for
from tui.sources.looks import APART, EXPIRE, Looks, Shelf
from tui.sources.metrics.exposition import ExpositionSource
from tui.sources.metrics.json_document import JsonSource

NOW = 1_795_422_000.0
PAGE = ("pod", "http://pod/metrics")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "looks.sqlite"


def shelf(file: Path, *page: str, limit: int = 1 << 20) -> Shelf[str, float]:
    decoder = msgspec.msgpack.Decoder(float)
    return Shelf(Looks(lambda: file, limit), page or PAGE, lambda value: value, decoder.decode)


def kept(
    file: Path, key: str = "a", now: float = NOW, most: int = 100, page: tuple[str, ...] = PAGE
) -> list[float]:
    (looks,) = shelf(file, *page).load([key], now, most)
    return [value for _, value in looks]


def fill(file: Path, count: int, *, start: float = NOW - 3600, key: str = "a", limit: int = 1 << 20) -> None:
    made = shelf(file, limit=limit)
    for n in range(count):
        at = start + n * APART
        made.add({key: (at, float(n))}, at)


def test_what_was_seen_is_there_after_a_restart(file: Path) -> None:
    assert kept(file) == []
    assert not file.parent.exists()
    fill(file, 3)
    assert shelf(file).load(["b", "a"], NOW, 100) == [
        [],
        [(NOW - 3600 + n * APART, float(n)) for n in range(3)],
    ]
    assert kept(file, most=2) == [1.0, 2.0]


def test_only_its_owner_can_read_it(file: Path) -> None:
    fill(file, 1)
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file.parent, file)] == [0o700, 0o600]
    file.chmod(0o644)
    fill(file, 1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_one_thing_is_not_another(file: Path) -> None:
    fill(file, 1)
    assert kept(file, "b") == []
    for page in (("other", PAGE[1]), (PAGE[0], "http://other/metrics"), (PAGE[0] + PAGE[1], "")):
        assert kept(file, page=page) == []
    assert kept(file) == [0.0]


def test_looks_from_just_before_are_not_kept_twice(file: Path) -> None:
    made = shelf(file)
    for n in range(10):
        made.add({"a": (NOW + n * APART / 5, float(n))}, NOW)
    assert kept(file, now=NOW + 2 * APART) == [0.0, 5.0]
    # Nor does a clock that was set back keep them from being kept.
    made.add({"a": (NOW - 100, 7.0)}, NOW)
    assert kept(file, now=NOW + 2 * APART) == [7.0, 0.0, 5.0]


def test_old_ones_go_and_those_of_the_future_do_not_count(file: Path) -> None:
    fill(file, 2, start=NOW - APART)
    assert kept(file, now=NOW - 1) == [0.0]
    assert kept(file, now=NOW + EXPIRE - 1) == [1.0]
    fill(file, 1, start=NOW + EXPIRE, key="b")
    with closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM looks").fetchone() == (1,)


def test_they_take_no_more_than_they_may(file: Path) -> None:
    fill(file, 3000, start=NOW - 3000 * APART, limit=1 << 16)
    assert file.stat().st_size < 1.5 * (1 << 16)
    newest = kept(file, most=10)
    assert newest == [float(n) for n in range(2990, 3000)]


def foreign_tables(file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE looks (mine TEXT)")


def text(file: Path) -> None:
    file.parent.mkdir(exist_ok=True)
    file.write_text("no database at all, but long enough to be taken for one" * 100)


def cut_off(file: Path) -> None:
    fill(file, 300)
    file.write_bytes(file.read_bytes()[:5000])


def overwritten(file: Path) -> None:
    fill(file, 300)
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    file.write_bytes(content)


@pytest.mark.parametrize("spoil", [foreign_tables, text, cut_off, overwritten])
def test_what_is_no_such_file_is_begun_anew(file: Path, spoil: Callable[[Path], None]) -> None:
    spoil(file)
    assert kept(file) == []
    fill(file, 2)
    fill(file, 2, start=NOW - 1000)
    assert kept(file) == [0.0, 1.0, 0.0, 1.0]


def test_a_newer_programs_is_left_to_it(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    fill(file, 2)
    with closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA user_version = 999")
    before = file.read_bytes()
    fill(file, 2, start=NOW - 1000)
    assert (kept(file), file.read_bytes()) == ([], before)
    assert "it is of format 999, and this program knows 1 at most" in caplog.text


@pytest.mark.parametrize("told", [b"", b"\xff", b"x\x9cgarbage", "text", None, 7])
def test_rows_that_nobody_here_wrote_are_left_out(file: Path, told: object) -> None:
    fill(file, 2)
    with closing(sqlite3.connect(file)) as database:
        database.execute("UPDATE looks SET told = ? WHERE at = (SELECT min(at) FROM looks)", (told,))
        database.commit()
    assert kept(file) == [1.0]


def test_where_nothing_can_be_written_nothing_is_kept(
    file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("in the way")
    with caplog.at_level(logging.WARNING):
        fill(file, 1)
    assert "no looks are kept in" in caplog.text
    assert kept(file) == []


def test_a_link_is_not_followed(file: Path, tmp_path: Path) -> None:
    file.parent.mkdir()
    (tmp_path / "precious").write_text("mine")
    file.symlink_to(tmp_path / "precious")
    fill(file, 1)
    assert kept(file) == []
    assert (tmp_path / "precious").read_text() == "mine"


def test_a_locked_file_is_left_as_it_is(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.sources.looks.PATIENCE", 0.0)
    fill(file, 1)
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        fill(file, 1, start=NOW - 60)
        assert kept(file) == []
        database.execute("ROLLBACK")
    assert kept(file) == [0.0]


def test_several_programs_keep_all_that_each_saw(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads with connections of their own, and a process beside them."""
    monkeypatch.setattr("tui.sources.looks.PATIENCE", 300.0)  # of a machine that is busy with other things
    script = (
        "import sys; from pathlib import Path; from tui.sources import looks; looks.PATIENCE = 300.0\n"
        "from tests.contract.test_looks import fill, NOW; fill(Path(sys.argv[1]), 40, start=NOW - 3590)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(file)]) as other:
        threads = [
            threading.Thread(target=fill, args=(file, 40), kwargs={"start": NOW - 3600 + n}) for n in range(3)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert other.wait() == 0
    assert sorted(kept(file, most=1000)) == sorted(float(n) for n in range(40) for _ in range(4))


def test_the_demo_keeps_none() -> None:
    assert looks_for(Settings(sources={})) is None
    assert looks_for(Settings(sources={}, path=Path("config.toml"))) is not None


# --- by the sources -----------------------------------------------------------------------------------------------


class Pages:
    """A page and a document which programs look at, each once, a minute after the other."""

    def __init__(self, stub: Stub, file: Path) -> None:
        self.stub, self.file, self.now = stub, file, NOW

    def says(self, number: float) -> None:
        text = f'# TYPE hits counter\nhits_total{{t="a"}} {number}\nlat_bucket{{le="1"}} {number}\n'
        self.stub.routes["GET /metrics"] = Reply.text(text)
        self.stub.routes["GET /latest.json"] = Reply.json({"x": number, "y": None})

    async def page(self, query: str, name: str = "pod") -> tuple[float | None, ...]:
        settings = ExpositionSettings(url=f"{self.stub.url}/metrics")
        return await self._ask(ExpositionSource(name, settings, clock=lambda: self.now), query)

    async def document(self, query: str, **parameters: str) -> tuple[float | None, ...]:
        settings = JsonSettings(url=f"{self.stub.url}/latest.json", parameters={**parameters})
        return await self._ask(JsonSource("doc", settings, clock=lambda: self.now), query)

    async def _ask(self, source: ExpositionSource | JsonSource, query: str) -> tuple[float | None, ...]:
        """As a program asks that starts, looks once and ends."""
        source.keep_looks(Looks(lambda: self.file))
        try:
            answer = await source.samples(query, Grid(int(self.now) - 180, int(self.now), 60))
        finally:
            await source.close()
        return answer.rows[0][1] if answer.rows else ()


@pytest.fixture
def pages(file: Path) -> Iterator[Pages]:
    with http_stub({}) as stub:
        yield Pages(stub, file)


async def test_a_program_goes_on_where_the_one_before_it_ended(pages: Pages) -> None:
    for number in (60.0, 120.0, 240.0):
        pages.says(number)
        rate = await pages.page("rate(hits_total[1m])")
        plain = await pages.document("/x")
        assert await pages.document("/y") == ()
        pages.now += 60
    assert rate == (None, None, 1.0, 2.0)
    # Held until the next look, as by one program that looked three times.
    assert plain == (None, 60.0, 120.0, 240.0)
    assert len(pages.stub.requests) == 9


async def test_a_range_is_no_part_of_what_is_kept_but_the_selector_is(pages: Pages) -> None:
    for number in (60.0, 120.0):
        pages.says(number)
        await pages.page("hits_total")
        pages.now += 60
    assert (await pages.page("sum(rate(hits_total[3m]))"))[-1] == pytest.approx(0.5)
    assert await pages.page('rate(hits_total{t="a"}[3m])') == (None,) * 4


async def test_a_changed_config_has_a_past_of_its_own(pages: Pages) -> None:
    pages.says(60.0)
    await pages.page("hits_total")
    await pages.document("/x")
    pages.now += 60
    assert await pages.page("hits_total", "pod2") == (None, None, None, 60.0)
    assert await pages.document("/x", team="ml") == (None, None, None, 60.0)
    assert await pages.page("hits_total") == (None, None, 60.0, 60.0)


async def test_a_number_that_was_none_then_is_not_believed(pages: Pages) -> None:
    pages.says(60.0)
    await pages.page("hits_total")
    with closing(sqlite3.connect(pages.file)) as database:
        series = msgspec.msgpack.encode(((("t", "a"),),))
        rows = [(series, [1.0]), (b"", [1.0, 2.0]), (series, ["x", 1.0]), (series, None), "x"]
        told = [zlib.compress(msgspec.msgpack.encode(each)) for each in rows]
        (thing,) = database.execute("SELECT thing FROM looks").fetchone()
        for n, each in enumerate(told):
            database.execute("INSERT INTO looks VALUES (?, ?, ?)", (thing, pages.now - 60 * n - 1, each))
        database.commit()
    assert await pages.page("hits_total") == (None, None, None, 60.0)
