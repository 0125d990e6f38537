"""A CI system that the program has never heard of: its settings, its source, and a server that speaks its API.

It runs flows, whose runs have ids that are texts; it knows environments with tiers, and gates before jobs. All that
the program is given of it is the line in :func:`tests.conformance.conftest.registered`.
"""
