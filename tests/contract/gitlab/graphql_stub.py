"""GitLab's GraphQL over plain data: a query is validated and executed after the schema of a version.

Data is in GitLab's own names (``{"projects": [{"fullPath": ..., "pipelines": [...]}]}``). A list stands for a
connection, of which arguments choose and a page is shown; an object with ``nodes`` is shown as it is. One thing
(``project(fullPath:)``) may be given, or is looked up in the list of its plural. A :class:`ResolveError` in the place
of a value is the error of that field alone.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from graphql import (
    GraphQLEnumType,
    GraphQLError,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLResolveInfo,
    GraphQLSchema,
    get_named_type,
)

from tui.sandbox.gitlab.graphql import answer
from tui.sandbox.gitlab.schema import ResolveError, types

__all__ = ["ResolveError", "execute"]

Info = GraphQLResolveInfo[Any]

_KEYS = {
    "fullPaths": "fullPath",
    "statuses": "status",
    "states": "state",
    "ids": "id",
    "jobKind": "kind",
}
"""What arguments choose by that are not called as the field."""
_SCOPES: Mapping[str, tuple[str, ...]] = {
    "RUNNING": ("RUNNING",),
    "PENDING": ("PENDING", "WAITING_FOR_RESOURCE", "PREPARING", "CREATED"),
    "FINISHED": ("SUCCESS", "FAILED", "CANCELED"),
}


def execute(
    data: Any, query: str, variables: Mapping[str, Any], operation: str | None = None, version: str = "18.9"
) -> Any:
    """The body that a GitLab of that version answers out of ``data``."""
    try:
        return answer(_schema(version), lambda _: data, query, variables, operation)
    except GraphQLError as error:
        return {"errors": [{"message": f"the data of this test are not what GitLab has: {error}"}]}


@cache
def _schema(version: str) -> GraphQLSchema:
    made = types(version)
    for kind in made.type_map.values():
        if isinstance(kind, GraphQLEnumType):
            kind.coerce_output_value = _as_it_is  # type: ignore[method-assign, assignment]
        elif isinstance(kind, GraphQLInterfaceType):
            kind.resolve_type = lambda *_: "Pipeline"
        elif isinstance(kind, GraphQLObjectType) and not kind.name.startswith("__"):
            for field in kind.fields.values():
                field.resolve = (
                    _connection if get_named_type(field.type).name.endswith("Connection") else _value
                )
    return made


def _as_it_is(word: Any) -> str:
    """A newer GitLab has words that this schema does not know."""
    return str(word)


def _of(it: Any, info: Info, name: str) -> Any:
    value = (info.context if it is None else it)[name]
    if isinstance(value, Exception):
        raise value
    return value


def _value(it: Any, info: Info, **given: Any) -> Any:
    holder, name = info.context if it is None else it, info.field_name
    if name in holder or not given:
        return _of(it, info, name)
    return next(iter(_chosen(_of(it, info, f"{name}s"), given)), None)


def _connection(it: Any, info: Info, first: int = 100, after: str | None = None, **given: Any) -> Any:
    value = _of(it, info, info.field_name)
    if not isinstance(value, list):
        return value
    items = _chosen(value, given)
    start = int(after or 0)
    end = start + min(first, 100)
    page = {"hasNextPage": end < len(items), "hasPreviousPage": start > 0, "startCursor": str(start)}
    return {"nodes": items[start:end], "pageInfo": {**page, "endCursor": str(end)}}


def _chosen(items: Sequence[Any], given: Mapping[str, Any]) -> list[Any]:
    """The items that the arguments choose; an argument that is null chooses nothing."""
    found = list(items)
    for name, wanted in given.items():
        if wanted is None:
            continue
        if name == "scope":
            found = _in_scope(found, wanted)
        elif name == "updatedAfter":
            found = [item for item in found if _time(item["updatedAt"]) >= _time(wanted)]
        elif name == "search":
            found = [item for item in found if wanted.lower() in item["name"].lower()]
        elif isinstance(wanted, list):
            found = [item for item in found if item[_KEYS[name]] in wanted]
        else:
            found = [item for item in found if item[_KEYS.get(name, name)] == wanted]
    return found


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _in_scope(pipelines: Sequence[Any], scope: str) -> list[Any]:
    """Of branches and tags the newest of each; which of both a ref is, ``refPath`` says."""
    if scope in _SCOPES:
        return [item for item in pipelines if item["status"] in _SCOPES[scope]]
    kind = {"BRANCHES": "refs/heads/", "TAGS": "refs/tags/"}[scope]
    newest: dict[str, Any] = {}
    for item in pipelines:
        if item["refPath"].startswith(kind):
            newest.setdefault(item["refPath"], item)
    return list(newest.values())
