"""GitLab's own JSON schemas, where they are at hand.

``PIPEDECK_GITLAB_SCHEMAS`` points at a folder with ``validate.py`` and ``json_schema``; without it the shared
contracts beside the repository are tried. Tests that need them say so by skipping.
"""

import importlib.util
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

_BESIDE = Path(__file__).parents[2] / "shared" / "contracts" / "gitlab"

Errors = Callable[[str, Any], list[str]]
"""What is wrong with a body of a kind (``pipelines``, ``pipeline-detail``, ``jobs``, ...); empty when it is right."""


def schema_errors() -> Errors:
    """The checker of the schema folder; skips the calling test where there is none."""
    folder = Path(os.environ.get("PIPEDECK_GITLAB_SCHEMAS", _BESIDE))
    if not (folder / "validate.py").is_file():
        pytest.skip(f"GitLab's JSON schemas are not at {folder}; set PIPEDECK_GITLAB_SCHEMAS")
    spec = importlib.util.spec_from_file_location("gitlab_validate", folder / "validate.py")
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # It reads every schema file anew for every body; once is enough.
    module.retrieve = cache(module.retrieve)
    module.validator = cache(module.validator)
    errors: Errors = module.errors
    return errors
