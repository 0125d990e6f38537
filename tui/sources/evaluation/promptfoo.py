"""What ``promptfoo eval -o FILE.json`` writes.

Its ids are new with each evaluation or hashes of the prompt's text, and it gives the results in the order in which
they came: a case is known by its description or its variables, the provider and the prompt's label.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import msgspec

from tui.domain.evaluation import CaseResult, EvaluationCase
from tui.sources.evaluation.case import Kind, case, has, stable

_BY_ERROR = 2
"""Of ``failureReason``: nothing was answered; 1 is an assertion that failed."""


class _Grading(msgspec.Struct, frozen=True):
    reason: str | None = None


class _Provider(msgspec.Struct, frozen=True):
    id: str = ""
    label: str | None = ""

    @property
    def name(self) -> str:
        return self.label or self.id


class _Prompt(msgspec.Struct, frozen=True):
    label: str = ""
    raw: str = ""


class _Test(msgspec.Struct, frozen=True):
    description: str | None = None


class _Result(msgspec.Struct, frozen=True, rename="camel"):
    success: bool
    score: float | None = None
    failure_reason: int = 0
    error: str | None = None
    grading_result: _Grading | None = None
    provider: _Provider | str = ""
    prompt: _Prompt = _Prompt()
    test_case: _Test = _Test()
    vars: dict[str, Any] = {}

    @property
    def place(self) -> tuple[str, str]:
        provider = self.provider if isinstance(self.provider, str) else self.provider.name
        return provider, self.prompt.label or self.prompt.raw


class _Results(msgspec.Struct, frozen=True):
    results: list[_Result]


class _Report(msgspec.Struct, frozen=True):
    results: _Results


def _read(document: Any) -> Iterator[EvaluationCase]:
    results = msgspec.convert(document, _Report).results.results
    providers = {result.place[0] for result in results}
    prompts = {result.place[1] for result in results}
    described = Counter((result.test_case.description, result.place) for result in results)
    for result in results:
        description = result.test_case.description or ""
        unique = bool(description) and described[description, result.place] == 1
        variables = ", ".join(f"{name}={stable(value)}" for name, value in result.vars.items())
        provider, prompt = result.place
        parts = [
            description or variables,
            provider if len(providers) > 1 else "",
            prompt if len(prompts) > 1 else "",
        ]
        if result.success:
            ended = CaseResult.PASSED
        else:
            ended = CaseResult.ERROR if result.failure_reason == _BY_ERROR else CaseResult.FAILED
        graded = result.grading_result.reason if result.grading_result is not None else None
        yield case(
            [description, None if unique else result.vars, provider, prompt],
            " · ".join(filter(None, parts)),
            ended,
            score=result.score,
            better="higher",
            reason=None if result.success else graded or result.error,
        )


KIND = Kind(
    "promptfoo",
    lambda document: has(document, "results") and has(document["results"], "version", "results"),
    _read,
)
