"""What a person has to say before something is sent, whatever the CI: the name, the verdict, the right to write."""

import pytest

from tests.conformance.conftest import At
from tests.conformance.thirdci.settings import ThirdSettings
from tests.conformance.thirdci.source import ThirdSource
from tests.conformance.vendors import OTHERS, THIRD, Terminal, replacing
from tui.config import SOURCE_TYPES, SourceType
from tui.sandbox.faults import Kind

SURE = ("--yes", "--confirm", "production")
HIDDEN = "eu-live"
"""A production environment whose name does not tell it."""


def test_production_asks_for_its_name(ci: Terminal) -> None:
    for command in (("promote", "fraud"), ("approve", ci.gate)):
        code, _, errors = ci(*command, "--yes")
        assert (code, "--confirm production" in errors) == (4, True), errors
        code, _, errors = ci(*command, "--yes", "--confirm", "staging")
        assert (code, ci.writes) == (4, []), errors
    code, out, errors = ci("promote", "fraud", *SURE)
    assert (code, len(ci.writes)) == (0, 1), out + errors


@pytest.mark.parametrize("safety", ["", f'[safety]\nproduction = ["{HIDDEN}"]\n'], ids=["tiers", "config"])
def test_production_among_many_environments_asks_for_its_name(at: At, safety: str) -> None:
    ci = at(environment=HIDDEN, others=OTHERS)
    ci.configure(environment=HIDDEN, more=safety)
    code, _, errors = ci("promote", "fraud", "--yes")
    if not (ci.vendor.tiers or safety):  # a CI that knows no tiers: the config alone decides
        assert (code, len(ci.writes)) == (0, 1), errors
        return
    assert (code, f"--confirm {HIDDEN}" in errors, ci.writes) == (4, True, []), errors
    code, out, errors = ci("promote", "fraud", "--yes", "--confirm", HIDDEN)
    assert (code, len(ci.writes)) == (0, 1), out + errors


@pytest.mark.parametrize("fault", ["403", "500", "html", "truncated", "mistyped", "unheard"])
def test_a_tier_that_cannot_be_read_asks_for_the_name(at: At, fault: Kind) -> None:
    ci = at(environment=HIDDEN)
    if not ci.vendor.tiers:
        pytest.skip("it knows no tiers")
    gate = ci.gate
    ci.faults.set(fault, path=ci.vendor.tiers)
    code, _, errors = ci("approve", gate, "--yes")
    assert (code, f"--confirm {HIDDEN}" in errors, ci.writes) == (4, True, []), errors


class UntieredSource(ThirdSource):
    """One that has no such method."""

    tier = None  # type: ignore[assignment]


@pytest.mark.parametrize("vendor", [THIRD], ids=["thirdci"])
def test_a_source_that_tells_no_tier_at_all_asks_for_the_name(
    at: At, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = SourceType(ThirdSettings, f"{__name__}:UntieredSource")
    monkeypatch.setitem(SOURCE_TYPES, "thirdci", line)
    ci = at(environment=HIDDEN)
    code, _, errors = ci("promote", "fraud", "--yes")
    assert (code, f"--confirm {HIDDEN}" in errors, ci.writes) == (4, True, []), errors


def test_the_gate_of_a_canary_asks_for_the_verdict(ci: Terminal) -> None:
    ci.configure(judged=True)
    for command in (("promote", "fraud"), ("approve", ci.gate)):
        code, _, errors = ci(*command, *SURE)
        assert (code, "the verdict could not be read" in errors, ci.writes) == (4, True, []), errors


def test_the_right_to_write_that_is_not_known_refuses_with_the_reason(ci: Terminal) -> None:
    gate = ci.gate
    if not ci.vendor.rights:
        ci.faults.set("403", path=ci.vendor.go)  # a CI that tells it only to who tries
        code, _, errors = ci("approve", gate, *SURE)
        assert (code, len(ci.writes)) == (4, 1), errors
        return
    ci.faults.set("500", path=ci.vendor.rights)
    code, out, errors = ci("approve", gate, *SURE)
    assert (code, ci.writes) == (4, [])
    assert f"whether the credentials for {ci.vendor.name} may write is not known" in out + errors


@pytest.mark.parametrize("vendor", [THIRD], ids=["thirdci"])
@pytest.mark.parametrize(
    ("word", "reason"), [(b"null", "the server does not say it"), (b"false", "the token only reads")]
)
def test_what_the_server_tells_of_the_right_to_write_is_heeded(at: At, word: bytes, reason: str) -> None:
    ci = at(replacing({b'"writes":true': b'"writes":' + word}))
    code, out, errors = ci("promote", "fraud", *SURE)
    assert (code, reason in out + errors, ci.writes) == (4, True, [])


def test_read_only_refuses(ci: Terminal) -> None:
    code, out, errors = ci("--read-only", "promote", "fraud", *SURE)
    assert (code, "read-only: this session only looks" in out + errors) == (4, True)
    for more, read_only, reason in (
        ("", True, f"read-only: [sources.{ci.vendor.name}] says so"),
        ("[safety]\nread_only = true\n", False, "read-only: this session only looks"),
        (
            '[safety]\nread_only_environments = ["prod*"]\n',
            False,
            "read-only: production is among [safety] read_only_environments",
        ),
    ):
        ci.configure(more=more, read_only=read_only)
        code, out, errors = ci("promote", "fraud", *SURE)
        assert (code, reason in out + errors) == (4, True), out + errors
    assert ci.writes == []
