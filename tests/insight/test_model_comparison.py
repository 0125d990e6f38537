"""What changed between two versions of a model."""

from hypothesis import given
from hypothesis import strategies as st

from tui.domain.candidate import RegisteredVersion
from tui.domain.deployment import Changes, Commit
from tui.domain.model_comparison import (
    Column,
    Dataset,
    Difference,
    Group,
    Signature,
    Standing,
    VersionRecord,
)
from tui.domain.verdict import MetricOutcome
from tui.insight.candidate import compare
from tui.insight.deployed_version import LinkedVersion, linked_version, made_at_commit
from tui.insight.judge import MetricRule
from tui.insight.model_comparison import Commits, differences, most_important, paired_data

Metrics = tuple[tuple[str, float | None], ...]


def record(
    number: str, metrics: Metrics = (), run: str = "", source: str = "", **facts: object
) -> VersionRecord:
    version = RegisteredVersion(
        "fraud", number, run=run or f"r{number}", metrics=metrics, source_uri=source, created_at=float(number)
    )
    return VersionRecord(version=version, **facts)  # type: ignore[arg-type]


def found(one: VersionRecord, other: VersionRecord, group: Group) -> list[Difference]:
    return [each for each in differences(one, other, ()) if each.group is group]


def told(differences: list[Difference]) -> list[tuple[str, str, str, str, Standing]]:
    return [(each.name, each.deployed, each.candidate, each.change, each.standing) for each in differences]


def test_nothing_that_was_not_recorded_is_the_same() -> None:
    everything = differences(record("1"), record("2"), ())
    assert {each.group for each in everything} == set(Group)
    assert {each.standing for each in everything} == {Standing.DIFFERS, Standing.UNKNOWN}
    assert [each.name for each in everything if each.standing is Standing.DIFFERS] == ["registered", "run"]


def test_worse_metrics_come_first_and_one_measured_of_one_only_is_not_known() -> None:
    one, other = (
        record("1", (("auc", 0.9), ("f1", 0.5), ("loss", 0.3))),
        record("2", (("auc", 0.8), ("f1", 0.5), ("nan", None))),
    )
    judged = compare("m", "m", {"auc": MetricRule(better="higher")}, ("", one.version), ("", other.version))
    metrics = [each for each in differences(one, other, judged.metrics) if each.group is Group.METRICS]
    assert told(metrics) == [
        ("auc", "0.9", "0.8", "-0.1, 0 worse is allowed", Standing.DIFFERS),
        ("loss", "0.3", "not recorded", "", Standing.UNKNOWN),
        ("nan", "not recorded", "not a finite number", "", Standing.UNKNOWN),
        ("f1", "0.5", "0.5", "", Standing.SAME),
    ]
    assert metrics[0].outcome is MetricOutcome.WORSE


def test_the_metrics_of_one_run_that_made_both_versions_are_of_neither() -> None:
    one, other = (record(each, (("auc", 0.9),), run="r", source=f"runs:/r/{each}") for each in "12")
    assert told(found(one, other, Group.METRICS)) == [
        ("auc", "0.9", "0.9", "one run made both: of either", Standing.UNKNOWN)
    ]


def test_data_of_the_same_name_and_another_digest_is_other_data() -> None:
    one = record(
        "1",
        datasets=(
            Dataset("train", "fraud", "aa", 800),
            Dataset("validation", "old", "bb", 80),
            Dataset("test", "t", "", 8),
            Dataset("eval", "e", "ee"),
        ),
    )
    other = record(
        "2",
        datasets=(
            Dataset("training", "fraud", "ab", 812),
            Dataset("validation", "new", "bb", 80),
            Dataset("test", "t", "", 8),
        ),
    )
    assert told(found(one, other, Group.DATA)) == [
        ("training", "fraud  aa  800 rows", "fraud  ab  812 rows", "name same, data not", Standing.DIFFERS),
        (
            "validation",
            "old  bb  80 rows",
            "new  bb  80 rows",
            "renamed, no other difference seen",
            Standing.DIFFERS,
        ),
        ("eval", "e  ee", "not recorded", "", Standing.UNKNOWN),
        ("test", "t  no digest  8 rows", "t  no digest  8 rows", "", Standing.UNKNOWN),
    ]
    same = record("2", datasets=one.datasets[:1])
    assert told(found(record("1", datasets=one.datasets[:1]), same, Group.DATA))[0][3:] == (
        "no difference seen",
        Standing.SAME,
    )


DATASETS = st.lists(
    st.builds(
        Dataset, st.sampled_from(("train", "training", "eval")), st.sampled_from("ab"), st.sampled_from("xy ")
    ),
    max_size=5,
)


@given(DATASETS, DATASETS)
def test_each_dataset_stands_once_and_the_other_way_round_as_well(
    old: list[Dataset], new: list[Dataset]
) -> None:
    pairs = paired_data(old, new)
    assert sorted(map(repr, (one for one, _ in pairs if one))) == sorted(map(repr, old))
    assert sorted(map(repr, (other for _, other in pairs if other))) == sorted(map(repr, new))
    back = paired_data(new, old)
    assert sum(None in pair for pair in pairs) == sum(None in pair for pair in back)


def test_parameters_are_compared_as_numbers_where_they_are() -> None:
    one = record("1", params=(("lr", "0.01"), ("C", "0.10"), ("seed", "7"), ("depth", "6"), ("Lr", "a")))
    other = record("2", params=(("lr", "0.05"), ("C", "0.1"), ("seed", "8"), ("leaf", "3"), ("Lr", "b")))
    assert told(found(one, other, Group.PARAMETERS)) == [
        ("Lr", "a", "b", "", Standing.DIFFERS),
        ("depth", "6", "-", "only deployed", Standing.DIFFERS),
        ("leaf", "-", "3", "only candidate", Standing.DIFFERS),
        ("lr", "0.01", "0.05", "×5", Standing.DIFFERS),
        ("seed", "7", "8", "+1", Standing.DIFFERS),
        ("C", "0.10", "0.1", "the same number", Standing.SAME),
    ]
    (key,) = found(
        record("1", params=(("api_key", "1"),)), record("2", params=(("api_key", "2"),)), Group.PARAMETERS
    )
    assert told([key]) == [("api_key", "***", "***", "", Standing.DIFFERS)]
    bare = found(one, record("2"), Group.PARAMETERS)
    assert {(each.candidate, each.standing) for each in bare} == {("not recorded", Standing.UNKNOWN)}


def test_what_callers_must_change_in_the_signature_is_marked() -> None:
    def signed(number: str, *inputs: Column, outputs: tuple[Column, ...] = ()) -> VersionRecord:
        return record(number, signature=Signature(inputs, outputs))

    def words(old: VersionRecord, new: VersionRecord) -> tuple[str, bool]:
        (each,) = found(old, new, Group.SIGNATURE)
        return each.change, each.marked

    f0, f1 = Column("f0", "double"), Column("f1", "long")
    base = signed("1", f0)
    assert words(base, signed("2", f0, f1)) == ("+ f1 long, required: callers must change", True)
    assert words(base, signed("2", f0, Column("f1", "long", required=False))) == (
        "+ f1 long, optional",
        False,
    )
    assert words(signed("1", f0, f1), base) == ("- f1 long: callers must change", True)
    assert words(base, signed("2", Column("f0", "string"))) == (
        "f0 double → string: callers must change",
        True,
    )
    assert words(signed("1", f0, f1), signed("2", f1, f0)) == ("", False)
    (unread,) = found(base, record("2", unread={"signature": "no permission"}), Group.SIGNATURE)
    assert (unread.candidate, unread.change, unread.standing) == (
        "not recorded",
        "2: no permission",
        Standing.UNKNOWN,
    )


def test_packages_of_another_major_version_are_marked() -> None:
    one = record("1", requirements=(("numpy", "1.26.4"), ("scipy", "1.1")))
    other = record("2", requirements=(("numpy", "2.1.0"), ("scipy", "1.1"), ("xgboost", "2")))
    assert [each[3] for each in told(found(one, other, Group.ENVIRONMENT))] == ["major", "only candidate", ""]


def test_commits_between_are_counted_where_they_are_known() -> None:
    pair = record("1", commit="a" * 40), record("2", commit="b" * 40)
    changes = Changes((Commit("b", "x", "Ann"), Commit("c", "y", "Bob")))
    (code,) = [each for each in differences(*pair, (), Commits(changes)) if each.group is Group.CODE]
    assert (code.deployed, code.candidate, code.change) == ("aaaaaaaa", "bbbbbbbb", "2 commits by 2")


def test_what_decides_most_comes_first() -> None:
    one = record(
        "1",
        (("auc", 0.9), ("x", 1.0)),
        params=(("lr", "1"),),
        datasets=(Dataset("train", "d", "a"),),
        signature=Signature((Column("a", "long"),)),
        commit="a",
    )
    other = record(
        "2",
        (("auc", 0.8), ("x", 2.0)),
        params=(("lr", "2"),),
        datasets=(Dataset("train", "d", "b"),),
        signature=Signature((Column("b", "long"),)),
        commit="b",
    )
    judged = compare("m", "m", {"auc": MetricRule(better="higher")}, ("", one.version), ("", other.version))
    order = most_important(differences(one, other, judged.metrics))
    assert [each.name for each in order] == ["auc", "training", "inputs", "x", "lr", "commit"]


def test_a_deployment_is_linked_by_its_number_or_by_a_tag_and_never_to_one_of_several() -> None:
    versions = (
        RegisteredVersion("fraud", "7", tags=(("deployed_as", "2026.1"),)),
        RegisteredVersion("fraud", "8", tags=(("deployed_as", "2026.2"), ("image_tag", "x"))),
        RegisteredVersion("fraud", "10", tags=(("image_tag", "x"),)),
    )
    for deployed in ("7", "v7", "models:/fraud/7"):
        assert linked_version("fraud", deployed, versions) == LinkedVersion(
            "7", "by the deployment's version"
        )
    assert linked_version("fraud", "2026.2", versions) == LinkedVersion("8", "by the tag deployed_as")
    assert linked_version("fraud", "x", versions) == LinkedVersion(
        "", "versions 8 and 10 have the tag image_tag x"
    )
    for deployed in ("", "9", "v7.1", "models:/churn/7"):
        assert linked_version("fraud", deployed, versions) == LinkedVersion()
    assert made_at_commit(("7", "8")).basis == "versions 7 and 8 were made at this commit"
    assert made_at_commit(("7",)).version == "7"
    assert made_at_commit(()) == LinkedVersion()
