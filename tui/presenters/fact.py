"""One thing that is told before an action is answered."""

from typing import NamedTuple


class Fact(NamedTuple):
    name: str
    words: str
    """What speaks against it can be understood without the name."""
    role: str = ""
    """The status it looks like: ``failed`` and ``warning`` speak against it, the red one more; ``unknown``: it is not
    known, and why; ``dim`` for what is less important."""

    @property
    def against(self) -> bool:
        return self.role in ("failed", "warning")
