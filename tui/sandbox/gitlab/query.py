"""The language of GraphQL: a text in, operations and fragments out.

Read: operations, fragments (named and inline), variables with defaults, aliases, arguments. Left out, because no
client here uses them: directives, block strings.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

_TOKEN = re.compile(
    r'[\s,\ufeff]+|#[^\n]*|(\.\.\.|[A-Za-z_]\w*|-?\d+(?:\.\d+)?|"(?:\\.|[^"\\\n])*"|[{}()\[\]:!$=@|&])'
)


class Refused(Exception):
    """The question is wrong as a whole; ``errors`` is what GitLab answers, one object or more."""

    def __init__(self, *errors: Mapping[str, Any]) -> None:
        super().__init__(errors[0]["message"])
        self.errors = list(errors)


class Variable(msgspec.Struct, frozen=True):
    name: str


class Asked(msgspec.Struct, frozen=True):
    """One selection: a field, or the spread of a fragment (``spread`` is its name, ``...`` for an inline one)."""

    name: str
    alias: str
    line: int
    column: int
    arguments: Mapping[str, Any] = {}
    selections: "tuple[Asked, ...]" = ()
    spread: str = ""

    @property
    def at(self) -> list[dict[str, int]]:
        return [{"line": self.line, "column": self.column}]


class Operation(msgspec.Struct, frozen=True):
    kind: str
    name: str
    variables: Mapping[str, tuple[str, Any]]
    """Name to type and default (None where there is none)."""
    selections: tuple[Asked, ...]


class Document(msgspec.Struct, frozen=True):
    operations: tuple[Operation, ...]
    fragments: Mapping[str, tuple[str, tuple[Asked, ...]]]
    """Name to the type it is on and its selections."""


class _Reader:
    """A recursive descent over the tokens of one document."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, int, int]] = []
        at = 0
        line, line_start = 1, 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise Refused(error(f'Parse error on "{text[at]}" at [{line}, {at - line_start + 1}]'))
            if match[1]:
                self.tokens.append((match[1], line, at - line_start + 1))
            if newlines := match[0].count("\n"):
                line += newlines
                line_start = at + match[0].rindex("\n") + 1
            at = match.end()
        self.at = 0

    @property
    def token(self) -> str:
        return self.tokens[self.at][0] if self.at < len(self.tokens) else ""

    def take(self, expected: str = "") -> str:
        token = self.token
        if not token or (expected and token != expected):
            line, column = self.tokens[self.at][1:] if token else (0, 0)
            where = f' on "{token}" at [{line}, {column}]' if token else ": Unexpected end of document"
            raise Refused(error(f"Parse error{where}"))
        self.at += 1
        return token

    def name(self) -> str:
        if not re.fullmatch(r"[A-Za-z_]\w*", self.token):
            self.take("a name")
        return self.take()

    def until(self, end: str) -> Iterator[None]:
        while self.token != end:
            yield
        self.take(end)

    def document(self) -> Document:
        operations: list[Operation] = []
        fragments: dict[str, tuple[str, tuple[Asked, ...]]] = {}
        while self.token:
            if self.token == "{":
                operations.append(Operation("query", "", {}, self.selections()))
            elif (kind := self.name()) == "fragment":
                name = self.name()
                self.take("on")
                fragments[name] = (self.name(), self.selections())
            else:
                name = "" if self.token in "({" else self.name()
                operations.append(Operation(kind, name, self.variables(), self.selections()))
        return Document(tuple(operations), fragments)

    def variables(self) -> Mapping[str, tuple[str, Any]]:
        found: dict[str, tuple[str, Any]] = {}
        if self.token == "(":
            self.take("(")
            for _ in self.until(")"):
                self.take("$")
                name = self.name()
                self.take(":")
                kind = self.type_name()
                default = None
                if self.token == "=":
                    self.take("=")
                    default = self.value()
                found[name] = (kind, default)
        return found

    def type_name(self) -> str:
        if self.token == "[":
            self.take("[")
            kind = f"[{self.type_name()}]"
            self.take("]")
        else:
            kind = self.name()
        return kind + (self.take("!") if self.token == "!" else "")

    def selections(self) -> tuple[Asked, ...]:
        self.take("{")
        return tuple(self.selection() for _ in self.until("}"))

    def selection(self) -> Asked:
        if not self.token:
            self.take()
        _, line, column = self.tokens[self.at]
        if self.token == "...":
            self.take("...")
            if self.token in ("on", "{"):
                kind = self.name() and self.name() if self.token == "on" else ""
                return Asked(kind, "", line, column, {}, self.selections(), spread="...")
            return Asked("", "", line, column, spread=self.name())
        alias = name = self.name()
        if self.token == ":":
            self.take(":")
            name = self.name()
        arguments: dict[str, Any] = {}
        if self.token == "(":
            self.take("(")
            for _ in self.until(")"):
                key = self.name()
                self.take(":")
                arguments[key] = self.value()
        inner = self.selections() if self.token == "{" else ()
        return Asked(name, alias, line, column, arguments, inner)

    def _after_colon(self) -> Any:
        self.take(":")
        return self.value()

    def value(self) -> Any:
        if self.token == "$":
            self.take("$")
            return Variable(self.name())
        if self.token == "[":
            self.take("[")
            return [self.value() for _ in self.until("]")]
        if self.token == "{":
            self.take("{")
            return {self.name(): self._after_colon() for _ in self.until("}")}
        token = self.take()
        if token[0] == '"':
            return msgspec.json.decode(token)
        if re.fullmatch(r"-?\d+", token):
            return int(token)
        if re.fullmatch(r"-?\d+\.\d+", token):
            return float(token)
        return {"true": True, "false": False, "null": None}.get(token, token)


def read_document(text: str) -> Document:
    """The document that ``text`` spells.

    Raises:
        Refused: it spells none.
    """
    return _Reader(text).document()


def error(message: str, **more: Any) -> dict[str, Any]:
    """One entry of ``errors``."""
    return {"message": message, **more}
