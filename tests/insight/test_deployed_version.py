"""Which version of a registry is deployed, and which is the newest where there are no aliases."""

import pytest

from tui.domain.candidate import RegisteredVersion
from tui.insight.deployed_version import linked_version, newest


def versions(*numbers: str) -> tuple[RegisteredVersion, ...]:
    return tuple(RegisteredVersion("fraud", number) for number in numbers)


@pytest.mark.parametrize(
    ("deployed", "found"),
    [
        ("1.2.0", "1.2.0"),
        ("v1.2.0", "1.2.0"),
        ("models:/fraud/1.2.0", "1.2.0"),
        ("1.2", ""),
        ("7", "7"),
        ("8", ""),
    ],
)
def test_by_the_version_of_the_deployment(deployed: str, found: str) -> None:
    assert linked_version("fraud", deployed, versions("7", "1.2.0")).version == found


@pytest.mark.parametrize(
    ("listed", "highest", "note"),
    [
        (("1.0.1", "2.0.0"), "2.0.0", "version 1.0.1 was registered after 2.0.0, which is the highest"),
        (("10.0.0", "9.9.9"), "10.0.0", ""),
        (("2.0.0", "2.0.0-rc.1"), "2.0.0", ""),
        (("2.0.0-rc.10", "2.0.0-rc.9", "2.0.0-alpha"), "2.0.0-rc.10", ""),
        ((), "", ""),
        (("latest",), "", ""),
        (
            ("9" * 500 + ".0.0", "1.0.0"),
            "1.0.0",
            "version " + "9" * 500 + ".0.0 was registered after 1.0.0, which is the highest",
        ),
    ],
)
def test_the_newest_is_the_highest(listed: tuple[str, ...], highest: str, note: str) -> None:
    found, said = newest(versions(*listed))
    assert (found.version, said) == (highest, note)
