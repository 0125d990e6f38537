"""Test cases suite by suite, by GraphQL: what is left when a whole report is too large or too slow.

GitLab sorts the cases of a suite: errors, failures, passed, skipped (``TestSuite#sorted``), so that the failed ones
are on the first pages. A page is at most 100 cases, and for each GitLab reads the suite's files again.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec

from tui.domain.tests import Case, CaseDetails, CaseKey, CaseOutcome
from tui.insight.stack_traces import message_in
from tui.sources.gitlab.graphql_client import GraphQL
from tui.sources.gitlab.graphql_queries import GraphQLQuery
from tui.sources.gitlab.payload import GraphQLReply, Nodes
from tui.sources.gitlab.payload import nodes as items
from tui.sources.http.bounds import lasted
from tui.text.safe import clean, clean_lines, shorten

MOST_PAGES = 10
_LONGEST_MESSAGE = 500

OUTCOMES: Mapping[str, CaseOutcome] = {
    "success": CaseOutcome.PASSED,
    "failed": CaseOutcome.FAILED,
    "error": CaseOutcome.FAILED,
    "skipped": CaseOutcome.SKIPPED,
}
"""``status`` of a case."""


class CaseNode(msgspec.Struct, frozen=True, rename="camel"):
    name: str | None = None
    classname: str | None = None
    status: str | None = None
    execution_time: float | None = None
    system_output: Any = None
    stack_trace: Any = None
    recent_failures: Any = None

    @property
    def outcome(self) -> CaseOutcome | None:
        return OUTCOMES.get((self.status or "").lower())


class _Suite(msgspec.Struct, frozen=True, rename="camel"):
    test_cases: Nodes[CaseNode] | None = None


class _Pipeline(msgspec.Struct, frozen=True, rename="camel"):
    test_suite: _Suite | None = None


class _Project(msgspec.Struct, frozen=True):
    pipeline: _Pipeline | None = None


class Data(msgspec.Struct, frozen=True):
    project: _Project | None = None


def _question(name: str, fields: str) -> GraphQLQuery[Data]:
    return GraphQLQuery(
        name,
        f"""
query {name}($path: ID!, $iid: ID!, $builds: [ID!]!, $after: String) {{
  project(fullPath: $path) {{
    pipeline(iid: $iid) {{
      testSuite(buildIds: $builds) {{
        testCases(first: 100, after: $after) {{
          pageInfo {{ hasNextPage endCursor }}
          nodes {{ status name classname {fields} }}
        }}
      }}
    }}
  }}
}}""",
        msgspec.json.Decoder(GraphQLReply[Data]),
    )


TEST_CASES = _question("TestCases", "executionTime")
TEST_OUTPUT = _question("TestOutput", "systemOutput stackTrace recentFailures { count baseBranch }")


class SuiteReader:
    """Reads the cases of suites, which are known by the ids of their jobs."""

    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql

    async def failed(self, path: str, iid: str, builds: Sequence[str]) -> tuple[Case, ...]:
        """The failed cases of a suite, at most ten pages of them.

        Raises:
            SourceError
        """
        found = []
        async for node in self._cases(TEST_CASES, path, iid, builds):
            if node.outcome is not CaseOutcome.FAILED:
                break
            name, classname = clean(node.name or ""), clean(node.classname or "")
            found.append(Case(name, classname, CaseOutcome.FAILED, lasted(node.execution_time)))
        return tuple(found)

    async def case(self, path: str, iid: str, builds: Sequence[str], key: CaseKey) -> CaseDetails | None:
        """What one case of a suite said; None when it is not on the first ten pages.

        Raises:
            SourceError
        """
        async for node in self._cases(TEST_OUTPUT, path, iid, builds):
            if (clean(node.classname or ""), clean(node.name or "")) == (key.classname, key.name):
                return case_details(node.system_output, node.stack_trace, node.recent_failures)
        return None

    async def _cases(
        self, question: GraphQLQuery[Data], path: str, iid: str, builds: Sequence[str]
    ) -> AsyncIterator[CaseNode]:
        after: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            data, _errors = await self._graphql.ask(question, path=path, iid=iid, builds=builds, **after)
            pipeline = data.project.pipeline if data.project else None
            suite = pipeline.test_suite if pipeline else None
            cases = suite.test_cases if suite else None
            for node in items(cases):
                yield node
            if cases is None or not cases.page_info.has_next_page or not cases.page_info.end_cursor:
                return
            after = {"after": cases.page_info.end_cursor}


def case_details(system_output: object, stack_trace: object, recent_failures: object) -> CaseDetails:
    """What a case said. Most often ``system_output`` holds all of it, the text of the failure first."""
    output, trace = _text(system_output), _text(stack_trace)
    if not trace:
        output, trace = "", output
    return CaseDetails(
        message=shorten(message_in(trace), _LONGEST_MESSAGE),
        trace=trace,
        output=output,
        notes=_notes(recent_failures),
    )


def _text(value: object) -> str:
    """Texts of a JSON value. GitLab makes objects of XML elements that have attributes."""
    match value:
        case str():
            return clean_lines(value)
        case dict():
            return "\n".join(filter(None, map(_text, value.values())))
        case list():
            return "\n".join(filter(None, map(_text, value)))
    return ""


def _notes(recent_failures: object) -> tuple[str, ...]:
    match recent_failures:
        case {"count": int(count), "base_branch": str(branch)} | {
            "count": int(count),
            "baseBranch": str(branch),
        }:
            times = "once" if count == 1 else f"{count} times"
            return (f"failed {times} in {clean(branch)} in the last 14 days",) if count > 0 else ()
    return ()
