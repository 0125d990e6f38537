"""``python -m tui.sandbox``: the sandbox by itself. It ends when its stdin does.

The line it prints names the port of each face, and of ``control``, where it is steered:
``curl -d '{"face": "jenkins", "kind": "unanswered", "path": "/input/"}' CONTROL/fault``, ``CONTROL/options`` with
``{"face": "jenkins", "values": {"denied": ["Build"]}}``, and as :class:`tui.sandbox.process.Control` does.
"""

import argparse
from typing import get_args

from tui.sandbox.jenkins import StageSource
from tui.sandbox.scenario import Name
from tui.sandbox.server import Server, serve
from tui.sandbox.world import Clock


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tui.sandbox",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--scenario", choices=get_args(Name), default="demo")
    parser.add_argument("--jobs", type=int, default=200, help="Jenkins jobs of the scenario 'many'")
    parser.add_argument("--projects", type=int, default=50, help="GitLab projects of the scenario 'many'")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--clock", choices=("real", "manual"), default="real")
    parser.add_argument("--start", type=float, help="seconds since the epoch at which the world begins; now")
    parser.add_argument("--stages", choices=get_args(StageSource), default="pipeline-overview")
    parser.add_argument("--core", default="2.516.3", help="version of its Jenkins")
    parser.add_argument(
        "--trace-every",
        type=float,
        default=10.0,
        help="seconds between two times that a runner sends its log",
    )
    asked = parser.parse_args()
    clock = Clock(asked.start, manual=asked.clock == "manual")
    serve(
        Server(
            asked.scenario,
            clock,
            seed=asked.seed,
            stages=asked.stages,
            jobs=asked.jobs,
            projects=asked.projects,
            core=asked.core,
            trace_every=asked.trace_every,
        )
    )


if __name__ == "__main__":
    main()
