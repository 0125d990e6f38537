"""GitLab's own JSON schemas and GraphQL types, where they are at hand.

``PIPEDECK_GITLAB_SCHEMAS`` points at a folder with ``validate.py``, ``json_schema`` and ``schema-VERSION.graphql``;
without it the shared contracts beside the repository are tried. Tests that need them say so by skipping.
"""

import importlib.util
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema

_BESIDE = Path(__file__).parents[2] / "shared" / "contracts" / "gitlab"

Errors = Callable[[str, Any], list[str]]
"""What is wrong with a body of a kind (``pipelines``, ``pipeline-detail``, ``jobs``, ...); empty when it is right."""


VERSIONS = ("15.3", "16.2", "17.6", "18.9")
"""Of which there are GraphQL types."""


def _file(name: str) -> Path:
    path = Path(os.environ.get("PIPEDECK_GITLAB_SCHEMAS", _BESIDE)) / name
    if not path.is_file():
        pytest.skip(f"GitLab's schemas are not at {path.parent}; set PIPEDECK_GITLAB_SCHEMAS")
    return path


@cache
def graphql_types(version: str) -> GraphQLSchema:
    """GitLab's GraphQL types of one of :data:`VERSIONS`; skips the calling test where they are not at hand."""
    return build_schema(_file(f"schema-{version}.graphql").read_text(), assume_valid=True)


def schema_errors() -> Errors:
    """The checker of the schema folder; skips the calling test where there is none."""
    spec = importlib.util.spec_from_file_location("gitlab_validate", _file("validate.py"))
    assert spec is not None
    assert spec.loader is not None
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    # It reads every schema file anew for every body; once is enough.
    module.retrieve = cache(module.retrieve)
    module.validator = cache(module.validator)
    errors: Errors = module.errors
    return errors
