"""What the files of a model say: the signature in ``MLmodel``, the packages in ``requirements.txt``. Pure.

``MLmodel`` is YAML, of which only the block ``signature:`` is read, by its indentation: its values are JSON in a
quoted text that is folded over lines (contracts: model §3).
"""

import re

import msgspec

from tui.domain.model_comparison import Column, Signature
from tui.text.safe import clean

_KEY = re.compile(r"  (?P<key>\w+):(?: (?P<value>.*))?")
_PACKAGE = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^\]]*\])?\s*(?P<version>[=<>!~].*)?")
_columns = msgspec.json.Decoder(list[dict[str, object]])


class UnknownForm(Exception):
    """The file is not written as MLflow writes it."""


def signature_of(text: str) -> Signature | None:
    """The signature in an ``MLmodel``; None where it has none.

    Raises:
        UnknownForm
    """
    lines = text.lstrip("\ufeff").splitlines()
    if not any(line.startswith(("flavors:", "mlflow_version:", "model_uuid:")) for line in lines):
        raise UnknownForm
    start = next((n for n, line in enumerate(lines) if line.startswith("signature:")), None)
    if start is None or lines[start].partition(":")[2].strip() in ("null", "~"):
        return None
    if lines[start].partition(":")[2].strip():
        raise UnknownForm
    values: dict[str, list[str]] = {}
    key = ""
    for line in lines[start + 1 :]:
        if line and not line.startswith(" "):
            break
        if match := _KEY.fullmatch(line):
            key = match["key"]
            values[key] = [match["value"] or ""]
        elif key:
            values[key].append(line)
    return Signature(*(_read(values.get(part, ["null"])) for part in ("inputs", "outputs", "params")))


def _read(lines: list[str]) -> tuple[Column, ...]:
    folded = " ".join(line.strip() for line in lines).strip()
    if folded in ("null", "~", ""):
        return ()
    if len(folded) < 2 or folded[0] != "'" or folded[-1] != "'":
        raise UnknownForm
    try:
        columns = _columns.decode(folded[1:-1].replace("''", "'"))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UnknownForm from None
    return tuple(_column(number, column) for number, column in enumerate(columns, 1))


def _column(number: int, column: dict[str, object]) -> Column:
    name = column.get("name")
    kind = column.get("type")
    if kind == "tensor":
        spec = column.get("tensor-spec")
        shape = spec.get("shape") if isinstance(spec, dict) else None
        sizes = ", ".join(map(str, shape)) if isinstance(shape, list) else ""
        words = f"tensor {spec.get('dtype') if isinstance(spec, dict) else ''} ({sizes})"
    elif rest := {key: value for key, value in column.items() if key in ("items", "properties", "values")}:
        words = f"{kind} {msgspec.json.encode(rest).decode()}"
    else:
        words = str(kind)
    optional = column.get("required") is False or column.get("optional") is True or "default" in column
    return Column(clean(str(name)) if name is not None else f"{number}", clean(words), not optional)


def requirements_of(text: str) -> tuple[tuple[str, str], ...]:
    """Packages by name with what stands behind it; neither order nor comments, options and urls count."""
    found: dict[str, str] = {}
    for line in text.lstrip("\ufeff").splitlines():
        words = re.split(r"\s#|;", line.strip())[0].strip()
        match = _PACKAGE.fullmatch(words)
        if match and "://" not in words:
            name = re.sub(r"[-_.]+", "-", match["name"]).lower()
            version = (match["version"] or "any version").strip()
            found[clean(name)] = clean(version.removeprefix("==").strip())
    return tuple(sorted(found.items()))
