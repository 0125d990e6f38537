"""Credentials by reference, and the one error a configuration ends in."""

import os
from pathlib import Path


class ConfigError(Exception):
    """A mistake in the configuration. The message names the file, the key, what is wrong and what is allowed."""


class Secret:
    """A credential by reference: ``env:NAME``, ``file:PATH`` or the text itself.

    Never shows its value in ``repr``, ``str`` or an error; :meth:`reveal` reads it anew each time, so a rotated
    token file is picked up.
    """

    __slots__ = ("_reference",)

    def __init__(self, reference: str) -> None:
        self._reference = reference

    @property
    def literal(self) -> bool:
        """The config file itself holds the secret."""
        return not self._reference.startswith(("env:", "file:"))

    def reveal(self) -> str:
        """The credential.

        Raises:
            ConfigError: the variable is not set or the file cannot be read.
        """
        kind, _, rest = self._reference.partition(":")
        if kind == "env":
            if value := os.environ.get(rest, ""):
                return value
            raise ConfigError(f"the environment variable {rest} is not set; it should hold a credential")
        if kind == "file":
            try:
                return Path(rest).expanduser().read_text(encoding="utf-8").strip()
            except OSError as error:
                raise ConfigError(f"cannot read the credential file {rest}: {error.strerror}") from None
        return self._reference

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._reference == self._reference

    def __hash__(self) -> int:
        return hash(self._reference)
