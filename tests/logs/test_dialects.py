"""What each dialect looks like, and what becomes of it."""

from pathlib import Path
from typing import NamedTuple

import pytest

from tests.logs.support import Read, fed, read
from tui.logs.gitlab import GitLabParser
from tui.logs.jenkins import JenkinsParser
from tui.logs.neutral import neutral


def at(second: str) -> bytes:
    return f"2026-05-08T09:28:{second}Z 00O".encode()


def gitlab(directory: Path, *rows: bytes) -> Read:
    return read(directory, fed(GitLabParser(), [b"".join(rows)]))


def jenkins(directory: Path, data: bytes) -> Read:
    return read(directory, fed(JenkinsParser(), [data]))


# GitLab ----------------------------------------------------------------------------------------------------------

RUNNER = (
    at("43.700000") + b" Running with gitlab-runner 18.7.0\n",
    at("43.700001") + b" section_start:1778232523:prepare_executor\r\n",
    at("43.700002") + b"+\x1b[0K\x1b[0K\x1b[36;1mPreparing the \"docker\" executor\x1b[0;m\n",
    at("44.000000") + b" Using image\n",
    at("45.000000") + b" section_end:1778232526:prepare_executor\r\n",
    at("45.000001") + b"+\x1b[0Ksection_start:1778232526:step_script[collapsed=true,hide_duration=true]\r\n",
    at("45.000002") + b"+\x1b[0K\x1b[36;1mExecuting\x1b[0;m\n",
    at("46.000000") + b" epoch 1:  10%\r\n",
    at("46.100000") + b"+epoch 1:  50%\r\n",
    at("46.200000") + b"+epoch 1: 100%\n",
    at("47.000000") + b" section_end:1778232530:step_script\r\n",
    at("47.000001") + b"+\x1b[0K\x1b[32;1mJob succeeded\x1b[0;m\n",
)  # fmt: skip


def test_a_trace_with_row_headers(tmp_path: Path) -> None:
    log = gitlab(tmp_path, *RUNNER)

    assert log.lines == [
        b"Running with gitlab-runner 18.7.0",
        b'\x1b[36;1mPreparing the "docker" executor\x1b[0m',
        b"Using image",
        b"\x1b[36;1mExecuting\x1b[0m",
        b"epoch 1: 100%",
        b"\x1b[32;1mJob succeeded\x1b[0m",
    ]
    base = 1778232500.0
    assert log.times == [pytest.approx(base + t) for t in (23.7, 23.700001, 24.0, 25.0, 26.0, 27.0)]
    starts = [0]
    for row in RUNNER:
        starts.append(starts[-1] + len(row))
    assert log.positions == [starts[row] for row in (0, 1, 3, 4, 7, 10)]
    assert [(s.name, s.header, s.first, s.last, s.duration, s.collapsed) for s in log.sections] == [
        ("prepare_executor", 'Preparing the "docker" executor', 1, 2, 3.0, False),
        ("step_script", "Executing", 3, 4, 4.0, True),
    ]


def test_a_row_is_held_until_it_is_known_not_to_go_on() -> None:
    parser = GitLabParser()
    assert parser.feed(RUNNER[0] + RUNNER[3][:31]) == []
    assert parser.preview().text == b"Running with gitlab-runner 18.7.0\n"
    (batch,) = parser.feed(RUNNER[3][31:])
    assert batch.text == b"Running with gitlab-runner 18.7.0\n"
    assert parser.preview().text == b"Using image\n"
    assert parser.position == len(RUNNER[0] + RUNNER[3])


def test_a_chain_of_rows_that_was_broken_does_not_delay_those_behind_it() -> None:
    parser = GitLabParser(line_limit=128)
    for percent in range(20):
        parser.feed(at("46.100000") + b"+" * (percent > 0) + b" " * (percent == 0) + b"%d%%\r\n" % percent)
    batches = parser.feed(at("47.000000") + b" done\n" + at("48.000000") + b" x")

    assert b"".join(batch.text for batch in batches).endswith(b"19%\ndone\n")


def test_rows_without_headers_stay_as_they_are(tmp_path: Path) -> None:
    log = gitlab(tmp_path, b"first\n", RUNNER[0])

    assert log.lines == [b"first", RUNNER[0][:-1]]
    assert log.times == [None, None]


class Marked(NamedTuple):
    name: str
    data: bytes
    lines: list[bytes]
    sections: list[tuple[str, int, int | None]]


MARKERS = (
    Marked(
        "anywhere in a line",
        b"text section_start:1:a\r\x1b[0KA\nin\nend section_end:2:a\r\x1b[0Kafter\n",
        [b"text ", b"A", b"in", b"end ", b"after"],
        [("a", 1, 3)],
    ),
    Marked(
        "an end directly followed by a start",
        b"section_start:1:a\r\x1b[0KA\nsection_end:2:a\r\x1b[0Ksection_start:2:b\r\x1b[0KB\nsection_end:3:b\r\x1b[0K\n",
        [b"A", b"B"],
        [("a", 0, 0), ("b", 1, 1)],
    ),
    Marked("no header", b"section_start:1:a\r\x1b[0K\nin\n", [b"a", b"in"], [("a", 0, None)]),
    Marked(
        "one directly in the other",
        b"section_start:1:a\r\x1b[0Ksection_start:1:b\r\x1b[0KB\n",
        [b"a", b"B"],
        [("a", 0, None), ("b", 1, None)],
    ),
    Marked(
        "ends out of order",
        b"section_start:1:a\r\x1b[0KA\nsection_start:2:b\r\x1b[0KB\nx\nsection_end:5:a\r\x1b[0Ky\nsection_end:9:b\r\x1b[0Kz\n",
        [b"A", b"B", b"x", b"y", b"z"],
        [("a", 0, 2), ("b", 1, 2)],
    ),
    Marked("an end without a beginning", b"x\nsection_end:5:a\r\x1b[0Ky\n", [b"x", b"y"], []),
    Marked("without the carriage return", b"section_start:1:a[collapsed=true]\x1b[0KA\n", [b"A"], [("a", 0, None)]),
    Marked("without the erase", b"section_start:1:a\rA\nsection_end:2:a\n", [b"A"], [("a", 0, 0)]),
    Marked(
        "not a marker",
        b"+ echo section_start:1:a b\nsection_start:x:a\r\n",
        [b"+ echo section_start:1:a b", b"section_start:x:a"],
        [],
    ),
    Marked(
        "a style that is set in a line with nothing else",
        b"section_start:1:a\r\x1b[0KA\x1b[31m\nsection_end:2:a\r\x1b[0K\x1b[0;m\nplain\n",
        [b"A\x1b[31m\x1b[0m", b"\x1b[31m\x1b[0mplain"],
        [("a", 0, 0)],
    ),
)  # fmt: skip


@pytest.mark.parametrize("marked", MARKERS, ids=lambda marked: marked.name)
def test_section_markers(marked: Marked, tmp_path: Path) -> None:
    log = gitlab(tmp_path, marked.data)

    assert log.lines == marked.lines
    assert [(section.name, section.first, section.last) for section in log.sections] == marked.sections


def test_a_section_that_its_parent_took_along_still_learns_how_long_it_took(tmp_path: Path) -> None:
    log = gitlab(tmp_path, next(marked.data for marked in MARKERS if marked.name == "ends out of order"))

    assert [section.duration for section in log.sections] == [4.0, 7.0]


def test_markers_without_number_do_not_fill_the_memory(tmp_path: Path) -> None:
    data = b"".join(b"section_start:1:s%d\r\x1b[0K\n" % number for number in range(12_000))
    log = gitlab(tmp_path, data)

    assert len(log.sections) == 64  # as deep as they are nested
    assert log.lines[-1] == b"s11999"


# Jenkins ---------------------------------------------------------------------------------------------------------

NOTE = b"\x1b[8mha:////4LyWl34A7Bheh0iCtCzsVlOK4qdRhOdP+SD3ch+Sw/VqAAAAlx+LCAAA==\x1b[0m"


@pytest.mark.parametrize(
    "note",
    [
        NOTE,
        b"\x1b[8mha:AAAAlx+LCAAAAAAAAP9b85aBtbiIQTGj\x1b[0m",
        b"\x1b[8mha:1234:AAAAlx+LCAAA=\x1b[0m",
        b"[8mha:////4LyWl34A7Bheh0iCtCzs=[0m",
    ],
    ids=["signed", "unsigned", "hudson", "escape lost"],
)
@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000])
def test_console_notes_are_taken_out_in_all_their_forms(note: bytes, cut: int, tmp_path: Path) -> None:
    data = b"Started by user " + note + b"alice\r\n" + note + b"[Pipeline] sh\r\n"
    log = read(tmp_path, fed(JenkinsParser(), [data[i : i + cut] for i in range(0, len(data), cut)]))

    assert log.lines == [b"Started by user alice", b"\x1b[0;2m[Pipeline] sh\x1b[0m"]
    assert log.positions == [0, len(data.split(b"\n")[0])]


def test_what_a_note_that_was_cut_off_leaves_is_no_garbage(tmp_path: Path) -> None:
    assert jenkins(tmp_path, b"before " + NOTE[:40] + b"\nafter\n").lines == [b"before ", b"after"]


def test_timestamps_become_times(tmp_path: Path) -> None:
    log = jenkins(
        tmp_path,
        b"[2026-11-23T08:31:18.067Z] + date\r\n[2026-11-23T08:31:19.000Z] " + NOTE + b"[Pipeline] stage\r\n"
        b"[2026-11-23T08:31:20.000Z] [Pipeline] { (Build)\r\n[2026-02-30T08:31:20.000Z] x\r\n"
        b"[2026-11-23T08:31:30.500Z] [Pipeline] // stage\r\n",
    )  # fmt: skip

    assert log.lines[0] == b"+ date"
    assert log.lines[3] == b"[2026-02-30T08:31:20.000Z] x"
    base = 1795422678.0
    assert log.times == [pytest.approx(base + 0.067), base + 1, base + 2, None, base + 12.5]
    assert [(s.name, s.first, s.last, s.duration) for s in log.sections] == [("Build", 2, 4, 10.5)]


def test_colours_that_are_never_taken_back_end_at_the_next_marker_line(tmp_path: Path) -> None:
    log = jenkins(tmp_path, b"\x1b[31mred\nstill\n[Pipeline] sh\nplain\n")

    assert log.lines == [
        b"\x1b[31mred\x1b[0m",
        b"\x1b[31mstill\x1b[0m",
        b"\x1b[31m\x1b[0;2m[Pipeline] sh\x1b[0m",
        b"plain",
    ]


# Both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\x1b]0;title\x07text", b"text"),
        (b"\x1b]52;c;c2VjcmV0\x1b\\text", b"text"),
        (b"\x1b]0;never ends", b"0;never ends"),
        (b"\x1bPq#0\x1b\\text", b"text"),
        (b"\x1b[2J\x1b[1;1H\x1b[?1049htext\x1b[K", b"text"),
        (b"a\x08b\x07c\x00d\x7fe\x0bf", b"abcdef"),
        ("a\x9b31mb\x85c\u202ed\u2066e".encode(), b"a31mbcde"),
        (b"a\x9b31mb", "a\ufffd31mb".encode()),
        (b"\x1b]8;;https://a.b/c\x07docs\x1b]8;;\x07 more", b"docs (https://a.b/c) more"),
        (b"\x1b]8;;https://a.b\x1b\\https://a.b\x1b]8;;\x1b\\", b"https://a.b"),
        (b"\x1b]8;;https://evil\x07a\x1b]8;;https://b\x07c\x1b]8;;\x07", b"a (https://evil)c (https://b)"),
        (b"\x1b[8mhidden\x1b[28m \x1b[5mblinking\x1b[0m", b"hidden blinking\x1b[0m"),
        (b"\x1b[01;38;5;9;5mx\x1b[m", b"\x1b[1;38;5;9mx\x1b[0m"),
        (b"\x1b[" + b"1;" * 5000 + b"mx", b"x"),
        (b"tab\there", b"tab\there"),
    ],
)
def test_only_text_and_colours_are_left(raw: bytes, shown: bytes) -> None:
    assert neutral(raw + b"\n") == shown + b"\n"


def test_a_very_long_line_is_broken_behind_progress_or_between_characters() -> None:
    parser = JenkinsParser(line_limit=128)
    progress = b"".join(b"step %d\r" % number for number in range(30))
    batches = parser.feed(progress) + parser.feed("é".encode() * 100 + b"\n") + parser.finish()

    texts = b"".join(batch.text for batch in batches).decode()
    assert "\ufffd" not in texts
    assert texts.count("é") == 100
    assert all(len(text.encode()) <= 128 for text in texts.splitlines())
    assert "step 16\nstep 29\n" in texts


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ((b"one\n", b"\x1b[31;1mERROR: Job failed\n", b"\x1b[0;m"), 2),
        ((b"one\n", b"\x1b[31;1mERROR: Job failed\n", b"\x1b[0;m\n"), 2),
        ((b"one\n\x1b[31;1mERROR: Job failed\n\x1b[0;m\x1b[0K\r\n",), 2),
        ((at("23.000000") + b" one\n", at("24.000000") + b" two\n", at("25.000000") + b" \x1b[0;m\n"), 2),
        ((at("23.000000") + b" one\n", at("24.000000") + b" two\n", at("25.000000") + b" \x1b[0;m"), 2),
        ((b"one\n", b"\x1b[0;m\n", b"three\n"), 3),
        ((b"one\n", b"\n"), 2),
    ],
)
def test_a_last_row_of_colour_codes_only_is_no_line(
    pieces: tuple[bytes, ...], lines: int, tmp_path: Path
) -> None:
    assert len(gitlab(tmp_path, *pieces).lines) == lines
    (tmp_path / "whole").mkdir()
    assert len(gitlab(tmp_path / "whole", b"".join(pieces)).lines) == lines
