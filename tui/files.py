"""Where a person's files are, and how they are opened: what is put in their place is not followed nor waited for."""

import errno
import os
import stat
from pathlib import Path
from typing import Literal


def expanded(path: str | Path) -> Path:
    """``path`` with its ``~`` or ``~user`` replaced.

    Raises:
        FileNotFoundError: nobody knows that home, as in containers without HOME; its ``strerror`` says what to do.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        whose = str(path).partition("/")[0]
        words = (
            "there is no home directory: set HOME, or give the whole path"
            if whose == "~"
            else f"{whose} is no home directory here: give the whole path"
        )
        raise FileNotFoundError(errno.ENOENT, words, str(path)) from None


def config_file() -> Path:
    """Where the config is looked for when nothing else is said: ``PIPEDECK_CONFIG`` or the user's config directory.

    Raises:
        FileNotFoundError: as :func:`expanded`.
    """
    if path := os.environ.get("PIPEDECK_CONFIG"):
        return expanded(path)
    return expanded(os.environ.get("XDG_CONFIG_HOME") or "~/.config") / "pipedeck" / "config.toml"


def user_folder(kind: Literal["state", "cache"]) -> Path:
    """The program's own folder among the person's: below ``XDG_STATE_HOME`` or ``XDG_CACHE_HOME``, else where the
    system has such.

    Raises:
        FileNotFoundError: as :func:`expanded`.
    """
    variable = f"XDG_{kind.upper()}_HOME"
    if base := os.environ.get(variable):
        return expanded(base) / "pipedeck"
    import platformdirs

    found = platformdirs.user_state_path if kind == "state" else platformdirs.user_cache_path
    try:
        folder = found("pipedeck")
    except RuntimeError:
        folder = Path("~")
    if folder.is_absolute():  # else its ~ stayed, as it does in some versions
        return folder
    words = f"there is no home directory: set HOME, or {variable} to a folder"
    raise FileNotFoundError(errno.ENOENT, words, str(folder))


def make_folder(path: Path) -> None:
    """Make a folder that only its owner can read. One that is there is made so, unless a link leads to it or it is
    somebody else's: that was somebody's choice.

    Raises:
        OSError
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.is_symlink():
        return
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        about = os.fstat(number)
        if about.st_uid == os.geteuid() and stat.S_IMODE(about.st_mode) != 0o700:
            os.fchmod(number, 0o700)
    finally:
        os.close(number)


def open_file(path: Path, flags: int) -> int:
    """The descriptor of a regular file; one that is made can be read by its owner only.

    Args:
        flags: those of :func:`os.open`.

    Raises:
        OSError: also for a link, a pipe, a device or a folder, which are refused without waiting for anybody.
    """
    try:
        number = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise OSError(error.errno, "it is a symbolic link, which is not followed", str(path)) from None
        if error.errno == errno.ENXIO:  # a pipe that nobody reads, a socket
            raise OSError(errno.EINVAL, _NO_FILE, str(path)) from None
        raise
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise OSError(errno.EINVAL, _NO_FILE, str(path))
    return number


_NO_FILE = "it is no regular file"


def read_file(path: Path) -> bytes:
    """All that is in a regular file; raises OSError as :func:`open_file`."""
    with open(open_file(path, os.O_RDONLY), "rb") as file:
        return file.read()
