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
    below = (each for child in site.children(it) for each in reports(site, child))
    return (*it.tests, *below)


def summary(site: Site, it: Pipeline) -> Body:
    """``test_report_summary``; its rows are there once a job has ended."""
    found = reports(site, it)
    return {
        "total": {
            "time": round(sum(each.seconds for each in found), 3),
            "count": sum(each.count for each in found),
            "success": sum(each.success for each in found),
            "failed": sum(each.failed for each in found),
            "skipped": sum(each.skipped for each in found),
            "error": 0,
            "suite_error": next((each.error for each in found if each.error), None),
        },
        "test_suites": [
            _counts(each) | {"build_ids": [each.job], "suite_error": each.error or None} for each in found
        ],
    }


def _counts(each: Tests) -> Body:
    return {
        "name": each.name,
        "total_time": each.seconds,
        "total_count": each.count,
        "success_count": each.success,
        "failed_count": each.failed,
        "skipped_count": each.skipped,
        "error_count": 0,
    }


def report(site: Site, it: Pipeline) -> Body:
    """``test_report``: every case, with all that it said."""
    found = [each for each in reports(site, it) if not _expired(site, each)]
    return {
        "total_time": round(sum(each.seconds for each in found), 3),
        "total_count": sum(each.count for each in found),
        "success_count": sum(each.success for each in found),
        "failed_count": sum(each.failed for each in found),
        "skipped_count": sum(each.skipped for each in found),
        "error_count": 0,
        "test_suites": [
            _counts(each) | {"suite_error": each.error or None, "test_cases": list(_cases(site, each))}
            for each in found
        ],
    }


def suite(site: Site, it: Pipeline, builds: Iterable[object]) -> Body | None:
    """GraphQL's ``testSuite``: the cases of some jobs of the pipeline itself."""
    wanted = {str(build) for build in builds}
    for test in it.tests:
        if str(test.job) in wanted and not _expired(site, test):
            return _counts(test) | {"suite_error": test.error or None, "test_cases": list(_cases(site, test))}
    return None


def _expired(site: Site, each: Tests) -> bool:
    return site.world.now() - each.ended_at > KEPT


def _cases(site: Site, each: Tests) -> Iterator[Body]:
    """Failed ones first, each kind slowest first."""
    if each.error:
        return
    order = ("failed", "passed", "skipped")
    found = _suite(each)
    for case in sorted(found, key=lambda case: (order.index(case.outcome), -case.seconds)):
        yield {
            "status": _STATUSES[case.outcome],
            "name": case.name,
            "classname": case.classname,
            "file": case.file,
            "execution_time": case.seconds,
            "system_output": case.trace or case.message or None,
            "stack_trace": None,
            "recent_failures": _recent(site, each, case) if case.outcome == "failed" else None,
        }


def _suite(each: Tests) -> Sequence[Case]:
    return cases(
        each.run,
        each.name,
        count=each.count,
        failed=each.failed,
        skipped=each.skipped,
        seconds=each.seconds,
    )


def _recent(site: Site, each: Tests, case: Case) -> Body | None:
    """How often it failed in the newest runs of the default branch."""
    count = 0
    for it in site.pipelines(site.pipeline(each.run).project)[:6]:
        if it.run.pipeline.ref == "main":
            same = (tests for tests in it.tests if tests.name == each.name and tests.failed)
            count += sum(
                other.name == case.name and other.outcome == "failed"
                for tests in same
                for other in _suite(tests)
            )
    return {"count": count, "base_branch": "main"} if count else None
