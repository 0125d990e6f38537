"""A new CI system is one folder, its settings and one line in the registry: the third CI is that, and it works."""

import ast
from pathlib import Path

import pytest

from tests.conformance.vendors import THIRD, Terminal, Vendor
from tui.config import SOURCE_TYPES, ConfigError, ServerSettings, load

PROGRAM = Path(__file__).parent.parent.parent
ROOMS_OF_A_VENDOR = (
    *(f"tui/sources/{room}" for room in ("jenkins", "gitlab", "spinnaker", "metrics")),
    "tui/config",
    "tui/sandbox",
    "tui/commands/init",
)
"""Where a kind of server may be known by its name: ``init`` asks for each in its own words."""
FIRST = "01KDWX7VT0ZZZZZZZZZZZZ0001"
NEWEST = "01KDWX7VT0ZZZZZZZZZZZZ0003"
pytestmark = pytest.mark.parametrize("vendor", [THIRD], ids=["thirdci"])


def test_without_the_line_it_is_not_known(ci: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(load(ci.file).sources) == ["thirdci"]
    monkeypatch.delitem(SOURCE_TYPES, "thirdci")
    with pytest.raises(ConfigError, match="unknown type 'thirdci'"):
        load(ci.file)


def test_text_ids_are_in_addresses_status_logs_tests_and_actions(ci: Terminal) -> None:
    code, out, errors = ci("status", f"thirdci:ml/serve#{NEWEST}")
    assert (code, f"thirdci:ml/serve#{NEWEST}  second" in out) == (0, True), out + errors
    assert ci("status", f"thirdci:ml/serve#{FIRST}X")[0] != 0
    assert f"thirdci:ml/serve#{NEWEST}" in ci("status")[1]
    assert ci("logs", f"thirdci:ml/serve#{NEWEST}/serve") == (0, "epoch 1\nit serves\n", "")
    code, out, errors = ci("tests", f"thirdci:ml/serve#{NEWEST}")
    assert (code, "test_exact" in out) == (1, True), out + errors
    code, done = ci.document("retry", f"thirdci:ml/serve-train#{FIRST}", "--yes")
    assert (code, done["actions"][0]["result"]) == (0, f"thirdci:ml/serve-train#{FIRST[:-1]}4"), done
    assert ci.writes == [f"POST /third/api/runs/{FIRST}/again"]
    (record,) = ci.document("journal")[1]["actions"]
    assert (record["address"], record["state"]) == (f"thirdci:ml/serve-train#{FIRST}", "done")


def test_environments_and_the_way_back(ci: Terminal) -> None:
    code, out, errors = ci("environments")
    assert (code, "thirdci:ml/serve@production" in out) == (0, True), errors
    for version, track in (("1.1", "canary"), ("1.0", "stable")):
        assert any(version in line and track in line for line in out.splitlines()), out
    code, out, errors = ci("environments", "thirdci:ml/serve@production")
    assert (code, NEWEST in out) == (0, True), errors
    code, _, errors = ci("rollback", "fraud", "--yes")
    assert (code, "--confirm production" in errors, ci.writes) == (4, True, []), errors
    code, out, errors = ci("rollback", "fraud", "--yes", "--confirm", "production")
    assert (code, ci.writes) == (0, ["POST /third/api/places/production/back"]), out + errors


def test_starting_it_may_change_production_and_asks(ci: Terminal) -> None:
    code, _, errors = ci("trigger", "thirdci:ml/serve", "--yes")
    assert (code, "--confirm production" in errors, ci.writes) == (4, True, []), errors
    code, out, errors = ci("trigger", "thirdci:ml/serve-train", "--yes")
    assert (code, ci.writes) == (0, ["POST /third/api/flows/ml/serve-train/start"]), out + errors


def test_what_it_cannot_do_is_refused_with_the_reason(ci: Terminal) -> None:
    code, out, errors = ci("cancel", f"thirdci:ml/serve-train#{FIRST}", "--yes")
    assert (code, "it has ended: broken" in out + errors, ci.writes) == (4, True, [])


def test_no_room_but_its_own_knows_a_kind_of_server_by_name(vendor: Vendor) -> None:
    """A rule that asks for the vendor would pass the next one by: what differs is a trait with a safe default."""
    names = set(SOURCE_TYPES) - {"json", "exposition"}  # words that mean other things, too
    classes = {_settings_class(each) for each in SOURCE_TYPES}
    found = []
    for file in sorted((PROGRAM / "tui").rglob("*.py")):
        place = str(file.relative_to(PROGRAM))
        if place.startswith(ROOMS_OF_A_VENDOR):
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            text = isinstance(node, ast.Constant) and node.value in names
            cls = (
                isinstance(node, ast.Name | ast.alias)
                and getattr(node, "id", getattr(node, "name", "")) in classes
            )
            if text or cls:
                found.append(f"{place}: {ast.unparse(node)}")
    assert found == []


def _settings_class(kind: str) -> str:
    settings: type[ServerSettings] = SOURCE_TYPES[kind].settings
    return settings.__name__
