"""What a user does first, with the Python of the environment that the wheel was installed into.

``pipedeck --version``, ``pipedeck demo`` in a pipe, and ``pipedeck check`` of servers that answer.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import tui
from tui.sandbox.process import Sandbox

PIPEDECK = Path(sys.prefix) / "bin" / "pipedeck"


def printed(*arguments: str | Path) -> str:
    """What the command prints; it must end well, and have nothing to complain of."""
    done = subprocess.run(
        [PIPEDECK, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if done.returncode or done.stderr:
        sys.exit(f"pipedeck {' '.join(map(str, arguments))}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def checked(folder: Path) -> str:
    with Sandbox() as sandbox:
        settings = sandbox.settings()
        jenkins, gitlab = settings.sources["jenkins"], settings.sources["gitlab"]
        config = folder / "config.toml"
        config.touch(mode=0o600)
        config.write_text(
            f'[sources.jenkins]\ntype = "jenkins"\nurl = "{jenkins.url}"\n'
            f'user = "{jenkins.user}"\ntoken = "{jenkins.token.reveal()}"\n'
            f'[sources.gitlab]\ntype = "gitlab"\nurl = "{gitlab.url}"\n'
            f'token = "{gitlab.token.reveal()}"\nwatch = ["ml/**"]\n'
        )
        return printed("--config", config, "check")


def main() -> None:
    if not Path(tui.__file__).is_relative_to(sys.prefix):
        sys.exit(f"this is not what was installed: {tui.__file__}")
    version = printed("--version").strip()
    if not (picture := printed("demo")).startswith("STATUS"):
        sys.exit(f"pipedeck demo printed no picture:\n{picture}")
    with tempfile.TemporaryDirectory() as folder:
        print(checked(Path(folder)))
    print(f"{version} from its wheel works with Python {sys.version.split()[0]}")


if __name__ == "__main__":
    main()
