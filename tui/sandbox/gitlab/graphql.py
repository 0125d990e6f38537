"""Answers questions in GraphQL over a schema, and refuses them in GitLab's words.

A question is validated whole before anything is answered, as graphql-ruby does it: one unknown field refuses the
whole query with HTTP 200 and no ``data`` (contracts: gitlab §6).
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from tui.sandbox.gitlab.query import Asked, Document, Operation, Refused, Variable, error, read_document

MAX_QUERY = 10_000
MAX_PAGE = 100
MAX_COMPLEXITY = 250


class ResolveError(Exception):
    """One field cannot be answered; it becomes null and its error stands beside the data."""


# --- the schema -------------------------------------------------------------------------------------------------

Resolver = Callable[[Any, Mapping[str, Any]], Any]


class Field(msgspec.Struct, frozen=True):
    """One field of a type."""

    resolve: Resolver
    of: str = ""
    """Name of the type it gives; empty for a scalar."""
    connection: bool = False
    """``resolve`` gives all items; the client sees one page of ``nodes``."""
    arguments: Mapping[str, str] = {}
    """Name to type, ``ID!`` for one that must be given."""
    weight: float = 0.0
    """By which share each item asked for (``first``) raises the complexity of what is asked about it."""


def scalar(resolve: Callable[[Any], Any]) -> Field:
    return Field(lambda value, _: resolve(value))


def item(name: str) -> Field:
    """A field that the value holds under ``name``."""
    return Field(lambda value, _: value[name])


def one(of: str, resolve: Callable[[Any], Any]) -> Field:
    """A field that gives one object or null, or a plain list of them."""
    return Field(lambda value, _: resolve(value), of)


_PAGING = {"first": "Int", "after": "String"}


def many(of: str, resolve: Resolver, *, weight: float = 0.0, **arguments: str) -> Field:
    """A connection: a page of the items that ``resolve`` gives."""
    return Field(resolve, of, connection=True, arguments=_PAGING | arguments, weight=weight)


Schema = Mapping[str, Mapping[str, Field]]
"""Type name to its fields; the entry point is ``Query``."""

_PAGE_INFO: Mapping[str, Field] = {
    name: item(name) for name in ("hasNextPage", "hasPreviousPage", "startCursor", "endCursor")
}


def _connection_fields(of: str) -> Mapping[str, Field]:
    return {
        "nodes": one(of, lambda page: page["nodes"]),
        "pageInfo": one("PageInfo", lambda page: page),
        "count": item("count"),
    }


def _fields_of(schema: Schema, type_name: str) -> Mapping[str, Field] | None:
    if type_name == "PageInfo":
        return _PAGE_INFO
    if type_name.endswith("Connection"):
        return _connection_fields(type_name.removesuffix("Connection"))
    return schema.get(type_name)


# --- may it be asked --------------------------------------------------------------------------------------------


class _Check:
    """All mistakes of one operation, in GitLab's words, and its complexity."""

    def __init__(
        self, schema: Schema, document: Document, operation: Operation, variables: Mapping[str, Any]
    ) -> None:
        self.schema = schema
        self.document = document
        self.operation = operation
        self.variables = variables
        self.errors: list[Mapping[str, Any]] = []
        self.used_variables: set[str] = set()
        self.used_fragments: set[str] = set()
        root = f"{operation.kind} {operation.name}".strip()
        self.complexity: int = self.cost("Query", operation.selections, [root])
        label = operation.name or "anonymous query"
        for name in operation.variables:
            if name not in self.used_variables:
                self.say(f"Variable ${name} is declared by {label} but not used", "variableNotUsed", [root])
        for name in sorted(self.used_variables.difference(operation.variables)):
            self.say(f"Variable ${name} is used by {label} but not declared", "variableNotDefined", [root])
        for name in document.fragments:
            if name not in self.used_fragments:
                self.say(
                    f"Fragment {name} was defined, but not used", "useAndDefineFragment", [f"fragment {name}"]
                )

    def say(
        self, message: str, code: str, path: list[str], at: list[dict[str, int]] | None = None, **more: str
    ) -> None:
        where = {"locations": at} if at is not None else {}
        self.errors.append(error(message, **where, path=path, extensions={"code": code, **more}))

    def cost(self, type_name: str, selections: Sequence[Asked], path: list[str]) -> int:
        """The complexity of what is asked about one value of a type; checks it in passing."""
        if _fields_of(self.schema, type_name) is None:
            message = f"No such type {type_name}, so it can't be a fragment condition"
            self.say(message, "undefinedType", path, typeName=type_name)
            return 0
        total = 0
        for asked in selections:
            if asked.spread == "...":
                total += self.cost(asked.name or type_name, asked.selections, path)
            elif asked.spread:
                self.used_fragments.add(asked.spread)
                if asked.spread not in self.document.fragments:
                    message = f"Fragment {asked.spread} was used, but not defined"
                    self.say(message, "useAndDefineFragment", path, asked.at)
                    continue
                on, inner = self.document.fragments[asked.spread]
                total += self.cost(on, inner, [f"fragment {asked.spread}"])
            elif asked.name != "__typename":
                total += self.field(type_name, asked, [*path, asked.alias])
        return total

    def field(self, type_name: str, asked: Asked, path: list[str]) -> int:
        field = (_fields_of(self.schema, type_name) or {}).get(asked.name)
        if field is None:
            message = f"Field '{asked.name}' doesn't exist on type '{type_name}'"
            self.say(message, "undefinedField", path, asked.at, typeName=type_name, fieldName=asked.name)
            return 0
        self.arguments(field, asked, path)
        if not field.of:
            if asked.selections:
                message = f"Selections can't be made on scalars (field '{asked.name}' has selections)"
                self.say(message, "selectionMismatch", path, asked.at)
            return 1
        of = f"{field.of}Connection" if field.connection else field.of
        if not asked.selections:
            message = (
                f"Field must have selections (field '{asked.name}' returns {of} but has no selections. "
                f"Did you mean '{asked.name} {{ ... }}'?)"
            )
            self.say(message, "selectionMismatch", path, asked.at)
        inner = self.cost(of, asked.selections, path)
        first = _value(asked.arguments.get("first"), self.variables)
        items = min(first, MAX_PAGE) if isinstance(first, int) else MAX_PAGE
        return int((1 + inner) * (1.0 + items * field.weight))

    def arguments(self, field: Field, asked: Asked, path: list[str]) -> None:
        for name, value in asked.arguments.items():
            if isinstance(value, Variable):
                self.used_variables.add(value.name)
            if name not in field.arguments:
                message = f"Field '{asked.name}' doesn't accept argument '{name}'"
                self.say(message, "argumentNotAccepted", path, asked.at, argumentName=name)
            elif isinstance(value, Variable) and value.name in self.operation.variables:
                declared, default = self.operation.variables[value.name]
                wanted = field.arguments[name]
                given = declared if default is None or declared.endswith("!") else f"{declared}!"
                if not _fits(given, wanted):
                    message = (
                        f"{'Type' if given.strip('[]!') != wanted.strip('[]!') else 'Nullability'} mismatch on "
                        f"variable ${value.name} and argument {name} ({declared} / {wanted})"
                    )
                    self.say(message, "variableMismatch", path, asked.at, variableName=value.name)
        missing = [n for n, t in field.arguments.items() if t.endswith("!") and n not in asked.arguments]
        if missing:
            message = f"Field '{asked.name}' is missing required arguments: {', '.join(missing)}"
            self.say(message, "missingRequiredArguments", path, asked.at, arguments=", ".join(missing))


def _fits(given: str, wanted: str) -> bool:
    """May a variable declared as ``given`` stand where ``wanted`` is taken: stricter about null is allowed."""
    if given.endswith("!") and given != wanted:
        return _fits(given[:-1], wanted.removesuffix("!"))
    if given.startswith("[") and wanted.startswith("["):
        return _fits(given[1:-1], wanted[1:-1])
    return given == wanted


# --- the answer -------------------------------------------------------------------------------------------------


def answer(schema: Schema, query: str, variables: Mapping[str, Any], operation: str | None) -> dict[str, Any]:
    """The body GitLab answers to one question.

    The fields of ``Query`` are resolved on the query's complexity.
    """
    try:
        document = read_document(query)
        asked = _pick(document, operation)
        values = {name: variables.get(name, default) for name, (_, default) in asked.variables.items()}
        check = _Check(schema, document, asked, values)
        if check.errors:
            raise Refused(*check.errors)
        if check.complexity > MAX_COMPLEXITY:
            score = f"{check.complexity}, which exceeds max complexity of {MAX_COMPLEXITY}"
            raise Refused(error(f"Query has complexity of {score}"))
        _check_values(asked, values)
        run = _Run(schema, document, values)
    except Refused as refused:
        return {"errors": refused.errors}
    data = run.object("Query", check.complexity, asked.selections, [])
    return {"data": data, "errors": run.errors} if run.errors else {"data": data}


def _pick(document: Document, name: str | None) -> Operation:
    if not document.operations:
        raise Refused(error("No query string was present"))
    if name is None and len(document.operations) > 1:
        raise Refused(error("An operation name is required"))
    for operation in document.operations:
        if name in (None, operation.name):
            if operation.kind != "query":
                raise Refused(error(f"Schema is not configured for {operation.kind}s"))
            return operation
    raise Refused(error(f'No operation named "{name}"'))


def _check_values(operation: Operation, values: Mapping[str, Any]) -> None:
    for name, (kind, _) in operation.variables.items():
        if not _is(values[name], kind):
            problem = {"path": [], "explanation": f"Expected a value of type {kind}"}
            raise Refused(
                error(
                    f"Variable ${name} of type {kind} was provided invalid value",
                    extensions={"value": values[name], "problems": [problem]},
                )
            )


def _is(value: Any, kind: str) -> bool:
    if value is None:
        return not kind.endswith("!")
    kind = kind.removesuffix("!")
    if kind.startswith("["):
        return all(_is(item, kind[1:-1]) for item in (value if isinstance(value, list) else [value]))
    if kind == "Int":
        return isinstance(value, int) and not isinstance(value, bool)
    if kind == "Boolean":
        return isinstance(value, bool)
    return isinstance(value, str) or (kind == "ID" and isinstance(value, int))


class _Run:
    """Resolves one operation; what fails for one field only is in ``errors``."""

    def __init__(self, schema: Schema, document: Document, variables: Mapping[str, Any]) -> None:
        self.schema = schema
        self.document = document
        self.variables = variables
        self.errors: list[dict[str, Any]] = []

    def object(
        self, type_name: str, value: Any, selections: Sequence[Asked], path: list[str | int]
    ) -> dict[str, Any]:
        return {
            name: type_name
            if asked.name == "__typename"
            else self.field(type_name, value, asked, [*path, name])
            for name, asked in self.merged(selections).items()
        }

    def merged(self, selections: Sequence[Asked]) -> dict[str, Asked]:
        """The fields by the name they are answered under; what is asked twice is asked for all of it."""
        found: dict[str, Asked] = {}
        for asked in selections:
            if not asked.spread:
                fields = {asked.alias: asked}
            elif asked.spread == "...":
                fields = self.merged(asked.selections)
            else:
                fields = self.merged(self.document.fragments[asked.spread][1])
            for name, field in fields.items():
                if earlier := found.get(name):
                    inner = (*earlier.selections, *field.selections)
                    field = msgspec.structs.replace(earlier, selections=inner)
                found[name] = field
        return found

    def field(self, type_name: str, value: Any, asked: Asked, path: list[str | int]) -> Any:
        field = (_fields_of(self.schema, type_name) or {})[asked.name]
        arguments = {name: _value(given, self.variables) for name, given in asked.arguments.items()}
        try:
            result = field.resolve(value, arguments)
        except ResolveError as problem:
            self.errors.append(error(str(problem), locations=asked.at, path=path))
            return None
        if not field.of or result is None:
            return result
        if field.connection:
            page = _page(tuple(result), arguments)
            return self.object(f"{field.of}Connection", page, asked.selections, path)
        if isinstance(result, list | tuple):
            return [
                self.object(field.of, item, asked.selections, [*path, i]) for i, item in enumerate(result)
            ]
        return self.object(field.of, result, asked.selections, path)


def _value(given: Any, variables: Mapping[str, Any]) -> Any:
    return variables.get(given.name) if isinstance(given, Variable) else given


def _page(items: tuple[Any, ...], arguments: Mapping[str, Any]) -> dict[str, Any]:
    """One page of a connection. A cursor is the number of items up to and with the one it stands for."""
    after = arguments.get("after")
    start = int(after) if isinstance(after, str) and after.isdigit() else 0
    first = arguments.get("first")
    end = start + min(MAX_PAGE, first if isinstance(first, int) else MAX_PAGE)
    nodes = items[start:end]
    return {
        "nodes": nodes,
        "count": len(items),
        "hasNextPage": end < len(items),
        "hasPreviousPage": start > 0,
        "startCursor": str(start + 1) if nodes else None,
        "endCursor": str(start + len(nodes)) if nodes else None,
    }
