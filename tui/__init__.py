"""Pipedeck: a terminal dashboard for teams that ship machine-learning models through Jenkins and GitLab."""

__version__ = "0.1.0"
