"""``pipedeck init``: a first configuration, made from what the servers tell."""

from collections.abc import Mapping

SERVERS: Mapping[str, str] = {"jenkins": "Jenkins", "gitlab": "GitLab", "prometheus": "Prometheus"}
"""The kinds of server that it asks for, and what they are called."""
