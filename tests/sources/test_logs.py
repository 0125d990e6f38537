"""What is new of an answer that should begin with what was shown, however it is cut (hypothesis)."""

from hypothesis import given
from hypothesis import strategies as st

from tui.sources.logs import KNOWN, Overlap

_bodies = st.binary(max_size=400)


def passed_on(overlap: Overlap, body: bytes, cuts: list[int]) -> bytes:
    at = sorted(min(cut, len(body)) for cut in cuts)
    begins, ends = [0, *at], [*at, len(body)]
    got = b"".join(overlap.new(body[begin:end]) for begin, end in zip(begins, ends, strict=True))
    overlap.end()
    return got


@given(body=_bodies, shown=st.integers(0, 400), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_only_what_is_new_is_passed_on(body: bytes, shown: int, cuts: list[int]) -> None:
    shown = min(shown, len(body))
    overlap = Overlap(shown, body[:shown][-KNOWN:])
    assert passed_on(overlap, body, cuts) == body[shown:]
    assert (overlap.found, overlap.short, overlap.differs, overlap.size) == (True, False, False, len(body))


@given(
    body=_bodies.filter(bool),
    shown=st.integers(1, 400),
    place=st.integers(0, KNOWN - 1),
    cuts=st.lists(st.integers(0, 400), max_size=6),
)
def test_nothing_of_another_text_is(body: bytes, shown: int, place: int, cuts: list[int]) -> None:
    shown = min(shown, len(body))
    known = bytearray(body[:shown][-KNOWN:])
    known[place % len(known)] ^= 1
    overlap = Overlap(shown, bytes(known))
    assert passed_on(overlap, body, cuts) == b""
    assert (overlap.found, overlap.differs) == (False, True)


@given(body=_bodies, more=st.integers(1, 400), cuts=st.lists(st.integers(0, 400), max_size=6))
def test_nothing_of_a_shorter_text_is(body: bytes, more: int, cuts: list[int]) -> None:
    overlap = Overlap(len(body) + more, b"x" * min(KNOWN, len(body) + more))
    assert passed_on(overlap, body, cuts) == b""
    assert (overlap.found, overlap.short, overlap.differs) == (False, True, False)
