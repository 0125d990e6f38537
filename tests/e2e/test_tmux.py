"""A person's session, from a shell in tmux and back to it."""

from pathlib import Path

from tests.e2e.deck import ENTER, ESCAPE, SIDE
from tests.e2e.terminal import program
from tests.e2e.tmux import Tmux

SHELL = ["env", "PS1=prompt> ", "ENV=", "sh", "-i"]


def test_a_session_in_tmux(config: Path, tmp_path: Path) -> None:
    with Tmux(SHELL) as tmux:
        before, after = tmp_path / "before", tmp_path / "after"
        tmux.wait_for("prompt>")
        tmux.send(f"stty -g > {before}; echo as it $((1 + 1))as\r")
        tmux.wait_for("as it 2as")

        # It opens and lists both sources, the stages of what needs a person first, and its model's charts.
        tmux.send(f"{program()} --config {config}\r")
        for text in (
            "❯◊ ml/vision/deploy",
            "ml/features/store",
            "Watch canary",
            "critical path",
            "3 waiting",
        ):
            tmux.wait_for(text)
        assert tmux.ask("#{alternate_on} #{cursor_flag} #{mouse_any_flag}") == "1 0 1"

        # It moves; the other panes follow.
        tmux.send("jj")
        tmux.wait_for("❯◊ ml/fraud")
        tmux.wait_for("gitlab:ml/fraud#1851")
        tmux.send("G")
        tmux.wait_for("❯- never-built")
        tmux.wait_for("It never ran.")
        tmux.send("g")
        tmux.wait_for("❯◊ ml/vision/deploy")
        tmux.wait_for("Watch canary")

        # It filters as one types, and Escape brings the rest back.
        tmux.send("/")
        tmux.wait_for("›◊ ml/vision/deploy")
        tmux.send("vision quan")
        tmux.wait_for(lambda: "ml/vision/quantize" in tmux.text and "ml/fraud" not in tmux.text)
        tmux.send(ENTER)
        tmux.wait_for("❯» ml/vision/quantize")
        tmux.send(ESCAPE)
        tmux.wait_for(lambda: "ml/fraud" in tmux.text)
        tmux.wait_for("❯» ml/vision/quantize")
        tmux.send("g")

        # One pane at a time where there is little room; the way back keeps what was selected.
        tmux.resize(80, 24)
        tmux.wait_for(lambda: SIDE not in tmux.text and "❯◊ ml/vision/deploy" in tmux.text)
        tmux.send("o")
        tmux.wait_for(lambda: "Watch canary" in tmux.text and "ml/fraud" not in tmux.text)
        tmux.send("3")
        tmux.wait_for(lambda: "⠤c⠤ canary" in tmux.text and "Watch canary" not in tmux.text)
        tmux.resize(120, 40)
        for text in (SIDE, "deploy-model", "ml/fraud", "Watch canary", "⠤c⠤ canary"):
            tmux.wait_for(text)

        # It leaves the terminal as it was.
        tmux.send("1q")
        tmux.wait_for(lambda: tmux.text.rstrip().endswith("prompt>"))
        assert "as it 2as" in tmux.text
        assert tmux.ask("#{alternate_on} #{cursor_flag} #{mouse_any_flag}") == "0 1 0"
        tmux.send(f"stty -g > {after}; echo code $? at the $((2 + 1))nd\r")
        tmux.wait_for("code 0 at the 3nd")
        assert after.read_text() == before.read_text()
        assert "prompt> " in tmux.text
