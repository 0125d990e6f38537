"""The terminal: what is written to it, what it shows, and the keys that come from it."""
