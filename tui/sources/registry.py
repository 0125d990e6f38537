"""Makes a source from its settings, by the registry of types in :mod:`tui.config.sources`."""

import importlib
import time
from collections.abc import Callable

from tui.config import SOURCE_TYPES, ServerSettings
from tui.sources.base import Source


def build(name: str, settings: ServerSettings, *, clock: Callable[[], float] = time.time) -> Source:
    """The source called ``name``. Imports its module and libraries, some 100 ms the first time; sends nothing.

    Raises:
        ConfigError: the source cannot be made from these settings.
    """
    kind = SOURCE_TYPES[str(settings.__struct_config__.tag)]
    module, _, cls = kind.implementation.partition(":")
    source: Source = getattr(importlib.import_module(module), cls)(name, settings, clock=clock)
    return source
