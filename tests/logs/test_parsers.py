"""Both parsers against the simple reference, with the bytes cut anywhere."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.logs import reference
from tests.logs.support import Read, fed, read
from tui.logs.gitlab import GitLabParser
from tui.logs.jenkins import JenkinsParser
from tui.logs.parser import Parser
from tui.text.safe import clean

PARSERS: dict[str, Any] = {"jenkins": JenkinsParser, "gitlab": GitLabParser}
REFERENCES = {"jenkins": reference.jenkins, "gitlab": reference.gitlab}

STAMP = b"2026-05-08T09:28:4"
ROW = STAMP + b"3.725057Z 00O "
MORE = STAMP + b"4.000001Z 01E+"

FRAGMENTS = st.sampled_from(
    [
        b"\n", b"\n", b"\r\n", b"\r", b"\r\r\n", b"text", b" ", b"\t", b"[", b"{", b"}", b"0", b"/", b"=",
        # styles, usual and not
        b"\x1b[0m", b"\x1b[m", b"\x1b[0;m", b"\x1b[31m", b"\x1b[1;32m", b"\x1b[01;34m", b"\x1b[39m",
        b"\x1b[99m", b"\x1b[1;97m", b"\x1b[9m", b"\x1b[49m", b"\x1b[22m",
        b"\x1b[2m", b"\x1b[4:3m", b"\x1b[4:0m", b"\x1b[7;5;8m", b"\x1b[5m", b"\x1b[38;5;196m", b"\x1b[38;5;999m",
        b"\x1b[48;2;1;2;3m", b"\x1b[38:2::9:8:7m", b"\x1b[58;5;1m", b"\x1b[38m", b"\x1b[0;38;5;1;49m",
        # other escapes, whole and not
        b"\x1b[2K", b"\x1b[0K", b"\x1b[10;20H",
        b"\x1b[?25l", b"\x1b[>4;1m", b"\x1b]0;title\x07", b"\x1b]52;c;eA==\x1b\\",
        b"\x1bPq\x1b\\", b"\x1b_x\x1b\\", b"\x1b(B", b"\x1bc", b"\x1b",
        b"\x1b[", b"\x1b]", b"\x1bP", b"\x1b[3", b"\x07", b"\x1b\\",
        b"\x1b]8;;http://a.b\x07", b"\x1b]8;id=1;file:///x\x1b\\", b"\x1b]8;;\x07", b"http://a.b",
        # characters
        "é".encode(), "✓".encode(), "中".encode(), "👩‍🔬".encode(),
        b"\xff", b"\xc2", b"\x9b", b"\xe2\x80", b"\xc2\x9b31m",
        "\u202e".encode(), "\u2028".encode(), "\u2066".encode(), "\u061c".encode(),
        "\ufe0f".encode(), "\ufeff".encode(), "\u2060".encode(), b"\x00", b"\x08", b"\x7f", b"\x0b",
        # Jenkins
        b"\x1b[8mha:////4QUJD+/x=\x1b[0m", b"\x1b[8mha:AAAA",
        b"[8mha:QUJD\x1b[0m", b"[8mha:////QUJD[0m", b"\x1b[8mha:",
        b"[Pipeline] ", b"[Pipeline] stage\n", b"[Pipeline] { (a b)\n", b"[Pipeline] }\n", b"[Pipeline] // stage\n",
        b"[Pipeline] parallel\n", b"[Pipeline] // parallel\n", b"[Pipeline] sh\n",
        b"[2026-11-23T08:31:18.067Z] ", b"[2026-13-23T08:31:18.067Z] ", b"[2026-11-23T08:31:18.0",
        # GitLab
        b"section_start:17:a\r\x1b[0K", b"section_end:19:a\r\x1b[0K", b"section_start:18:b.c[collapsed=true]\r\x1b[0K",
        b"section_end:20:b.c\x1b[0K", b"section_start:18:B\r",
        b"section_end:99999999999999999999:B\n", b"section_start:", b"section_end:1:a",
        b"\n" + ROW, b"\n" + MORE, b"\r\n" + MORE, ROW, MORE, b"\n" + STAMP, b"\n2026-99-08T09:28:43.725057Z 00O ",
    ]
)  # fmt: skip
PIECES = st.lists(FRAGMENTS | st.binary(max_size=6), max_size=40).map(b"".join)
LOGS = PIECES | PIECES.map(lambda log: ROW + log)
CUTS = st.lists(st.integers(0, 600), max_size=12)

many = settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def cut(data: bytes, at: list[int]) -> list[bytes]:
    places = [0, *sorted({min(place, len(data)) for place in at}), len(data)]
    return [data[begin:end] for begin, end in pairwise(places)]


def whole(kind: str, directory: Path, chunks: list[bytes], **options: Any) -> Read:
    return read(directory, fed(PARSERS[kind](**options), chunks))


@pytest.fixture(params=["jenkins", "gitlab"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@given(data=LOGS, at=CUTS)
@many
def test_the_lines_are_those_of_the_reference_however_the_bytes_are_cut(
    kind: str, tmp_path: Path, data: bytes, at: list[int]
) -> None:
    log = whole(kind, tmp_path, cut(data, at))

    wanted = REFERENCES[kind](data)
    assert [reference.cells_of(line) for line in log.lines] == [line.cells for line in wanted.lines]
    assert log.times == [line.time for line in wanted.lines]
    assert log.positions == [line.position for line in wanted.lines]
    sections = [
        reference.Part(s.name, s.header, s.first, s.parent, s.collapsed, s.opened_at, s.last, s.closed_at)
        for s in log.sections
    ]
    assert sections == wanted.parts
    assert log == whole(kind, tmp_path, [data])


@given(data=LOGS)
@many
def test_nothing_is_left_that_a_terminal_would_obey(kind: str, tmp_path: Path, data: bytes) -> None:
    for line in whole(kind, tmp_path, [data]).lines:
        text = "".join(character for character, _ in reference.cells_of(line))
        assert clean(text) == text.replace("\t", "    ")


@given(data=LOGS, at=CUTS)
@many
def test_the_preview_shows_what_the_log_would_be_if_it_ended_here(
    kind: str, tmp_path: Path, data: bytes, at: list[int]
) -> None:
    parser: Parser = PARSERS[kind]()
    settled: list[bytes] = []
    for chunk in cut(data, at):
        for batch in parser.feed(chunk):
            settled += batch.text.splitlines()
        preview = parser.preview()
        assert parser.preview().text == preview.text
        size = parser.position

    assert settled + preview.text.splitlines() == whole(kind, tmp_path, [data]).lines
    assert size == len(data) - (data.count(b"\r\n") if kind == "jenkins" else 0)


@given(
    data=st.lists(FRAGMENTS | st.binary(min_size=20, max_size=90), max_size=60).map(b"".join),
    at=CUTS,
    timed=st.booleans(),
)
@many
def test_a_line_without_end_is_broken_in_the_same_places_however_it_is_cut(
    kind: str, tmp_path: Path, data: bytes, at: list[int], timed: bool
) -> None:
    data = ROW + data if timed else data
    log = whole(kind, tmp_path, [data], line_limit=128)

    assert log == whole(kind, tmp_path, cut(data, at), line_limit=128)
    assert log == whole(kind, tmp_path, [data[i : i + 1] for i in range(len(data))], line_limit=128)
