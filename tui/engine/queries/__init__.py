"""Queries: what can be asked of the sources, and what the engine makes of their answers."""
