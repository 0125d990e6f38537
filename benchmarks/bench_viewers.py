"""Other programs that show logs, opening the same file at its end: less, lnav and toolong, where installed.

toolong needs an older Textual, so it lives in an environment of its own: ``PIPEDECK_TOOLONG`` names its command
``tl`` where that is not in ``PATH``.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.table import Row
from tests.e2e.terminal import Terminal

LAST = "the very last line"

OURS = """
import sys
from pathlib import Path
import tempfile
from textual.app import App
from tui.logs.jenkins import JenkinsParser
from tui.logs.spool import Spool
from widgets.log.view import LogView

class Deck(App):
    async def on_mount(self):
        self.animation_level = "none"
        spool, parser = Spool(Path(tempfile.mkdtemp(dir=sys.argv[2]))), JenkinsParser()
        with open(sys.argv[1], "rb") as file:
            while chunk := file.read(1 << 16):
                for batch in parser.feed(chunk):
                    spool.append(batch)
        for batch in parser.finish():
            spool.append(batch)
        await self.mount(LogView(spool))

Deck().run()
"""


def _opened(command: Sequence[str | Path], home: Path) -> float:
    """Seconds until the last line is on the screen."""
    with Terminal(command, env={"HOME": str(home), "LESS": None}) as terminal:
        return terminal.wait_for(LAST, 300) - terminal.started


def beside(lines: int) -> list[Row]:
    with tempfile.TemporaryDirectory(prefix="pipedeck-bench-") as name:
        folder = Path(name)
        file = folder / "long.log"
        with file.open("wb") as out:
            for start in range(0, lines, 10_000):
                out.write(
                    b"".join(
                        (b"step %d loss=0.1 " % n).ljust(199, b"x") + b"\n"
                        for n in range(start, start + 10_000)
                    )
                )
            out.write(LAST.encode() + b"\n")
        size = file.stat().st_size / 1e6
        ours = _opened([sys.executable, "-c", OURS, file, folder], folder)
        found = []
        what = f"a file of {size:.0f} MB read to its end and shown"
        for viewer, asked, arguments in (
            ("less", "less", ["+G"]),
            ("lnav", "lnav", ["-q"]),
            ("toolong", os.environ.get("PIPEDECK_TOOLONG", "tl"), []),
        ):
            if (program := shutil.which(asked)) is None:
                found.append(Row(what, ours, "s", f"{viewer} (not installed)"))
            else:
                found.append(Row(what, ours, "s", viewer, _opened([program, *arguments, file], folder)))
    return found
