"""What the deck sends over the line: a change costs what the change costs."""

from pathlib import Path

from tests.e2e.deck import CTRL_L, ENTER, Deck

SIZE = (120, 40)


def test_the_first_screen_and_what_changes_on_it_cost_little(config: Path) -> None:
    with Deck(config, size=SIZE) as deck:
        deck.loaded()
        deck.settle()
        assert len(deck.raw) < 32_000, "all that was drawn from nothing to the loaded deck"
        deck.send("/")
        deck.wait_for("›◊ ml/vision/deploy")
        deck.send("old-import")  # nothing of it moves
        deck.wait_for("1 of 17")
        deck.send(ENTER)
        deck.wait_for("❯✓ old-import")
        deck.wait_for("critical path  old-import")
        deck.settle(1)
        at_rest = deck.rows()  # not the header and the preview, where news may come meanwhile

        # A sheet is drawn, and what it covered.
        begun = len(deck.raw)
        deck.sources_sheet()
        deck.wait_for(lambda: deck.rows() == at_rest)
        assert len(deck.raw) - begun < 30_000

        begun = len(deck.raw)
        deck.send("\x1b[I")  # the terminal has the focus, as it had before
        deck.settle(0.5)
        assert len(deck.raw) - begun < 500

        begun = len(deck.raw)
        deck.send(CTRL_L)
        deck.wait_for(lambda: len(deck.raw) - begun > 4_000)  # all is sent again
        deck.wait_for(lambda: deck.rows() == at_rest)


def test_a_terminal_without_utf_8_gets_ascii_and_keeps_its_backgrounds_where_colours_are_few(
    config: Path,
) -> None:
    with Deck(config, size=SIZE, env={"LC_ALL": "C", "COLORTERM": None}) as deck:
        for words in (">= ml/vision/deploy", "= deploy-model", "x failing-pipeline", "Deploy canary"):
            deck.wait_for(words)
        deck.settle()
        assert bytes(deck.raw).isascii()
        assert b"48;5;" not in deck.raw
        assert b"48;2;" not in deck.raw
        assert deck.wait_exit(deck.send("q"))[0] == 0
