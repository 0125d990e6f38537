"""The REST bodies of these tests are what GitLab's own schemas allow."""

import pytest

from tests.contract.gitlab import bodies
from tests.gitlab_schemas import schema_errors


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("pipelines", [bodies.basic(1842), bodies.basic(1841, name="Nightly", status="manual")]),
        ("pipeline-detail", bodies.full(1842)),
        (
            "pipeline-detail",
            bodies.full(1842, yaml_errors="jobs config is wrong", finished_at=None, duration=None),
        ),
        ("jobs", [bodies.job(11, "compile", "build")]),
        (
            "jobs",
            [
                bodies.job(
                    12, "unit", "test", status="failed", allow_failure=True, failure_reason="script_failure"
                )
            ],
        ),
        ("jobs", [bodies.job(13, "promote", "deploy", status="manual", started_at=None, duration=None)]),
        (
            "pipeline-basic",
            bodies.bridge(14, "b", "c", downstream_pipeline=bodies.basic(77))["downstream_pipeline"],
        ),
    ],
)
def test_rest_bodies_follow_gitlabs_schemas(kind: str, body: object) -> None:
    assert schema_errors()(kind, body) == []
