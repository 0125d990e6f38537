"""Test reports as GitLab 18.9 tells them (contracts: gitlab §3.4): those of child pipelines are in their parent's.

A summary outlives the artifacts; of a report whose artifacts have expired nothing is left.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tui.sandbox.gitlab.facts import Pipeline, Tests
from tui.sandbox.gitlab.site import Site
from tui.sandbox.reports import Case, cases

KEPT = 5 * 3600.0
"""Seconds until artifacts expire."""

Body = dict[str, Any]

_STATUSES = {"passed": "success", "failed": "failed", "skipped": "skipped"}


def reports(site: Site, it: Pipeline) -> tuple[Tests, ...]:
    """Those of the pipeline and of its child pipelines."""
    below = (report for child in site.children(it) for report in reports(site, child))
    return (*it.tests, *below)


def summary(site: Site, it: Pipeline) -> Body:
    """``test_report_summary``; its rows are there once a job has ended."""
    found = reports(site, it)
    return {
        "total": {
            "time": round(sum(tests.seconds for tests in found), 3),
            "count": sum(tests.count for tests in found),
            "success": sum(tests.success for tests in found),
            "failed": sum(tests.failed for tests in found),
            "skipped": sum(tests.skipped for tests in found),
            "error": 0,
            "suite_error": next((tests.error for tests in found if tests.error), None),
        },
        "test_suites": [
            _counts(tests) | {"build_ids": [tests.job], "suite_error": tests.error or None} for tests in found
        ],
    }


def _counts(tests: Tests) -> Body:
    return {
        "name": tests.name,
        "total_time": tests.seconds,
        "total_count": tests.count,
        "success_count": tests.success,
        "failed_count": tests.failed,
        "skipped_count": tests.skipped,
        "error_count": 0,
    }


def report(site: Site, it: Pipeline) -> Body:
    """``test_report``: every case, with all that it said."""
    found = [tests for tests in reports(site, it) if not _expired(site, tests)]
    return {
        "total_time": round(sum(tests.seconds for tests in found), 3),
        "total_count": sum(tests.count for tests in found),
        "success_count": sum(tests.success for tests in found),
        "failed_count": sum(tests.failed for tests in found),
        "skipped_count": sum(tests.skipped for tests in found),
        "error_count": 0,
        "test_suites": [
            _counts(tests) | {"suite_error": tests.error or None, "test_cases": list(_cases(site, tests))}
            for tests in found
        ],
    }


def suite(site: Site, it: Pipeline, builds: Iterable[object]) -> Body | None:
    """GraphQL's ``testSuite``: the cases of some jobs of the pipeline itself."""
    wanted = {str(build) for build in builds}
    for test in it.tests:
        if str(test.job) in wanted and not _expired(site, test):
            return _counts(test) | {"suite_error": test.error or None, "test_cases": list(_cases(site, test))}
    return None


def _expired(site: Site, tests: Tests) -> bool:
    return site.world.now() - tests.ended_at > KEPT


def _cases(site: Site, tests: Tests) -> Iterator[Body]:
    """Failed ones first, each kind slowest first."""
    if tests.error:
        return
    order = ("failed", "passed", "skipped")
    found = _suite(tests)
    for case in sorted(found, key=lambda case: (order.index(case.outcome), -case.seconds)):
        yield {
            "status": _STATUSES[case.outcome],
            "name": case.name,
            "classname": case.classname,
            "file": case.file,
            "execution_time": case.seconds,
            "system_output": case.trace or case.message or None,
            "stack_trace": None,
            "recent_failures": _recent(site, tests, case) if case.outcome == "failed" else None,
        }


def _suite(tests: Tests) -> Sequence[Case]:
    return cases(
        tests.run,
        tests.name,
        count=tests.count,
        failed=tests.failed,
        skipped=tests.skipped,
        seconds=tests.seconds,
    )


def _recent(site: Site, suite: Tests, case: Case) -> Body | None:
    """How often it failed in the newest runs of the default branch."""
    count = 0
    for it in site.pipelines(site.pipeline(suite.run).project)[:6]:
        if it.run.pipeline.ref == "main":
            same = (tests for tests in it.tests if tests.name == suite.name and tests.failed)
            count += sum(
                other.name == case.name and other.outcome == "failed"
                for tests in same
                for other in _suite(tests)
            )
    return {"count": count, "base_branch": "main"} if count else None
