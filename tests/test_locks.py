"""What is installed is what was tested: the lock files, and the floors beside them."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.licences import LOCKS, locked

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8"))
GROUPS = PROJECT["dependency-groups"]
WANTED = {
    "run.txt": PROJECT["project"]["dependencies"],
    "build.txt": [*PROJECT["build-system"]["requires"], *GROUPS["build"]],
    "test.txt": [*PROJECT["project"]["dependencies"], *GROUPS["build"], *GROUPS["test"]],
}


@pytest.mark.parametrize("lock", WANTED)
def test_a_lock_holds_what_the_project_asks_for(lock: str) -> None:
    versions = locked(lock)
    for wanted in map(Requirement, WANTED[lock]):
        name = canonicalize_name(wanted.name)
        assert name in versions, f"make lock: {name} is not in it"
        assert wanted.specifier.contains(versions[name]), f"make lock: {wanted}, but {versions[name]}"


@pytest.mark.parametrize("lock", WANTED)
def test_a_lock_names_each_file_by_its_hash_and_no_place_that_has_it(lock: str) -> None:
    text = (LOCKS / lock).read_text(encoding="utf-8")
    packages = re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]
    assert all(re.search(r"^    --hash=sha256:[0-9a-f]{64}( \\)?$", each, re.MULTILINE) for each in packages)
    assert re.search(r"://|^ *-i|--(extra-)?index|--find-links|--trusted", text, re.MULTILINE) is None


@pytest.mark.parametrize("lock", ["run.txt", "build.txt"])
def test_the_program_is_tested_with_what_it_is_run_and_built_with(lock: str) -> None:
    assert locked(lock).items() <= locked("test.txt").items()


def test_what_reads_what_servers_send_has_a_floor() -> None:
    floors = {each.name: each.specifier for each in map(Requirement, PROJECT["project"]["dependencies"])}
    readers = {"httpx", "httpcore", "h11", "idna", "certifi", "urllib3", "requests", "charset-normalizer"}
    readers |= {"msgspec", "prometheus-client", "starlette", "uvicorn", "graphql-core"}
    for name in readers:
        assert any(part.operator in (">=", "==") for part in floors[name]), name
    assert not floors["urllib3"].contains("2.6.3"), "a small answer could become a large one"
