"""What the deck costs in a real terminal: ``python -m benchmarks.bench_deck [seconds]``.

Time to the first paint and to data, bytes written, memory, time to quit; then requests, bytes and processor time of a
minute beside 200 jobs and 50 projects, busy and idle. Needs the test tools (pyte), and Linux.
"""

import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from tests.e2e.settings import FACES, write_config
from tests.e2e.terminal import Terminal, program
from tui.config import GitLabSettings, JenkinsSettings, Settings
from tui.sandbox.process import Sandbox

ROUNDS = 7
JOBS, PROJECTS = 200, 50
environment: dict[str, str | None] = {"PYTHONDONTWRITEBYTECODE": None}
"""Compiled modules are kept, as they are where it is installed; see :func:`main` for more."""


def when(terminal: Terminal, text: str) -> tuple[float, int]:
    """Seconds from the start, and bytes, until ``text`` stood on the screen."""
    return terminal.wait_for(text) - terminal.started, len(terminal.raw)


def middle(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def start_and_end(command: Sequence[str | Path]) -> None:
    paints, data, charts, sizes, memories, ends = [], [], [], [], [], []
    for _ in range(ROUNDS):
        with Terminal([program(), *command], env=environment) as terminal:
            paints.append(when(terminal, "Pipeline")[0])
            data.append(when(terminal, "deploy-model")[0])
            charts.append(when(terminal, "fail 250")[0])
            terminal.settle(1)
            sizes.append(len(terminal.raw) / 1000)
            memories.append(terminal.memory())
            code, seconds = terminal.wait_exit(terminal.send("q"))
            assert code == 0
            ends.append(seconds)
    print(f"  first paint, s    {middle(paints)}")
    print(f"  first data, s     {middle(data)}")
    print(f"  all of it, s      {middle(charts)}")
    print(f"  kB until then     {middle(sizes)}")
    print(f"  memory, MiB       {middle(memories)}")
    print(f"  quit, s           {middle(ends)}")


def quit_while_all_hang(sandbox: Sandbox, config: Path) -> None:
    ends = []
    for face in FACES:
        sandbox.control.fault(face, "hang")
    for _ in range(ROUNDS):
        before = sandbox.control.requests("gitlab")
        with Terminal([program(), "--config", config], env=environment) as terminal:
            terminal.wait_for(lambda before=before: sandbox.control.requests("gitlab") > before)  # type: ignore[misc]
            ends.append(terminal.wait_exit(terminal.send("q"))[1])
    for face in FACES:
        sandbox.control.fault(face, None)
    print(f"  quit, all hang, s {middle(ends)}")


def a_minute(sandbox: Sandbox, settings: Settings, folder: Path, seconds: float) -> None:
    config = write_config(settings, folder / "config.toml")
    with Terminal([program(), "--config", config], env=environment) as terminal:
        terminal.wait_for("job-")
        terminal.wait_for("project-")
        terminal.watch(10)
        before = {face: sandbox.control.requests(face) for face in FACES}
        cpu = terminal.cpu()
        written = terminal.watch(seconds)
        minutes = seconds / 60
        asked = {face: (sandbox.control.requests(face) - before[face]) / minutes for face in FACES}
        total = ", ".join(f"{face} {number:.0f}" for face, number in asked.items())
        print(f"  requests a minute {sum(asked.values()):.0f} ({total})")
        print(f"  bytes a second    {written / seconds:.0f}")
        print(f"  processor, %      {100 * (terminal.cpu() - cpu) / seconds:.1f}")
        print(f"  memory, MiB       {terminal.memory():.1f}")


def at_rest(settings: Settings) -> Settings:
    """Without the pipelines that are started again and again: every tenth of them."""
    jenkins, gitlab = settings.sources["jenkins"], settings.sources["gitlab"]
    assert isinstance(jenkins, JenkinsSettings)
    assert isinstance(gitlab, GitLabSettings)
    jobs = tuple(f"**/job-??{digit}" for digit in range(1, 10))
    projects = tuple(
        f"group-{group}/project-?{digit}" for group in range(PROJECTS // 10) for digit in range(1, 10)
    )
    sources = {
        **settings.sources,
        "jenkins": msgspec.structs.replace(jenkins, watch=jobs),
        "gitlab": msgspec.structs.replace(gitlab, watch=projects),
    }
    return msgspec.structs.replace(settings, sources=sources)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 60.0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        environment.update({f"XDG_{what}_HOME": name for what in ("CACHE", "STATE", "CONFIG")})
        print("demo, sandbox started with it, 120 columns and 40 lines")
        start_and_end(["demo"])
        with Sandbox() as sandbox:
            print("with a config, 16 pipelines")
            config = write_config(sandbox.settings(), folder / "config.toml")
            start_and_end(["--config", config])
            quit_while_all_hang(sandbox, config)
        with Sandbox("many", jobs=JOBS, projects=PROJECTS) as sandbox:
            print(f"{JOBS} jobs and {PROJECTS} projects, a tenth of them busy")
            a_minute(sandbox, sandbox.settings(), folder, seconds)
        with Sandbox("many", jobs=JOBS, projects=PROJECTS, clock="manual") as sandbox:
            sandbox.control.advance(7200)
            print("nine tenths of them, all at rest")
            a_minute(sandbox, at_rest(sandbox.settings()), folder, seconds)


if __name__ == "__main__":
    main()
