"""What is known of one version of a model, to be kept: as a document, and the same in Markdown. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from tui.domain.verdict import MetricVerdict
from tui.presenters.documents import ComparisonDoc, DeploymentDoc, VerdictDoc
from tui.presenters.evaluation import EvaluationDoc
from tui.text.secrets import STRUCK_OUT, names_secret, without_secrets

MOST_CASES = 100
"""Of an evaluation, in Markdown; the JSON has all."""
_SPECIAL = str.maketrans({char: f"\\{char}" for char in "\\`*_[]<>|#"})


class SeriesDoc(msgspec.Struct, frozen=True):
    """What a metric was judged by: a value for each look from ``since`` on, every ``step`` seconds; null: none."""

    metric: str
    since: float | None
    step: int
    baseline: tuple[float | None, ...]
    canary: tuple[float | None, ...]


class TestedDoc(msgspec.Struct, frozen=True):
    run: str
    total: int
    failed: int
    skipped: int
    failures: tuple[str, ...]


class LineDoc(msgspec.Struct, frozen=True):
    """One line of the journal, by its place in it."""

    place: str
    at: float
    event: str
    words: str


class ActionDoc(msgspec.Struct, frozen=True):
    """Something that somebody did about the version."""

    at: float
    kind: str
    address: str
    who: str
    account: str
    policy: str
    reason: str
    state: str
    words: str
    values: tuple[tuple[str, str], ...]
    facts: tuple[tuple[str, str], ...]
    lines: tuple[LineDoc, ...]


class DossierDoc(msgspec.Struct, frozen=True):
    schema: int
    at: float
    model: str
    version: str
    names: tuple[str, ...]
    """What else it is called: by the registry, by its deployments."""
    environment: str
    deployments: tuple[DeploymentDoc, ...]
    verdict: VerdictDoc | None
    series: tuple[SeriesDoc, ...]
    tests: tuple[TestedDoc, ...]
    evaluations: tuple[EvaluationDoc, ...]
    comparison: ComparisonDoc | None
    actions: tuple[ActionDoc, ...]
    missing: tuple[str, ...]
    """What is not in it, and why."""


def series_documents(metrics: Sequence[MetricVerdict], step: int) -> tuple[SeriesDoc, ...]:
    return tuple(
        SeriesDoc(each.metric, each.since, step, each.baseline_values, each.canary_values) for each in metrics
    )


def without_credentials(document: DossierDoc) -> dict[str, Any]:
    """As plain JSON: every text is free of credentials, and a value whose name says that it is one is struck out."""
    found: dict[str, Any] = _struck(msgspec.to_builtins(document))
    return found


def _struck(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, (list, tuple)):
        if len(value) == 2 and all(isinstance(each, str) for each in value) and names_secret(value[0]):
            return [value[0], STRUCK_OUT]
        return [_struck(each) for each in value]
    if isinstance(value, dict):
        struck = {key: _struck(each) for key, each in value.items()}
        name = value.get("name")
        # What the group signature is about is no credential, though it is called so.
        if isinstance(name, str) and names_secret(name) and value.get("group") != "signature":
            struck |= {key: STRUCK_OUT for key in ("deployed", "candidate", "change") if struck.get(key)}
        return struck
    return value


def markdown(document: Mapping[str, Any]) -> str:
    """The same for people; of a document without credentials."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Mapping[str, Any]) -> Iterator[str]:
    yield f"# {_text(document['model'])} {_text(document['version'])}"
    yield ""
    also = f" Also called {', '.join(map(_text, document['names']))}." if document["names"] else ""
    yield f"Written {_time(document['at'])} by Pipedeck.{also} All times are UTC."
    yield from _section("Deployments", _deployments(document))
    yield from _section("Verdict", _verdict(document))
    yield from _section("Tests", _tests(document))
    yield from _section("Evaluations", _evaluations(document))
    yield from _section("What changed", _changes(document))
    yield from _section("Who did what", _actions(document))
    yield from _section("What is missing", (f"- {_text(each)}" for each in document["missing"]))


def _section(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield ""
    yield f"## {title}"
    yield ""
    yield from list(lines) or ["Nothing that is known."]


def _table(titles: Sequence[str], rows: Iterator[Sequence[object]]) -> Iterator[str]:
    body = [f"| {' | '.join(_text(cell) for cell in row)} |" for row in rows]
    if body:
        yield f"| {' | '.join(titles)} |"
        yield f"|{' --- |' * len(titles)}"
        yield from body


def _deployments(document: Mapping[str, Any]) -> Iterator[str]:
    titles = ("deployed", "environment", "version", "commit", "status", "by", "run", "canary")
    yield from _table(
        titles,
        (
            (
                _time(each["finished_at"] or each["started_at"]),
                document["environment"],
                each["version"],
                each["revision"][:12],
                each["status"],
                each["who"],
                each["run"] or "",
                "yes" if each["canary"] else "",
            )
            for each in document["deployments"]
        ),
    )


def _verdict(document: Mapping[str, Any]) -> Iterator[str]:
    verdict = document["verdict"]
    if verdict is None:
        return
    ours = f"{_text(verdict['decision'] or '')}: {_text(verdict['reason'])}"
    if (server := verdict["server"]) is not None and verdict["counts"] != verdict["decision"]:
        ours = f"{_text(verdict['counts'])}, as {_text(server['judge'])} has it; ours is {ours}"
    yield ours
    yield ""
    yield f"Canary {_text(verdict['canary'])} beside {_text(verdict['baseline'])}, judged {_time(verdict['at'])}."
    yield ""
    titles = ("metric", "verdict", "baseline", "canary", "values", "reason")
    yield from _table(
        titles,
        (
            (
                each["metric"],
                each["outcome"],
                each["baseline"],
                each["canary"],
                each["points"],
                each["reason"],
            )
            for each in verdict["metrics"]
        ),
    )
    if document["series"]:
        yield ""
        yield "The values of both are in the JSON beside this file (`series`)."


def _tests(document: Mapping[str, Any]) -> Iterator[str]:
    for each in document["tests"]:
        yield (
            f"- {_text(each['run'])}: {each['failed'] or 'none'} of {each['total']} failed, "
            f"{each['skipped']} were skipped"
        )
        yield from (f"  - {_text(name)}" for name in each["failures"])


def _evaluations(document: Mapping[str, Any]) -> Iterator[str]:
    for each in document["evaluations"]:
        beside = f", beside {_text(each['against'])}: {each['same']} same" if each["against"] else ""
        problem = f"; {_text(each['problem'])}" if each["problem"] else ""
        yield (
            f"- {_text(each['file'])} ({_text(each['kind'])}): {each['failed'] or 'none'} of {each['total']} cases "
            f"failed{beside}{problem}"
        )
        for change in each["changes"][:MOST_CASES]:
            yield f"  - {change['standing']}: {_text(change['name'])}: {_text(change['words'])}"
        if (more := len(each["changes"]) - MOST_CASES) > 0:
            yield f"  - {more} more are in the JSON beside this file"


def _changes(document: Mapping[str, Any]) -> Iterator[str]:
    comparison = document["comparison"]
    if comparison is None:
        return
    old, new = (comparison[side] or "none" for side in ("deployed", "candidate"))
    yield f"From version {_text(old)} to version {_text(new)} of the registry."
    yield ""
    yield from _table(
        ("group", "what", "before", "this", "", "change"),
        (
            (
                each["group"],
                each["name"],
                each["deployed"],
                each["candidate"],
                each["standing"],
                each["change"],
            )
            for each in comparison["differences"]
        ),
    )
    yield from (f"\n{_text(note)}" for note in comparison["notes"])


def _actions(document: Mapping[str, Any]) -> Iterator[str]:
    for each in document["actions"]:
        by = each["policy"] or each["who"]
        account = f" as {_text(each['account'])}" if each["account"] else ""
        yield f"- {_time(each['at'])}: {_text(by)}{account}: {_text(each['kind'])} {_text(each['address'])}"
        outcome = f"{each['state']}: {each['words']}" if each["words"] else each["state"]
        for name, value in (
            ("outcome", outcome),
            ("reason", each["reason"]),
            *each["values"],
            *each["facts"],
        ):
            if value:
                yield f"  - {_text(name)}: {_text(value)}"
        for line in each["lines"]:
            words = f"{_text(line['event'])} {_text(line['words'])}".rstrip()
            yield f"  - journal {_text(line['place'])}, {_time(line['at'])}: {words}"


def _text(value: object) -> str:
    """Other people's text, which is no Markdown."""
    if value is None:
        return ""
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return text.replace("\n", " ").translate(_SPECIAL)


def _time(at: float | None) -> str:
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):
        return "?"
