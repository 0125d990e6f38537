"""Logs of any length."""
