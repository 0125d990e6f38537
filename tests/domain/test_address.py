import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.domain.address import Address, AddressError, parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("gitlab:ml/fraud#1842/train", Address("gitlab", "ml/fraud", 1842, "train")),
        ("jenkins:ml/vision/train-resnet#12", Address("jenkins", "ml/vision/train-resnet", 12)),
        ("jenkins:ml-service/feature%2Fx", Address("jenkins", "ml-service/feature%2Fx")),
        ("jenkins:deploy-model#7!Promote", Address("jenkins", "deploy-model", 7, gate="Promote")),
        ("gitlab:ml/fraud#1/build: [a/b]~77", Address("gitlab", "ml/fraud", 1, "build: [a/b]~77")),
        ("gitlab:ml/fraud#1/deploy%21!play", Address("gitlab", "ml/fraud", 1, "deploy!", gate="play")),
        ("gitlab:ml/fraud@review/x", Address("gitlab", "ml/fraud", environment="review/x")),
        ("jenkins:träining job", Address("jenkins", "träining job")),
    ],
)
def test_an_address_is_read_and_written_the_same(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "x", ":a", "a:", "a:b#", "a:b#x", "a:b#1/", "a:b#1!", "a b:c", "a:b@"])
def test_what_is_no_address_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(AddressError, match="is not an address; write SOURCE:PATH"):
        parse_address(text)


names = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1).filter(
    lambda name: name == name.strip()
)


@given(run=st.integers(0), job=st.none() | names, gate=st.none() | names)
def test_any_job_and_gate_survive_the_round_trip(run: int, job: str | None, gate: str | None) -> None:
    address = Address("s", "p/q", run, job, gate)
    assert parse_address(str(address)) == address
