"""Full names and the URLs they stand in."""

import pytest

from tui.sources.jenkins.names import common_folder, job_path, may_hold, place_of


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("", ""),
        ("a", "/job/a"),
        ("ml/nightly eval", "/job/ml/job/nightly%20eval"),
        ("ml-service/feature%2Fx", "/job/ml-service/job/feature%252Fx"),
        ("évaluation ü", "/job/%C3%A9valuation%20%C3%BC"),
    ],
)
def test_names_and_urls(name: str, path: str) -> None:
    assert job_path(name) == path
    if name:
        assert place_of(f"http://wrong.example:1/jenkins{path}/") == (name, None)
        assert place_of(f"{path}/12/") == (name, 12)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("job/a/", ("a", None)),
        ("/view/all/job/f/view/mine/job/a/3/console", ("f/a", 3)),
        ("/job/job/job/job/1/", ("job/job", 1)),
        ("/job/a/lastBuild/", ("a", None)),
        ("/job/a/²/", ("a", None)),
        ("/computer/x/", None),
        ("", None),
        ("http://[x/job/a", None),
        ("/job/", ("", None)),
    ],
)
def test_places(url: str, place: tuple[str, int | None] | None) -> None:
    assert place_of(url) == place


@pytest.mark.parametrize(
    ("globs", "folder"),
    [
        ([], ""),
        (["**"], ""),
        (["ml/**"], "ml"),
        (["ml/vision/train"], "ml/vision"),
        (["ml/vision/*", "ml/fraud/**"], "ml"),
        (["ml/**", "other"], ""),
        (["ml/v*/train"], "ml"),
    ],
)
def test_the_folder_that_holds_all(globs: list[str], folder: str) -> None:
    assert common_folder(globs) == folder


@pytest.mark.parametrize(
    ("folder", "glob", "expected"),
    [
        ("ml", "**", True),
        ("ml/vision", "ml/**", True),
        ("ml/vision", "ml/*", False),
        ("ml/vision", "ml/*/train", True),
        ("ml/vision", "ops/**", False),
        ("ml/vision", "**/train", True),
        ("ml/vision", "ml/vision", False),
        ("ml/service", "ml/service/feature/x", True),
    ],
)
def test_whether_a_folder_is_worth_reading(folder: str, glob: str, expected: bool) -> None:
    assert may_hold(folder, [glob]) is expected
