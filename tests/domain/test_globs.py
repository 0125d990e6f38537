import pytest

from tui.domain.globs import is_glob, matches, may_overlap


@pytest.mark.parametrize(
    ("glob", "path", "expected"),
    [
        ("ml/fraud", "ml/fraud", True),
        ("ml/*", "ml/fraud", True),
        ("ml/*", "ml/vision/resnet", False),
        ("ml/**", "ml/vision/resnet", True),
        ("ml/**", "ml", False),
        ("ml/**/train", "ml/train", True),
        ("ml/**/train", "ml/a/b/train", True),
        ("**", "anything/at/all", True),
        ("ml/fraud-?", "ml/fraud-2", True),
        ("ml/fraud-?", "ml/fraud-22", False),
        ("feat/[/foo]", "feat/[/foo]", True),
        ("a.c", "abc", False),
    ],
)
def test_globs_match_part_by_part(glob: str, path: str, expected: bool) -> None:
    assert matches(glob, path) is expected


def test_brackets_alone_make_no_glob() -> None:
    assert is_glob("ml/*")
    assert not is_glob("feat/[/foo]")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("ci:deploy", "ci:deploy", True),
        ("ci:deploy", "ci:deploy-2", False),
        ("ci:*", "ci:ml/deploy", True),
        ("*", "ci:ml/deploy", True),
        ("ci:*", "gitlab:*", False),
        ("ci:*/train", "ci:ml/*", True),
        ("ci:a*", "ci:b*", False),
        ("ci:*a", "ci:*b", False),
        ("ci:deploy-?", "ci:deploy", False),
        ("ci:deploy-?", "ci:*-2", True),
        ("ci:**", "ci:x", True),
        ("ci:[ab]", "ci:b", True),
    ],
)
def test_two_globs_overlap_or_not_whichever_goes_first(one: str, other: str, expected: bool) -> None:
    assert may_overlap(one, other) is may_overlap(other, one) is expected
