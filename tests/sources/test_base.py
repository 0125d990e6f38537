"""What a source may offer."""

import inspect
from collections import defaultdict

from tui.sources import base


def test_a_method_belongs_to_one_protocol() -> None:
    """A source is asked by its methods' names what it offers: a name that meant two things would offer both."""
    owners = defaultdict[str, set[str]](set)
    for name, cls in vars(base).items():
        if inspect.isclass(cls) and cls.__module__ == base.__name__ and getattr(cls, "_is_protocol", False):
            for method, value in vars(cls).items():
                if inspect.isfunction(value) and not method.startswith("_"):
                    owners[method].add(name)
    assert owners["newest_versions"] == {"RegistrySource"}
    assert {method: names for method, names in owners.items() if len(names) > 1} == {}
