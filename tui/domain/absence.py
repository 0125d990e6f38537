"""What should happen again and again for a model, and when it last did."""

from typing import Literal

import msgspec

Recurring = Literal["training", "evaluation", "deployment", "schedule"]


class LastSeen(msgspec.Struct, frozen=True):
    """When something last happened, as far as one may look."""

    at: float | None = None
    """By our clock; None: never since ``covered``."""
    what: str = ""
    """What it was: a run, a version."""
    covered: float | None = None
    """Whoever asks may look there, and sees all that happened from then on; 0: all that ever did. None: nothing at all
    can be told, and ``why`` says why not."""
    why: str = ""
    tried: int = 0
    """What came to nothing since then."""
