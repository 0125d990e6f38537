"""Logs: parsers from what servers send to the canonical form, the spool that keeps it, and search.

A parser takes bytes however they are cut and gives :class:`tui.domain.log.LogLines`; a :class:`tui.logs.spool.Spool`
takes those and gives any line back; :mod:`tui.logs.find` searches a spool in slices. No network, no terminal.
"""
