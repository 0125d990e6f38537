"""The ids that the third CI gives its runs: ULIDs, as Spinnaker's, in addresses."""

from typing import Any

from tui.domain.address import Address, AddressError, parse_address


def _understood() -> bool:
    try:
        return parse_address("ci:flow#01KDWX7VT0ZZZZZZZZZZZZ0001").run is not None
    except AddressError:
        return False


TEXT_IDS = _understood()
"""Addresses have text ids."""


def run_id(number: int) -> str:
    """The id of the run that was made as the so-manieth."""
    return f"01KDWX7VT0ZZZZZZZZZZZZ{number:04d}" if TEXT_IDS else f"{number:04d}"


def run_of(id: str) -> Any:
    """RUN of an address, for an id."""
    return id if TEXT_IDS else int(id)


def in_address(address: Address) -> str:
    """The id in an address."""
    return str(address.run) if TEXT_IDS else f"{address.run:04d}"
