"""How long until what failed is asked again."""

from tui.domain.health import Fault, Trouble

FAULT_FIRST = 2.0
FAULT_LONGEST = 60.0
REFUSED = 600.0

_DEFINITE = frozenset(
    {Trouble.TLS, Trouble.UNAUTHORIZED, Trouble.FORBIDDEN, Trouble.NOT_FOUND, Trouble.MISCONFIGURED}
)


def after_fault(fault: Fault, failures: int) -> float:
    """Seconds until a question that failed ``failures`` times in a row (1 or more) should be asked again.

    Doubling from two seconds to a minute. A definite no (bad credentials, not found) waits the minute at once: asking
    sooner changes nothing, and repeated bad logins can lock an account. A refused request waits ten minutes: it stays
    wrong until somebody changes it, unless the refusal came from something between us and the server.
    """
    if fault.trouble is Trouble.REFUSED:
        return REFUSED
    if fault.trouble in _DEFINITE:
        return FAULT_LONGEST
    return min(FAULT_LONGEST, FAULT_FIRST * 2.0 ** min(failures - 1, 10))
