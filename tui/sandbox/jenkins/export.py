"""Jenkins' exported objects and the ``tree=`` language that prunes them (contracts: jenkins §2)."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

Value = Any
"""A JSON value, a :class:`Bean`, a list of those, or a function without arguments that makes one when asked."""


class TreeError(ValueError):
    """The text is not a tree; Jenkins answers 500."""


class Tree(msgspec.Struct, frozen=True):
    """One level of a ``tree=``: the wanted names, and for each what is wanted below it."""

    children: "Mapping[str, Tree]" = {}
    start: int = 0
    """First index wanted of a list."""
    stop: int | None = None
    """Index after the last one wanted."""


def parse_tree(text: str) -> Tree:
    """The tree that ``text`` spells. Of a name given twice at one level the last one counts.

    Raises:
        TreeError: unbalanced brackets, an empty name at the end, a range that is none.
    """
    tree, rest = _level(text)
    if rest:
        raise TreeError(f"unexpected {rest[:10]!r} in the tree")
    return tree


def _level(text: str) -> tuple[Tree, str]:
    children: dict[str, Tree] = {}
    while True:
        length = next((i for i, char in enumerate(text) if char in ",[]{}"), len(text))
        name, text = text[:length], text[length:]
        if not name:
            raise TreeError(f"a name is missing before {text[:10]!r} in the tree")
        below = Tree()
        if text.startswith("["):
            below, text = _level(text[1:])
            if not text.startswith("]"):
                raise TreeError("a bracket of the tree is not closed")
            text = text[1:]
        if text.startswith("{"):
            bounds, closed, text = text[1:].partition("}")
            if not closed:
                raise TreeError("a range of the tree is not closed")
            below = Tree(below.children, *_range(bounds))
        children[name] = below
        if not text.startswith(","):
            return Tree(children), text
        text = text[1:]


def _range(text: str) -> tuple[int, int | None]:
    low, comma, high = text.partition(",")
    try:
        start = int(low) if low else 0
        stop = (int(high) if high else None) if comma else start + 1
    except ValueError:
        raise TreeError(f"{{{text}}} is not a range") from None
    if start < 0 or (stop is not None and stop < 0):
        raise TreeError(f"{{{text}}} has a negative bound")
    return start, stop


class Bean:
    """An exported object.

    Args:
        kind: its ``_class``; empty where Jenkins writes none.
        fields: by name; functions are called only for fields that are shown.
        brief: the names shown when it stands inside another object and no tree is given; None: all.
        hidden: the names shown only when a tree asks for them.
    """

    __slots__ = ("brief", "fields", "hidden", "kind")

    def __init__(
        self,
        kind: str,
        fields: Mapping[str, Value | Callable[[], Value]],
        *,
        brief: frozenset[str] | None = None,
        hidden: frozenset[str] = frozenset(),
    ) -> None:
        self.kind, self.fields, self.brief, self.hidden = kind, fields, brief, hidden


def export(value: Value, tree: Tree | None, depth: int = 0) -> Any:
    """``value`` as JSON, pruned by ``tree``, or without one shown to ``depth``."""
    if isinstance(value, list):
        if tree is not None:
            value = value[tree.start : tree.stop]
        return [export(item, tree, depth) for item in value]
    if not isinstance(value, Bean):
        return value
    shown: dict[str, Any] = {"_class": value.kind} if value.kind else {}
    for name, field in value.fields.items():
        below: Tree | None = None
        if tree is not None:
            below = tree.children.get(name, tree.children.get("*"))
            if below is None:
                continue
        elif name in value.hidden or (depth < 0 and value.brief is not None and name not in value.brief):
            continue
        shown[name] = export(field() if callable(field) else field, below, depth - 1)
    return shown
