"""One module or package a system: the only places that know its API.

Each decodes the bytes of an answer into typed payload structs, those into domain values, and cleans every text on
the way. What cannot be read raises :class:`tui.sources.base.SourceError`.
"""
