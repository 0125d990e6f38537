import io

import pytest
from rich.cells import cell_len

from tui.text.few_characters import in_encoding, lacks, terminal_encoding, write_without_escapes
from widgets.theme import STATUS

TEXT = "◊ ml/évaluation ❯✗ 日本 ⠤⣿ │─╭ ▁▇ … ↑ \N{SNOWMAN}"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "koi8-r"])
def test_what_an_encoding_lacks_is_drawn_as_wide_with_what_it_has(encoding: str) -> None:
    drawn = in_encoding(TEXT, encoding)
    assert drawn.encode(encoding).decode(encoding) == drawn
    assert cell_len(drawn) == cell_len(TEXT)
    assert "\\" not in drawn


def test_the_statuses_differ_in_ascii_too() -> None:
    assert len({in_encoding(style.glyph, "ascii") for style in STATUS.values()}) == len(STATUS)


def test_what_can_be_said_stays() -> None:
    assert in_encoding(TEXT, "utf-8") == TEXT
    assert in_encoding("é ✓", "latin-1") == "é +"


@pytest.mark.parametrize(
    ("environment", "python", "encoding"),
    [
        ({}, "utf-8", "utf-8"),
        ({"LANG": "C.UTF-8"}, "utf-8", "utf-8"),
        ({"LC_ALL": "C"}, "utf-8", "ascii"),
        # Python says so in LC_CTYPE where the locale is C.
        ({"LANG": "C", "LC_CTYPE": "C.UTF-8"}, "utf-8", "ascii"),
        ({"LC_CTYPE": "C.UTF-8"}, "utf-8", "utf-8"),
        ({"LANG": "de_DE"}, "iso8859-1", "iso8859-1"),
        ({"LC_ALL": "en_US.UTF-8", "LANG": "C"}, "utf-8", "utf-8"),
    ],
)
def test_what_the_terminal_understands(environment: dict[str, str], python: str, encoding: str) -> None:
    assert terminal_encoding(environment, python) == encoding
    assert lacks(encoding) is (encoding != "utf-8")


def test_a_stream_draws_what_it_lacks() -> None:
    file = io.BytesIO()
    stream = io.TextIOWrapper(file, encoding="ascii")
    write_without_escapes(stream)
    stream.write("✓ é\n")
    stream.flush()
    assert file.getvalue() == b"+ e\n"
