"""Pipedeck: a terminal dashboard for teams that ship machine-learning models through CI/CD systems."""

__version__ = "0.1.0"
