"""Servers of metrics, alerts and model registries."""
