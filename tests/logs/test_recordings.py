"""What a real Jenkins sent, read."""

import html
import json
import re
from pathlib import Path

import pytest

from tests.logs import reference
from tests.logs.support import body, fed, read, recording
from tui.logs.jenkins import JenkinsParser

PLAIN = (
    "log-progressiveText-finished-start0",
    "log-progressiveText-finished-past-end",
    "log-progressiveText-running-start0",
    "log-progressiveText-running-past-end",
    "log-progressiveText-running-next",
    "log-console-freestyle-progressiveText",
    "log-console-finished",
    "log-console-after-abort",
    "log-consoleText",
    "log-downstream",
    "log-waiting-for-lock",
    "log-waiting-for-node",
    "multibranch-log",
    "unkillable-console",
    *(
        f"node-log-progressive-{node}"
        for node in ("checkout", "fit", "lint", "promote", "shard-0", "unit", "warm-up")
    ),
)


def text(line: bytes) -> str:
    return "".join(character for character, _ in reference.cells_of(line))


@pytest.mark.parametrize("name", PLAIN)
def test_recorded_logs_are_read_as_the_reference_reads_them_byte_by_byte(name: str, tmp_path: Path) -> None:
    data = body(name)
    log = read(tmp_path, fed(JenkinsParser(), (data[i : i + 1] for i in range(len(data)))))

    wanted = reference.jenkins(data)
    assert [reference.cells_of(line) for line in log.lines] == [line.cells for line in wanted.lines]
    assert log.times == [line.time for line in wanted.lines]
    assert [(s.name, s.first, s.last, s.parent) for s in log.sections] == [
        (part.name, part.first, part.last, part.parent) for part in wanted.parts
    ]
    assert not any("ha:" in text(line) for line in log.lines)


@pytest.mark.parametrize(
    "name",
    [
        "log-progressiveText-finished-start0",
        "log-progressiveText-running-start0",
        "node-log-progressive-promote",
    ],
)
def test_the_position_after_an_answer_is_where_the_server_says_the_next_one_starts(name: str) -> None:
    parser = JenkinsParser()
    parser.feed(body(name))

    assert parser.position == int(recording(name)["headers"]["X-Text-Size"])


def test_consecutive_answers_of_a_running_build_are_one_log(tmp_path: Path) -> None:
    first, second = (body(f"log-progressiveText-running-{part}") for part in ("start0", "next"))
    finished = read(tmp_path, fed(JenkinsParser(), [body("log-progressiveText-finished-start0")]))

    parser = JenkinsParser()
    batches = parser.feed(first) + parser.feed(second)

    assert parser.position == int(recording("log-progressiveText-running-next")["headers"]["X-Text-Size"])
    lines = read(tmp_path, batches).lines
    assert lines == finished.lines[: len(lines)]


def test_an_answer_that_begins_later_has_the_positions_of_the_whole_log(tmp_path: Path) -> None:
    whole = read(tmp_path, fed(JenkinsParser(), [body("log-progressiveText-finished-start0")]))
    begin = whole.positions[9]
    assert begin is not None
    later = JenkinsParser(begin)
    # The server counts newlines, not the CRLF it sends.
    rest = body("log-progressiveText-finished-start0").replace(b"\r\n", b"\n")[begin:]

    assert read(tmp_path, fed(later, [rest])).positions == whole.positions[9:]


def test_the_html_of_the_same_log_has_the_same_text(tmp_path: Path) -> None:
    log = read(tmp_path, fed(JenkinsParser(), [body("log-progressiveText-finished-start0")]))
    page = body("log-progressiveHtml-finished").decode()
    wanted = html.unescape(re.sub(r"<[^>]*>|\x1b\[[0-9;]*m", "", page)).splitlines()

    assert [text(line) for line in log.lines] == wanted


@pytest.mark.parametrize("node", ["fit", "shard-0", "unit", "validate", "lint", "warm-up"])
def test_the_times_of_a_step_are_those_that_the_stage_view_shows(node: str, tmp_path: Path) -> None:
    log = read(tmp_path, fed(JenkinsParser(), [body(f"node-log-progressive-{node}")]))
    shown = json.loads(body(f"wfapi-node-log-{node}-0"))["text"]
    stamped = re.findall(r"<span[^>]*>\[(.*?)Z\]</span> (.*)", shown)

    assert [text(line) for line in log.lines] == [html.unescape(words) for _, words in stamped]
    assert log.times == [reference.utc(stamp[:19], stamp[19:]) for stamp, _ in stamped]


def test_the_stages_of_a_pipeline_are_its_sections(tmp_path: Path) -> None:
    log = read(tmp_path, fed(JenkinsParser(), [body("log-console-finished")]))
    sections = [(section.name, section.parent) for section in log.sections]

    assert sections[:5] == [
        ("checkout", None),
        ("test", None),
        ("parallel", 1),
        ("train", None),
        ("parallel", 3),
    ]
    assert [name for name, parent in sections[5:]] == [
        "validate", "nightly only", "deploy-canary", "promote", "deploy", "Declarative: Post Actions",
    ]  # fmt: skip
    for section in log.sections:
        assert section.last is not None
        assert (
            text(log.lines[section.last])
            == f"[Pipeline] // {'parallel' if section.name == 'parallel' else 'stage'}"
        )


def test_stages_of_a_build_that_was_killed_stay_open(tmp_path: Path) -> None:
    log = read(tmp_path, fed(JenkinsParser(), [body("unkillable-console")]))

    assert [(section.name, section.last) for section in log.sections] == [("loop", None)]
