"""The judges of a canary: our own, and Kayenta's."""
