from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.domain.address import Address, AddressError, RunId, parse_address
from tui.text.safe import clean

JOINED = "\N{WOMAN}\N{ZERO WIDTH JOINER}\N{PERSONAL COMPUTER}"
HEART = "\N{HEAVY BLACK HEART}\N{VARIATION SELECTOR-16}"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("gitlab:ml/fraud#1842/train", Address("gitlab", "ml/fraud", 1842, "train")),
        ("jenkins:ml/vision/train-resnet#12", Address("jenkins", "ml/vision/train-resnet", 12)),
        ("jenkins:ml-service/feature%2Fx", Address("jenkins", "ml-service/feature%2Fx")),
        ("jenkins:ml-service/feature%2Fx#3", Address("jenkins", "ml-service/feature%2Fx", 3)),
        ("jenkins:rec/scorer/bug%237#1", Address("jenkins", "rec/scorer/bug%237", 1)),
        ("jenkins:rec/scorer/100%25", Address("jenkins", "rec/scorer/100%25")),
        ("jenkins:svc/a%2523b%2540", Address("jenkins", "svc/a%2523b%2540")),
        ("jenkins:svc/%3Fq%5B1%5D%5C", Address("jenkins", "svc/%3Fq%5B1%5D%5C")),
        ("jenkins:svc/%00#1", Address("jenkins", "svc/%00", 1)),
        ("jenkins:svc/%2E.", Address("jenkins", "svc/%2E.")),
        ("jenkins:~job+a,b = 'c' (d)", Address("jenkins", "~job+a,b = 'c' (d)")),
        ("jenkins:deploy-model#7!Promote", Address("jenkins", "deploy-model", 7, gate="Promote")),
        ("gitlab:ml/fraud#1/build: [a/b]~77", Address("gitlab", "ml/fraud", 1, "build: [a/b]~77")),
        ("gitlab:ml/fraud#1/deploy%21!play", Address("gitlab", "ml/fraud", 1, "deploy!", gate="play")),
        ("gitlab:ml/fraud#1/50%25 @ #2", Address("gitlab", "ml/fraud", 1, "50% @ #2")),
        ("gitlab:ml/fraud@review/x", Address("gitlab", "ml/fraud", environment="review/x")),
        ("jenkins:fraud@a#b!c@d%40e%2F", Address("jenkins", "fraud", environment="a#b!c@d%40e%2F")),
        ("jenkins:träining job", Address("jenkins", "träining job")),
        ("jenkins:\N{ROCKET}/\N{LATIN SMALL LETTER SHARP S}#1", Address("jenkins", "\N{ROCKET}/ß", 1)),
    ],
)
def test_what_was_an_address_before_text_ids_and_odd_names_is_read_and_written_the_same(
    text: str, address: Address
) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("jenkins:svc/fix%402#3", Address("jenkins", "svc/fix@2", 3)),
        ("jenkins:svc/feature%2Fx%402%21#3", Address("jenkins", "svc/feature%2Fx@2!", 3)),
        ("spin:fraud/a%%23b%%2540%%%23", Address("spin", "fraud/a#b%40%#")),
        ("spin:fraud/Deploy to production%%20", Address("spin", "fraud/Deploy to production ")),
        (
            "spin:fraud/Deploy to production#01JSDR9Q2VBK2PTRZWKG0F5452/Deploy canary!Manual Judgment",
            Address(
                "spin",
                "fraud/Deploy to production",
                "01JSDR9Q2VBK2PTRZWKG0F5452",
                "Deploy canary",
                "Manual Judgment",
            ),
        ),
        (
            "spin:a/b#6c1f6ba0-3f4f-4c10-9a6e-29f2a2b1c0de!Go",
            Address("spin", "a/b", "6c1f6ba0-3f4f-4c10-9a6e-29f2a2b1c0de", gate="Go"),
        ),
        ("spin:a/b#%312", Address("spin", "a/b", "12")),
        ("spin:a/b#a%2Fb%21c%40%23%25", Address("spin", "a/b", "a/b!c@#%")),
        (f"jenkins:svc/{HEART[0]}%EF%B8%8F#1", Address("jenkins", f"svc/{HEART}", 1)),
        (f"jenkins:{JOINED[0]}%E2%80%8D{JOINED[2]}", Address("jenkins", JOINED)),
        ("jenkins:svc/a%1B[31mb%0A", Address("jenkins", "svc/a\x1b[31mb\n")),
        ("gitlab:a/b@x%E2%80%AEy", Address("gitlab", "a/b", environment="x\u202ey")),
        ("gitlab:a/b#1/x%0Ay%20!z%1B", Address("gitlab", "a/b", 1, "x\ny ", "z\x1b")),
    ],
)
def test_what_cannot_stand_as_it_is_is_percent_encoded(text: str, address: Address) -> None:
    assert str(address) == text
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "x", ":a", "a:", "a:b#", "a:b#1/", "a:b#1!", "a:b#/c", "a:b#!c", "a b:c", "a:b@", "a:b!c"]
)
def test_what_is_no_address_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(AddressError, match="is not an address; write SOURCE:PATH"):
        parse_address(text)


def test_runs_are_ordered_by_number_and_text_ids_by_their_letters() -> None:
    runs: list[RunId | None] = [10, 9, None, "01B", "01A"]
    addresses = [Address("s", "p", run) for run in runs]
    assert [each.run for each in sorted(addresses)] == [None, "01A", "01B", 9, 10]


def test_a_number_is_told_from_a_text_that_looks_like_one() -> None:
    assert Address("s", "p", 7).number == 7
    assert Address("s", "p", "7").number is None
    assert Address("s", "p").number is None
    assert Address("s", "p", 7).run_text == "7"
    assert Address("s", "p", "7").run_text == "%37"
    assert Address("s", "p").run_text == ""


# Letters that divide, that encode, that a terminal would obey, that nobody sees, that take two cells.
odd = st.just("a" + "\u0301" * 9) | st.sampled_from(
    [
        *"@#!~%+/:?[]\\ \t\n\0\x1b\x7f\x85\xa0\u2028\u200d\u202e\ufe0f\ufeff\ud800\u3000é\N{ROCKET}",
        *("%40", "%21", "%23", "%25", "%00", "%20", "%2F", "%%23", "%%25", "%E2%80%8D", "%C2%A0", "%1B", "%"),
    ]
)
names = st.lists(odd | st.characters() | st.text("0123456789ABCDEF%", max_size=4), min_size=1).map("".join)


@given(
    path=names.filter(bool),
    run=st.none() | st.integers(0) | names.filter(bool),
    job=st.none() | names.filter(bool),
    gate=st.none() | names.filter(bool),
)
@example("%%40", "%", "%", "%")
@example("%@", 1, None, "%!")
@example(" ", None, None, None)
@example("  ", 1, "  ", "  ")
def test_any_name_survives_and_is_shown_as_it_is(
    path: str, run: RunId | None, job: str | None, gate: str | None
) -> None:
    address = Address("s", path, run)
    if run is not None:
        address = Address("s", path, run, job, gate)
    _round(address)


@given(path=names.filter(bool), environment=names.filter(bool))
def test_any_environment_survives_and_is_shown_as_it_is(path: str, environment: str) -> None:
    _round(Address("s", path, environment=environment))


def _round(address: Address) -> None:
    text = str(address)
    assert parse_address(text) == address
    assert clean(text) == text == text.strip()
    text.encode()
    assert fnmatchcase(text, "s:*")


# What branch-api writes for the characters it encodes, and letters that may follow.
jenkins_names = st.lists(
    st.sampled_from(["%2F", "%23", "%25", "%3F", "%5B", "%5D", "%5C", *"ab0124E/-+~=' é"]), min_size=1
).map("".join)


@given(path=jenkins_names.filter(lambda path: path == path.strip()), run=st.none() | st.integers(0))
def test_the_names_that_jenkins_encodes_itself_are_never_read_as_anything_else(
    path: str, run: int | None
) -> None:
    text = f"jenkins:{path}" if run is None else f"jenkins:{path}#{run}"
    assert parse_address(text) == Address("jenkins", path, run)
    assert str(Address("jenkins", path, run)) == text


@pytest.mark.parametrize(
    ("glob", "fits"),
    [
        ("ci:svc/fix%402", True),
        ("ci:svc/fix@2", True),
        ("ci:svc/fix@*", True),
        ("ci:svc/*", True),
        ("ci:*", True),
        ("ci:svc/fix", False),
        ("other:svc/*", False),
    ],
)
def test_a_glob_fits_an_address_and_what_it_would_be_without_encoding(glob: str, fits: bool) -> None:
    assert Address("ci", "svc/fix@2").fits(glob) is fits
