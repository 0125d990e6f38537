"""What commands say on stderr of an address that they can do nothing with."""

import sys

from tui.config import Settings
from tui.domain.address import Address

NO_RUN = "no run of it was found; is it among the watched pipelines?"


def in_a_pipeline_source(settings: Settings, address: Address) -> bool:
    """Whether the source of ``address`` runs pipelines; if not, it is said which do."""
    known = settings.pipeline_sources
    if address.source in known:
        return True
    print(
        f"pipedeck: {address}: no source {address.source} that runs pipelines; there is: {', '.join(known)}",
        file=sys.stderr,
    )
    return False
