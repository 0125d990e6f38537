"""A GraphQL document without some of its fields. Pure."""

from functools import lru_cache
from typing import Any


@lru_cache(maxsize=64)
def without(document: str, paths: frozenset[tuple[str, ...]]) -> str | None:
    """``document`` without the fields at ``paths``, and without what is of no use then; None where nothing is left, or
    one of them is not found.

    Args:
        paths: as GitLab names them in the error of an unknown field: ``("query Runs", "project", "child")``, or
            ``("fragment Newest", "pipelines", "nodes", "child")``.
    """
    # Not at start: only what talks to an old GitLab needs it.
    from graphql import REMOVE, FieldNode, Node, OperationDefinitionNode, Visitor, parse, print_ast, visit

    found: set[tuple[str, ...]] = set()

    class Fields(Visitor):
        def enter_field(self, node: FieldNode, *place: Any) -> Any:
            path = tuple(name for it in (*place[-1], node) if (name := _step(it)))
            if path in paths:
                found.add(path)
                return REMOVE
            return None

        def leave_field(self, node: FieldNode, *_: Any) -> Any:
            return REMOVE if node.selection_set is not None and not node.selection_set.selections else None

    class Used(Visitor):
        def __init__(self) -> None:
            super().__init__()
            self.fragments: set[str] = set()
            self.variables: set[str] = set()

        def enter_fragment_spread(self, node: Any, *_: Any) -> None:
            self.fragments.add(node.name.value)

        def enter_variable(self, node: Any, _key: Any, parent: Any, *_: Any) -> None:
            if getattr(parent, "kind", "") != "variable_definition":
                self.variables.add(node.name.value)

    class Unused(Visitor):
        def __init__(self, used: Used) -> None:
            super().__init__()
            self._used = used

        def enter_fragment_definition(self, node: Any, *_: Any) -> Any:
            return None if node.name.value in self._used.fragments else REMOVE

        def enter_variable_definition(self, node: Any, *_: Any) -> Any:
            return None if node.variable.name.value in self._used.variables else REMOVE

    left: Node = visit(parse(document), Fields())
    if found != paths:
        return None
    text = ""
    while text != (text := print_ast(left)):
        used = Used()
        visit(left, used)
        left = visit(left, Unused(used))
    operations = [it for it in getattr(left, "definitions", ()) if isinstance(it, OperationDefinitionNode)]
    return " ".join(text.split()) if operations and operations[0].selection_set.selections else None


def _step(node: Any) -> str:
    """How a path names a part of the document; empty for what is no step of it."""
    kind = getattr(node, "kind", "")
    if kind == "operation_definition":
        return f"{node.operation.value} {node.name.value}" if node.name else str(node.operation.value)
    if kind == "fragment_definition":
        return f"fragment {node.name.value}"
    if kind == "field":
        return str(node.alias.value if node.alias else node.name.value)
    return ""
