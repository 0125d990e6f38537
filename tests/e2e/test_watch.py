"""``pipedeck watch``: changes as lines, while the world goes on."""

import json
from collections.abc import Callable
from pathlib import Path

from tests.e2e.command import pipedeck
from tests.e2e.following import Following
from tests.e2e.terminal import program
from tui.sandbox.process import Sandbox

RUN = "jenkins:ml/vision/train-resnet#9"


def pace(sandbox: Sandbox) -> Callable[[], object]:
    return lambda: sandbox.control.advance(1.0)


def test_a_run_is_followed_to_its_end_and_its_exit_code(sandbox: Sandbox, config: Path) -> None:
    with Following([program(), "watch", RUN, "--config", config]) as following:
        following.wait_for(lambda: following.lines)
        assert following.wait(pace(sandbox)) == 0
    assert following.said == ""
    told = [line.split("  ", 1)[1] for line in following.lines]
    assert told[0].startswith(f"{RUN} began")
    assert told[-1].startswith(f"{RUN} passed after ")
    assert any(" stage " in line and " passed" in line for line in told)
    ended = pipedeck("watch", "jenkins:failing-pipeline", "--json", "--config", config)
    assert (ended.returncode, ended.stderr) == (1, "")
    (line,) = map(json.loads, ended.stdout.splitlines())
    assert (line["schema"], line["kind"], line["state"]) == (1, "run", "failed")
    assert line["subject"] == "jenkins:failing-pipeline#5"


def test_all_that_is_watched_is_told_of_until_nobody_reads(sandbox: Sandbox, config: Path) -> None:
    with Following([program(), "watch", "--json", "--config", config]) as following:

        def kinds() -> set[str]:
            return {json.loads(line)["kind"] for line in following.lines}

        following.wait_for(lambda: {"verdict", "run", "stage"} <= kinds(), pace(sandbox))
    assert following.said == ""
