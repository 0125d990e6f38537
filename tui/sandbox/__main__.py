"""The sandbox by itself: python -m tui.sandbox. It ends when its stdin does.

The line it prints is JSON: the url of each face, the user and token that they take, and the url of "control", where
it is steered, as tui.sandbox.process.Control does:

  curl -d '{"face": "jenkins", "kind": "unanswered", "path": "/input/"}' CONTROL/fault
  curl -d '{"face": "jenkins", "values": {"denied": ["Build"]}}' CONTROL/options
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
    parser.add_argument("--scenario", choices=get_args(Name), default="demo", help="which world")
    parser.add_argument("--jobs", type=int, default=200, help="Jenkins jobs of the scenario 'many'")
    parser.add_argument("--projects", type=int, default=50, help="GitLab projects of the scenario 'many'")
    parser.add_argument("--seed", type=int, default=7, help="of what is left to chance in it")
    parser.add_argument(
        "--clock",
        choices=("real", "manual"),
        default="real",
        help="manual: the world stands still until it is moved",
    )
    parser.add_argument(
        "--start", type=float, help="seconds since the epoch at which the world begins; default: now"
    )
    parser.add_argument(
        "--stages",
        choices=get_args(StageSource),
        default="pipeline-overview",
        help="what its Jenkins tells stages by",
    )
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
