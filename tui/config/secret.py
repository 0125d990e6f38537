"""Credentials by reference, and the one error a configuration ends in."""

import importlib
import os
import select
import signal
import subprocess
import threading
import time

from tui.files import expanded
from tui.text.secrets import never_log

PATIENCE = 10.0
"""Seconds that a command may take to print a credential, and a keyring to give one."""
LARGEST = 64 * 1024
"""Bytes a command may print."""
KEPT = 300.0
"""Seconds after which a keyring or command is asked again; sooner when a server did not take what it gave."""


class ConfigError(Exception):
    """A mistake in the configuration. The message names the file, the key, what is wrong and what is allowed."""


class Secret:
    """A credential by reference: ``env:NAME``, ``file:PATH``, ``keyring:SERVICE/USER``, the text itself, or a command
    as a tuple, which prints it in its first line.

    Never shows its value in ``repr``, ``str`` or an error. :meth:`reveal` reads it anew each time, so a rotated token
    file is picked up; what a keyring or command gave is kept for a while.
    """

    __slots__ = ("_asking", "_kept", "_reference")

    def __init__(self, reference: str | tuple[str, ...]) -> None:
        self._reference = reference
        self._asking = threading.Lock()
        self._kept: tuple[float, str] | None = None

    @property
    def literal(self) -> bool:
        """The config file itself holds the secret."""
        return isinstance(self._reference, str) and not self._reference.startswith(
            ("env:", "file:", "keyring:")
        )

    @property
    def variable(self) -> str | None:
        """The environment variable that holds it."""
        reference = self._reference
        return reference[4:] if isinstance(reference, str) and reference.startswith("env:") else None

    @property
    def shown(self) -> str | dict[str, list[str]]:
        """How the config refers to it, for people; of the credential itself and of a command's arguments nothing."""
        if isinstance(self._reference, tuple):
            return {"command": [self._reference[0], *("***" for _ in self._reference[1:])]}
        return "***" if self.literal else self._reference

    def reveal(self) -> str:
        """The credential. It may take some seconds: not for the event loop.

        Raises:
            ConfigError: the variable is not set, the file cannot be read, the keyring or the command has none.
        """
        value = self._read()
        never_log(value)
        return value

    def _read(self) -> str:
        if isinstance(self._reference, tuple):
            return self._keep()
        kind, _, rest = self._reference.partition(":")
        if kind == "env":
            if value := os.environ.get(rest, ""):
                return value
            raise ConfigError(f"the environment variable {rest} is not set; it should hold a credential")
        if kind == "file":
            try:
                return expanded(rest).read_text(encoding="utf-8").strip()
            except UnicodeDecodeError:
                raise ConfigError(f"the credential file {rest} is not UTF-8 text") from None
            except OSError as error:
                raise ConfigError(f"cannot read the credential file {rest}: {error.strerror}") from None
        return self._keep() if kind == "keyring" else self._reference

    def forget(self) -> None:
        """Ask the keyring or command again next time: what it gave was refused."""
        self._kept = None

    def _keep(self) -> str:
        # A keyring may wait for a person to unlock it: those who come meanwhile do not wait longer than a request may.
        if not self._asking.acquire(timeout=PATIENCE):
            raise ConfigError(f"the credential is still being asked for ({self._words}); unlock it")
        try:
            if self._kept is None or time.monotonic() - self._kept[0] > KEPT:
                self._kept = None
                reference = self._reference
                value = _from_keyring(reference) if isinstance(reference, str) else _printed_by(reference)
                self._kept = (time.monotonic(), value)
            return self._kept[1]
        finally:
            self._asking.release()

    @property
    def _words(self) -> str:
        return self._reference if isinstance(self._reference, str) else f"command {self._reference[0]}"

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._reference == self._reference

    def __hash__(self) -> int:
        return hash(self._reference)


def _from_keyring(reference: str) -> str:
    service, _, user = reference.partition(":")[2].rpartition("/")
    try:
        keyring = importlib.import_module("keyring")  # an extra, which takes long to import
    except ImportError:
        raise ConfigError(
            f"{reference} needs the package keyring: pip install 'pipedeck[keyring]', or use env:, file: or a command"
        ) from None
    try:
        value: str | None = keyring.get_password(service, user)
    except Exception as error:
        # Of a back end nobody knows what it says.
        raise ConfigError(
            f"the keyring did not give {reference}: {type(error).__name__}; "
            "is there one on this machine, is it unlocked?"
        ) from None
    if not value:
        raise ConfigError(f"the keyring has no {reference}; add it: keyring set {service} {user}")
    return value


def _printed_by(command: tuple[str, ...]) -> str:
    """The first line that a command prints. What it says on stderr may hold anything and is not shown."""
    name = command[0]
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # no terminal to ask on, and all that it starts ends with it
        )
    except OSError as error:
        raise ConfigError(f"cannot run the command {name} for a credential: {error.strerror}") from None
    output: bytes | None = None
    with process:
        try:
            output = _read(process)
            if output is not None and len(output) <= LARGEST:
                process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            output = None
        finally:
            if output is None or process.poll() is None:
                try:
                    os.killpg(process.pid, signal.SIGKILL)  # what it started may live on without it
                except ProcessLookupError:
                    pass
    if output is None:
        raise ConfigError(
            f"the command {name} gave no credential within {PATIENCE:g} s; does it ask something?"
        )
    if len(output) > LARGEST:
        raise ConfigError(
            f"the command {name} printed more than {LARGEST >> 10} KB; it should print a credential"
        )
    if process.returncode:
        raise ConfigError(
            f"the command {name}, run for a credential, ended with exit code {process.returncode}; try it in a shell"
        )
    if not (lines := output.decode(errors="replace").splitlines()) or not lines[0].strip():
        raise ConfigError(f"the command {name} printed no credential")
    return lines[0].strip()


def _read(process: "subprocess.Popen[bytes]") -> bytes | None:
    """What it prints, to its end or beyond ``LARGEST``; None when it takes too long."""
    assert process.stdout is not None
    output, deadline = b"", time.monotonic() + PATIENCE
    while len(output) <= LARGEST:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([process.stdout], [], [], left)[0]:
            return None
        if not (piece := os.read(process.stdout.fileno(), 1 << 16)):
            break
        output += piece
    return output
