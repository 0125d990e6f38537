"""The deck for a long time in a terminal, beside a sandbox whose servers fail in all ways, while keys are typed.

``python -m benchmarks.soak [--minutes 10]`` (``make soak MINUTES=60``). It goes in rounds: for two thirds of one each
server has another fault every few seconds and keys come as fast as a person's; then all is well, nobody types, and at
the end of that it is measured: memory as it is, and then without what the caches of the libraries hold, which have
bounds. The latter is judged. The exit code is 1 when something grew (:mod:`benchmarks.growth`), the list did not
come back or the deck did not end well.
"""

import argparse
import random
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple, get_args

from benchmarks.growth import RULE, Sample, growth
from benchmarks.pty_sessions import CTRL_Q, Line, command
from benchmarks.subprocess_runner import own_folders
from benchmarks.table import percentile
from tests.e2e.deck import CTRL_L, CTRL_R, ENTER, ESCAPE
from tests.e2e.settings import FACES, write_config
from tui.sandbox.faults import Kind
from tui.sandbox.process import Control, Sandbox

ROUND = 30.0
"""Seconds of a round."""
FAULT = 4.0
"""Seconds after which the servers have other faults."""
KEY = 0.25
"""Seconds between two keys."""
HEAD = "{:>8} {:>10} {:>10} {:>12} {:>8} {:>9} {:>9} {:>9} {:>9} {:>9}"
LINE = "{:>7.0f}s {:>6.1f} MiB {:>6.1f} MiB {:>12} {:>8} {:>6.1f} ms {:>6.0f} ms {:>6.1f} ms {:>6.0f} ms {:>6.0f} kB"

TYPED = (
    *"jjjjkkkkgG",
    *"12345678",
    *"svvo+-=<>nLWdA",
    *(f"/{text}{ENTER}" for text in ("ml", "fraud", "nothing has this name")),
    f"/{ESCAPE}",
    f"l{ESCAPE}",
    f"lG/epoch{ENTER}n{ESCAPE}",
    f"?{ESCAPE}",
    f"i{ESCAPE}",
    f"{ENTER}{ESCAPE}",
    f"a{ESCAPE}",
    "\t",
    "\x1b[5~",
    "\x1b[6~",
    CTRL_L,
    CTRL_R,
)
"""What is typed, in any order. Nothing of it confirms that something is to be changed."""
SIZES = ((80, 24), (120, 40), (160, 50))


class Beat(NamedTuple):
    """The event loop looked up, which it wants to every few milliseconds."""

    late: float
    """Milliseconds, for whatever reason: other programs want the processor, too."""
    held: float
    """Milliseconds of processor time since the time before."""


class Pulse:
    """What the deck writes of its event loop: a line each second."""

    def __init__(self, path: Path) -> None:
        self.path, self._read = path, 0
        self._beats: list[Beat] = []

    def beats(self) -> bool:
        """Whether the loop has looked up since what it wrote was taken."""
        with self.path.open(encoding="ascii") as file:
            file.seek(self._read)
            text = file.read()
        whole = text[: text.rfind("\n") + 1]
        self._read += len(whole)
        self._beats += [Beat(*map(float, beat.split(","))) for beat in whole.split()]
        return bool(self._beats)

    def take(self) -> list[Beat]:
        taken, self._beats = self._beats, []
        return taken


def _storm(line: Line, control: Control, chance: random.Random, seconds: float) -> None:
    """Faults and keys for so long; all is well at the end."""
    end, turn = time.monotonic() + seconds, 0.0
    line.resize(*chance.choice(SIZES))
    while (now := time.monotonic()) < end:
        if now > turn:
            for face in FACES:
                control.fault(face, chance.choice((None, *get_args(Kind))))
            turn = now + FAULT
        line.send(chance.choice(TYPED))
        line.watch(KEY)
    for face in FACES:
        control.fault(face, None)


def _calm(line: Line, seconds: float) -> None:
    """Back to the whole list, whatever is open; everything is asked once more."""
    line.resize(120, 40)
    pressed = 0.0

    def back() -> bool:
        """Pressed until it is heard: what a busy program reads at once with an Escape is another key."""
        nonlocal pressed
        if "Pipeline" in line.text:
            return True
        if time.monotonic() > pressed + 1:
            pressed = line.send("1")
        return False

    for _ in range(3):
        line.send(ESCAPE)
        line.watch(KEY)
    line.wait_for(back)
    for key in ("1", f"/{ESCAPE}", CTRL_R):
        line.watch(KEY)
        line.send(key)
    line.watch(seconds)


class Round(NamedTuple):
    sample: Sample
    resident: float
    """MiB, with the caches of the libraries."""
    beats: Sequence[Beat]
    written: int
    """Bytes, to the terminal."""


def rounds(seconds: float, each: float, seed: int, folder: Path) -> Iterator[Round]:
    """What was measured at the end of each.

    Raises:
        AssertionError: the deck ended, its event loop or its list did not come back, or it did not end well.
    """
    chance = random.Random(seed)
    with Sandbox() as sandbox:
        config = write_config(sandbox.settings(alarms=True), folder / "config.toml")
        pulse = Pulse(folder / "pulse")
        # Which round first needs a library is chance: six MiB of plotext are no growth.
        with Line(command(config, "eager", f"pulse={pulse.path}")) as line:
            line.wait_for("Pipeline")
            line.wait_for(pulse.beats)
            pulse.take()  # of the start
            started = time.monotonic()
            while time.monotonic() < started + seconds:
                _storm(line, sandbox.control, chance, each * 2 / 3)
                _calm(line, each / 3)
                line.wait_for(pulse.beats)
                beats, passed = pulse.take(), time.monotonic() - started
                held = percentile((beat.held for beat in beats), 0.99)
                resident = line.memory()
                line.signal(signal.SIGUSR1)
                for _ in range(2):  # the first line may be of before
                    line.wait_for(pulse.beats)
                    pulse.take()
                sample = Sample(passed, line.memory(), line.descriptors(), line.threads(), held)
                yield Round(sample, resident, beats, line.forget())
            line.send(CTRL_Q)
            code, _ = line.wait_exit()
            assert code == 0, f"the deck ended with {code}:\n{line.text}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--round", type=float, default=ROUND, metavar="SECONDS", help=f"default: {ROUND:g}")
    parser.add_argument("--seed", type=int, default=1, help="of faults and keys")
    asked = parser.parse_args()
    print(
        HEAD.format(
            "after",
            "resident",
            "own",
            "descriptors",
            "threads",
            "held p99",
            "most",
            "late p99",
            "most",
            "written",
        ),
        flush=True,
    )
    samples = []
    signal.signal(
        signal.SIGTERM, lambda *_: sys.exit(143)
    )  # as at any other end: all that was started ends with it
    with own_folders(), TemporaryDirectory(prefix="pipedeck-soak-") as name:
        for sample, resident, beats, written in rounds(
            asked.minutes * 60, asked.round, asked.seed, Path(name)
        ):
            samples.append(sample)
            late = [beat.late for beat in beats]
            loop = sample.held, max(beat.held for beat in beats), percentile(late, 0.99), max(late)
            held = sample.memory, sample.descriptors, sample.threads
            print(LINE.format(sample.seconds, resident, *held, *loop, written / 1000), flush=True)
    print(RULE)
    grown = growth(samples)
    for each in grown:
        judgement = "GREW" if each.too_much else "steady"
        print(f"{each.what}: {each.first:.1f} -> {each.last:.1f}, allowed +{each.allowed:.1f}: {judgement}")
    if not grown:
        print(f"{len(samples)} rounds are too few to judge growth.")
    return int(any(each.too_much for each in grown))


if __name__ == "__main__":
    sys.exit(main())
