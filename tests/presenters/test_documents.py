"""Documents are filled from the domain's values by the names of their fields."""

import msgspec
import pytest

from tests.examples import NOW, gate, pipeline, run
from tui.domain.health import Fault, Trouble
from tui.domain.pipeline import Listing
from tui.domain.status import Status
from tui.domain.verdict import MetricOutcome, MetricVerdict
from tui.presenters.documents import (
    FaultDoc,
    MetricVerdictDoc,
    document_of,
    fault_document,
    run_document,
    source_document,
)


class Unlike(msgspec.Struct, frozen=True):
    trouble: str
    colour: str


def test_enumerations_addresses_and_parts_become_plain_json() -> None:
    waiting = run(
        "j:deploy#7",
        Status.WAITING,
        parameters=(("VERSION", "1.2"),),
        gates=(gate("j:deploy#7!Promote", "Promote?", since=NOW),),
        stages=None,
    )
    document = msgspec.json.decode(msgspec.json.encode(run_document(waiting)))
    assert (document["address"], document["status"]) == ("j:deploy#7", "waiting")
    assert document["parameters"] == {"VERSION": "1.2"}
    assert document["gates"] == [
        {"address": "j:deploy#7!Promote", "message": "Promote?", "since": NOW, "blocking": True}
        | {"submitter": "", "fields": []}
    ]
    assert document["stages"] is None


def test_what_a_value_has_in_another_form_is_given_beside_it() -> None:
    metric = MetricVerdict(metric="p99", outcome=MetricOutcome.WORSE, reason="slower")
    document = document_of(MetricVerdictDoc, metric, unit="ms")
    assert (document.metric, document.outcome, document.unit) == ("p99", "WORSE", "ms")


def test_a_field_that_nobody_fills_is_a_mistake() -> None:
    with pytest.raises(AttributeError, match="colour"):
        document_of(Unlike, Fault(Trouble.TIMEOUT, "late"))


def test_a_source_that_did_not_answer_has_its_fault_and_no_pipelines() -> None:
    fault = Fault(Trouble.TIMEOUT, "late", 12.0)
    assert fault_document(fault) == FaultDoc("timed out", "late", 12.0)
    found = source_document("j", None, None, fault)
    assert (found.pipelines, found.fault) == ((), FaultDoc("timed out", "late", 12.0))
    listed = source_document("j", Listing((pipeline("j:build"),)), 5.0)
    assert [(row.address, row.last_run) for row in listed.pipelines] == [("j:build", None)]
