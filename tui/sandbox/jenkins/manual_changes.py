"""What people did to a Jenkins that the world itself has no word for."""

from typing import Any

import msgspec

from tui.sandbox.world import Refused, World


class InputAnswer(msgspec.Struct, frozen=True):
    """An answer to an input that has not come to its effect."""

    at: float
    yes: bool
    who: str


class ManualChanges:
    """May be added to while the server runs, as by a colleague."""

    def __init__(self) -> None:
        self.given: dict[tuple[int, str], InputAnswer] = {}
        """By run and task."""
        self.returned: dict[tuple[int, str], Any] = {}
        """What the step of an approved input returns, by run and input id."""
        self.sent: dict[int, dict[str, str]] = {}
        """What of the parameters that a run was started with the job knows."""
        self.causes: dict[int, tuple[str, str]] = {}
        """Class and text of what, beside its user, started a run."""
        self.kept: set[int] = set()
        self.scans: dict[str, tuple[float, str]] = {}
        """When branches of a multibranch project were last looked for, and for whom, by its full name."""
        self.descriptions: dict[int, str] = {}

    def settle(self, world: World, lag: float) -> None:
        """Bring the answers that are older than ``lag`` to their effect."""
        for (run_id, task), given in list(self.given.items()):
            run = world.run(run_id)
            if run is None or world.now() < given.at + lag:
                continue
            del self.given[run_id, task]
            try:
                (world.approve if given.yes else world.reject)(run, task, given.who)
            except Refused:
                pass  # it ended in the meantime
