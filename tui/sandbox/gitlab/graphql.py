"""Answers queries in GraphQL, and refuses them in GitLab's words.

graphql-core reads, validates and executes. What is GitLab's own is the wording of its refusals, the complexity of a
query and its limits. A query is validated whole before anything is answered: one unknown field refuses it with HTTP
200 and no ``data`` (contracts: gitlab §6).
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLSyntaxError,
    InlineFragmentNode,
    IntValueNode,
    Node,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    Source,
    VariableNode,
    Visitor,
    execute_sync,
    get_location,
    get_named_type,
    get_operation_ast,
    is_leaf_type,
    parse,
    validate,
    visit,
)
from graphql.execution import get_variable_values

from tui.sandbox.gitlab.schema import MAX_COMPLEXITY, MAX_PAGE, ResolveError

MAX_QUERY = 10_000
WEIGHT = 0.01
"""By which share each item asked for (``first``) raises the complexity of a list that is ``@weighted``."""


class _Refused(Exception):
    """The query is wrong as a whole; ``error`` is what GitLab says."""

    def __init__(self, message: str, **more: Any) -> None:
        super().__init__(message)
        self.error = {"message": message, **more}


def answer(
    schema: GraphQLSchema,
    context: Callable[[int], Any],
    query: str,
    variables: Mapping[str, Any],
    operation: str | None,
) -> dict[str, Any]:
    """The body that GitLab answers to one query.

    Args:
        context: makes what the fields are answered with out of the complexity of the query.
    """
    document = _read(schema, query)
    if isinstance(document, tuple):
        return {"errors": list(document)}
    try:
        asked = _pick(document, operation)
        values = _values(schema, asked, variables)
        score = _Cost(schema, document, values).of(schema.query_type, asked.selection_set)
        if score > MAX_COMPLEXITY:
            limit = f"{score}, which exceeds max complexity of {MAX_COMPLEXITY}"
            raise _Refused(f"Query has complexity of {limit}")
    except _Refused as refused:
        return {"errors": [refused.error]}
    result = execute_sync(
        schema,
        document,
        context_value=context(score),
        variable_values=dict(variables),
        operation_name=operation,
    )
    for error in result.errors or ():
        if not isinstance(error.original_error, ResolveError):
            raise error  # a mistake of the sandbox
    if result.errors:
        return {"data": result.data, "errors": [error.formatted for error in result.errors]}
    return {"data": result.data}


@lru_cache(maxsize=256)
def _read(schema: GraphQLSchema, query: str) -> "DocumentNode | tuple[Mapping[str, Any], ...]":
    """The document that ``query`` spells, or what is wrong with it."""
    if not query.strip():
        return ({"message": "No query string was present"},)
    try:
        document = parse(query)
    except GraphQLSyntaxError as error:
        return ({"message": _parse_error(query, error)},)
    for definition in document.definitions:
        kind = getattr(definition, "operation", OperationType.QUERY)
        if kind is not OperationType.QUERY:
            return ({"message": f"Schema is not configured for {kind.value}s"},)
    errors = validate(schema, document, hide_suggestions=True)
    return tuple(_in_gitlabs_words(error, document) for error in errors) or document


def _pick(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    if operation := get_operation_ast(document, name):
        return operation
    raise _Refused("An operation name is required" if name is None else f'No operation named "{name}"')


def _values(
    schema: GraphQLSchema, operation: OperationDefinitionNode, given: Mapping[str, Any]
) -> Mapping[str, Any]:
    """The variables with their defaults.

    Raises:
        _Refused: one is not what it is declared as.
    """
    values: dict[str, Any] = {}
    for definition in operation.variable_definitions or ():
        found = get_variable_values(schema, (definition,), dict(given))
        if isinstance(found, list):
            name, kind = definition.variable.name.value, _source(definition.type)
            problem = {"path": [], "explanation": f"Expected a value of type {kind}"}
            message = f"Variable ${name} of type {kind} was provided invalid value"
            raise _Refused(message, extensions={"value": given.get(name), "problems": [problem]})
        values |= found.coerced
    return values


def _source(node: Node) -> str:
    """How it is written in the query."""
    assert node.loc is not None
    return node.loc.source.body[node.loc.start : node.loc.end]


# --- what a query costs -------------------------------------------------------------------------------------------


class _Cost:
    """The complexity of a query that is valid."""

    def __init__(self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]) -> None:
        self._schema = schema
        self._variables = variables
        self._fragments = {
            it.name.value: it.selection_set
            for it in document.definitions
            if isinstance(it, FragmentDefinitionNode)
        }

    def of(self, kind: Any, selections: SelectionSetNode) -> int:
        """Of what is asked about one value of a type."""
        total = 0
        for asked in selections.selections:
            if isinstance(asked, FieldNode):
                total += self._of_field(kind, asked)
            elif isinstance(asked, FragmentSpreadNode):
                total += self.of(kind, self._fragments[asked.name.value])
            elif isinstance(asked, InlineFragmentNode):
                total += self.of(kind, asked.selection_set)
        return total

    def _of_field(self, kind: Any, asked: FieldNode) -> int:
        if asked.name.value.startswith("__"):
            return 0
        assert isinstance(kind, GraphQLObjectType | GraphQLInterfaceType)
        field = kind.fields[asked.name.value]
        inner_kind = get_named_type(field.type)
        if is_leaf_type(inner_kind) or asked.selection_set is None:
            return 1
        inner = 1 + self.of(inner_kind, asked.selection_set)
        directives = field.ast_node.directives if field.ast_node else None
        weighted = any(it.name.value == "weighted" for it in directives or ())
        return int(inner * (1.0 + self._items(asked) * WEIGHT)) if weighted else inner

    def _items(self, asked: FieldNode) -> int:
        """How many items of a list are asked for."""
        first: Any = None
        for argument in asked.arguments or ():
            if argument.name.value == "first":
                if isinstance(argument.value, VariableNode):
                    first = self._variables.get(argument.value.name.value)
                elif isinstance(argument.value, IntValueNode):
                    first = int(argument.value.value)
        return MAX_PAGE if first is None else min(MAX_PAGE, first)


# --- what is wrong with it ----------------------------------------------------------------------------------------


def _parse_error(query: str, error: GraphQLSyntaxError) -> str:
    (at,) = error.positions or (len(query),)
    if (token := re.match(r"\s*(\w+|\S)", query[at:])) is None:
        return "Parse error: Unexpected end of document"
    where = get_location(Source(query), at)
    return f'Parse error on "{token[1]}" at [{where.line}, {where.column}]'


_WORDS = tuple(
    (re.compile(pattern), code, words)
    for pattern, code, words in (
        (
            r"Cannot query field '(?P<fieldName>\w+)' on type '(?P<typeName>\w+)'",
            "undefinedField",
            "Field '{fieldName}' doesn't exist on type '{typeName}'",
        ),
        (
            r"Unknown argument '(?P<argumentName>\w+)' on field '\w+\.(?P<name>\w+)'",
            "argumentNotAccepted",
            "Field '{name}' doesn't accept argument '{argumentName}'",
        ),
        (
            r"Argument '\w+\.(?P<name>\w+)\((?P<arguments>\w+):\)' of type '.*' is required",
            "missingRequiredArguments",
            "Field '{name}' is missing required arguments: {arguments}",
        ),
        (
            r"Field '(?P<name>\w+)' of type '(?P<typeName>[^']+)' must have a selection",
            "selectionMismatch",
            "Field must have selections (field '{name}' returns {typeName} but has no selections. "
            "Did you mean '{name} {{ ... }}'?)",
        ),
        (
            r"Field '(?P<name>\w+)' must not have a selection",
            "selectionMismatch",
            "Selections can't be made on scalars (field '{name}' has selections)",
        ),
        (
            r"Value '(?P<value>[^']*)' does not exist in '(?P<typeName>\w+)' enum",
            "argumentLiteralsIncompatible",
            "Argument '{argument}' on Field '{field}' has an invalid value ({value}). "
            "Expected type '{typeName}'.",
        ),
        (
            r"Variable '\$(?P<variableName>\w+)' of type '(?P<given>[^']+)' used in position expecting type "
            r"'(?P<wanted>[^']+)'",
            "variableMismatch",
            "{mismatch} mismatch on variable ${variableName} and argument {argument} ({given} / {wanted})",
        ),
        (
            r"Variable '\$(?P<variableName>\w+)' is never used",
            "variableNotUsed",
            "Variable ${variableName} is declared by {operation} but not used",
        ),
        (
            r"Variable '\$(?P<variableName>\w+)' is not defined",
            "variableNotDefined",
            "Variable ${variableName} is used by {operation} but not declared",
        ),
        (
            r"Unknown fragment '(?P<fragmentName>\w+)'",
            "useAndDefineFragment",
            "Fragment {fragmentName} was used, but not defined",
        ),
        (
            r"Fragment '(?P<fragmentName>\w+)' is never used",
            "useAndDefineFragment",
            "Fragment {fragmentName} was defined, but not used",
        ),
        (
            r"Unknown type '(?P<typeName>\w+)'",
            "undefinedType",
            "No such type {typeName}, so it can't be a fragment condition",
        ),
    )
)
"""What graphql-core says, GitLab's code for it and what GitLab says. Named groups go out as ``extensions``."""


def _in_gitlabs_words(error: GraphQLError, document: DocumentNode) -> dict[str, Any]:
    """One entry of ``errors``."""
    place = _Place(error.nodes[-1]) if error.nodes else _Place(document)
    visit(document, place)
    body: dict[str, Any] = dict(error.formatted) | {"path": place.path}
    for pattern, code, words in _WORDS:
        if found := pattern.match(error.message):
            named = found.groupdict()
            if code == "undefinedType" and place.variable:
                code = "variableRequiresValidType"
                words = f"{{typeName}} isn't a defined input type (on ${place.variable})"
            same = named.get("given", "").strip("[]!") == named.get("wanted", "").strip("[]!")
            mismatch = "Nullability" if same else "Type"
            body["message"] = words.format(
                **named,
                argument=place.argument,
                field=place.field,
                operation=place.operation,
                mismatch=mismatch,
            )
            body["extensions"] = {"code": code, **named}
    return body


class _Place(Visitor):
    """Where in a document a node is."""

    def __init__(self, node: Node) -> None:
        super().__init__()
        self._node = node
        self.path: list[str] = []
        """GitLab's: the operation, then the names of the fields and of the argument."""
        self.operation = self.field = self.argument = self.variable = ""

    def enter(self, node: Node, _key: Any, parent: Any, _path: Any, ancestors: list[Any]) -> None:
        if node is not self._node:
            return
        for it in (*ancestors, parent, node):
            name = it.name.value if getattr(it, "name", None) else ""
            kind = getattr(it, "kind", "")
            if kind == "operation_definition":
                self.operation = name or "anonymous query"
                self.path.append(f"query {name}".strip())
            elif kind == "fragment_definition":
                self.path.append(f"fragment {name}")
            elif kind == "variable_definition":
                self.variable = it.variable.name.value
            elif kind == "field":
                self.field = name
                self.path.append(it.alias.value if it.alias else name)
            elif kind == "argument":
                self.argument = name
                self.path.append(name)
