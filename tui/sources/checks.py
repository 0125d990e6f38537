"""What ``pipedeck check`` says of every kind of server."""

from urllib.parse import urlsplit

from tui.domain.health import Finding, believed
from tui.text import format as fmt

SKEW = 5.0
"""Seconds by which clocks may differ before elapsed times look wrong."""
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def unencrypted(url: str) -> tuple[Finding, ...]:
    """The warning that credentials sent to ``url`` can be read on the way; none where they cannot."""
    parts = urlsplit(url)
    if parts.scheme == "https" or parts.hostname in _LOOPBACK:
        return ()
    return (Finding("warning", "TLS", "the credentials travel unencrypted", "use https in the url"),)


def clock(skew: float) -> Finding:
    """Whether the server's clock, which is ``skew`` seconds ahead, is good enough."""
    if abs(skew) <= SKEW:
        return Finding("ok", "clock", "agrees with this machine's")
    side = "ahead of" if skew > 0 else "behind"
    if not believed(skew):
        return Finding(
            "warning",
            "clock",
            f"the server's clock is {fmt.duration(abs(skew))} {side} this machine's: it is not used for ages",
            "set it by NTP; until then its times are compared with this machine's",
        )
    return Finding(
        "warning",
        "clock",
        f"the server's clock is {abs(skew):.0f} s {side} this machine's",
        "set both by NTP; until then elapsed times and ages are wrong, and charts end too early or too late",
    )
