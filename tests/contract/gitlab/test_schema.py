"""The sandbox's GraphQL types, and every query the program sends, are those of GitLab of four versions."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLSchema,
    build_schema,
    parse,
    validate,
    validate_schema,
)

import tui.sources.gitlab.source
from tests.gitlab_schemas import VERSIONS, graphql_types
from tui.sandbox.gitlab.schema import schema
from tui.sources.gitlab.actions.rights import job_rights
from tui.sources.gitlab.graphql_queries import GraphQLQuery

ROOT = Path(__file__).parents[3]
NEWEST = VERSIONS[-1]
RETYPED = {
    "Query.currentUser": "UserCore",
    "UserCore.id": "ID!",
    "CiJob.pipeline": "Pipeline",
    "Deployment.iid": "ID",
}
"""Fields that had another type before 17. What we ask of them is the same in both."""


def stored() -> dict[str, str]:
    """Every GraphQL document of the program and of these tests, by name."""
    found = {file.stem: file.read_text() for file in (ROOT / "tests/recordings/gitlab").glob("*.graphql")}
    for module in pkgutil.walk_packages(tui.sources.gitlab.__path__, "tui.sources.gitlab."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, GraphQLQuery):
                found[value.name] = value.document
    rights = job_rights("gid://gitlab/Ci::Build/1")
    return found | {rights.name: rights.document}


STORED = stored()

Named = dict[str, str]
"""``Type.field``, ``Type.field(argument)`` or ``Enum.VALUE`` to the type it has."""


def names(types: GraphQLSchema) -> Named:
    return {
        name: str(kind)
        for of in types.type_map.values()
        for name, kind in _names_of(of)
        if of.name[:2] != "__"
    }


def _names_of(of: Any) -> Iterator[tuple[str, Any]]:
    yield of.name, "a type"
    if isinstance(of, GraphQLEnumType):
        yield from ((f"{of.name}.{value}", "a value") for value in of.values)
    if not isinstance(of, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
        return
    fields: dict[str, GraphQLField | GraphQLInputField] = dict(of.fields)
    for name, field in fields.items():
        yield f"{of.name}.{name}", field.type
        arguments: dict[str, GraphQLArgument] = getattr(field, "args", {})
        yield from ((f"{of.name}.{name}({key})", argument.type) for key, argument in arguments.items())


def used(types: GraphQLSchema) -> Named:
    """Without what our types of an old version hold only because fields were given another type since."""
    found = names(types)
    later = {"CurrentUser", "PipelineInterface"}
    later |= {name for name, kind in types.type_map.items() if isinstance(kind, GraphQLScalarType)}
    return {name: kind for name, kind in found.items() if name.partition(".")[0] not in later}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sandboxs_types_make_a_schema(version: str) -> None:
    build_schema(
        (ROOT / "tui/sandbox/gitlab/schema.graphql").read_text()
    )  # raises what is wrong with the text
    assert validate_schema(GraphQLSchema(**schema(version).to_kwargs() | {"assume_valid": False})) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_the_sandboxs_types_are_are_gitlabs(version: str) -> None:
    ours, theirs = schema(version), names(graphql_types(version))
    expected = names(ours) if version == NEWEST else used(ours)
    if version < "17":
        expected |= {name: kind for name, kind in RETYPED.items() if name in expected}
    wrong = {name: (kind, theirs.get(name)) for name, kind in expected.items() if theirs.get(name) != kind}
    assert wrong == {}


@pytest.mark.parametrize("version", VERSIONS)
def test_what_an_old_version_lacks_is_lacking_in_gitlab(version: str) -> None:
    lacking = names(schema(NEWEST)).keys() - names(schema(version)).keys()
    outermost = [
        name for name in lacking if not {name.partition("(")[0], name.partition(".")[0]} & lacking - {name}
    ]
    print(f"GitLab {version} lacks {', '.join(sorted(outermost)) or 'nothing'}")  # noqa: T201
    assert lacking & names(graphql_types(version)).keys() == set()
    assert bool(lacking) == (version != NEWEST)


@pytest.mark.parametrize("name", sorted(STORED))
@pytest.mark.parametrize("version", VERSIONS)
def test_a_stored_query_lacks_at_gitlab_what_it_lacks_in_the_sandbox(version: str, name: str) -> None:
    document = parse(STORED[name])
    at_gitlab, here = (
        {error.message for error in validate(types, document, hide_suggestions=True)}
        for types in (graphql_types(version), schema(version))
    )
    print(f"GitLab {version}, {name}: {' '.join(sorted(at_gitlab)) or 'has all of it'}")  # noqa: T201
    assert here == at_gitlab
    assert version != NEWEST or not at_gitlab


def test_every_query_of_the_program_is_among_the_stored_ones() -> None:
    sources = (file.read_text() for file in (ROOT / "tui" / "sources").rglob("*.py"))
    written = {name for text in sources for name in re.findall(r"^(?:query|mutation) ([^ (]+)", text, re.M)}
    templates = {"{name}": {"TestCases", "TestOutput"}}
    assert written >= {"Dashboard", "JobRights"}
    for name in written:
        assert templates.get(name, {name}) <= STORED.keys()
