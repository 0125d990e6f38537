"""What changed from one version of a model to another, by what was recorded of both. Pure.

What was not recorded of one of them is never the same: it is told as not known.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from tui.domain.deployment import Changes
from tui.domain.model_comparison import (
    NOT_RECORDED,
    Column,
    Dataset,
    Difference,
    Group,
    Signature,
    Standing,
    VersionRecord,
)
from tui.domain.verdict import MetricOutcome, MetricVerdict
from tui.insight.candidate import indistinct
from tui.text import format as fmt
from tui.text.secrets import STRUCK_OUT, names_secret

Pair = tuple[VersionRecord, VersionRecord]

NONE = "-"
"""Where the other has something, and this one is known to have not."""
SHORT = 8
"""Characters of a commit, a digest or an id."""
_ORDER = {Standing.DIFFERS: 0, Standing.UNKNOWN: 1, Standing.SAME: 2}
_BY_OUTCOME = {MetricOutcome.WORSE: 0, MetricOutcome.UNCLEAR: 1}
_DEPLOYED, _CANDIDATE = "only deployed", "only candidate"


class Commits(NamedTuple):
    """The commits between two versions; None and why, where they are not known."""

    changes: Changes | None = None
    problem: str = ""


NO_COMMITS = Commits()


def differences(
    deployed: VersionRecord,
    candidate: VersionRecord,
    judged: Sequence[MetricVerdict],
    commits: Commits = NO_COMMITS,
    jobs: tuple[str, str] = ("", ""),
    now: float = 0.0,
) -> tuple[Difference, ...]:
    """Everything that can be compared, group by group, in each what differs before what is not known and the same.

    Args:
        judged: the metrics that have a limit.
        jobs: the CI jobs that trained them, in words; empty: as far as the records say.
    """
    pair = (deployed, candidate)
    found = (
        *_metrics(pair, judged),
        *_data(pair),
        *_parameters(pair),
        *_signature(pair),
        *_environment(pair),
        *_code(pair, commits),
        *_origin(pair, jobs, now),
    )
    return tuple(sorted(found, key=_place))


def _place(each: Difference) -> tuple[int, int, int, bool, str]:
    groups = tuple(Group)
    outcome = _BY_OUTCOME.get(each.outcome, 2) if each.outcome is not None else 2
    return groups.index(each.group), outcome, _ORDER[each.standing], not each.marked, each.name


def most_important(found: Iterable[Difference]) -> tuple[Difference, ...]:
    """What differs, by how much it decides: worse metrics, data, what callers must change, then group by group. Where
    it came from always differs and decides nothing."""
    groups = tuple(Group)

    def rank(each: Difference) -> tuple[int, int, bool, str]:
        first = (each.outcome is MetricOutcome.WORSE, each.group is Group.DATA, each.marked)
        order = first.index(True) if any(first) else len(first)
        return order, groups.index(each.group), not each.marked, each.name

    differing = (each for each in found if each.standing is Standing.DIFFERS)
    return tuple(sorted((each for each in differing if each.group is not Group.ORIGIN), key=rank))


# --- numbers


def _metrics(pair: Pair, judged: Sequence[MetricVerdict]) -> Iterator[Difference]:
    verdicts = {each.metric: each for each in judged}
    old, new = (dict(each.version.metrics) for each in pair)
    of_either = indistinct(pair[0].version, pair[1].version)
    if not {*old, *new, *verdicts}:
        yield _unknown(Group.METRICS, "metrics")
    for name in {**old, **new, **verdicts}:
        cells = _value(old, name), _value(new, name)
        one, other = old.get(name), new.get(name)
        verdict = verdicts.get(name)
        change = ""
        if of_either:
            standing, change = Standing.UNKNOWN, "one run made both: of either"
        elif one is None or other is None:
            standing = Standing.UNKNOWN
        else:
            standing = Standing.SAME if one == other else Standing.DIFFERS
            change = f"{other - one:+.4g}" if one != other else ""
            if verdict is not None and verdict.margin is not None and verdict.outcome is MetricOutcome.WORSE:
                change += f", {fmt.quantity(verdict.margin)} worse is allowed"
        yield Difference(
            group=Group.METRICS,
            name=name,
            deployed=cells[0],
            candidate=cells[1],
            standing=standing,
            change=change,
            outcome=verdict.outcome if verdict is not None else None,
        )


def _value(metrics: Mapping[str, float | None], name: str) -> str:
    if name not in metrics:
        return NOT_RECORDED
    value = metrics[name]
    return "not a finite number" if value is None else fmt.quantity(value)


# --- data


def _data(pair: Pair) -> Iterator[Difference]:
    old, new = (each.datasets for each in pair)
    if not old and not new:
        yield _unknown(Group.DATA, "data")
    for one, other in paired_data(old, new):
        either = one or other
        assert either is not None
        standing, change = _same_data(one, other)
        yield Difference(
            group=Group.DATA,
            name=_context(either) or either.name,
            deployed=_dataset(one),
            candidate=_dataset(other),
            standing=standing,
            change=change,
        )


def _same_data(one: Dataset | None, other: Dataset | None) -> tuple[Standing, str]:
    if one is None or other is None or not one.digest or not other.digest:
        return Standing.UNKNOWN, ""
    if one.digest == other.digest and (one.rows == other.rows or None in (one.rows, other.rows)):
        return (
            (Standing.SAME, "no difference seen")
            if one.name == other.name
            else (Standing.DIFFERS, "renamed, no other difference seen")
        )
    return Standing.DIFFERS, "name same, data not" if one.name == other.name else "other data"


def paired_data(
    old: Sequence[Dataset], new: Sequence[Dataset]
) -> tuple[tuple[Dataset | None, Dataset | None], ...]:
    """Each dataset once, beside the other version's of the same context: by name and digest, then by digest, then by
    name (autolog calls all of them ``dataset``), then what is left."""
    pairs: list[tuple[Dataset | None, Dataset | None]] = []
    for context in dict.fromkeys(map(_context, (*old, *new))):
        ours = [each for each in old if _context(each) == context]
        theirs = [each for each in new if _context(each) == context]
        keys: tuple[Callable[[Dataset], object], ...] = (
            lambda each: (each.name, each.digest),
            lambda each: each.digest or None,
            lambda each: each.name,
            lambda _: "any",
        )
        for key in keys:
            for one in tuple(ours):
                fits = next((each for each in theirs if key(each) == key(one) is not None), None)
                if fits is not None:
                    pairs.append((one, fits))
                    ours.remove(one)
                    theirs.remove(fits)
        pairs += [(one, None) for one in ours]
        pairs += [(None, other) for other in theirs]
    return tuple(pairs)


def _context(data: Dataset) -> str:
    """MLflow's autolog says train, its own examples training."""
    return "training" if data.context == "train" else data.context


def _dataset(data: Dataset | None) -> str:
    if data is None:
        return NOT_RECORDED
    rows = f"{data.rows} rows" if data.rows is not None else ""
    return "  ".join(filter(None, (data.name, data.digest[:SHORT] or "no digest", rows)))


# --- parameters and packages


def _parameters(pair: Pair) -> Iterator[Difference]:
    old, new = (dict(each.params) for each in pair)
    yield from _values(Group.PARAMETERS, old or None, new or None, _parameter)


def _parameter(one: str, other: str) -> tuple[Standing, str]:
    if one == other:
        return Standing.SAME, ""
    try:
        old, new = float(one), float(other)
    except ValueError:
        return Standing.DIFFERS, ""
    if old == new:
        return Standing.SAME, "the same number"
    if old and new and (old > 0) == (new > 0) and not 0.5 < new / old < 2:
        return Standing.DIFFERS, f"×{new / old:.3g}"
    return Standing.DIFFERS, f"{new - old:+.4g}"


def _environment(pair: Pair) -> Iterator[Difference]:
    old, new = (dict(each.requirements) if each.requirements is not None else None for each in pair)
    yield from _values(Group.ENVIRONMENT, old, new, _package, _why(pair, Group.ENVIRONMENT))


def _package(one: str, other: str) -> tuple[Standing, str]:
    if one == other:
        return Standing.SAME, ""
    old, new = (re.match(r"\d+", each) for each in (one, other))
    return Standing.DIFFERS, "major" if old and new and old[0] != new[0] else ""


def _values(
    group: Group,
    old: Mapping[str, str] | None,
    new: Mapping[str, str] | None,
    differ: Callable[[str, str], tuple[Standing, str]],
    why: str = "",
) -> Iterator[Difference]:
    """Texts by name; None: nothing was recorded, which is not the same as that there is none."""
    if old is None and new is None:
        yield _unknown(group, group.value, why)
    for name in {**(old or {}), **(new or {})}:
        one, other = _cell(old, name), _cell(new, name)
        if old is None or new is None:
            standing, change = Standing.UNKNOWN, why
        elif name not in old or name not in new:
            standing, change = Standing.DIFFERS, _DEPLOYED if name in old else _CANDIDATE
        else:
            standing, change = differ(one, other)
        if names_secret(name):  # somebody logged a credential: whether it differs is all that is told
            one, other = (each if each in (NONE, NOT_RECORDED) else STRUCK_OUT for each in (one, other))
            change = change if change in (_DEPLOYED, _CANDIDATE) else ""
        yield Difference(
            group=group, name=name, deployed=one, candidate=other, standing=standing, change=change
        )


def _cell(values: Mapping[str, str] | None, name: str) -> str:
    return NOT_RECORDED if values is None else values.get(name, NONE)


# --- signature


def _signature(pair: Pair) -> Iterator[Difference]:
    old, new = (each.signature for each in pair)
    if old is None or new is None:
        cells = [_columns(each.inputs) if each is not None else NOT_RECORDED for each in (old, new)]
        yield Difference(
            group=Group.SIGNATURE,
            name="signature",
            deployed=cells[0],
            candidate=cells[1],
            standing=Standing.UNKNOWN,
            change=_why(pair, Group.SIGNATURE),
        )
        return
    parts: tuple[tuple[str, Callable[[Signature], tuple[Column, ...]]], ...] = (
        ("inputs", lambda each: each.inputs),
        ("outputs", lambda each: each.outputs),
        ("params", lambda each: each.params),
    )
    for name, part in parts:
        one, other = part(old), part(new)
        if not one and not other:
            continue
        words, marked = _changed_columns(one, other, given=name == "outputs")
        yield Difference(
            group=Group.SIGNATURE,
            name=name,
            deployed=_columns(one),
            candidate=_columns(other),
            standing=Standing.DIFFERS if words else Standing.SAME,
            change=words,
            marked=marked,
        )


def _changed_columns(old: Sequence[Column], new: Sequence[Column], *, given: bool) -> tuple[str, bool]:
    """In words, and whether callers must change. Their order is not compared.

    Args:
        given: callers get them: what is added does not hurt.
    """
    before, after = ({each.name: each for each in columns} for columns in (old, new))
    words, marked = [], False
    for name in {**before, **after}:
        one, other = before.get(name), after.get(name)
        if one is None and other is not None:
            optional = "" if given else ", required" if other.required else ", optional"
            words.append(f"+ {name} {other.type}{optional}")
            marked |= other.required and not given
        elif one is not None and other is None:
            words.append(f"- {name} {one.type}")
            marked = True
        elif one is not None and other is not None and one.type != other.type:
            words.append(f"{name} {one.type} → {other.type}")
            marked = True
        elif one is not None and other is not None and one.required != other.required and not given:
            words.append(f"{name} {'required' if other.required else 'optional'}")
            marked |= other.required
    changes = ", ".join(words)
    return (f"{changes}: callers must change" if marked else changes), marked


def _columns(columns: Sequence[Column]) -> str:
    if len(columns) == 1:
        return f"{columns[0].name} {columns[0].type}"
    return fmt.count(len(columns), "column") if columns else NONE


# --- code and origin


def _code(pair: Pair, commits: Commits) -> Iterator[Difference]:
    old, new = (each.commit for each in pair)
    standing, change = Standing.UNKNOWN, ""
    if old and new:
        standing = Standing.SAME if old == new else Standing.DIFFERS
    if standing is Standing.DIFFERS and commits.changes is not None and commits.changes.commits:
        by = len(commits.changes.authors)
        change = fmt.count(len(commits.changes.commits), "commit") + (f" by {by}" if by else "")
    elif standing is Standing.DIFFERS:
        change = commits.problem
    yield Difference(
        group=Group.CODE,
        name="commit",
        deployed=old[:SHORT] or NOT_RECORDED,
        candidate=new[:SHORT] or NOT_RECORDED,
        standing=standing,
        change=change,
    )


def _origin(pair: Pair, jobs: tuple[str, str], now: float) -> Iterator[Difference]:
    runs = [f"{each.run_name} {each.version.run[:SHORT]}".strip() for each in pair]
    trained = [
        job or (f"job {each.job_id}, of no configured source" if each.job_id else "")
        for job, each in zip(jobs, pair, strict=True)
    ]
    made = [
        f"{fmt.ago(now - at)} ago" if (at := each.version.created_at) is not None else "" for each in pair
    ]
    for name, (one, other), same in (
        ("run", runs, pair[0].version.run == pair[1].version.run),
        ("job", trained, trained[0] == trained[1]),
        ("registered", made, pair[0].version.created_at == pair[1].version.created_at),
    ):
        known = bool(one and other)
        yield Difference(
            group=Group.ORIGIN,
            name=name,
            deployed=one or NOT_RECORDED,
            candidate=other or NOT_RECORDED,
            standing=Standing.UNKNOWN if not known else Standing.SAME if same else Standing.DIFFERS,
        )


def _why(pair: Pair, group: Group) -> str:
    reasons = [f"{each.version.version}: {each.unread[group]}" for each in pair if group in each.unread]
    return "; ".join(dict.fromkeys(reasons))


def _unknown(group: Group, name: str, why: str = "") -> Difference:
    return Difference(
        group=group,
        name=name,
        deployed=NOT_RECORDED,
        candidate=NOT_RECORDED,
        standing=Standing.UNKNOWN,
        change=why,
    )
