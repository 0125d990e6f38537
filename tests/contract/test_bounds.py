"""Numbers, times, documents and bodies as servers send them, brought within bounds."""

import gzip
import math
import zlib

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.domain.health import Trouble
from tui.sources.base import SourceError
from tui.sources.bounds import (
    LONGEST,
    costs_too_much,
    http_date,
    length,
    moment,
    number,
    whole,
    without_long_integers,
)
from tui.sources.coding import MOST_MEMBERS, PIECE, DamagedCoding, ForeignCoding, Inflater
from tui.sources.http.limiter import LONGEST_PAUSE, HttpResponse, Limiter
from tui.text import format as fmt

ANYTHING = st.integers() | st.floats() | st.integers(10**300, 10**4000)


@given(ANYTHING)
@example(2**63 - 1)
@example(10**4000)
@example(math.nan)
def test_whatever_is_sent_as_a_number_can_be_shown(sent: float) -> None:
    at, took = moment(sent), length(sent)
    assert at is None or fmt.clock(at)
    assert took is None or 0 <= took <= LONGEST
    for show in (fmt.duration, fmt.elapsed, fmt.ago, fmt.until):
        assert len(show(number(sent))) < 12
        assert len(show(sent)) < 12
    assert fmt.clock(number(sent))


@given(st.text())
@example("Mon, 99 Foo 99999999999999999999 99:99:99 +999999")
@example("Mon, 01 Jan 0001 00:00:00 +2359")
@example("Fri, 31 Dec 9999 23:59:59 -2359")
def test_whatever_is_sent_as_a_date_is_one_or_none(sent: str) -> None:
    assert isinstance(http_date(sent), float | None)


@pytest.mark.parametrize("sent", ["", "-1", "+1", "1.0", "²", "١", "1" * 19, "1" * 5000, "1_0", " 1"])
def test_what_is_no_count(sent: str) -> None:
    assert whole(sent) is None


def test_a_count() -> None:
    assert whole("099") == 99


Decoded = st.recursive(
    st.none()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(Decoded)
@example(
    {
        "a": "12345678901234567890123",
        '"\\': [1.2345678901234567e-300, 10**18],
        "b\\": "{0000000000000000000000}",
    }
)
def test_a_document_without_long_integers_is_left_as_it_is(value: object) -> None:
    document = msgspec.json.encode(value)
    assert msgspec.json.decode(without_long_integers(document)) == value


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"9" * 30, 1e30),
        (b"-" + b"9" * 30, -1e30),
        (b"1" + b"0" * 400, 1.797e308),
        (b"9" * 4000, 1.797e308),
        (b"0.00000000000000000000001", 1e-23),
        (b"1e00000000000000000000002", 100.0),
        (b"1.50000000000000000000000e1", 15.0),
    ],
)
def test_a_long_integer_is_read_as_a_float(sent: bytes, read: float) -> None:
    document = b'{"n": %s, "s": "%s"}' % (sent, sent)
    assert msgspec.json.decode(without_long_integers(document)) == {
        "n": pytest.approx(read),
        "s": sent.decode(),
    }


def test_where_a_whole_number_is_wanted_a_long_one_is_refused_with_its_place() -> None:
    answer = HttpResponse("GET /x", 200, {}, b'{"id": %s}' % (b"9" * 4000))
    with pytest.raises(SourceError, match=r"Expected `int`, got `float` - at `\$.*`") as caught:
        Limiter("ci").decode(answer, msgspec.json.Decoder(dict[str, int]))
    assert caught.value.trouble is Trouble.WRONG_ANSWER


def test_a_document_that_would_become_too_large() -> None:
    assert not costs_too_much(b'{"jobs": [' + b'{"name": "x", "builds": [{"number": 1}]},' * 10_000 + b"{}]}")
    assert costs_too_much(b"[" + b"{}," * 1_000_000 + b"{}]")


# -- compressed bodies


def inflated(coding: str, body: bytes, step: int = 1 << 16) -> bytes:
    inflater = Inflater(coding)
    pieces = [piece for at in range(0, len(body), step) for piece in inflater.pieces(body[at : at + step])]
    inflater.end()
    assert all(0 < len(piece) <= PIECE for piece in pieces)
    return b"".join(pieces)


def raw(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


@given(
    body=st.binary(max_size=999), times=st.sampled_from([0, 1, 300]), step=st.sampled_from([1, 7, 1 << 16])
)
@example(body=bytes(PIECE), times=3, step=1 << 16)
@example(body=bytes(PIECE - 1), times=1, step=1 << 16)
def test_a_body_is_what_was_packed(body: bytes, times: int, step: int) -> None:
    body *= times
    for coding in ("", "identity"):
        assert inflated(coding, body, step) == body
    for coding in ("gzip", "x-gzip", " GZip "):
        assert inflated(coding, gzip.compress(body), step) == body
    assert inflated("gzip", gzip.compress(body) + gzip.compress(b"x"), step) == body + b"x"
    assert inflated("deflate", zlib.compress(body), step) == body


def test_deflate_without_a_header_and_no_body_at_all() -> None:
    assert inflated("deflate", raw(b"text" * 99)) == b"text" * 99
    assert inflated("gzip", b"") == b""


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip,identity", "compress", "x"])
def test_other_codings_are_refused(coding: str) -> None:
    with pytest.raises(ForeignCoding):
        Inflater(coding)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        gzip.compress(b"{}")[:-1],
        gzip.compress(b"{}") + b"more",
        gzip.compress(b"") * (MOST_MEMBERS + 1),
    ],
    ids=["no gzip", "cut off", "with more behind it", "in too many files"],
)
def test_damage_is_noticed(body: bytes) -> None:
    with pytest.raises(DamagedCoding):
        inflated("gzip", body)


# -- pauses


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def pause_of(wire: Limiter) -> float:
    """Seconds until a request may be sent; 0 when one was."""
    try:
        async with wire.turn("GET /"):
            return 0.0
    except SourceError as error:
        return (error.retry_at or 0.0) - 1_000_000.0


@pytest.mark.parametrize(
    ("told", "pause"),
    [
        ("30", 30.0),
        ("1.5", 1.5),
        ("7200", LONGEST_PAUSE),
        ("9" * 400, LONGEST_PAUSE),
        ("Mon, 12 Jan 1970 13:47:40 GMT", 60.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_PAUSE),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        *((bad, 0.0) for bad in ("", "inf", "nan", "1e3", "-5", "²", "١", "soon", "0x10")),
    ],
)
async def test_a_pause_is_obeyed_for_an_hour_at_most(told: str, pause: float) -> None:
    wire = Limiter("ci", clock=Clock())
    answer = wire.received(HttpResponse("GET /", 429, {"retry-after": told}, b""))
    assert await pause_of(wire) == pause
    noted = "is no time and was ignored" in wire.refuse(answer).message
    assert noted == (told in ("inf", "nan", "1e3", "-5", "²", "١", "soon", "0x10"))


async def test_in_a_long_pause_one_request_may_be_sent_early() -> None:
    clock = Clock()
    wire = Limiter("ci", clock=clock)
    wire.received(HttpResponse("GET /", 503, {"retry-after": "900"}, b""))
    assert not wire.ask_early()
    wire.received(HttpResponse("GET /", 503, {"retry-after": "1000"}, b""))
    assert wire.ask_early()
    assert [await pause_of(wire) for _ in range(2)] == [0.0, 1000.0]
    clock.now += 10
    wire.received(HttpResponse("GET /", 503, {"retry-after": "3600"}, b""))
    assert not wire.ask_early()  # it was, in this pause
    clock.now += 990
    assert wire.ask_early()
    assert await pause_of(wire) == 0.0
    wire.received(HttpResponse("GET /", 200, {}, b""))
    assert await pause_of(wire) == 0.0  # it is over


async def test_a_clock_that_was_set_back_does_not_make_a_pause_longer() -> None:
    clock = Clock()
    wire = Limiter("ci", clock=clock)
    wire.received(HttpResponse("GET /", 429, {"retry-after": "60"}, b""))
    clock.now -= 1e6
    assert await pause_of(wire) == 0.0


@pytest.mark.parametrize(
    ("date", "skew"),
    [
        ("Mon, 12 Jan 1970 13:46:45 GMT", 5.0),
        ("Tue, 13 Jan 1970 13:46:39 GMT", 86399.0),
        ("Wed, 14 Jan 1970 13:46:41 GMT", 0.0),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 0.0),
        ("never", 0.0),
    ],
)
def test_a_clock_more_than_a_day_off_is_not_believed(date: str, skew: float) -> None:
    wire = Limiter("ci", clock=Clock())
    wire.received(HttpResponse("GET /", 200, {"date": date}, b""))
    assert wire.skew == skew
