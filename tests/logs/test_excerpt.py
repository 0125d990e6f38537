"""The lines round a first error, from text that anybody may have written."""

from tui.logs.excerpt import AFTER, BEFORE, LAST, last_lines, round_first_error
from tui.logs.rules import errors

LOOK = errors()


def test_the_first_error_has_its_neighbourhood() -> None:
    text = b"".join(b"step %d\n" % n for n in range(50)) + b"ERROR: no space left\n" + b"after\n" * 50
    lines, error = round_first_error(text, LOOK)
    assert error == BEFORE
    assert lines[error] == "ERROR: no space left"
    assert lines[:BEFORE] == ("step 48", "step 49")
    assert lines[error + 1 :] == ("after",) * AFTER


def test_errors_of_what_passed_before_are_passed_over() -> None:
    text = b"ERROR: is retried\n" + b"stage train\n" + b"boom\n" + b"ERROR: exit code 1\n"
    lines, error = round_first_error(text, LOOK, begin=1)
    assert error is not None
    assert lines[error] == "ERROR: exit code 1"
    lines, error = round_first_error(b"ERROR: a\nb\n", LOOK, begin=1)
    assert (lines, error) == (("ERROR: a", "b"), 0), "better one from before than none"


def test_of_a_long_trace_what_was_raised_is_seen() -> None:
    frames = b"".join(b'  File "a.py", line %d, in f\n    g()\n' % n for n in range(40))
    text = b"epoch 1\nTraceback (most recent call last):\n" + frames + b"ValueError: bad label\ndone\n"
    lines, error = round_first_error(text, LOOK)
    assert error == 1
    assert "    … 72 lines of the trace are left out" in lines
    assert lines[-2:] == ("ValueError: bad label", "done")
    assert len(lines) <= 1 + BEFORE + AFTER


def test_without_an_error_the_end_is_shown() -> None:
    lines, error = round_first_error(b"\n".join(b"line %d" % n for n in range(99)) + b"\n\n", LOOK)
    assert error is None
    assert lines == tuple(f"line {n}" for n in range(99 - LAST, 99))
    assert round_first_error(b"", LOOK) == ((), None)


def test_nothing_in_it_is_obeyed_by_a_terminal_nor_endless() -> None:
    text = b"\x1b[31mERROR: a\x1b[0m[/red]\ttab \xe2\x80\xae\x07\x1b]52;c;x\x07\n" + b"y" * 1_000_000 + b"\n"
    lines, _ = round_first_error(text, LOOK)
    assert lines[0].startswith("ERROR: a[/red]    tab ")
    assert all(line.isprintable() and len(line) <= 400 for line in lines)
    assert all(len(line) <= 400 for line in last_lines(text))
