"""Which alarms somebody knows of, kept from one start to the next: a small file beside the journal."""

import os
from collections.abc import Collection
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from tui.engine.journal import Journal

FILE = "acknowledged.json"
MOST = 200
"""Alarms kept, those seen last."""
FORGOTTEN = 7 * 86400.0
"""Seconds after which one that nobody has seen any more is not kept."""
BRIDGED = 3600.0
"""Seconds between two starts for which an alarm that does not tell when it began is taken for the same."""

_decoder = msgspec.json.Decoder(dict[str, float])


class Acknowledged:
    """What the file says. It is written whole or not at all; what cannot be read or written is as if it were empty:
    then an alarm is told of once more."""

    def __init__(self, journal: "Journal") -> None:
        self._journal = journal
        self._recalled: dict[str, float] = {}
        """When each alarm, by key, was last seen acknowledged by an earlier start."""

    def recall(self, now: float) -> None:
        """Look at the file, at the start."""
        self._recalled = self._read(now)

    def still(self, key: str, since: float | None, now: float) -> bool:
        """Whether an alarm that fires is one that was acknowledged before this start.

        Args:
            since: from when on it is bad, as far as a look tells.
        """
        if (seen := self._recalled.get(key)) is None:
            return False
        return since <= seen if since is not None else now - seen < BRIDGED

    def over(self, key: str) -> None:
        """It is well: when it comes again it is another."""
        self._recalled.pop(key, None)

    def keep(self, keys: Collection[str], others: Collection[str], now: float) -> None:
        """Note that ``keys`` are acknowledged and ``others`` are not; those of other programs stay."""
        before = self._read(now)
        after = {key: at for key, at in before.items() if key not in others} | dict.fromkeys(keys, now)
        if after or before:
            newest = sorted(after.items(), key=lambda each: each[1])[-MOST:]
            self._write(msgspec.json.encode(dict(newest)))

    def _read(self, now: float) -> dict[str, float]:
        try:
            found = _decoder.decode((self._journal.folder / FILE).read_bytes())
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}
        return {key: at for key, at in found.items() if now - at < FORGOTTEN}

    def _write(self, content: bytes) -> None:
        folder = self._journal.folder
        draft = folder / f"{FILE}.{self._journal.who.instance}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                file.write(content)
            draft.replace(folder / FILE)
        except OSError:
            draft.unlink(missing_ok=True)
