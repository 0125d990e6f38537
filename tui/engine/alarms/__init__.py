"""Alarms: watched, acknowledged, notified, and what may be done because of them."""
